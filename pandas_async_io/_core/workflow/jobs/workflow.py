"""The course of requests that submit a job: it is asked for until it has ended, and its result is the row's.

The law of this file: a job that was submitted is not submitted again while it may still run. A submission
that was answered with a success counts as submitted, whatever the answer is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from pandas_async_io._core.errors import AttemptError, PayloadError, UnsafeUrlError
from pandas_async_io._core.models import NO_HEADERS, SAFE_METHODS, Outcome, Page, Request, Result
from pandas_async_io._core.request.headers import merge_headers
from pandas_async_io._core.request.query import refresh_params
from pandas_async_io._core.security.origins import is_same_origin, parse_origin
from pandas_async_io._core.workflow.base import Step, StepResults, Workflow
from pandas_async_io._core.workflow.jobs.job_states import describe_unfinished
from pandas_async_io._core.workflow.paging.links import add_credential_params, restrict_to_origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Response
    from pandas_async_io._core.workflow.base import Deliver
    from pandas_async_io._core.workflow.jobs.poll import JobRequest, Poll

_NOT_FOUND_DELAYS = (0.25, 0.5, 1.0)
"""Seconds after which a job that is not known (404) is asked for again, at least: it may be known elsewhere first."""

_GONE_STATUSES = frozenset({404, 410})
_EXPIRED_LINK_STATUSES = frozenset({400, 403, 404, 410})
"""What a link to a result that was good for a while only is answered with."""

_IDEMPOTENT_METHODS = SAFE_METHODS | {"PUT", "DELETE"}
_UNSENT_OUTCOMES = (Outcome.NOT_ATTEMPTED, Outcome.BUDGET_EXHAUSTED)


@dataclass(slots=True)
class Job:
    """A job on its way.

    Attributes
    ----------
    home : Request
        The submission.
    asked : Request or None
        What was asked last, or was to be, once the job is submitted: without headers, and as the server named it.
    last : bool
        Whether the answer to that is the result.
    status : Request or None
        If so, what tells of a fresh link to the result.
    state : object
        The one that was told last.
    since : float or None
        When it was submitted, on the engine's clock; None if in an earlier run.
    stuck : Result or None
        What the row ended as if it was submitted, and there is nothing to ask.
    unknown : int
        How often it was not known, in this run.
    ended : int
        The row's jobs before this one, which ended without a result.
    """

    home: Request
    asked: Request | None = None
    last: bool = False
    status: Request | None = None
    state: Any = None
    since: float | None = None
    stuck: Result | None = None
    unknown: int = 0
    ended: int = 0

    def over(self) -> None:
        """Take note that the job has ended without a result: another may be submitted in its place."""
        self.asked = self.status = self.state = None
        self.last = False
        self.ended += 1

    def describe_unfinished(self) -> str:
        """Say how far it is."""
        return "the job was done, its result not asked for" if self.last else describe_unfinished(self.state)


@dataclass(slots=True)
class _JobRun:
    """A job, its steps and their results, what the last answer said, the step that another replaces, if it is gone."""

    job: Job
    whole: StepResults = field(default_factory=lambda: StepResults(1))
    steps: dict[int, Request] = field(default_factory=dict)
    said: Any = None
    replaced: int = 0
    gone: bool = False


class PollingWorkflow(Workflow):
    """Follows every position's job to its end.

    Parameters
    ----------
    poll : Poll
        How.
    decode : Interpreter
        Reads the result; all other answers say by themselves what they say.
    deliver : callable
        Takes the result of each position.
    allow_hosts : sequence of str
        Where a question or a result may be, besides the submission's origin; headers stay behind.
    keys : sequence of str
        As in `add_credential_params`.
    idempotency_key : str, optional
        The header whose value tells a submission from any other.
    unfinished : mapping of int to Submitted
        Positions that were submitted by an earlier run.
    """

    def __init__(
        self,
        poll: Poll,
        decode: Interpreter,
        deliver: Deliver,
        *,
        allow_hosts: Sequence[str] = (),
        keys: Sequence[str] = (),
        idempotency_key: str | None = None,
        unfinished: Mapping[int, Job] | None = None,
    ) -> None:
        super().__init__(decode)
        self._poll, self._deliver = poll, deliver
        self._allow_hosts, self._keys, self._key = allow_hosts, keys, idempotency_key
        self._earlier = dict(unfinished or {})
        self._ways: dict[int, _JobRun] = {}

    def begin(self, position: int, request: Request) -> Sequence[Step]:
        """Return the submission, or the question where an earlier run submitted; nothing if that is none to send."""
        before = self._earlier.pop(position, None) or Job(request)
        if before.stuck is not None:
            return self._refuse(position, before, before.stuck)
        job = replace(before, home=request, since=None, unknown=0)
        if before.asked is None:
            job.home = self._rekeyed(request, job.ended)
            return self._start(position, job, Step(1, job.home))
        if is_same_origin(parse_origin(request.url), parse_origin(before.asked.url)):
            job.asked = refresh_params(before.asked, before.home, request)
        try:
            step = Step(2, self._admitted(request, job.asked or before.asked))
        except AttemptError as error:
            return self._refuse(position, before, Result(error.outcome, error=str(error)))
        return self._start(position, job, step)

    def decode(self, position: int, number: int, response: Response) -> Any:
        """Return what an answer says of its job, or the result as it is to be read."""
        way = self._ways[position]
        if way.job.last:
            return self._decode(response)
        way.said = said = self._decode.decode_envelope(response)
        error = self._decode.find_error(said) if number == 1 and self._decode.find_error is not None else None
        if error is not None:
            raise error
        try:
            more = self._ask(number, Page(way.steps[number], response, said), 0.0)
        except AttemptError:
            return said  # it is told when the answer is taken
        return self._decode(response) if more is None else said

    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:
        """Return the next question, or nothing if the answer is the result."""
        way = self._ways[position]
        job = way.job
        job.since = now if job.since is None else job.since
        if job.last:
            return ()
        try:
            ask = self._ask(number, replace(page, payload=way.said), epoch)
        except PayloadError:
            job.over()
            raise
        if ask is None:
            return ()
        job.state = ask.state
        if number == 1:
            job.asked, job.last = ask.request, ask.last  # a later run knows where, whatever speaks against it in this
        self._poll.check(ask, now - job.since)
        request = self._admitted(job.home, ask.request)
        if ask.last:
            job.status = job.asked if number > 1 else job.home if job.home.method == "GET" else None
        job.asked, job.last = ask.request, ask.last
        return [self._next(way, Step(number + 1, request, ask.after))]

    def replacement_steps(self, position: int, number: int, request: Request, status: int) -> Sequence[Step]:
        """Return the same question once more, if the job may not be known yet."""
        way = self._ways[position]
        job = way.job
        if number == 1 or status not in _EXPIRED_LINK_STATUSES:
            return ()
        if job.last and (job.status is not None or status not in _GONE_STATUSES):
            job.asked, job.last = job.status or job.asked, job.status is None
        elif status == 404 and not job.last and job.unknown < len(_NOT_FOUND_DELAYS):
            after = max(self._poll.pause(number - 1), _NOT_FOUND_DELAYS[job.unknown])
            job.unknown += 1
            way.replaced = number
            return [self._next(way, Step(number + 1, request, after))]
        elif status in _GONE_STATUSES:
            job.over()
            way.gone = True
        return ()

    def finish_step(self, position: int, number: int, result: Result) -> None:
        """Take what became of a step; the last one's is the row's."""
        way = self._ways[position]
        url = way.steps.pop(number).url
        if number == 1:
            result = self._first(way.job, result)
        else:
            result = self._later(way, number, replace(result, url=result.url or url))
        way.whole.add(number, result)
        if not way.whole.open_steps:
            self._close(position)
            self._deliver(position, way.whole.combine())

    def close(self) -> None:
        """Close what was cut short, and keep what was not begun."""
        for position in list(self._ways):
            self._close(position)
        self.unfinished.update(self._earlier)

    def _start(self, position: int, job: Job, step: Step) -> Sequence[Step]:
        self._ways[position] = way = _JobRun(job)
        way.steps[step.number] = step.request
        return [step]

    def _refuse(self, position: int, job: Job, result: Result) -> Sequence[Step]:
        self.unfinished[position] = job  # nothing is sent, and it may still run
        self._deliver(position, result)
        return ()

    def _next(self, way: _JobRun, step: Step) -> Step:
        way.whole.open_steps += 1
        way.steps[step.number] = step.request
        return step

    def _ask(self, number: int, page: Page, epoch: float) -> JobRequest | None:
        if number == 1:
            return self._poll.submitted(page, epoch=epoch)
        return self._poll.answered(page, turn=number - 1, epoch=epoch)

    def _admitted(self, home: Request, asked: Request) -> Request:
        """Return a question as it is sent: at home with the submission's credentials."""
        headers = {name: value for name, value in home.headers.items() if name.lower() != "content-type"}
        home = replace(home, headers=headers)
        try:
            request = restrict_to_origin(home, replace(asked, headers=NO_HEADERS), self._allow_hosts)
        except UnsafeUrlError as error:
            raise UnsafeUrlError(str(error).replace("the next page", "the job", 1)) from None
        return add_credential_params(home, request, self._keys)

    def _first(self, job: Job, result: Result) -> Result:
        """Return how a submission ended, and remember it if its job may run and can't be asked for."""
        success = result.status is not None and 200 <= result.status < 300
        unread = success and result.outcome in {Outcome.PARSE_ERROR, Outcome.UNSAFE_URL} and job.asked is None
        if job.home.method in _IDEMPOTENT_METHODS or not (unread or result.outcome is Outcome.BODY_TOO_LARGE):
            return result
        error = f"{result.error} (it was submitted: retry_failed does not submit it again)"
        job.stuck = replace(result, error=error, attempts=0)
        return replace(result, error=error)

    def _later(self, way: _JobRun, number: int, result: Result) -> Result:
        """Return how a question ended, in terms of its job."""
        if number == way.replaced:
            return replace(result, outcome=Outcome.OK)
        if way.gone:
            return replace(result, error=f"the job is gone (retry_failed submits it again): {result.error}")
        if result.outcome in _UNSENT_OUTCOMES:
            why = (result.error or "").removeprefix("not sent: ")
            text = f"{way.job.describe_unfinished()} when the run stopped: {why}; retry_failed goes on asking"
            return replace(result, outcome=Outcome.TIMEOUT, error=text)
        return result

    def _rekeyed(self, request: Request, ended: int) -> Request:
        """Give a job that follows others of its row a key of its own: theirs stands for what they became."""
        given = {name.lower(): text for name, text in request.headers.items()}.get((self._key or "").lower())
        if self._key is None or given is None or not ended:
            return request
        own = str(uuid5(uuid5(NAMESPACE_OID, given), str(ended)))
        return replace(request, headers=merge_headers(request.headers, {self._key: own}))

    def _close(self, position: int) -> None:
        way = self._ways.pop(position)
        job, whole = way.job, way.whole
        fine = whole.last is not None and not whole.open_steps and whole.last.outcome is Outcome.OK
        if not fine and (job.asked is not None or job.stuck is not None or job.ended):
            self.unfinished[position] = job

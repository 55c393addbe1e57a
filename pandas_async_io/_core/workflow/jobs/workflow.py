"""The workflow of jobs: each row submits a job, polls it until it ends, and downloads its result.

Invariant: a job that was submitted is not submitted again while it may still run. A submission that was answered
with a success counts as submitted, whatever its body says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, PayloadError
from pandas_async_io._core.models import NO_RECORDS, SAFE_METHODS, Outcome, Page, Request, Result
from pandas_async_io._core.workflow.base import Step, StepResults, Workflow
from pandas_async_io._core.workflow.jobs.job import Job, Phase
from pandas_async_io._core.workflow.jobs.next_request import check_patience, find_next_request
from pandas_async_io._core.workflow.jobs.request_rules import RequestRules, refresh_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Response
    from pandas_async_io._core.workflow.base import Deliver
    from pandas_async_io._core.workflow.jobs.poll import Poll

_SUBMISSION = 1
"""The number of the step that submits the job; a continued job begins with the next."""

_NOT_FOUND_DELAYS = (0.25, 0.5, 1.0)
"""Minimum seconds before a job that is not found (404) is polled again: another server may know it first."""

_GONE_STATUSES = frozenset({404, 410})
_EXPIRED_LINK_STATUSES = frozenset({400, 403, 404, 410})
"""Statuses with which servers answer an expired link to a result."""

_IDEMPOTENT_METHODS = SAFE_METHODS | {"PUT", "DELETE"}
_UNSENT_OUTCOMES = (Outcome.NOT_ATTEMPTED, Outcome.BUDGET_EXHAUSTED)


@dataclass(slots=True)
class _JobRun:
    """A job in this run.

    Attributes
    ----------
    results : StepResults
        The results of its steps.
    requests : dict of int to Request
        The requests of its open steps.
    payload : object
        What the last response says by itself, whatever ``format=`` and ``parser=`` are.
    repeated_step : int
        The step whose 404 is no failure because another step repeats it.
    is_gone : bool
        Whether the server no longer knows the job.
    """

    job: Job
    results: StepResults = field(default_factory=lambda: StepResults(1))
    requests: dict[int, Request] = field(default_factory=dict)
    payload: Any = None
    repeated_step: int = 0
    is_gone: bool = False


class PollingWorkflow(Workflow):
    """Follows the job of each position to its end.

    Parameters
    ----------
    poll : Poll
        How jobs are polled.
    decode : Interpreter
        Reads the result; other responses are read as what their content type says.
    deliver : callable
        Takes the result of each position.
    rules : RequestRules
        What requests carry, and where they may go.
    unfinished : mapping of int to Job
        Jobs that an earlier run submitted, by position.
    """

    def __init__(
        self,
        poll: Poll,
        decode: Interpreter,
        deliver: Deliver,
        *,
        rules: RequestRules,
        unfinished: Mapping[int, Job] | None = None,
    ) -> None:
        super().__init__(decode)
        self._poll, self._deliver, self._rules = poll, deliver, rules
        self._earlier_jobs = dict(unfinished or {})
        self._runs: dict[int, _JobRun] = {}

    def begin(self, position: int, request: Request) -> Sequence[Step]:
        """Return the submission, or the next request of a job that an earlier run submitted.

        Nothing is sent for a job that was submitted and cannot be polled.
        """
        earlier = self._earlier_jobs.pop(position, None) or Job(request)
        if earlier.final_result is not None:
            return self._end_unsent(position, earlier, earlier.final_result)
        job = replace(earlier, submission=request, submitted_at=None, not_found_count=0)
        if earlier.request is None:
            job.submission = self._rules.renew_idempotency_key(request, job.previous_jobs)
            return self._start(position, job, Step(_SUBMISSION, job.submission))
        job.request = refresh_credentials(earlier.request, earlier.submission, request)
        try:
            step = Step(_SUBMISSION + 1, self._rules.authorize(request, job.request))
        except AttemptError as error:
            return self._end_unsent(position, earlier, Result(error.outcome, error=str(error)))
        return self._start(position, job, step)

    def decode(self, position: int, number: int, response: Response) -> Any:
        """Return the result's payload, or what another response says of its job."""
        run = self._runs[position]
        if run.job.phase is Phase.DOWNLOAD:
            return self._decode(response, position)
        run.payload = payload = self._decode.decode_envelope(response)
        if number == _SUBMISSION and self._decode.find_error is not None:
            error = self._decode.find_error(payload)
            if error is not None:
                raise error
        try:
            page = Page(run.requests[number], response, payload)
            following = find_next_request(self._poll, page, polls=number - 1, epoch=0.0)
        except AttemptError:  # `next_steps` raises it: another attempt would not help
            return NO_RECORDS if self._decode.is_empty(response) else payload
        return self._decode(response, position) if following is None else payload

    def may_be_empty(self, position: int) -> bool:
        """Whether a response may mean an empty result: not that to a poll, where 404 means that the job is unknown."""
        return self._runs[position].job.phase is not Phase.POLL

    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:
        """Return the next poll or the download; nothing if the page is the result."""
        run = self._runs[position]
        job = run.job
        job.submitted_at = now if job.submitted_at is None else job.submitted_at
        if job.phase is Phase.DOWNLOAD:
            return ()
        try:
            page = replace(page, payload=run.payload)
            following = find_next_request(self._poll, page, polls=number - 1, epoch=epoch)
        except PayloadError:
            job.end_without_result()
            raise
        if following is None:
            return ()
        job.state = following.state
        if number == _SUBMISSION:
            job.advance(following)  # even if this run may not send it: a later run can continue from here
        check_patience(self._poll, following, now - job.submitted_at)
        request = self._rules.authorize(job.submission, following.request)
        if following.phase is Phase.DOWNLOAD:
            job.poll_request = job.request if number > _SUBMISSION else _safe_request(job.submission)
        job.advance(following)
        return [self._open_step(run, Step(number + 1, request, following.delay))]

    def replacement_steps(self, position: int, number: int, request: Request, status: int) -> Sequence[Step]:
        """Return the same poll once more, if the server may not know the job yet."""
        run = self._runs[position]
        job = run.job
        if number == _SUBMISSION or status not in _EXPIRED_LINK_STATUSES:
            return ()
        if job.phase is Phase.DOWNLOAD and (job.poll_request is not None or status not in _GONE_STATUSES):
            job.poll_for_new_link()
        elif status == 404 and job.phase is Phase.POLL and job.not_found_count < len(_NOT_FOUND_DELAYS):
            delay = max(self._poll.delay_after(number - 1), _NOT_FOUND_DELAYS[job.not_found_count])
            job.not_found_count += 1
            run.repeated_step = number
            return [self._open_step(run, Step(number + 1, request, delay))]
        elif status in _GONE_STATUSES:
            job.end_without_result()
            run.is_gone = True
        return ()

    def list_void_requests(self, position: int) -> Sequence[Request]:
        """Return the submission of a job that ended without a result: a later run is to submit another one."""
        job = self._runs[position].job
        return [job.submission] if job.phase is Phase.SUBMIT and job.previous_jobs else []

    def finish_step(self, position: int, number: int, result: Result) -> None:
        """Take the result of a step; deliver the row's when no step is open."""
        run = self._runs[position]
        url = run.requests.pop(number).url
        if number == _SUBMISSION:
            result = self._explain_submission(run.job, result)
        else:
            result = self._explain_later_step(run, number, replace(result, url=result.url or url))
        run.results.add(number, result)
        if not run.results.open_steps:
            self._close(position)
            self._deliver(position, run.results.combine())

    def close(self) -> None:
        """Keep the jobs that were cut short, and those that were not begun, for a later run."""
        for position in list(self._runs):
            self._close(position)
        self.unfinished.update(self._earlier_jobs)

    def _start(self, position: int, job: Job, step: Step) -> Sequence[Step]:
        self._runs[position] = run = _JobRun(job)
        run.requests[step.number] = step.request
        return [step]

    def _end_unsent(self, position: int, job: Job, result: Result) -> Sequence[Step]:
        self.unfinished[position] = job  # it may still run
        self._deliver(position, result)
        return ()

    def _open_step(self, run: _JobRun, step: Step) -> Step:
        run.results.open_steps += 1
        run.requests[step.number] = step.request
        return step

    def _explain_submission(self, job: Job, result: Result) -> Result:
        """Return the result of a submission; keep it as final if the job may run and cannot be polled."""
        was_accepted = result.status is not None and 200 <= result.status < 300
        is_unread = was_accepted and result.outcome in {Outcome.PARSE_ERROR, Outcome.UNSAFE_URL} and job.request is None
        if job.submission.method in _IDEMPOTENT_METHODS or not (is_unread or result.outcome is Outcome.BODY_TOO_LARGE):
            return result
        error = f"{result.error} (it was submitted: retry_failed does not submit it again)"
        job.final_result = replace(result, error=error, attempts=0)
        return replace(result, error=error)

    def _explain_later_step(self, run: _JobRun, number: int, result: Result) -> Result:
        """Return the result of a poll or a download, with an error about the job."""
        if number == run.repeated_step:
            return replace(result, outcome=Outcome.OK)
        if run.is_gone:
            return replace(result, error=f"the job is gone (retry_failed submits it again): {result.error}")
        if result.outcome in _UNSENT_OUTCOMES:
            reason = (result.error or "").removeprefix("not sent: ")
            text = f"{run.job.describe_progress()} when the run stopped: {reason}; retry_failed continues to poll it"
            return replace(result, outcome=Outcome.TIMEOUT, error=text)
        return result

    def _close(self, position: int) -> None:
        run = self._runs.pop(position)
        last, is_complete = run.results.last, not run.results.open_steps
        is_ok = is_complete and last is not None and last.outcome is Outcome.OK
        if not is_ok and run.job.can_be_continued:
            self.unfinished[position] = run.job


def _safe_request(submission: Request) -> Request | None:
    """Return a submission that can be sent as a poll: a GET; None for any other method."""
    return submission if submission.method == "GET" else None

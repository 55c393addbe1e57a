"""The course of requests that submit a job: it is asked for until it has ended, and its result is the row's.

The law of this file: a job that was submitted is not submitted again while it may still run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.course import Step, Sum
from pandas_async_io._core.errors import PayloadError
from pandas_async_io._core.models import Outcome, Request, Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas_async_io._core.course import Decode, Deliver
    from pandas_async_io._core.models import Page, Response
    from pandas_async_io._core.poll import Ask, Poll


@dataclass(slots=True)
class Submitted:
    """A job on its way.

    Attributes
    ----------
    home : Request
        The submission.
    asked : Request or None
        What was asked last, once the job is submitted.
    last : bool
        Whether the answer to that is the result.
    since : float or None
        When it was submitted, on the engine's clock; None if in an earlier run.
    """

    home: Request
    asked: Request | None = None
    last: bool = False
    since: float | None = None


class Polling:
    """Follows every position's job to its end.

    Parameters
    ----------
    poll : Poll
        How.
    decode : callable
        Takes a response and returns its payload.
    deliver : callable
        Takes the result of each position.
    allow_hosts : sequence of str
        As in `Poll.answered`.
    unfinished : mapping of int to Submitted
        Positions whose jobs were submitted by an earlier run.

    Attributes
    ----------
    unfinished : dict of int to Submitted
        Positions whose jobs may still run.
    """

    def __init__(
        self,
        poll: Poll,
        decode: Decode,
        deliver: Deliver,
        *,
        allow_hosts: Sequence[str] = (),
        unfinished: Mapping[int, Submitted] | None = None,
    ) -> None:
        self.unfinished: dict[int, Submitted] = {}
        self._poll, self._decode, self._deliver, self._allow_hosts = poll, decode, deliver, allow_hosts
        self._earlier = dict(unfinished or {})
        self._jobs: dict[int, tuple[Submitted, Sum]] = {}

    def begin(self, position: int, request: Request) -> Sequence[Step]:
        """Return the submission, or the question where an earlier run submitted."""
        job = self._earlier.pop(position, None)
        if job is None or job.asked is None:
            self._jobs[position] = Submitted(request), Sum(1)
            return [Step(1, request)]
        fresh = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
        asked = replace(job.asked, headers=fresh if job.asked.headers else job.asked.headers)
        self._jobs[position] = Submitted(request, asked, job.last), Sum(1)
        return [Step(2, asked)]

    def decode(self, position: int, number: int, response: Response) -> Any:  # noqa: ARG002 - of the protocol
        """Return what an answer holds."""
        return self._decode(response)

    def answered(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:
        """Return the next question, or nothing if the answer is the result."""
        job, whole = self._jobs[position]
        job.since = now if job.since is None else job.since
        if job.last:
            return ()
        try:
            ask = self._ask(job, number, page, now - job.since, epoch)
        except PayloadError:
            job.asked = None  # it has failed: it may be submitted again
            raise
        if ask is None:
            return ()
        job.asked, job.last = ask.request, ask.last
        whole.open += 1
        return [Step(number + 1, ask.request, ask.after)]

    def _ask(self, job: Submitted, number: int, page: Page, waited: float, epoch: float) -> Ask | None:
        if number == 1:
            return self._poll.submitted(page, epoch=epoch, allow_hosts=self._allow_hosts)
        return self._poll.answered(
            page, job.home, turn=number - 1, waited=waited, epoch=epoch, allow_hosts=self._allow_hosts
        )

    def refused(self, position: int, number: int, request: Request, status: int) -> Sequence[Step]:  # noqa: ARG002 - of the protocol
        """Return nothing."""
        return ()

    def ended(self, position: int, number: int, result: Result) -> None:
        """Take what became of a step; the last one's is the row's."""
        _job, whole = self._jobs[position]
        whole.add(number, result)
        if not whole.open:
            self._close(position)
            self._deliver(position, whole.result())

    def close(self) -> None:
        """Close what was cut short."""
        for position in list(self._jobs):
            self._close(position)

    def _close(self, position: int) -> None:
        job, whole = self._jobs.pop(position)
        fine = whole.last is not None and not whole.open and whole.last.outcome is Outcome.OK
        if job.asked is not None and not fine:
            self.unfinished[position] = job

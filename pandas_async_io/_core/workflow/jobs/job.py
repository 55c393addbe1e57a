"""One row's job: its phases submit → poll → download, and the transitions between them.

A `Job` outlives its run: `retry_failed` continues with it instead of submitting again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.workflow.jobs.job_states import describe_unfinished

if TYPE_CHECKING:
    from pandas_async_io._core.models import Request, Result


class Phase(Enum):
    """The purpose of a request of a job.

    ::

        SUBMIT → POLL → DOWNLOAD
        SUBMIT → DOWNLOAD           the response to the submission says done
        DOWNLOAD → POLL             the link to the result expired, and polling gives a new one
        POLL, DOWNLOAD → SUBMIT     the job failed or is gone: a later run submits another one
    """

    SUBMIT = auto()
    POLL = auto()
    DOWNLOAD = auto()


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A request that follows a response of the job's API.

    Attributes
    ----------
    request : Request
        Without headers; the caller decides whether it may leave the origin.
    delay : float
        Seconds to wait before it is sent.
    phase : Phase
        ``POLL`` or ``DOWNLOAD``.
    state : object
        The job's state, None if unknown.
    min_delay : float
        The part of ``delay`` that the server asked for.
    """

    request: Request
    delay: float
    phase: Phase = Phase.POLL
    state: Any = None
    min_delay: float = 0.0


@dataclass(slots=True)
class Job:
    """The job of one row.

    Attributes
    ----------
    submission : Request
        The request that submits it.
    phase : Phase
        What ``request`` is for; ``SUBMIT`` until the submission was answered.
    request : Request or None
        The last request to the job, sent or to be sent, without headers; None in phase ``SUBMIT``.
    poll_request : Request or None
        In phase ``DOWNLOAD``: the request that gives a new link to the result, None if there is none.
    state : object
        The last state.
    submitted_at : float or None
        On the engine's clock; None if an earlier run submitted it.
    final_result : Result or None
        The result of a row whose job was submitted but cannot be polled.
    not_found_count : int
        404 responses to polls, in this run.
    previous_jobs : int
        Jobs of this row before this one, which ended without a result.
    """

    submission: Request
    phase: Phase = Phase.SUBMIT
    request: Request | None = None
    poll_request: Request | None = None
    state: Any = None
    submitted_at: float | None = None
    final_result: Result | None = None
    not_found_count: int = 0
    previous_jobs: int = 0

    @property
    def can_be_continued(self) -> bool:
        """Whether a later run must know of this job."""
        return self.request is not None or self.final_result is not None or self.previous_jobs > 0

    def advance(self, following: JobRequest) -> None:
        """Go on to the next request."""
        self.request, self.phase = following.request, following.phase

    def poll_for_new_link(self) -> None:
        """After an expired link: poll again, or keep the link if there is nothing to poll."""
        if self.poll_request is not None:
            self.request, self.phase = self.poll_request, Phase.POLL

    def end_without_result(self) -> None:
        """Return to the start: another job may be submitted in place of this one."""
        self.request = self.poll_request = self.state = None
        self.phase = Phase.SUBMIT
        self.previous_jobs += 1

    def describe_progress(self) -> str:
        """Return a sentence that says how far the job is."""
        if self.phase is Phase.DOWNLOAD:
            return "the job was done, its result not downloaded"
        return describe_unfinished(self.state)

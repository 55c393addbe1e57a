"""What one run may spend: time and requests."""

from __future__ import annotations

from pandas_async_io._core.errors import AttemptError, AttemptTimeoutError
from pandas_async_io._core.models import SAFE_METHODS, Outcome
from pandas_async_io._core.policy.retries.retry import Stop

_UNLIMITED = float("inf")
_TIMER_SECONDS = 0.002
"""Seconds by which a timer may fire early."""


class RunBudget:
    """Count what a run spends, and stop it when a limit is reached.

    Parameters
    ----------
    deadline : float
        When the run stops, on the engine's clock.
    max_requests : int or None
        Requests that may be sent, retries included.

    Examples
    --------
    >>> budget = RunBudget(deadline=5.0, max_requests=1)
    >>> budget.check(0.0)
    >>> budget.count_sent()
    >>> budget.check(0.0).outcome, budget.check(9.0).outcome
    (<Outcome.BUDGET_EXHAUSTED: 'budget_exhausted'>, <Outcome.NOT_ATTEMPTED: 'not_attempted'>)
    """

    __slots__ = ("_ended", "_max_requests", "_requests_left", "deadline")

    def __init__(self, *, deadline: float = _UNLIMITED, max_requests: int | None = None) -> None:
        self.deadline = deadline
        self._ended: Stop | None = None
        self._max_requests = max_requests
        self._requests_left = _UNLIMITED if max_requests is None else max_requests

    def check(self, now: float) -> Stop | None:
        """Return how an unsent row ends if nothing more may be sent, None if the run goes on."""
        if self.is_past_deadline(now):
            return Stop(Outcome.NOT_ATTEMPTED, "not sent: the run's deadline has passed")
        if self._requests_left <= 0:
            text = f"not sent: max_requests={self._max_requests} is spent"
            return self._ended or Stop(Outcome.BUDGET_EXHAUSTED, text)
        return None

    def end(self, stop: Stop) -> None:
        """Let nothing more be sent: unsent rows end with `stop`."""
        self._ended = stop
        self._requests_left = -_UNLIMITED

    def is_past_deadline(self, now: float) -> bool:
        """Return whether the deadline has passed, or passes within a timer's precision."""
        return now + _TIMER_SECONDS >= self.deadline

    def count_sent(self) -> None:
        """Count a request that is sent."""
        self._requests_left -= 1

    def uncount_sent(self) -> None:
        """Undo the last count: this machine had no connection for the request."""
        self._requests_left += 1


def to_deadline_error(error: AttemptError) -> AttemptError:
    """Return a timeout as one of the run's deadline, which had passed; any other error unchanged.

    Examples
    --------
    >>> to_deadline_error(AttemptTimeoutError("no complete answer from https://e.com within 0.193 s", transient=True))
    AttemptTimeoutError("no complete answer before the run's deadline")
    """
    if not isinstance(error, AttemptTimeoutError):
        return error
    text = "no complete answer before the run's deadline"
    return AttemptTimeoutError(text, transient=error.transient, received=error.received)


def describe_cancelled(method: str) -> str:
    """Return the error text of a request that was under way when the run was stopped.

    Examples
    --------
    >>> describe_cancelled("GET"), describe_cancelled("POST")
    ('stopped while it was under way', 'stopped while it was under way: the server may have received it')
    """
    return "stopped while it was under way" + ("" if method in SAFE_METHODS else ": the server may have received it")

"""What one whole run may spend: time, requests, retries."""

from __future__ import annotations

from pandas_async_io._core.errors import AttemptError, AttemptTimeoutError
from pandas_async_io._core.models import SAFE_METHODS, Outcome
from pandas_async_io._core.policy.retry import Stop
from pandas_async_io._core.policy.retry_budget import RetryBudget

_FOREVER = float("inf")
_GRAIN = 0.002
"""Seconds."""


class Ration:
    """Counts what a run has spent and says when it stops.

    Parameters
    ----------
    concurrency : int
        Requests in flight: the floor of the retries.
    until : float
        When the run's deadline passes, on the engine's clock.
    max_requests : int or None
        Requests on the wire, repeated ones included.
    retries : float
        Their share of the requests.

    Examples
    --------
    >>> ration = Ration(1, until=5.0, max_requests=1)
    >>> ration.stop(0.0)
    >>> ration.sent(first=True)
    >>> ration.stop(0.0).outcome, ration.stop(9.0).outcome
    (<Outcome.BUDGET_EXHAUSTED: 'budget_exhausted'>, <Outcome.NOT_ATTEMPTED: 'not_attempted'>)
    """

    __slots__ = ("_left", "_max", "_retries", "until")

    def __init__(
        self, concurrency: int, *, until: float = _FOREVER, max_requests: int | None = None, retries: float = 0.2
    ) -> None:
        self.until = until
        self._max = max_requests
        self._left = _FOREVER if max_requests is None else max_requests
        self._retries = RetryBudget(concurrency, retries)

    def stop(self, now: float) -> Stop | None:
        """Return how an unsent row ends if nothing more is sent, None if the run goes on."""
        if self.late(now):
            return Stop(Outcome.NOT_ATTEMPTED, "not sent: the run's deadline has passed")
        if self._left <= 0:
            return Stop(Outcome.BUDGET_EXHAUSTED, f"not sent: max_requests={self._max} is spent")
        return None

    def late(self, now: float) -> bool:
        """Whether the deadline has passed; a timer may ring a little before its time."""
        return now + _GRAIN >= self.until

    def sent(self, *, first: bool) -> None:
        """Count a request on the wire, and whether it is its row's first."""
        self._left -= 1
        if first:
            self._retries.sent()

    def unsent(self) -> None:
        """Take the last request back: it did not get on the wire."""
        self._left += 1

    def retry(self) -> bool:
        """Take one retry; False if they are spent."""
        return self._retries.take()


def cut_short(error: AttemptError) -> AttemptError:
    """Return the error of an attempt for which the run had no more time; others stay what they are.

    Examples
    --------
    >>> cut_short(AttemptTimeoutError("no complete answer from https://e.com within 0.193 s", passing=True))
    AttemptTimeoutError("no complete answer before the run's deadline")
    """
    if not isinstance(error, AttemptTimeoutError):
        return error
    text = "no complete answer before the run's deadline"
    return AttemptTimeoutError(text, passing=error.passing, received=error.received)


def cancelled(method: str) -> str:
    """Return what is said of a request that was under way when the run was stopped.

    Examples
    --------
    >>> cancelled("GET"), cancelled("POST")
    ('stopped while it was under way', 'stopped while it was under way: the server may have received it')
    """
    return "stopped while it was under way" + ("" if method in SAFE_METHODS else ": the server may have received it")


def pointless(status: int) -> Stop:
    """Return how the rows of an origin end whose first answers were all 401, all 403, or none (0).

    Examples
    --------
    >>> pointless(401).error
    'not sent: the first 25 answers were all 401: are the credentials right?'
    """
    why = f"were all {status}: are the credentials right?" if status else "failed for good, all alike"
    return Stop(Outcome.NOT_ATTEMPTED, f"not sent: the first 25 answers {why}")

"""When the first responses of an origin show that no row can succeed."""

from __future__ import annotations

from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.retry import Stop

_STOPPING_STATUSES = frozenset({0, 401, 403})
"""Statuses that may stop a run; 0 stands for an origin without a usable address or certificate."""

_EQUAL_RESPONSES = 25
"""Equal first responses after which the run stops."""


class Canary:
    """Stops a run when its first 25 responses are all 401, all 403, or all missing.

    With ``concurrency`` requests in flight, at most ``concurrency`` + 25 are sent.

    Examples
    --------
    >>> canary = Canary()
    >>> stops = [canary.record(401) for _ in range(25)]
    >>> stops[23], stops[24].error
    (None, 'not sent: the first 25 answers were all 401: are the credentials right?')
    """

    __slots__ = ("_count", "_mixed", "_status")

    def __init__(self) -> None:
        self._status: int | None = None
        self._mixed = False
        self._count = 0

    def record(self, status: int) -> Stop | None:
        """Count a response that is no refusal, and return how unsent rows end if the run stops.

        Parameters
        ----------
        status : int
            0 if the origin cannot be reached at all.
        """
        if self._mixed:
            return None
        if self._status is None:
            self._status = status
        if status != self._status or status not in _STOPPING_STATUSES:
            self._mixed = True
            return None
        self._count += 1
        return _stop(status) if self._count >= _EQUAL_RESPONSES else None


def _stop(status: int) -> Stop:
    why = f"were all {status}: are the credentials right?" if status else "failed for good, all alike"
    return Stop(Outcome.NOT_ATTEMPTED, f"not sent: the first {_EQUAL_RESPONSES} answers {why}")

"""How far apart requests to an endpoint start, as learnt from its refusals."""

from __future__ import annotations

import math

from pandas_async_io._core.policy.retries.unavailable import UnavailableResponses, Verdict
from pandas_async_io._core.policy.throttling.pace import Pace

_FREE_STARTS = 8
"""Requests in flight before the first response from which on starts are spaced."""
_FIRST_GAP = 0.002
"""Seconds after the first of those starts, and half of it after each further one: all gaps together take 4 ms. The
first response may be a refusal of all of them; from a near server it comes in that time, and to a far one the
time does not matter."""
_LAST_GAP = 0.0001
"""Below it a timer costs more than it spaces."""
_MADE_UP_SHARE = 0.05
"""The share of a gap by which a start that came late shortens the next one."""


class LearntPace:
    """Spaces the starts to one endpoint.

    Attributes
    ----------
    next_start : float
        When the next request may start, on the loop's clock.
    has_response : bool
        Whether the endpoint has sent any response.
    """

    __slots__ = ("_first_gap", "_pace", "_unavailable", "has_response", "next_start")

    def __init__(self) -> None:
        self.next_start = 0.0
        self.has_response = False
        self._first_gap = _FIRST_GAP
        self._pace: Pace | None = None
        self._unavailable = UnavailableResponses()

    @property
    def accepted(self) -> int:
        """Requests that were answered and not refused."""
        return 0 if self._pace is None else self._pace.accepted

    @property
    def is_limited(self) -> bool:
        """Whether a refusal has set a pace."""
        return self._pace is not None and self._pace.spacing > 0

    def begin(self, now: float) -> None:
        """Measure from now on, unless it has begun before."""
        if self._pace is None:
            self._pace = Pace(now)

    def record_start(self, now: float, in_flight: int) -> None:
        """Count a start and set the time of the next one."""
        if self.has_response and self._pace is not None and self._pace.rate == math.inf:  # nearly all starts
            self._pace.record_start(now)
            self.next_start = max(self.next_start, now)
            return
        gap = 0.0
        if not self.has_response and in_flight >= _FREE_STARTS:
            gap = self._first_gap
            self._first_gap = gap / 2 if gap > _LAST_GAP else 0.0
        if self._pace is not None:
            self._pace.record_start(now)
            gap = max(gap, self._pace.spacing)
        self.next_start = max(self.next_start, now - gap * _MADE_UP_SHARE) + gap

    def record_answer(self, started: float, now: float) -> None:
        """Learn from an attempt that was not refused."""
        if self._pace is not None:
            self._pace.record_accepted(now, started=started)

    def record_refusal(self, started: float, now: float, asked: float = 0.0) -> float:
        """Learn from a refusal, and return the seconds for which no request should start.

        Parameters
        ----------
        asked : float
            Seconds that the server asks to wait; 0 if it names none.
        """
        pause = None if self._pace is None else self._pace.record_refusal(now, started=started, asked=asked)
        return pause or 0.0

    def is_limiter(self, started: float, now: float) -> bool:
        """Record a 503 without Retry-After, and return whether a limiter refused the request."""
        if self._pace is None:
            return False
        pace = self._pace
        verdict = self._unavailable.record(started, accepted=pace.accepted, accepted_at=pace.accepted_at)
        if verdict is Verdict.NO_LIMITER:
            pace.forget(now)
            self.next_start = now
        return verdict is Verdict.REFUSAL

"""How far apart requests to an origin start, as learnt from its refusals."""

from __future__ import annotations

from pandas_async_io._core.policy.pace import Pace

_FREE_STARTS = 8
"""Requests in flight before the first response from which on starts are spaced."""
_FIRST_GAP = 0.002
"""Seconds between those starts: the first response may be a refusal of all of them."""
_MADE_UP_SHARE = 0.05
"""The share of a gap by which a start that came late shortens the next one."""


class LearntPace:
    """Spaces the starts to one origin.

    Attributes
    ----------
    next_start : float
        When the next request may start, on the loop's clock.
    has_response : bool
        Whether the origin has sent any response.
    """

    __slots__ = ("_pace", "has_response", "next_start")

    def __init__(self) -> None:
        self.next_start = 0.0
        self.has_response = False
        self._pace: Pace | None = None

    def begin(self, now: float) -> None:
        """Measure from now on, unless it has begun before."""
        if self._pace is None:
            self._pace = Pace(now)

    def record_start(self, now: float, in_flight: int) -> None:
        """Count a start and set the time of the next one."""
        gap = _FIRST_GAP if not self.has_response and in_flight >= _FREE_STARTS else 0.0
        if self._pace is not None:
            self._pace.record_start(now)
            gap = max(gap, self._pace.spacing)
        self.next_start = max(self.next_start, now - gap * _MADE_UP_SHARE) + gap

    def record_answer(self, started: float, now: float) -> None:
        """Learn from an attempt that was not refused."""
        if self._pace is not None:
            self._pace.record_accepted(now, started=started)

    def record_refusal(self, started: float, now: float) -> float:
        """Learn from a refusal, and return the seconds for which nobody should start."""
        pause = None if self._pace is None else self._pace.record_refusal(now, started=started)
        return pause or 0.0

"""When the starts of one rate are due, so that the rate keeps its average.

Times are seconds of a monotonic clock.
"""

from __future__ import annotations

_MAX_LAG_SECONDS = 1.0
"""Delay of a start that is made up for, at most."""


class StartSchedule:
    """The due times of starts that are evenly spaced.

    A timer that fires late delays one start. The starts after it are moved closer together until
    the average is restored. Time in which no request was ready is not made up for.

    Parameters
    ----------
    spacing : float
        Seconds from one start to the next.
    closest : float
        Seconds between two starts, at least.

    Examples
    --------
    >>> schedule = StartSchedule(spacing=1.0, closest=0.875)
    >>> schedule.record_start(0.25, ready=0.0)
    >>> schedule.not_before
    1.125
    >>> schedule.record_start(5.0, ready=5.0)
    >>> schedule.not_before
    6.0
    """

    __slots__ = ("_closest", "_due", "_spacing", "not_before")

    def __init__(self, spacing: float, closest: float) -> None:
        self._spacing, self._closest = spacing, closest
        self._due = -float("inf")
        self.not_before = -float("inf")
        """When the next request may start."""

    def record_start(self, now: float, *, ready: float) -> None:
        """Record a start, and since when nothing but this rate held it back."""
        due = min(max(self._due, ready, now - _MAX_LAG_SECONDS), now)
        self._due = due + self._spacing
        self.not_before = max(self._due, now + self._closest)

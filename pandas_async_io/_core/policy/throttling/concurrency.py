"""Adaptive concurrency: how many requests in flight a server can take, learnt from its responses.

Times are seconds of a monotonic clock. The constants were tuned on simulated servers;
the tests hold the simulations.
"""

from __future__ import annotations

from enum import Enum, auto

from pandas_async_io._core.policy.throttling.queue_detector import QueueDetector
from pandas_async_io._core.policy.throttling.refusal_ceiling import RefusalCeiling

_WINDOW = 12
"""Round trips in a window, or the limit, if that is higher."""
_REDUCED_WINDOW = 4
"""Round trips in a window with a reduced limit."""
_WINDOWS_PER_REDUCTION = 16


class Growth(Enum):
    """How the limit grows."""

    DOUBLING = auto()
    """No queue and no refusal so far."""
    CLIMBING = auto()
    """By about 2 % per window."""


class AdaptiveConcurrency:
    """A concurrency limit that grows while round trips stay short, and shrinks with a queue or a refusal.

    The limit doubles until the first sign of a queue or the first refusal, then climbs
    slowly, below a concurrency that was refused. In one window of 16 it is halved, to
    measure round trips without a queue that this client causes.

    Parameters
    ----------
    start, low, high : int
        Requests in flight: at first, at least, at most.

    Examples
    --------
    >>> adaptive = AdaptiveConcurrency(high=64)
    >>> adaptive.limit
    8
    >>> adaptive.record_refusal(1.0, 8), adaptive.limit
    (True, 7)
    """

    __slots__ = (
        "_accepted",
        "_ceiling",
        "_growth",
        "_high",
        "_limit_since",
        "_low",
        "_queue",
        "_rtts",
        "_target",
        "_was_full",
        "_window",
        "_windows",
        "limit",
    )

    def __init__(self, start: int = 8, low: int = 1, high: int = 32) -> None:
        self._low, self._high = low, high
        self._growth = Growth.DOUBLING
        self._queue = QueueDetector()
        self._ceiling = RefusalCeiling(low)
        self._accepted = self._windows = 0
        self._rtts: list[float] = []  # of the present window
        self._was_full = False  # whether the limit was reached in it
        self._set_target(float(start), -float("inf"))

    @property
    def is_growing(self) -> bool:
        """Whether the limit still doubles: there was neither a queue nor a refusal."""
        return self._growth is Growth.DOUBLING

    def record_success(self, rtt: float, in_flight: int, now: float) -> None:
        """Record a response after ``rtt`` seconds, with ``in_flight`` requests at its end, itself included."""
        if now - rtt < self._limit_since:
            return  # the request was sent under another limit
        self._accepted += 1
        self._rtts.append(rtt)
        self._was_full = self._was_full or in_flight >= self.limit
        if len(self._rtts) >= self._window:
            self._end_window(now)

    def record_refusal(self, now: float, in_flight: int, delay: float = 0.0) -> bool:
        """Record a refusal, or that this process has no more sockets.

        Parameters
        ----------
        in_flight : int
            Requests in flight at its end, itself included. Those that are left after the last refusal of a burst
            were accepted.
        delay : float
            Seconds of pause that it costs.

        Returns
        -------
        bool
            Whether fewer in flight may help. If not, the origin limits the rate, and the limit is restored to
            what it was before the refusals.
        """
        self._growth = Growth.CLIMBING
        fewer = self._ceiling.lower_limit(now, self.limit, in_flight, self._accepted, delay)
        self._set_target(float(max(self._ceiling.limit_before, self.limit) if fewer is None else fewer), now)
        return fewer is not None

    def _end_window(self, now: float) -> None:
        """Set the next limit from the round trips of a window."""
        self._rtts.sort()
        reduced = self._is_reduced
        factor = self._queue.judge(self._rtts, alone=self.limit <= 1, reduced=reduced)
        self._windows += 1
        target = self._target
        if factor is not None:
            self._growth = Growth.CLIMBING
            target *= factor
        elif self._was_full and not reduced and self._windows > 1:  # the first window has nothing to compare with
            grown = target * 2 if self._growth is Growth.DOUBLING else target * 1.02 + 0.25
            target = self._ceiling.cap(grown, now, self._accepted)
        self._set_target(target, now)
        if self._windows % _WINDOWS_PER_REDUCTION == 1:
            self._set_limit(max(self._low, self.limit // 2))

    @property
    def _is_reduced(self) -> bool:
        return self.limit < int(self._target)

    def _set_target(self, target: float, now: float) -> None:
        self._target = min(max(target, float(self._low)), float(self._high))
        self._limit_since = now
        self._rtts = []
        self._was_full = False
        self._set_limit(int(self._target))

    def _set_limit(self, limit: int) -> None:
        self.limit = limit
        self._window = max(_REDUCED_WINDOW if self._is_reduced else _WINDOW, limit)

"""Whether requests queue at a server: round trips compared with those without a queue."""

from __future__ import annotations

_UNKNOWN = float("inf")

_TOLERANCE = 1.25
"""A median round trip above this multiple of the one without a queue shows a queue."""
_BASELINE_GROWTH = 1.02
"""Factor of the baseline per window: the shortest round trips may have been chance."""


class QueueDetector:
    """Detect a queue from windows of round trips.

    Examples
    --------
    >>> detector = QueueDetector()
    >>> [detector.judge([rtt] * 12) for rtt in (0.1, 0.1, 0.2)]
    [None, None, 0.5625]
    """

    __slots__ = ("_baseline", "_queued_windows")

    def __init__(self) -> None:
        self._baseline = _UNKNOWN  # seconds of a round trip without a queue
        self._queued_windows = 0  # consecutive

    def judge(self, rtts: list[float], *, alone: bool = False, reduced: bool = False) -> float | None:
        """Return the factor of the concurrency that ends a queue, or None if there is no queue.

        Parameters
        ----------
        rtts : list of float
            Round trips of one window in seconds, in ascending order.
        alone : bool
            Whether one request at a time was in flight: it cannot queue behind another.
        reduced : bool
            Whether the concurrency was reduced to measure round trips without a queue.

        Returns
        -------
        float or None
            From 0.5 to 1; 1.0 if round trips vary so much that one slow window may be chance.
        """
        lower, median, upper = (rtts[int(share * len(rtts))] for share in (0.25, 0.5, 0.75))
        first = self._baseline == _UNKNOWN
        spread = 2 * (upper - lower) / len(rtts) ** 0.5
        steady = first or spread < (_TOLERANCE - 1) * self._baseline
        if first or alone or (reduced and steady):
            self._baseline = median
        else:
            self._baseline = min(self._baseline * (1 if steady else _BASELINE_GROWTH), median)
        longest = self._baseline + max((_TOLERANCE - 1) * self._baseline, spread)
        if median <= longest:
            self._queued_windows = 0
            return None
        self._queued_windows += 1
        return max(0.5, 0.9 * longest / median) if self._queued_windows > 1 or steady else 1.0

"""When the workers of a cluster may start requests: start times of one rate, handed out in blocks.

Invariant: no two start times are closer than the rates allow, whoever gets them. A block that is lost with its worker
is lost time, never a start too many.

Times are seconds of the one clock of whoever hands them out. A worker gets delays from now, so that the clocks of
the machines need not agree.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pandas_async_io._core.policy.throttling.rate import Rate

_BLOCK_SECONDS = 0.25
"""Seconds of all workers' starts that one round of blocks holds."""
_MAX_LEAD_SECONDS = 0.5
"""Seconds ahead of now for which starts are handed out: so much is lost with a worker, or after a pause."""
_LEAST_MARGIN = 0.045
"""Share of a rate that is kept, at least: a message that takes longer than another moves starts closer together."""
MAX_LATE_SECONDS = 0.04
"""Seconds after its time at which a start is still made; later it is dropped."""


class Spacing(NamedTuple):
    """A rate, as it travels to whoever hands out its starts.

    Attributes
    ----------
    seconds : float
        From one start to the next.
    burst : int
        Starts that may come at once.
    """

    seconds: float
    burst: int


def space_for_cluster(rate: Rate) -> Spacing:
    """Return the spacing of a rate that several workers share.

    Examples
    --------
    >>> from pandas_async_io._core.policy.throttling.rate import Rate
    >>> space_for_cluster(Rate(100)).seconds == Rate(100).spacing, space_for_cluster(Rate(100, margin=0))
    (True, Spacing(seconds=0.0104..., burst=1))
    """
    least = rate.per * rate.cost / (rate.count * (1 - _LEAST_MARGIN))
    return Spacing(max(rate.spacing, least), rate.burst)


class StartBlocks:
    """Hands out the start times of some rates.

    Examples
    --------
    >>> blocks, rates = StartBlocks(), [Spacing(0.125, 1)]
    >>> blocks.take(10.0, rates, wanted=9, workers=1), blocks.take(10.0, rates, wanted=9, workers=2)
    ([0.0, 0.125], [0.25])
    >>> blocks.wait(10.0, rates), blocks.take(20.0, rates, wanted=9, workers=2)
    (0.0, [0.0])
    """

    __slots__ = ("_due", "_paused_until")

    def __init__(self) -> None:
        self._due: dict[Spacing, float] = {}
        self._paused_until = 0.0

    def pause(self, until: float) -> None:
        """Hand out no start before a moment; starts that were handed out are for the workers to drop."""
        self._paused_until = max(self._paused_until, until)

    def wait(self, now: float, rates: Sequence[Spacing]) -> float:
        """Return the seconds after which to hand out the next block: what is far ahead is handed out later."""
        return max(self._next_start(now, rates) - now - _MAX_LEAD_SECONDS, 0.0)

    def take(self, now: float, rates: Sequence[Spacing], *, wanted: int, workers: int) -> list[float]:
        """Return a block: the delays from now of a worker's next starts.

        Parameters
        ----------
        wanted : int
            Starts that the worker can use.
        workers : int
            Workers that ask for blocks.
        """
        slowest = max((rate.seconds for rate in rates), default=0.0)
        size = ceil(_BLOCK_SECONDS / slowest / max(workers, 1)) if slowest else wanted
        return [self._take_one(now, rates) - now for _ in range(max(min(size, wanted), 1))]

    def _take_one(self, now: float, rates: Iterable[Spacing]) -> float:
        start = self._next_start(now, rates)
        for rate in rates:
            self._due[rate] = max(self._due.get(rate, start), start) + rate.seconds
        return start

    def _next_start(self, now: float, rates: Iterable[Spacing]) -> float:
        earliest = (self._due[rate] - (rate.burst - 1) * rate.seconds for rate in rates if rate in self._due)
        return max(now, self._paused_until, *earliest)

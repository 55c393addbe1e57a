"""What the workers of a cluster share about one origin: start times, its pause, whether it is down, who takes part.

Times are seconds of the scheduler's clock. Messages from and to workers hold seconds from now.
"""

from __future__ import annotations

from typing import NamedTuple

from pandas_async_io._core.policy.throttling.start_blocks import StartBlocks


class OriginState(NamedTuple):
    """The scheduler's message to a worker.

    Attributes
    ----------
    version : int
        Of the state; another number is another state.
    pause : float
        Seconds for which no request starts.
    is_down : bool
        Whether some worker's breaker is open.
    workers : int
        How many workers take part.
    rank : int
        The worker's number among them, from 0 on.
    """

    version: int
    pause: float
    is_down: bool
    workers: int
    rank: int


def divide(slots: int, workers: int, rank: int) -> int:
    """Return a worker's share of the requests that may be in flight to an origin.

    Examples
    --------
    >>> [divide(5, 3, rank) for rank in range(3)], [divide(2, 3, rank) for rank in range(3)]
    ([2, 2, 1], [1, 1, 0])
    """
    return slots // workers + (rank < slots % workers)


class ClusterOrigin:
    """What the workers of a cluster share about one origin.

    Attributes
    ----------
    blocks : StartBlocks
        The start times.
    version : int
        Changes with what workers must know.

    Examples
    --------
    >>> origin = ClusterOrigin()
    >>> origin.join("a"), origin.join("b"), origin.pause(10.0, 3.0)
    (True, True, True)
    >>> origin.describe("b", 11.0)
    OriginState(version=3, pause=2.0, is_down=False, workers=2, rank=1)
    """

    __slots__ = ("_is_down", "_paused_until", "_workers", "blocks", "version")

    def __init__(self) -> None:
        self.blocks = StartBlocks()
        self.version = 0
        self._paused_until = 0.0
        self._is_down = False
        self._workers: dict[str, None] = {}

    @property
    def workers(self) -> int:
        """How many workers take part."""
        return len(self._workers)

    def join(self, worker: str) -> bool:
        """Let a worker take part; return whether this is new."""
        if worker in self._workers:
            return False
        self._workers[worker] = None
        return self._change()

    def leave(self, worker: str) -> bool:
        """Let a worker take part no more; return whether it did. The last one takes a closed breaker with it."""
        if worker not in self._workers:
            return False
        del self._workers[worker]
        self._is_down = self._is_down and bool(self._workers)
        return self._change()

    def pause(self, now: float, seconds: float) -> bool:
        """Let no request start for some seconds; return whether this is news."""
        if now + seconds <= self._paused_until:
            return False
        self._paused_until = now + seconds
        self.blocks.pause(self._paused_until)
        return self._change()

    def set_down(self, *, is_down: bool) -> bool:
        """Note whether the origin is down; return whether this is news."""
        if is_down == self._is_down:
            return False
        self._is_down = is_down
        return self._change()

    def describe(self, worker: str, now: float) -> OriginState:
        """Return the message to a worker."""
        rank = list(self._workers).index(worker) if worker in self._workers else len(self._workers)
        pause = max(self._paused_until - now, 0.0)
        return OriginState(self.version, pause, self._is_down, max(len(self._workers), 1), rank)

    def _change(self) -> bool:
        self.version += 1
        return True

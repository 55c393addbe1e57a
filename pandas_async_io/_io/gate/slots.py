"""How many requests may be in flight to one origin, and who is next.

The law of this file: a slot goes to whoever waited first, and every wait can be cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pandas_async_io._core.policy.concurrency import AdaptiveConcurrency

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGER = logging.getLogger("pandas_async_io")

_SPARE_DESCRIPTORS = 64
_WITHOUT_LIMIT = 4096
_EAGER = 8
"""What adaptive concurrency begins with."""


def descriptor_limit() -> int:
    """Return how many connections this process may open, from its soft limit of file descriptors."""
    if sys.platform == "win32":
        return _WITHOUT_LIMIT
    import resource  # noqa: PLC0415 - Windows has none

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 0 or soft == resource.RLIM_INFINITY:
        return _WITHOUT_LIMIT
    return max(1, min(soft - _SPARE_DESCRIPTORS, _WITHOUT_LIMIT))


class Slots:
    """What the calls of one client share at one origin: as many slots as the most generous of them allows.

    Counted over all of them: two calls of 32 are 32 together.

    Parameters
    ----------
    ceiling : int or None
        The client's own limit; None leaves it to the calls.

    Attributes
    ----------
    taken : int
        Requests in flight.
    granted : int or None
        What the server said is left: so many may draw on it at once.
    """

    def __init__(self, ceiling: int | None = None) -> None:
        self.taken = 0
        self.granted: int | None = None
        self._ceiling = ceiling
        self._limits: list[int] = []
        self._most = 1
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._adaptive: AdaptiveConcurrency | None = None
        self._adaptive_users = 0
        self._room: int | None = None

    @contextmanager
    def open(self, concurrency: int, *, adaptive: bool = False) -> Iterator[None]:
        """Take part, as long as the call lasts, with a limit of one's own that may adapt below it."""
        if adaptive and (self._adaptive is None or not self._adaptive_users):
            self._adaptive = AdaptiveConcurrency(start=min(_EAGER, concurrency), high=concurrency)
        if not self._limits:
            self._room = None
        self._limits.append(concurrency)
        self._adaptive_users += adaptive
        self._changed()
        try:
            yield
        finally:
            self._limits.remove(concurrency)
            self._adaptive_users -= adaptive
            self._changed()

    @property
    def users(self) -> int:
        """How many calls take part."""
        return len(self._limits)

    @property
    def count(self) -> int:
        """How many slots there are now."""
        most = self._most
        if self._adaptive_users and self._adaptive is not None:
            most = min(most, self._adaptive.limit)
        if self.granted is not None:
            most = min(most, self.granted)
        return most if self._room is None else min(most, self._room)

    def free(self) -> bool:
        """Take a slot, if one is free and nobody waits for it."""
        free = self.taken < self.count and not self._waiting
        self.taken += free
        return free

    async def take(self) -> None:
        """Wait for a slot."""
        if self.free():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the slot came together with the cancellation
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """Give a slot back."""
        self.taken -= 1
        self._wake()

    def answered(self, started: float, now: float) -> None:
        """Learn from an answer; its slot is still taken."""
        if self._adaptive is not None:
            self._adaptive.record_success(now - started, self.taken, now)

    def refused(self, now: float, asked: float) -> bool:
        """Learn from a refusal, and return whether fewer slots may be the remedy."""
        return bool(self._adaptive_users and self._adaptive and self._adaptive.record_refusal(now, self.taken, asked))

    def narrow(self, now: float) -> None:
        """Have no more slots than there were sockets for, as long as calls are under way."""
        if self._adaptive is not None:
            self._adaptive.record_refusal(now, self.taken)
        if self._room is None:
            _LOGGER.warning("no more file descriptors for connections: fewer requests in flight (see `ulimit -n`)")
        self._room = max(1, min(self.taken, self.count - 1))

    def _changed(self) -> None:
        most = max(self._limits, default=1)
        self._most = most if self._ceiling is None else min(most, self._ceiling)
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self.taken < self.count:
            turn = self._waiting.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)

"""The way to one origin: its pause, its rates, its slots. The only file that knows aiolimiter.

The law of this file: whoever waits here holds no slot, and every wait can be
cancelled. All of it runs on one event loop; nothing needs a lock of threads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aiolimiter import AsyncLimiter

from pandas_async_io._core.limits import Rate

try:
    import resource
except ImportError:  # Windows has no such limit on sockets
    resource = None  # type: ignore[assignment]

_SPARE_DESCRIPTORS = 64
_WITHOUT_LIMIT = 4096


def descriptor_limit() -> int:
    """Return how many connections this process may open, from its soft limit of file descriptors."""
    if resource is None:
        return _WITHOUT_LIMIT
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft in (resource.RLIM_INFINITY, -1):
        return _WITHOUT_LIMIT
    return max(1, min(soft - _SPARE_DESCRIPTORS, _WITHOUT_LIMIT))


class Gate:
    """What all calls of one client share on their way to one origin.

    Parameters
    ----------
    ceiling : int or None
        The client's own limit of requests in flight; None leaves it to the calls.

    Notes
    -----
    As many requests are in flight as the most generous of the calls that are
    under way allows, counted over all of them: two calls of 32 are 32 together.
    """

    def __init__(self, ceiling: int | None = None) -> None:
        self.in_flight = 0
        self._ceiling = ceiling
        self._limits: list[int] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._limiters: dict[Rate, AsyncLimiter] = {}
        self._resume_at = 0.0

    @contextmanager
    def open(self, concurrency: int) -> Iterator[None]:
        """Take part with a limit of one's own, as long as the call lasts."""
        self._limits.append(concurrency)
        self._wake()
        try:
            yield
        finally:
            self._limits.remove(concurrency)

    @property
    def slots(self) -> int:
        """How many requests may be in flight now."""
        most = max(self._limits, default=1)
        return most if self._ceiling is None else min(most, self._ceiling)

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long; the longest pause holds."""
        self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + seconds)

    async def enter(self, rates: Sequence[Rate]) -> None:
        """Wait for the pause to end, for every rate, then for a slot; `leave` gives it back."""
        clock = asyncio.get_running_loop().time
        while True:
            while (pause := self._resume_at - clock()) > 0:
                await asyncio.sleep(pause)
            for rate in rates:
                await self._limiter(rate).acquire()
            if self._resume_at <= clock():
                break
        await self._slot()

    def leave(self) -> None:
        """Give a slot back."""
        self.in_flight -= 1
        self._wake()

    async def _slot(self) -> None:
        if self.in_flight < self.slots and not self._waiting:
            self.in_flight += 1
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

    def _wake(self) -> None:
        while self._waiting and self.in_flight < self.slots:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def _limiter(self, rate: Rate) -> AsyncLimiter:
        limiter = self._limiters.get(rate)
        if limiter is None:
            limiter = self._limiters[rate] = AsyncLimiter(*rate.bucket)
        return limiter

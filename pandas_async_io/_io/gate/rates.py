"""Waiting for the rates of one origin. The only file that imports aiolimiter.

Invariant: two starts, of whichever calls, are never closer than the more generous of their rates allows,
and each call keeps its own rate.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from pandas_async_io._core.policy.rate import Rate


class Rates:
    """The rates of all calls of one client at one origin."""

    def __init__(self) -> None:
        self._limiters: dict[tuple[float, float], AsyncLimiter] = {}
        self._turns: dict[tuple[Rate, ...], asyncio.Lock] = {}
        self._not_before: dict[Rate, float] = {}
        self._last_start = 0.0
        self._last_rate: Rate | None = None

    def turn(self, rates: Sequence[Rate]) -> AbstractAsyncContextManager[object]:
        """Return the lock of the calls with the same rates.

        One of them waits at a time: if several held tokens, they would all start at once when
        slots come free.
        """
        return self._turns.setdefault(tuple(rates), asyncio.Lock()) if rates else nullcontext()

    async def wait(self, rates: Sequence[Rate]) -> None:
        """Wait for every rate, while holding `turn`."""
        clock = asyncio.get_running_loop().time
        for rate in rates:
            await asyncio.sleep(self._not_before.get(rate, 0.0) - clock())
            limiter = self._limiters.get(rate.bucket)
            if limiter is None:
                limiter = self._limiters[rate.bucket] = AsyncLimiter(*rate.bucket)
            await limiter.acquire()
        while (early := self.not_before(rates) - clock()) > 0:  # noqa: ASYNC110 - each start moves it
            await asyncio.sleep(early)

    def not_before(self, rates: Sequence[Rate]) -> float:
        """Return when the next start may be after the last one of any call, whose cost takes its time."""
        own, last = _strictest(rates), self._last_rate
        if own is None or last is None or (own == last and own.bucket[0] > 1):
            return 0.0  # its own limiter decides on a burst, and on a spacing below a timer's resolution
        return self._last_start + last.cost * min(own.spacing / own.cost, last.spacing / last.cost)

    def record_start(self, rates: Sequence[Rate], now: float) -> None:
        """Note a start. It may have waited for a slot after its token: the next one keeps its distance to it."""
        self._not_before.update((rate, now + rate.spacing) for rate in rates if rate.bucket[0] == 1)
        strictest = _strictest(rates)
        if strictest is not None:
            self._last_start, self._last_rate = now, strictest


def _strictest(rates: Sequence[Rate]) -> Rate | None:
    return max(rates, key=lambda rate: rate.spacing, default=None)

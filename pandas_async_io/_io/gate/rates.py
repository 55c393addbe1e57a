"""Waiting for the rates of one origin. The only file that knows aiolimiter.

The law of this file: no start of any call comes earlier after another than the
more generous of their rates allows, and each call keeps its own.
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
    """What all calls of one client share of their rates at one origin."""

    def __init__(self) -> None:
        self._limiters: dict[tuple[float, float], AsyncLimiter] = {}
        self._turns: dict[tuple[Rate, ...], asyncio.Lock] = {}
        self._not_before: dict[Rate, float] = {}
        self._last_start = 0.0
        self._last: Rate | None = None

    def turn(self, rates: Sequence[Rate]) -> AbstractAsyncContextManager[object]:
        """Return the lock of the calls with the same rates.

        One of them waits at a time: tokens that several held would all be used at once when
        slots come free.
        """
        return self._turns.setdefault(tuple(rates), asyncio.Lock()) if rates else nullcontext()

    async def wait(self, rates: Sequence[Rate]) -> None:
        """Wait for every rate; in one's turn."""
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
        """Return when the next start may be, after whatever call started last: its cost takes its time."""
        mine, last = _strictest(rates), self._last
        if mine is None or last is None or (mine == last and mine.bucket[0] > 1):
            return 0.0  # a burst, or more than a timer can space, is its own limiter's business
        return self._last_start + last.cost * min(mine.spacing / mine.cost, last.spacing / last.cost)

    def started(self, rates: Sequence[Rate], now: float) -> None:
        """Take note of a start: that it was held until a slot came free is no reason for the next to follow at once."""
        self._not_before.update((rate, now + rate.spacing) for rate in rates if rate.bucket[0] == 1)
        strictest = _strictest(rates)
        if strictest is not None:
            self._last_start, self._last = now, strictest


def _strictest(rates: Sequence[Rate]) -> Rate | None:
    return max(rates, key=lambda rate: rate.spacing, default=None)

"""Waiting for the rates of one origin. The only file that imports aiolimiter.

Invariant: two starts, of whichever calls, are never closer than the more generous of their rates allows,
and each call keeps its own rate.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

from pandas_async_io._core.policy.throttling.start_schedule import StartSchedule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from pandas_async_io._core.policy.throttling.rate import Rate

_NEVER = float("-inf")


class _RateState:
    """What equal rates share: a limiter, and a schedule if the limiter holds one start only."""

    __slots__ = ("limiter", "schedule")

    def __init__(self, rate: Rate) -> None:
        size, seconds = rate.bucket
        spaces_each = size == 1
        self.limiter = AsyncLimiter(size, rate.closest_spacing if spaces_each else seconds)
        self.schedule = StartSchedule(rate.spacing, rate.closest_spacing) if spaces_each else None

    @property
    def not_before(self) -> float:
        """When the next start is due; a larger limiter decides on bursts itself."""
        return _NEVER if self.schedule is None else self.schedule.not_before


class Rates:
    """The rates of all calls of one client at one origin."""

    def __init__(self) -> None:
        self._states: dict[tuple[float, ...], _RateState] = {}
        self._turns: dict[tuple[Rate, ...], asyncio.Lock] = {}
        self._last_start = 0.0
        self._last_rate: Rate | None = None

    def turn(self, rates: Sequence[Rate]) -> AbstractAsyncContextManager[object]:
        """Return the lock of the calls with the same rates.

        One of them waits at a time: if several held tokens, they would all start at once when
        slots come free.
        """
        return self._turns.setdefault(tuple(rates), asyncio.Lock()) if rates else nullcontext()

    async def wait(self, rates: Sequence[Rate]) -> None:
        """Wait until every rate allows a start, while holding `turn`; takes no token."""
        clock = asyncio.get_running_loop().time
        while (early := self.not_before(rates) - clock()) > 0:  # noqa: ASYNC110 - each start moves it
            await asyncio.sleep(early)

    async def acquire(self, rates: Sequence[Rate]) -> None:
        """Take a token of every rate, while holding `turn`; after `wait`, only a burst's may be missing."""
        for rate in rates:
            await self._state_of(rate).limiter.acquire()

    def not_before(self, rates: Sequence[Rate]) -> float:
        """Return when the next start may be: by its own rates, and by the distance to the last one of any call."""
        return max(self._after_last(rates), *(self._state_of(rate).not_before for rate in rates), _NEVER)

    def record_start(self, rates: Sequence[Rate], now: float, *, ready: float) -> None:
        """Note a start, and since when nothing but its rates held it back."""
        ready = max(ready, self._after_last(rates))
        due = [(state, state.not_before) for state in map(self._state_of, rates)]
        for state, _ in due:
            if state.schedule is not None:
                others = (at for other, at in due if other is not state)
                state.schedule.record_start(now, ready=max(ready, *others, _NEVER))
        strictest = _strictest(rates)
        if strictest is not None:
            self._last_start, self._last_rate = now, strictest

    def _after_last(self, rates: Sequence[Rate]) -> float:
        """Return when a start may follow the last one, which was another rate's and whose cost takes its time."""
        own, last = _strictest(rates), self._last_rate
        if own is None or last is None or _key_of(own) == _key_of(last):
            return _NEVER  # its own schedule or limiter decides
        return self._last_start + last.cost * min(own.spacing / own.cost, last.spacing / last.cost)

    def _state_of(self, rate: Rate) -> _RateState:
        key = _key_of(rate)
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = _RateState(rate)
        return state


def _key_of(rate: Rate) -> tuple[float, ...]:
    return (*rate.bucket, rate.closest_spacing)


def _strictest(rates: Sequence[Rate]) -> Rate | None:
    return max(rates, key=lambda rate: rate.spacing, default=None)

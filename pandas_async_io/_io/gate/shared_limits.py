"""The limits that the processes of a cluster share at one origin: what this one says, and what it is told.

Invariant: this process starts nothing at a rate without a start time that it was given. All of it runs on the client's
event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from pandas_async_io._core.policy.outages.breaker import BreakerState
from pandas_async_io._core.policy.throttling.cluster_origin import OriginState
from pandas_async_io._core.policy.throttling.start_blocks import MAX_LATE_SECONDS, Spacing, space_for_cluster
from pandas_async_io._io.gate.rates import Rates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.policy.outages.breaker import Breaker
    from pandas_async_io._core.policy.throttling.rate import Rate
    from pandas_async_io._io.gate.pause import Pause
    from pandas_async_io._io.gate.slots import Slots

_NEVER = float("inf")
_WATCH_SECONDS = 20.0
"""Seconds after which a watch is answered, news or not."""
_LEAST_NEWS_SECONDS = 0.05
"""A pause that is longer by less is no news."""


class Exchange(Protocol):
    """The way to whoever keeps the limits of a cluster."""

    @property
    def is_open(self) -> bool:
        """Whether there still is one."""

    async def ask(self, operation: str, origin: str, **arguments: Any) -> tuple[Any, float]:
        """Return the answer to ``take``, ``watch``, ``report`` or ``leave``, and the seconds since it came."""


class SharedGate(Protocol):
    """What of a gate is kept in step with other processes."""

    pause: Pause
    breaker: Breaker
    slots: Slots


class SharedRates(Rates):
    """The rates of one origin, whose start times are handed out to this process.

    Parameters
    ----------
    exchange, origin
        Who hands them out, and for what.
    wanted : int
        Starts that one block should hold, at most.
    """

    def __init__(self, exchange: Exchange, origin: str, wanted: int = 32) -> None:
        super().__init__()
        self._exchange, self._origin, self._wanted = exchange, origin, wanted
        self._times: dict[tuple[Spacing, ...], deque[float]] = {}
        self._fetches: dict[tuple[Spacing, ...], asyncio.Task[None]] = {}
        self._taken = _NEVER

    def drop_times(self) -> None:
        """Drop the start times: a pause has begun since they were handed out."""
        for times in self._times.values():
            times.clear()

    async def wait(self, rates: Sequence[Rate]) -> None:
        """Wait for a start time of these rates, while holding `turn`."""
        if not rates:
            return
        key, clock = _key_of(rates), asyncio.get_running_loop().time
        times = self._times.setdefault(key, deque())
        while True:
            while times and times[0] < clock() - MAX_LATE_SECONDS:
                times.popleft()
            if not times:
                await self._fetch(key)
            elif (early := times[0] - clock()) <= 0:
                return
            else:
                await asyncio.sleep(early)

    async def acquire(self, rates: Sequence[Rate]) -> None:
        """Take the start time that was waited for, while holding `turn`."""
        if not rates:
            return
        key = _key_of(rates)
        times = self._times[key]
        self._taken = times.popleft() if times else -_NEVER
        if len(times) <= self._wanted // 4 and key not in self._fetches:
            self._start_fetch(key)

    def not_before(self, rates: Sequence[Rate]) -> float:
        """Return when a start may be: now, unless its time is over since it was taken."""
        is_late = bool(rates) and self._taken < asyncio.get_running_loop().time() - MAX_LATE_SECONDS
        return _NEVER if is_late else -_NEVER

    def record_start(self, rates: Sequence[Rate], now: float, *, ready: float) -> None:
        """Note a start; whoever hands out start times keeps their distances."""

    async def _fetch(self, key: tuple[Spacing, ...]) -> None:
        task = self._fetches.get(key) or self._start_fetch(key)
        await asyncio.shield(task)

    def _start_fetch(self, key: tuple[Spacing, ...]) -> asyncio.Task[None]:
        task = self._fetches[key] = asyncio.get_running_loop().create_task(self._take_block(key))
        task.add_done_callback(lambda done: self._end_fetch(key, done))
        return task

    def _end_fetch(self, key: tuple[Spacing, ...], done: asyncio.Task[None]) -> None:
        del self._fetches[key]
        if not done.cancelled():
            done.exception()  # whoever waits for it raises it; a block fetched ahead may fail unheard

    async def _take_block(self, key: tuple[Spacing, ...]) -> None:
        rates = list(map(tuple, key))
        delays, age = await self._exchange.ask("take", self._origin, rates=rates, wanted=self._wanted)
        came = asyncio.get_running_loop().time() - age
        self._times[key].extend(came + delay for delay in delays)


class SharedLimits:
    """Keeps one gate's pause, breaker, slots and rates in step with those of the other processes.

    Parameters
    ----------
    exchange : Exchange
        The way to the others.
    origin : str
        What the others call the gate.
    """

    def __init__(self, exchange: Exchange, origin: str) -> None:
        self._exchange, self._origin = exchange, origin
        self.rates = SharedRates(exchange, origin)
        self._calls = 0
        self._watch: asyncio.Task[None] | None = None
        self._reports: set[asyncio.Task[Any]] = set()
        self._known_pause = 0.0
        self._known_down = False

    @contextmanager
    def open_for_call(self, gate: SharedGate) -> Iterator[None]:
        """Take part for the time of a call."""
        self._calls += 1
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._follow(gate))
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls and self._watch is not None:
                self._watch.cancel()
                self._watch = None
                self._send("leave")

    def tell(self, gate: SharedGate, now: float) -> None:
        """Tell the others what this process has learnt."""
        if gate.pause.until > max(self._known_pause, now) + _LEAST_NEWS_SECONDS:
            self._known_pause = gate.pause.until
            self.rates.drop_times()
            self._send("report", pause=gate.pause.until - now)
        is_down = gate.breaker.state is not BreakerState.CLOSED
        if is_down != self._known_down:
            self._known_down = is_down
            self._send("report", is_down=is_down)

    def _send(self, operation: str, **arguments: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._exchange.ask(operation, self._origin, **arguments))
        self._reports.add(task)
        task.add_done_callback(self._end_report)

    def _end_report(self, done: asyncio.Task[Any]) -> None:
        self._reports.discard(done)
        if not done.cancelled():
            done.exception()  # the others learn it from their own answers

    async def _follow(self, gate: SharedGate) -> None:
        """Apply what the others say, until the last call is over."""
        version = -1
        while True:
            told, age = await self._exchange.ask("watch", self._origin, version=version, seconds=_WATCH_SECONDS)
            state = OriginState(*told)
            if state.version != version:
                version = state.version
                self._apply(gate, state, asyncio.get_running_loop().time() - age)

    def _apply(self, gate: SharedGate, state: OriginState, now: float) -> None:
        if now + state.pause > gate.pause.until + _LEAST_NEWS_SECONDS and state.pause:
            gate.pause.extend(now + state.pause)
            self._known_pause = gate.pause.until
            self.rates.drop_times()
        if state.is_down != self._known_down:
            self._known_down = state.is_down
            if not state.is_down:
                gate.breaker.reset()
            elif gate.breaker.state is BreakerState.CLOSED:
                gate.breaker.trip(now)
        gate.slots.divide_among(state.workers, state.rank)


def _key_of(rates: Sequence[Rate]) -> tuple[Spacing, ...]:
    return tuple(map(space_for_cluster, rates))

"""Gates of several processes that keep one rate, one pause and one breaker, the scheduler's part in this process."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

import pytest

pytest.importorskip("distributed")

from pandas_async_io._core.policy.outages.breaker import BreakerState
from pandas_async_io._core.policy.throttling.rate import Rate
from pandas_async_io._io.gate.entry import Entry
from pandas_async_io._io.gate.gate import Gate
from pandas_async_io._io.gate.origins import EndpointGates
from pandas_async_io._io.gate.shared_limits import SharedLimits
from pandas_async_io.dask.scheduler_plugin import SharedLimitsPlugin

ORIGIN = "client https://api.example.com"


class LocalExchange:
    """Asks a plugin in this process, as one worker."""

    is_open = True

    def __init__(self, plugin, worker):
        self.plugin, self.worker = plugin, worker

    async def ask(self, operation, origin, **arguments):
        return await getattr(self.plugin, operation)(origin=origin, worker=self.worker, **arguments), 0.0


def make_gates(count, ceiling=None):
    """Return gates of as many workers of one cluster."""
    plugin, gates = SharedLimitsPlugin(), []
    for worker in range(count):
        gate = Gate(ceiling)
        gate.share(SharedLimits(LocalExchange(plugin, f"worker {worker}"), ORIGIN))
        gates.append(gate)
    return plugin, gates


async def start(gate, rates, count):
    """Return when as many requests started."""
    started = []
    for _ in range(count):
        assert await gate.enter(rates, max_wait=60, until=float("inf"), waits=defaultdict(float)) is Entry.GO
        started.append(time.monotonic())
        gate.leave()
    return started


async def settle(condition):
    """Let the messages travel until something holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the messages are the code under test
            await asyncio.sleep(0.001)


def test_several_gates_keep_one_rate():
    """All their starts together are spaced as those of one gate."""

    async def run():
        _, gates = make_gates(3)
        rates = [Rate(200, margin=0)]
        with gates[0].open_for_call(8), gates[1].open_for_call(8), gates[2].open_for_call(8):
            each = await asyncio.gather(*(start(gate, rates, 20) for gate in gates))
        return sorted(at for starts in each for at in starts)

    started = asyncio.run(run())
    assert len(started) == 60
    assert started[-1] - started[0] >= 59 / 200 - 0.05


def test_a_pause_at_one_gate_reaches_the_others():
    """A 429 with Retry-After holds all of them back."""

    async def run():
        _, (first, second) = make_gates(2)
        with first.open_for_call(8), second.open_for_call(8):
            loop = asyncio.get_running_loop()
            first.record_refusal(loop.time(), loop.time(), 30.0)
            await settle(lambda: second.pause.remaining(loop.time()) > 29)
            return second.try_enter(loop.time())

    assert asyncio.run(run()) is False


def test_an_open_breaker_opens_the_others_and_closes_them():
    """Five failures at one gate are enough for all, and so is one answer."""

    async def run():
        _, (first, second) = make_gates(2)
        with first.open_for_call(8), second.open_for_call(8):
            now = asyncio.get_running_loop().time()
            for _ in range(5):
                first.record_failure(now, now)
            await settle(lambda: second.breaker.state is BreakerState.OPEN)
            now = asyncio.get_running_loop().time()
            second.record_answer(now, now)
            await settle(lambda: first.breaker.state is BreakerState.CLOSED)

    asyncio.run(run())


def test_the_slots_are_divided_among_the_processes_that_take_part():
    """They come back when its call is over."""

    async def run():
        _, (first, second) = make_gates(2, ceiling=5)
        limits = []
        with first.open_for_call(32):
            with second.open_for_call(32):
                await settle(lambda: first.slots.limit + second.slots.limit == 5)
                limits.append(sorted([first.slots.limit, second.slots.limit]))
            await settle(lambda: first.slots.limit == 5)
        return limits

    assert asyncio.run(run()) == [[2, 3]]


def test_a_process_goes_on_alone_when_its_cluster_is_gone():
    """Its client has gates of its own again."""
    plugin, gates = SharedLimitsPlugin(), EndpointGates(None)
    exchange = LocalExchange(plugin, "worker")
    gates.share(exchange, "client")
    shared = gates.gate_for(ORIGIN, "").shared
    exchange.is_open = False
    assert shared is not None
    assert gates.gate_for(ORIGIN, "").shared is None

"""The gate: slots shared by calls, pauses, rates, budgets."""

import asyncio
import sys
from itertools import pairwise

import pytest

from pandas_async_io._core.limits import Rate
from pandas_async_io._core.report import WAITS
from pandas_async_io._io.pacing import Entry, Gate, descriptor_limit

NEVER = float("inf")


async def enter(gate, rates=(), patience=300.0, until=NEVER):
    return await gate.enter(rates, patience=patience, until=until, waits=dict.fromkeys(WAITS, 0.0))


def test_calls_share_the_slots_of_the_most_generous():
    """Two calls of 3 and 2 have 3 slots together; a client's ceiling stands above both."""

    async def main():
        gate, tight = Gate(), Gate(ceiling=2)
        with gate.open(3), gate.open(2), tight.open(5):
            return gate.slots, tight.slots

    assert asyncio.run(main()) == (3, 2)


def test_a_slot_goes_to_who_waited_first():
    """Slots are handed on in order, and a cancelled waiter loses none."""

    async def main():
        gate, order = Gate(), []

        async def worker(name):
            await enter(gate)
            order.append(name)

        with gate.open(1):
            await enter(gate)
            waiting = [asyncio.create_task(worker(name)) for name in "abc"]
            await asyncio.sleep(0)
            waiting[1].cancel()
            await asyncio.sleep(0)
            gate.leave()
            await waiting[0]
            gate.leave()
            await waiting[2]
            gate.leave()
        return order, gate.in_flight

    assert asyncio.run(main()) == (["a", "c"], 0)


def test_a_cancellation_that_comes_with_the_slot_gives_it_back():
    """A waiter that is cancelled in the step that hands it the slot does not keep it."""

    async def main():
        gate = Gate()
        with gate.open(1):
            await enter(gate)
            waiter = asyncio.create_task(enter(gate))
            await asyncio.sleep(0)
            gate.leave()
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
        return gate.in_flight

    assert asyncio.run(main()) == 0


def test_nobody_passes_during_a_pause_and_nobody_holds_a_slot():
    """A pause is waited for outside the slots; one longer than the patience is not waited for."""

    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open(1):
            gate.pause(0.1)
            begun = clock()
            waiter = asyncio.create_task(enter(gate))
            await asyncio.sleep(0)
            held = gate.in_flight
            entry = await waiter
            waited = clock() - begun
            gate.pause(1000)
            gate.leave()
            return held, entry, waited, await enter(gate), await enter(gate, patience=NEVER, until=clock() + 0.01)

    held, entry, waited, too_long, late = asyncio.run(main())
    assert held == 0
    assert entry is Entry.GO
    assert waited >= 0.1
    assert too_long is Entry.TOO_LONG
    assert late is Entry.LATE


def test_fault_36_starts_are_evenly_spaced():
    """A rate lets no burst through: no two starts are closer than its spacing, but for the clock's grain."""

    async def main():
        gate, starts = Gate(), []
        rate = Rate(100, margin=0.1)
        with gate.open(10):
            for _ in range(12):
                await enter(gate, [rate])
                starts.append(asyncio.get_running_loop().time())
                gate.leave()
        return [later - sooner for sooner, later in pairwise(starts)], rate.spacing

    gaps, spacing = asyncio.run(main())
    assert sum(gaps) >= spacing * len(gaps) * 0.99


def test_one_limiter_serves_all_calls_with_the_same_rate():
    """Two calls with one rate are within it together."""

    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time

        async def call():
            with gate.open(4):
                for _ in range(5):
                    await enter(gate, [Rate(50, margin=0)])
                    gate.leave()

        begun = clock()
        await asyncio.gather(call(), call())
        return clock() - begun

    assert asyncio.run(main()) >= 9 * 0.02 * 0.99


def test_a_spent_budget_pauses_the_origin_before_it_refuses():
    """Remaining 0 with a reset: nobody goes before it."""

    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open(1):
            begun = clock()
            gate.heed({"RateLimit-Limit": "9", "RateLimit-Remaining": "0", "RateLimit-Reset": "0.2"}, 0.0)
            await enter(gate)
            gate.leave()
            return clock() - begun

    assert asyncio.run(main()) >= 0.2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_fault_52_the_descriptor_limit_bounds_connections(monkeypatch):
    """The process's soft limit, less a reserve, bounds what may be open."""
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 4096))
    assert descriptor_limit() == 256 - 64
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (10, 4096))
    assert descriptor_limit() == 1

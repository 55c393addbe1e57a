"""The gate: slots shared by calls, pauses, rates, budgets."""

import asyncio
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.rate import Rate
from pandas_async_io._core.report.tally import WAIT_CAUSES
from pandas_async_io._io.gate.gate import Entry, Gate
from pandas_async_io._io.gate.slots import descriptor_limit
from tests.io.gate.leaping import leaping

NEVER = float("inf")


async def enter(gate, rates=(), max_wait=300.0, until=NEVER):
    return await gate.enter(rates, max_wait=max_wait, until=until, waits=dict.fromkeys(WAIT_CAUSES, 0.0))


def announce(gate, headers):
    gate.obey_headers(headers, now=asyncio.get_running_loop().time(), epoch=0.0)


def test_calls_share_the_slots_of_the_most_generous():
    """Two calls of 3 and 2 have 3 slots together; a client's ceiling stands above both."""

    async def main():
        gate, tight = Gate(), Gate(ceiling=2)
        with gate.open_for_call(3), gate.open_for_call(2), tight.open_for_call(5):
            return gate.slots.limit, tight.slots.limit

    assert asyncio.run(main()) == (3, 2)


def test_a_slot_goes_to_who_waited_first():
    """Slots are handed on in order, and a cancelled waiter loses none."""

    async def main():
        gate, order = Gate(), []

        async def worker(name):
            await enter(gate)
            order.append(name)

        with gate.open_for_call(1):
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
        return order, gate.slots.in_use

    assert asyncio.run(main()) == (["a", "c"], 0)


def test_a_cancellation_that_comes_with_the_slot_gives_it_back():
    """A waiter that is cancelled in the step that hands it the slot does not keep it."""

    async def main():
        gate = Gate()
        with gate.open_for_call(1):
            await enter(gate)
            waiter = asyncio.create_task(enter(gate))
            await asyncio.sleep(0)
            gate.leave()
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
        return gate.slots.in_use

    assert asyncio.run(main()) == 0


def test_nobody_passes_during_a_pause_and_nobody_holds_a_slot():
    """A pause is waited for outside the slots; one longer than the patience is not waited for."""

    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open_for_call(1):
            begun = clock()
            gate.pause.extend(begun + 0.1)
            waiter = asyncio.create_task(enter(gate))
            await asyncio.sleep(0)
            held = gate.slots.in_use
            entry = await waiter
            waited = clock() - begun
            gate.pause.extend(clock() + 1000)
            gate.leave()
            return held, entry, waited, await enter(gate), await enter(gate, max_wait=NEVER, until=clock() + 0.01)

    held, entry, waited, too_long, late = asyncio.run(main())
    assert held == 0
    assert entry is Entry.GO
    assert waited >= 0.1
    assert too_long is Entry.TOO_LONG
    assert late is Entry.LATE


@given(
    rates=st.lists(
        st.builds(Rate, st.floats(0.1, 2000), st.floats(0.1, 100), st.integers(1, 5), st.sampled_from([0.0, 0.1])),
        min_size=1,
        max_size=2,
    ),
    calls=st.lists(st.lists(st.sampled_from([0.0, 0.0, 0.01, 3.0]), min_size=1, max_size=20), min_size=1, max_size=3),
    window=st.floats(0.01, 200),
)
def test_fault_36_and_38_no_window_holds_more_starts_than_each_rate_allows(rates, calls, window):
    """However many calls share a client, and whenever they send, all of them together are within every rate."""
    starts = []

    async def main():
        gate = Gate()

        async def call(idle):
            with gate.open_for_call(99):
                for seconds in idle:
                    await asyncio.sleep(seconds)
                    assert await enter(gate, rates) is Entry.GO
                    starts.append(asyncio.get_running_loop().time())
                    gate.leave()

        await asyncio.gather(*map(call, calls))

    leaping(main())
    for rate in rates:
        allowed = window / rate.spacing + rate.bucket[0] + 1e-3
        assert all(sum(first <= at < first + window for at in starts) <= allowed for first in starts)


def test_fault_36_starts_are_evenly_spaced():
    """A rate lets no burst through, and wastes nothing: each start comes one spacing after the last."""

    async def main():
        gate, starts = Gate(), []
        with gate.open_for_call(10):
            for _ in range(12):
                await enter(gate, [Rate(100)])
                starts.append(asyncio.get_running_loop().time())
                gate.leave()
        return [later - sooner for sooner, later in pairwise(starts)]

    assert leaping(main()) == pytest.approx([Rate(100).spacing] * 11, rel=1e-3)


def test_a_deadline_is_kept_while_a_rate_is_waited_for():
    """Whose time passes before its turn comes is late at that time, not at its turn."""

    async def main():
        gate, waits = Gate(), dict.fromkeys(WAIT_CAUSES, 0.0)
        with gate.open_for_call(1):
            for expected in (Entry.GO, Entry.LATE):
                assert await gate.enter([Rate(1, 3600)], max_wait=300.0, until=5.0, waits=waits) is expected
                gate.slots.in_use = 0
        return asyncio.get_running_loop().time(), waits["rate"]

    assert leaping(main()) == pytest.approx((5.0, 5.0))


def test_a_spent_budget_pauses_the_origin_before_it_refuses():
    """Remaining 0 with a reset: nobody goes before it."""

    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open_for_call(1):
            begun = clock()
            announce(gate, {"RateLimit-Limit": "9", "RateLimit-Remaining": "0", "RateLimit-Reset": "0.2"})
            await enter(gate)
            gate.leave()
            return clock() - begun

    assert asyncio.run(main()) >= 0.2


def test_a_spent_budget_is_waited_out_once():
    """After the reset one goes ahead; when the server grants more, the others follow at once."""

    def left(count):
        return {"RateLimit-Limit": "99", "RateLimit-Remaining": str(count), "RateLimit-Reset": "2"}

    async def main():
        gate, starts = Gate(), []

        async def go():
            await enter(gate)
            starts.append(asyncio.get_running_loop().time())

        with gate.open_for_call(8):
            announce(gate, left(0))
            waiting = [asyncio.create_task(go()) for _ in range(3)]
            await asyncio.sleep(5)
            alone = len(starts)
            announce(gate, left(98))
            gate.leave()
            await asyncio.gather(*waiting)
        return alone, starts

    alone, starts = leaping(main())
    assert alone == 1
    assert starts == pytest.approx([2.0, 5.0, 5.0], abs=0.01)


def test_a_days_budget_is_used_up_and_only_then_waited_for():
    """What is left is no reason to wait for longer than the caller will; when it is gone, that is said."""

    async def main():
        gate = Gate()
        with gate.open_for_call(8):
            gate.budget.outstanding = 200
            announce(gate, {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "90", "X-RateLimit-Reset": "86400"})
            first = await enter(gate)
            announce(gate, {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "86400"})
            return first, await enter(gate)

    assert leaping(main()) == (Entry.GO, Entry.TOO_LONG)


def test_no_more_requests_are_in_flight_than_a_server_says_are_left():
    """Each of them may be one of the last; once it says nothing of a budget, the calls' own limit holds."""

    async def main():
        gate = Gate()
        with gate.open_for_call(8):
            announce(gate, {"X-RateLimit-Remaining": "3"})
            few = gate.slots.limit
            announce(gate, {})
            cached = gate.slots.limit
            for _ in range(7):
                announce(gate, {})
            return few, cached, gate.slots.limit

    assert leaping(main()) == (3, 3, 8)


def test_a_full_budget_takes_a_gap_back():
    """What a low one had asked for is over as soon as the server says so."""

    async def main():
        gate = Gate()
        with gate.open_for_call(8):
            gate.budget.outstanding = 100
            announce(gate, {"RateLimit-Limit": "100", "RateLimit-Remaining": "2", "RateLimit-Reset": "60"})
            waiting = asyncio.create_task(enter(gate))
            await asyncio.sleep(5)
            assert not waiting.done()
            announce(gate, {"RateLimit-Limit": "100", "RateLimit-Remaining": "99", "RateLimit-Reset": "60"})
            await waiting
        return asyncio.get_running_loop().time()

    assert leaping(main()) < 7


def test_only_a_silence_that_the_server_asks_for_ends_a_callers_patience():
    """What was learnt of its pace is our own doing, and within the cap."""

    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open_for_call(8):
            gate.record_refusal(0.0, clock(), cap=0.2)
            learnt = await enter(gate, max_wait=0.0), clock()
            gate.record_refusal(clock(), clock(), 5.0)
            return *learnt, await enter(gate, max_wait=1.0)

    entry, at, asked = leaping(main())
    assert (entry, asked) == (Entry.GO, Entry.TOO_LONG)
    assert at == pytest.approx(0.2, abs=0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_fault_52_the_descriptor_limit_bounds_connections(monkeypatch):
    """The process's soft limit, less a reserve, bounds what may be open."""
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 4096))
    assert 0 < 256 - descriptor_limit() < 200
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (10, 4096))
    assert descriptor_limit() == 1


def test_calls_that_wait_for_slots_hold_no_tokens_of_a_rate():
    """Three calls wait while the slots are taken; when all come free at once, their starts keep the rate."""

    async def main():
        gate, starts = Gate(), []

        async def go():
            await enter(gate, (Rate(10, margin=0),))
            starts.append(asyncio.get_running_loop().time())

        with gate.open_for_call(3):
            for _ in range(3):
                await enter(gate)
            waiting = [asyncio.create_task(go()) for _ in range(3)]
            await asyncio.sleep(5)
            for _ in range(3):
                gate.leave()
            await asyncio.gather(*waiting)
        return [later - earlier for earlier, later in pairwise(starts)]

    assert min(leaping(main())) >= 0.0999

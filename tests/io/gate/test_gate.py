"""The gate: a request enters after every pause and rate, with a slot, before its deadline."""

import asyncio

import pytest

from pandas_async_io._core.policy.throttling.rate import Rate
from pandas_async_io._core.report.tally import WAIT_CAUSES
from pandas_async_io._io.gate.entry import Entry
from pandas_async_io._io.gate.gate import Gate
from tests.io.gate.gates import NEVER, enter
from tests.io.gate.virtual_clock import run_on_virtual_clock


def test_a_request_waits_for_a_pause_without_a_slot():
    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open_for_call(1):
            gate.pause.extend(clock() + 0.1)
            waiter = asyncio.create_task(enter(gate))
            await asyncio.sleep(0)
            return gate.slots.in_use, await waiter, clock()

    in_use, entry, entered_at = run_on_virtual_clock(main())
    assert (in_use, entry) == (0, Entry.GO)
    assert entered_at == pytest.approx(0.1, abs=0.001)


def test_a_pause_longer_than_max_wait_or_the_deadline_is_not_waited_for():
    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open_for_call(1):
            gate.pause.extend(clock() + 1000)
            return await enter(gate), await enter(gate, max_wait=NEVER, until=clock() + 0.01), clock()

    too_long, late, ended_at = run_on_virtual_clock(main())
    assert (too_long, late) == (Entry.TOO_LONG, Entry.LATE)
    assert ended_at == pytest.approx(0.01, abs=0.001)


def test_a_deadline_that_passes_during_the_wait_for_a_rate_ends_the_wait():
    async def main():
        gate, waits = Gate(), dict.fromkeys(WAIT_CAUSES, 0.0)
        with gate.open_for_call(1):
            for expected in (Entry.GO, Entry.LATE):
                assert await gate.enter([Rate(1, 3600)], max_wait=300.0, until=5.0, waits=waits) is expected
                gate.slots.in_use = 0
        return asyncio.get_running_loop().time(), waits["rate"]

    assert run_on_virtual_clock(main()) == pytest.approx((5.0, 5.0))


def test_one_probe_at_a_time_passes_an_open_breaker_and_its_answer_closes_it():
    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open_for_call(8):
            while not gate.only_probes:
                gate.record_failure(clock(), clock())
            probe = await enter(gate)
            second = asyncio.create_task(enter(gate))
            await asyncio.sleep(10)
            waited = not second.done()
            gate.record_answer(clock(), clock())
            gate.leave()
            return probe, waited, await second, gate.only_probes

    assert run_on_virtual_clock(main()) == (Entry.PROBE, True, Entry.GO, False)


def test_the_first_starts_take_hardly_any_time():
    """Before any answer 1 000 requests start within 5 ms: 5 % of a round trip of a tenth of a second."""

    async def main():
        gate = Gate()
        with gate.open_for_call(1000):
            for _ in range(1000):
                await enter(gate)
        return asyncio.get_running_loop().time()

    assert run_on_virtual_clock(main()) <= 0.005


def test_an_answer_ends_the_spacing_of_first_starts():
    """From then on nothing is known that speaks against starting at once."""

    async def main():
        gate = Gate()
        with gate.open_for_call(100):
            for _ in range(8):
                await enter(gate)
            gate.obey_headers({}, now=asyncio.get_running_loop().time(), epoch=0.0)
            before = asyncio.get_running_loop().time()
            await enter(gate)
            spaced = asyncio.get_running_loop().time()
            for _ in range(50):
                await enter(gate)
            return spaced - before, asyncio.get_running_loop().time() - spaced

    spaced, after = run_on_virtual_clock(main())
    assert spaced <= 0.0021
    assert after == 0


def test_endpoints_of_an_origin_share_all_but_their_pace():
    """A refusal at one of them spaces its starts, and not those of the other."""

    async def main():
        first = Gate()
        second = Gate(beside=first)
        clock = asyncio.get_running_loop().time
        with first.open_for_call(9), second.open_for_call(9):
            for gate in (first, second):
                await enter(gate)
            in_use = first.slots.in_use, second.slots.in_use
            first.record_refusal(0.0, clock())
            await asyncio.sleep(1.0)
            begun, times = clock(), []
            for gate in (second, first):
                for _ in range(3):
                    await enter(gate)
                times.append(clock() - begun)
        return in_use, times

    in_use, (fast, slow) = run_on_virtual_clock(main())
    assert in_use == (2, 2)
    assert fast < 0.01
    assert slow >= 0.19

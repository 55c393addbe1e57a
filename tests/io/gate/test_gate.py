"""The gate: a request enters after every pause and rate, with a slot, before its deadline."""

import asyncio

import pytest

from pandas_async_io._core.policy.rate import Rate
from pandas_async_io._core.report.tally import WAIT_CAUSES
from pandas_async_io._io.gate.gate import Entry, Gate
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

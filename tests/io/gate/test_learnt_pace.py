"""The pace that a gate learns from refusals."""

import asyncio

import pytest

from pandas_async_io._io.gate.entry import Entry
from pandas_async_io._io.gate.gate import Gate
from tests.io.gate.gates import enter
from tests.io.gate.virtual_clock import run_on_virtual_clock


def test_a_pause_by_the_learnt_pace_is_within_the_cap_and_does_not_count_against_max_wait():
    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open_for_call(8):
            gate.record_refusal(0.0, clock(), cap=0.2)
            learnt, entered_at = await enter(gate, max_wait=0.0), clock()
            gate.record_refusal(clock(), clock(), 5.0)
            return learnt, entered_at, await enter(gate, max_wait=1.0)

    learnt, entered_at, by_server = run_on_virtual_clock(main())
    assert (learnt, by_server) == (Entry.GO, Entry.TOO_LONG)
    assert entered_at == pytest.approx(0.2, abs=0.01)

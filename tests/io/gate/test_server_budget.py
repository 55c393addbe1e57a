"""The budget that a server announces: requests pause, are spaced or are fewer in flight before it is exceeded."""

import asyncio

import pytest

from pandas_async_io._io.gate.entry import Entry
from pandas_async_io._io.gate.gate import Gate
from tests.io.gate.gates import announce_budget, enter
from tests.io.gate.virtual_clock import run_on_virtual_clock


def test_an_exhausted_budget_pauses_the_origin_until_its_reset():
    async def main():
        gate = Gate()
        with gate.open_for_call(1):
            announce_budget(gate, {"RateLimit-Limit": "9", "RateLimit-Remaining": "0", "RateLimit-Reset": "0.2"})
            await enter(gate)
        return asyncio.get_running_loop().time()

    assert run_on_virtual_clock(main()) == pytest.approx(0.2, abs=0.001)


def test_after_the_reset_one_request_starts_and_the_others_follow_once_the_server_grants_more():
    def budget(remaining):
        return {"RateLimit-Limit": "99", "RateLimit-Remaining": str(remaining), "RateLimit-Reset": "2"}

    async def main():
        gate, starts = Gate(), []

        async def start():
            await enter(gate)
            starts.append(asyncio.get_running_loop().time())

        with gate.open_for_call(8):
            announce_budget(gate, budget(0))
            waiting = [asyncio.create_task(start()) for _ in range(3)]
            await asyncio.sleep(5)
            announce_budget(gate, budget(98))
            gate.leave()
            await asyncio.gather(*waiting)
        return starts

    assert run_on_virtual_clock(main()) == pytest.approx([2.0, 5.0, 5.0], abs=0.01)


def test_a_daily_budget_is_used_up_before_its_reset_is_waited_for():
    """Requests are not spaced beyond `max_wait`; the exhausted budget ends the wait as too long."""

    async def main():
        gate = Gate()
        with gate.open_for_call(8):
            gate.budget.outstanding = 200
            announce_budget(
                gate, {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "90", "X-RateLimit-Reset": "86400"}
            )
            first = await enter(gate)
            announce_budget(
                gate, {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "86400"}
            )
            return first, await enter(gate)

    assert run_on_virtual_clock(main()) == (Entry.GO, Entry.TOO_LONG)


def test_no_more_requests_are_in_flight_than_the_budget_has_left():
    """One response without a budget may come from a cache; after eight in a row the calls' own limit holds."""

    async def main():
        gate = Gate()
        with gate.open_for_call(8):
            announce_budget(gate, {"X-RateLimit-Remaining": "3"})
            announced = gate.slots.limit
            announce_budget(gate, {})
            after_one = gate.slots.limit
            for _ in range(7):
                announce_budget(gate, {})
            return announced, after_one, gate.slots.limit

    assert run_on_virtual_clock(main()) == (3, 3, 8)


def test_a_full_budget_ends_the_spacing_that_a_low_one_required():
    async def main():
        gate = Gate()
        with gate.open_for_call(8):
            gate.budget.outstanding = 100
            announce_budget(gate, {"RateLimit-Limit": "100", "RateLimit-Remaining": "2", "RateLimit-Reset": "60"})
            waiting = asyncio.create_task(enter(gate))
            await asyncio.sleep(5)
            assert not waiting.done()
            announce_budget(gate, {"RateLimit-Limit": "100", "RateLimit-Remaining": "99", "RateLimit-Reset": "60"})
            await waiting
        return asyncio.get_running_loop().time()

    assert run_on_virtual_clock(main()) < 7

"""Slots: how many requests are in flight, and which waiting request is next."""

import asyncio
import sys

import pytest

from pandas_async_io._io.gate.slots import Slots, descriptor_limit


def test_calls_share_the_largest_limit_of_them_within_the_clients_ceiling():
    with (slots := Slots()).open_for_call(3), slots.open_for_call(2):
        assert slots.limit == 3
    with (slots := Slots(ceiling=2)).open_for_call(5):
        assert slots.limit == 2


def test_slots_go_to_waiting_requests_in_order_and_a_cancelled_one_loses_none():
    async def main():
        slots, order = Slots(), []

        async def worker(name):
            await slots.take()
            order.append(name)

        with slots.open_for_call(1):
            await slots.take()
            waiting = [asyncio.create_task(worker(name)) for name in "abc"]
            await asyncio.sleep(0)
            waiting[1].cancel()
            await asyncio.sleep(0)
            slots.release()
            await waiting[0]
            slots.release()
            await waiting[2]
            slots.release()
        return order, slots.in_use

    assert asyncio.run(main()) == (["a", "c"], 0)


def test_a_waiting_request_that_is_cancelled_as_it_gets_the_slot_gives_it_back():
    async def main():
        slots = Slots()
        with slots.open_for_call(1):
            await slots.take()
            waiter = asyncio.create_task(slots.take())
            await asyncio.sleep(0)
            slots.release()
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
        return slots.in_use

    assert asyncio.run(main()) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_fault_52_the_descriptor_limit_bounds_connections(monkeypatch):
    """The limit is the process's soft limit, less the open files and a reserve."""
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 4096))
    assert 0 < 256 - descriptor_limit() < 200
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (10, 4096))
    assert descriptor_limit() == 1


def test_fault_52_slots_shrink_when_descriptors_run_out_until_all_calls_have_ended(caplog):
    async def main():
        slots = Slots()
        with slots.open_for_call(8):
            for _ in range(5):
                slots.try_take()
            slots.shrink_to_descriptors(0.0)
            slots.shrink_to_descriptors(0.0)
            shrunk = slots.limit
            for _ in range(5):
                slots.release()
        with slots.open_for_call(8):
            return shrunk, slots.limit

    assert asyncio.run(main()) == (4, 8)
    assert [record.message for record in caplog.records] == [
        "no more file descriptors for connections: fewer requests in flight (see `ulimit -n`)"
    ]

"""Runs: results by position, concurrency, cancellation and several origins, with an injected `send`."""

import asyncio
from collections import Counter

import pytest

from pandas_async_io._core.errors import TransportError
from pandas_async_io._core.models import Outcome, Request
from pandas_async_io._core.policy.policy import Policy
from pandas_async_io._core.workflow.base import Step
from pandas_async_io._io.engine.run import OriginRun
from pandas_async_io._io.engine.run_origins import run_origins
from pandas_async_io._io.gate.gate import Gate
from tests.io.engine.runs import QUICK, make_context, make_run, respond, run_requests


def test_every_request_gets_one_result_at_its_position_in_any_order_of_responses():
    async def send(request, timeout):
        for _ in range(hash(request.url) % 5):
            await asyncio.sleep(0)
        return respond(body=request.url.encode())

    results = run_requests(send, 50)
    assert [results[n].payload for n in range(50)] == [f"http://e.com/{n}".encode() for n in range(50)]
    assert {result.outcome for result in results.values()} == {Outcome.OK}


def test_concurrency_is_reached_and_never_exceeded():
    in_flight, counts = 0, []

    async def send(request, timeout):
        nonlocal in_flight
        in_flight += 1
        counts.append(in_flight)
        await asyncio.sleep(0)
        in_flight -= 1
        return respond()

    run_requests(send, 40, concurrency=7)
    assert max(counts) == 7


def test_fault_53_there_is_no_task_per_request():
    """A thousand requests use as many tasks as there are workers."""
    tasks = []

    async def send(request, timeout):
        tasks.append(len(asyncio.all_tasks()))
        await asyncio.sleep(0)
        return respond()

    run_requests(send, 1000, concurrency=5)
    assert max(tasks) <= 5 + 2


def test_a_programming_error_is_raised_as_itself():
    """It is not swallowed, nor wrapped in an exception group."""

    async def send(request, timeout):
        await asyncio.sleep(0)
        raise ZeroDivisionError("bug")

    with pytest.raises(ZeroDivisionError, match="bug"):
        run_requests(send, 10)


def test_a_cancelled_run_releases_every_slot_and_ends_every_worker():
    async def main():
        gate, started = Gate(), asyncio.Event()
        wide = Policy(8, adaptive=False, rates=(), retry=QUICK, timeout=5.0)

        async def send(request, timeout):
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(make_run(make_context(send, policy=wide), gate, 50).run())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return gate.slots.in_use, gate.only_probes, asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(main()) == (0, False, set())


def test_an_origin_that_does_not_resolve_stops_no_other_origin():
    async def send(request, timeout):
        await asyncio.sleep(0)
        if "nowhere" in request.url:
            raise TransportError("does not resolve", received=False)
        return respond()

    async def main():
        found = Counter()
        call = make_context(send, deliver=lambda position, result: found.update([(position < 30, result.outcome)]))
        here = OriginRun(call, Gate(), ((n, Request("http://here/")) for n in range(30)), 30)
        nowhere = OriginRun(call, Gate(), ((n, Request("http://nowhere/")) for n in range(30, 60)), 30)
        await run_origins(call, [nowhere, here])
        return found

    found = asyncio.run(main())
    assert found[True, Outcome.OK] == 30
    assert found[False, Outcome.NOT_ATTEMPTED] >= 1


def test_a_pause_of_an_origin_that_links_lead_to_does_not_hold_up_the_first_origin():
    sent = []

    async def send(request, timeout):
        await asyncio.sleep(0)
        sent.append(request.url)
        first = request.url == "http://cdn.com/0" and sent.count(request.url) == 1
        return respond(429, headers={"Retry-After": "0.3"}) if first else respond()

    class LinksToCdn:
        one_request = replaces_failed = False

        def begin(self, position, request):
            return [Step(1, request)]

        def decode(self, position, number, response):
            return None

        def next_steps(self, position, number, page, now, epoch):
            return [Step(2, Request(f"http://cdn.com/{position}"))] if number == 1 and position < 8 else []

        def replacement_steps(self, *args):
            return []

        def finish_step(self, *args):
            pass

    async def main():
        first_origin, cdn = Gate(), Gate()
        call = make_context(send, workflow=LinksToCdn(), gate_of=lambda origin: cdn)
        await run_origins(call, [make_run(call, first_origin, 200)])

    asyncio.run(main())
    repeated_at = [at for at, url in enumerate(sent) if url == "http://cdn.com/0"][1]
    assert sum("e.com" in url for url in sent[:repeated_at]) == 200
    assert sum("cdn.com" in url for url in sent) == 9

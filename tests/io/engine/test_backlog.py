"""The backlog: what waits holds no slot, and which request is a probe."""

import asyncio

import pytest

from pandas_async_io._core.errors import TransportError
from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.retries.retry_options import Retry
from tests.io.engine.runs import respond, run_requests


def test_a_request_that_backs_off_holds_no_slot():
    """With one slot, the other requests are sent while the failed one waits."""
    order = []

    async def send(request, timeout):
        order.append(request.url[-1])
        await asyncio.sleep(0)
        if request.url.endswith("0") and order.count("0") == 1:
            raise TransportError("reset", transient=True)
        return respond()

    run_requests(send, 5, concurrency=1, retry=Retry(base=0.2))
    assert order[0] == "0"
    assert order[-1] == "0"
    assert sorted(order[1:-1]) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(("share", "repeats"), [(0.2, 50), (0.0, 0)])
def test_fault_34_repeats_start_behind_fresh_requests(share, repeats):
    """At most a share of the fresh ones while some remain; then at most half of the concurrency."""
    seen, starts, in_flight, widest = set(), [], 0, 0

    async def send(request, timeout):
        nonlocal in_flight, widest
        repeat = request.url in seen
        seen.add(request.url)
        starts.append(repeat)
        in_flight += repeat
        widest = max(widest, in_flight)
        await asyncio.sleep(0)
        in_flight -= repeat
        return respond(500 if not repeat and int(request.url.rsplit("/", 1)[1]) % 2 else 200)

    results = run_requests(send, 300, concurrency=8, retry=Retry(base=0, budget=share))
    assert {result.outcome for result in results.values()} == {Outcome.OK}
    assert len(starts) == 450
    last_fresh = max(n for n, repeat in enumerate(starts) if not repeat)
    assert sum(starts[:last_fresh]) <= repeats + 10
    assert all(sum(starts[n : n + 25]) <= 6 for n in range(last_fresh - 25))
    assert widest <= 4


@pytest.mark.slow
def test_probes_come_from_further_ahead_so_a_block_of_failing_rows_fails_alone(set_probe_delays):
    set_probe_delays(0.01, 0.02, 0.04, 0.08, 0.15)

    async def send(request, timeout):
        await asyncio.sleep(0)
        return respond(500 if int(request.url.rsplit("/", 1)[1]) < 40 else 200)

    results = run_requests(send, 300)
    assert {results[n].outcome for n in range(40)} == {Outcome.HTTP_ERROR}
    assert {results[n].outcome for n in range(40, 300)} == {Outcome.OK}

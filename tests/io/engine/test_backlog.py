"""The backlog: what waits holds no slot, and which request is a probe."""

import asyncio

from pandas_async_io._core.errors import TransportError
from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.retry_options import Retry
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


def test_probes_come_from_further_ahead_so_a_block_of_failing_rows_fails_alone(set_probe_delays):
    set_probe_delays(0.01, 0.02, 0.04, 0.08, 0.15)

    async def send(request, timeout):
        await asyncio.sleep(0)
        return respond(500 if int(request.url.rsplit("/", 1)[1]) < 40 else 200)

    results = run_requests(send, 300)
    assert {results[n].outcome for n in range(40)} == {Outcome.HTTP_ERROR}
    assert {results[n].outcome for n in range(40, 300)} == {Outcome.OK}

"""Origins that are down, wrong credentials, too few descriptors: no row is lost, few requests are sent."""

import asyncio
import subprocess
import sys
import time
import zlib
from bisect import bisect_left
from pathlib import Path
from random import Random

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.handler import serve_handler
from tests.servers.scripted import json_response, serve_function


def rows(count):
    return pd.DataFrame({"id": range(count)})


@pytest.mark.slow
def test_fault_34_an_outage_of_five_seconds_in_ten_costs_no_row():
    """2 000 rows, 20 at a time: all ok, with at most 1.2 attempts per row."""
    begun = time.monotonic()

    async def answer(request):
        await asyncio.sleep(0.01)
        return (503 if 1 <= (request.arrived - begun) % 10 < 6 else 200), {}

    with serve_handler(answer) as server:
        out = rows(2000).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=20)
    assert out.aio.report.outcomes == {"ok": 2000}
    assert any(request.status == 503 for request in server.log)
    assert out.aio.report.sent == len(server.log) <= 2400


def count_repeats(log, seconds):
    """Return (repeats, requests) in each window of a log that ends before the last fresh request."""
    seen, arrived, repeats = set(), [], [0]
    for request in log:
        arrived.append(request.arrived)
        repeats.append(repeats[-1] + (request.path in seen))
        seen.add(request.path)
    last_fresh = max(n for n in range(len(log)) if repeats[n + 1] == repeats[n])
    for first, begun in enumerate(arrived):
        end = bisect_left(arrived, begun + seconds)
        if not first or end <= last_fresh:
            end = min(end, last_fresh + 1)
            yield repeats[end] - repeats[first], end - first


def fails_for_ever(path):
    """Whether a path is one of three in ten, without an order."""
    return zlib.crc32(path.encode()) % 10 < 3


@pytest.mark.slow
@pytest.mark.parametrize("latency", [0.002, 0.02, 0.2])
def test_fault_34_a_trouble_of_three_seconds_costs_no_row(latency):
    """30 % of the answers are 500; in any half second, repeats are at most a fifth while fresh rows remain."""
    dice, begun = Random(3), []

    async def answer(request):
        begun.append(request.arrived)
        await asyncio.sleep(latency)
        return (500 if request.arrived < begun[0] + 3 and dice.random() < 0.3 else 200), {}

    with serve_handler(answer) as server:
        out = rows(300).aio.fetch(server.url + "/{id}", client=paio.Client())
    assert out.aio.report.outcomes == {"ok": 300}
    assert all(repeats <= 0.2 * requests + 1 for repeats, requests in count_repeats(server.log, 0.5))
    assert len(server.log) <= 1.6 * 300


@pytest.mark.slow
def test_fault_34_an_outage_from_the_first_answer_costs_no_row():
    """Everything is 500 for five seconds: probes find out when it ends, and all rows are ok."""
    begun = []

    async def answer(request):
        begun.append(request.arrived)
        return (500 if request.arrived < begun[0] + 5 else 200), {}

    with serve_handler(answer) as server:
        out = rows(1_000).aio.fetch(server.url + "/{id}", client=paio.Client())
    assert out.aio.report.outcomes == {"ok": 1_000}
    assert len(server.log) <= 1.2 * 1_000


@pytest.mark.long
def test_fault_35_rows_that_fail_for_ever_cost_four_attempts_and_no_second_in_the_breaker():
    """Of 20 000 rows, 30 % always answer 500: the others are ok, and the run is little longer than without repeats."""

    async def answer(request):
        return (500 if fails_for_ever(request.path) else 200), {}

    failing = sum(fails_for_ever(f"/{n}") for n in range(20_000))
    reports = []
    with serve_handler(answer) as server:
        for retry in (1, None):
            with pytest.warns(paio.FetchWarning, match="HTTP 500"):
                out = rows(20_000).aio.fetch(server.url + "/{id}", client=paio.Client(), retry=retry)
            reports.append(out.aio.report)
    once, stubborn = reports
    assert once.outcomes == stubborn.outcomes == {"ok": 20_000 - failing, "http_error": failing}
    assert stubborn.sent == 20_000 + 3 * failing
    assert stubborn.waits["breaker"] == 0
    assert stubborn.seconds <= 2.7 * once.seconds + 10


def test_a_dead_origin_is_not_waited_for():
    """Three rows have their four attempts at once: the patience holds in a run that had an answer only."""

    async def answer(request):
        return 500, {}

    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning, match="HTTP 500"):
        out = rows(3).aio.fetch(server.url + "/{id}", client=paio.Client())
    assert len(server.log) == 12
    assert out.aio.report.seconds < 5


@pytest.mark.long
def test_fault_35_a_permanent_503_ends_10_000_rows_within_a_minute():
    """The breaker opens, probes and gives up; the errors of unsent rows name the cause."""

    async def answer(request):
        return 503, {}

    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning, match="nothing came through"):
        out = rows(10_000).aio.fetch(server.url + "/{id}", client=paio.Client())
    report = out.aio.report
    assert report.seconds < 60
    assert set(report.outcomes) == {"http_error", "not_attempted"}
    assert report.sent == len(server.log) <= 100
    assert "down" in report.limited_by


@pytest.mark.parametrize("batch", [None, 2])
def test_a_wrong_request_stops_the_run_unless_it_is_a_block_of_keys(batch):
    """The first 400 all have one message, so they are about the call; a block of keys is halved instead."""

    def respond(request):
        return json_response({"error": "limit must be a number"}, status="400 Bad Request")

    template = "/?id={id}&limit=ten" if batch is None else "/?id={id*}&limit=ten"
    with serve_function(respond) as server, pytest.warns(paio.FetchWarning, match="limit must be a number"):
        out = rows(200).aio.fetch(server.url + template, client=paio.Client(), concurrency=4, batch=batch)
    if batch is None:
        assert 25 <= len(server.requests) <= 25 + 4
        assert out.aio.report.outcomes["not_attempted"] == 200 - len(server.requests)
        assert "were all 400 with one message" in out.aio.outcomes["error"].iloc[-1]
    else:
        assert out.aio.report.outcomes == {"http_error": 200}


def test_a_wrong_token_costs_at_most_concurrency_and_25_requests():
    """10 000 rows end after the first responses are all 401; the warning names the remedy."""

    async def answer(request):
        return 401, {}

    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning, match="pass fresh auth= to retry_failed"):
        out = rows(10_000).aio.fetch(server.url + "/{id}", client=paio.Client(server.url, auth="expired"))
    assert len(server.log) <= 32 + 25
    assert out.aio.report.sent == len(server.log)
    assert out.aio.report.outcomes["not_attempted"] == 10_000 - len(server.log)


def test_a_row_that_waits_for_a_retry_holds_no_slot():
    """With 2 slots, 2 of 100 rows wait: the server receives all others first."""

    async def answer(request):
        first = [one.path for one in server.log].count(request.path) == 1
        return (500, {"Retry-After": "1"}) if request.path in {"/10", "/11"} and first else (200, {})

    with serve_handler(answer) as server:
        out = rows(100).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=2)
    assert out.aio.report.outcomes == {"ok": 100}
    assert len({request.path for request in server.log[:100]}) == 100
    assert sorted(request.path for request in server.log[100:]) == ["/10", "/11"]


FEW_DESCRIPTORS = """
import logging, os, resource, sys
import pandas as pd, pandas_async_io as paio
logging.basicConfig(format="%(levelname)s %(name)s")
resource.setrlimit(resource.RLIMIT_NOFILE, (160, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
paio.read_api(sys.argv[1] + "/first")
held = [os.open(os.devnull, os.O_RDONLY) for _ in range(120)]
out = pd.DataFrame({"id": range(300)}).aio.fetch(sys.argv[1] + "/{id}", concurrency=64)
print(out.aio.report.outcomes, out.aio.report.sent)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_fault_52_a_lack_of_descriptors_lowers_the_concurrency():
    """All rows are ok, after one warning."""

    async def answer(request):
        await asyncio.sleep(0.1)  # long enough for all slots to be taken
        return 200, {}

    with serve_handler(answer) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", FEW_DESCRIPTORS, server.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=Path(__file__).parents[2],
        )
    assert done.stderr.splitlines() == ["WARNING pandas_async_io"]
    assert done.stdout.split("\n")[0] == "{'ok': 300} 300"
    assert len(server.log) == 301
    assert max(request.in_flight for request in server.log) < 40

"""Rates are kept, limits learnt, refusals and budgets obeyed: measured in the servers' own logs."""

import asyncio
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._io.gate.gate import Gate
from pandas_async_io._io.gate.learnt_pace import LearntPace
from tests.benchmarks import adaptive_concurrency, polite
from tests.servers.handler import serve_handler
from tests.servers.limiters import LeakyBucket


def rows(count):
    return pd.DataFrame({"id": range(count)})


@dataclass
class ClientLog:
    """What the client did, on its own clock: its starts, and each pause that it was asked for."""

    starts: list[float] = field(default_factory=list)
    pauses: list[tuple[float, float]] = field(default_factory=list)

    def max_starts(self, seconds):
        """Return the most starts in any window of this length."""
        at = np.sort(self.starts)
        return int((np.searchsorted(at, at + seconds) - np.arange(len(at))).max())

    def starts_in_pauses(self):
        """Return the starts that began after a pause was asked for, and before its end."""
        return [at for at in self.starts for begin, end in self.pauses if begin < at < end]


@pytest.fixture
def client_log(monkeypatch):
    """Watch every gate: a server's log cannot show when a request was started."""
    log, start, refused = ClientLog(), LearntPace.record_start, Gate.record_refusal

    def record_start(pace, now, in_flight):
        log.starts.append(now)
        start(pace, now, in_flight)

    def record_refusal(gate, begun, now, asked=0.0, **options):
        received = asyncio.get_running_loop().time()
        log.pauses.append((received, received + asked))
        refused(gate, begun, now, asked, **options)

    monkeypatch.setattr(LearntPace, "record_start", record_start)
    monkeypatch.setattr(Gate, "record_refusal", record_refusal)
    return log


def succeeds_once(attempt):
    """Measure up to three times: a busy machine lowers what is reached, but never raises it.

    What must always hold is asserted in each attempt.
    """
    return any(attempt() for _ in range(3))


def reaches(case, limit):
    """Measure a case of the benchmark once. Every row is ok and the report equals the log of the server."""
    found = polite.measure(case)
    report, refused = found.report, found.refused
    assert report.outcomes == {"ok": case.rows}
    assert (report.sent, report.refused) == (case.rows + refused, refused)
    return found.reaches(case) and limit in report.limited_by


@pytest.mark.slow
def test_fault_36_a_rate_is_kept_and_used(client_log):
    """rate="20/s": a strict limiter refuses at most 1 % of 200 rows, and 85 % of the rate is used."""

    def attempt():
        client_log.starts.clear()
        reached = reaches(polite.DECLARED, "the rate that you set")
        assert client_log.max_starts(1.0) <= 20
        return reached

    assert succeeds_once(attempt)


@pytest.mark.slow
def test_fault_37_a_limit_is_learnt_without_a_rate():
    """600 rows at 50/s without burst: every row is ok, 10 % are refused at most, 70 % of the limit is used."""
    assert succeeds_once(lambda: reaches(polite.SILENT, "the server"))


@pytest.mark.slow
def test_fault_29_and_37_nothing_starts_during_a_requested_pause(client_log):
    """Every row is ok, and few are refused."""

    def attempt():
        with serve_handler(LeakyBucket(50, {"Retry-After": "1"})) as server:
            report = rows(150).aio.fetch(server.url + "/{id}", client=paio.Client()).aio.report
        assert report.outcomes == {"ok": 150}
        assert report.refused == len(client_log.pauses) >= 1
        assert client_log.starts_in_pauses() == []
        client_log.pauses.clear()
        return report.refused <= 15

    assert succeeds_once(attempt)


def test_fault_39_threads_and_calls_share_the_rate_of_their_client(client_log):
    """The rate belongs to the client and the origin."""

    async def answer(request):
        return 200, {}

    with serve_handler(answer) as server, paio.Client(server.url, rate="50/s") as client:
        threads = [threading.Thread(target=lambda: rows(15).aio.fetch("/{id}", client=client)) for _ in range(2)]
        for thread in threads:
            thread.start()
        futures = [rows(10).aio.fetch_async("/{id}", client=client) for _ in range(2)]
        for waiting in (*(future.result for future in futures), *(thread.join for thread in threads)):
            waiting()
    assert len(server.log) == len(client_log.starts) == 50
    assert client_log.max_starts(0.2) <= 11


def test_a_403_without_remaining_budget_is_a_refusal():
    """As GitHub sends it: the run waits for the reset and goes on."""
    reset = time.time() + 1

    async def answer(request):
        if time.time() < reset:
            return 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{reset:.3f}"}
        return 200, {}

    with serve_handler(answer) as server:
        out = rows(4).aio.fetch(server.url + "/{id}", client=paio.Client(), retry=paio.Retry(throttle_base=0.1))
    assert out.aio.report.outcomes == {"ok": 4}
    assert out.aio.report.refused == sum(request.status == 403 for request in server.log) >= 1


def test_a_low_budget_spaces_the_starts():
    """With 2 requests left for a second, and more rows than that, the next start waits."""

    async def answer(request):
        low = len(server.log) == 1
        return 200, {"RateLimit-Limit": "100", "RateLimit-Remaining": "2" if low else "90", "RateLimit-Reset": "1"}

    with serve_handler(answer) as server:
        out = rows(20).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=1)
    assert server.log[1].arrived - server.log[0].arrived >= 0.25
    assert out.aio.report.refused == 0


def test_a_budget_that_suffices_does_not_slow_the_run():
    """30 requests are left for an hour, and 20 rows to send."""

    async def answer(request):
        left = 50 - len(server.log)
        return 200, {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": "3600"}

    with serve_handler(answer) as server:
        out = rows(20).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=4)
    assert out.aio.report.waits["pause"] < 1


def test_a_backoff_header_on_a_success_pauses_the_origin():
    """As Kinto sends it."""

    async def answer(request):
        return 200, {"Backoff": "1"} if request.path == "/10" else {}

    with serve_handler(answer) as server:
        rows(12).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=1)
    at = {request.path: request.arrived for request in server.log}
    assert at["/11"] - at["/10"] >= 0.99


def test_retry_after_takes_precedence_over_the_reset_of_a_budget():
    """On a 429 that has both."""

    async def answer(request):
        first = len(server.log) == 1
        headers = {"Retry-After": "0", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}
        return (429, headers) if first else (200, {})

    with serve_handler(answer) as server:
        out = rows(3).aio.fetch(server.url + "/{id}", client=paio.Client(), retry=paio.Retry(throttle_base=0.01))
    assert out.aio.report.outcomes == {"ok": 3}
    assert out.aio.report.seconds < 10


@pytest.mark.long
@pytest.mark.parametrize(
    ("server", "fixed"), [(adaptive_concurrency.slow_down, (5, 6)), (adaptive_concurrency.refuse, (5,))]
)
def test_adaptive_concurrency_finds_a_hidden_knee(server, fixed):
    """It reaches 90 % of the best fixed number in the same run."""

    def attempt():
        best, found = adaptive_concurrency.measure(server, fixed)
        return found >= 0.9 * best

    assert succeeds_once(attempt)


@pytest.mark.slow
def test_fault_83_a_503_without_retry_after_is_a_limiters_refusal():
    """nginx's default: 200 rows at 20/s, nothing declared. Every row is ok; the limit is learnt and used."""

    def attempt():
        found = polite.measure(polite.UNAVAILABLE)
        assert found.report.outcomes == {"ok": polite.UNAVAILABLE.rows}
        assert "the server" in found.report.limited_by
        return found.reaches(polite.UNAVAILABLE)

    assert succeeds_once(attempt)


@pytest.mark.slow
def test_fault_37_a_window_that_says_retry_after_is_used():
    """10 requests per sliding second, told by Retry-After only: 85 % are used, and one round trip is refused."""
    assert succeeds_once(lambda: reaches(polite.SLIDING, "the server"))


@pytest.mark.long
@pytest.mark.parametrize("concurrency", [32, "auto"])
def test_fault_36_a_servers_budget_is_used_and_not_exceeded(concurrency):
    """10 requests per 5 s, told by RateLimit headers."""

    def attempt():
        found = polite.measure(polite.WINDOWS, concurrency=concurrency)
        assert found.report.outcomes == {"ok": polite.WINDOWS.rows}
        return found.reaches(polite.WINDOWS)

    assert succeeds_once(attempt)


@pytest.mark.slow
def test_fault_37_what_one_endpoint_accepts_is_no_start_for_another():
    """60 rows to an endpoint that accepts 20/s, after as many to one that accepts all."""

    def attempt():
        found = polite.measure(polite.OTHER_ENDPOINT)
        assert found.report.outcomes == {"ok": polite.OTHER_ENDPOINT.rows}
        return found.reaches(polite.OTHER_ENDPOINT)

    assert succeeds_once(attempt)


def test_a_pace_that_one_endpoint_taught_does_not_slow_another():
    """One endpoint refuses, the other does not; both belong to the same client and origin."""
    refused = []

    async def answer(request):
        if request.path.startswith("/slow/") and len(refused) < 5:
            refused.append(request)
            return 429, {}
        return 200, {}

    with serve_handler(answer) as server, paio.Client(server.url, retry=paio.Retry(throttle_base=0.01)) as client:
        rows(10).aio.fetch("/slow/{id}", client=client)
        begun = time.monotonic()
        out = rows(200).aio.fetch("/fast/{id}?q=1", client=client)
    assert out.aio.report.outcomes == {"ok": 200}
    assert time.monotonic() - begun < 5  # at the learnt pace, 10/s, it would take a quarter of a minute


def test_an_adaptive_limit_is_named_as_what_limits_a_run():
    """With concurrency="auto" and no other call, no other call is blamed."""
    in_flight = 0

    async def answer(request):
        nonlocal in_flight
        if in_flight >= 2:
            return 429, {}
        in_flight += 1
        try:
            await asyncio.sleep(0.02)
        finally:
            in_flight -= 1
        return 200, {}

    with serve_handler(answer) as server:
        out = rows(80).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency="auto")
    assert out.aio.report.outcomes == {"ok": 80}
    assert "other calls" not in out.aio.report.limited_by
    assert out.aio.report.waits["slot"] == 0


DESCRIPTORS = """
import logging, sys, pandas as pd, pandas_async_io as paio, resource
url = sys.argv[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
with paio.Client(url) as client:
    for _ in range(2):
        out = pd.DataFrame({"id": range(100)}).aio.fetch("/{id}", client=client, concurrency=60)
print(dict(out.aio.report.outcomes))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_fault_52_the_free_descriptors_are_used_and_the_limit_is_said_once():
    """With 64 descriptors some 40 requests are in flight, and one warning says why not 60."""

    async def answer(request):
        await asyncio.sleep(0.1)
        return 200, {}

    with serve_handler(answer) as server:
        ran = subprocess.run(
            [sys.executable, "-c", DESCRIPTORS, server.url], capture_output=True, text=True, check=False, timeout=60
        )
    assert ran.stdout.strip() == "{'ok': 100}", ran.stderr
    assert max(request.in_flight for request in server.log) >= 25
    assert ran.stderr.count("ulimit -n") == 1

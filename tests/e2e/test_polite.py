"""Limits are kept, failures are held, nothing is hammered: counted from the servers' own logs."""

import asyncio
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._io.gate.gate import Gate
from tests.benchmarks import adaptive, polite
from tests.servers.handler import LeakyBucket, serve_handler


def rows(count):
    return pd.DataFrame({"id": range(count)})


@dataclass
class Own:
    """What the client knew of itself, on its own clock: when it started a request, and each silence asked of it."""

    starts: list[float] = field(default_factory=list)
    silences: list[tuple[float, float]] = field(default_factory=list)

    def most(self, seconds):
        """Return how many it started in the fullest window of this length."""
        at = np.sort(self.starts)
        return int((np.searchsorted(at, at + seconds) - np.arange(len(at))).max())

    def broken(self):
        """Return the starts during a silence; what was on its way when it was asked for is no breach."""
        return [at for at in self.starts for begun, until in self.silences if begun < at < until]


@pytest.fixture
def own(monkeypatch):
    """Watch every gate from the side: a server's log cannot tell when what it sees was started."""
    seen, start, refused = Own(), Gate._start, Gate.refused

    def started(gate, now):
        seen.starts.append(now)
        start(gate, now)

    def was_refused(gate, begun, now, asked=0.0, **options):
        received = asyncio.get_running_loop().time()
        seen.silences.append((received, received + asked))
        refused(gate, begun, now, asked, **options)

    monkeypatch.setattr(Gate, "_start", started)
    monkeypatch.setattr(Gate, "refused", was_refused)
    return seen


def met_once(attempt):
    """Measure up to three times: a busy machine may hide what is reached, but makes up nothing.

    Only what such a machine can spoil is measured so; what must always hold is asserted in each attempt.
    """
    return any(attempt() for _ in range(3))


def met(case, limit):
    """Measure a case of the benchmark once; every row is ok and the report is the server's log, met or not."""
    report, refused, used = polite.measure(case)
    assert report.outcomes == {"ok": case.rows}
    assert (report.sent, report.refused) == (case.rows + refused, refused)
    return refused <= case.refused * case.rows and used >= case.used and limit in report.limited_by


@pytest.mark.slow
def test_fault_36_a_rate_is_kept_and_used_at_a_strict_limiter(own):
    """rate="20/s": it refuses at most 1 % of 200 rows, and 85 % of what it allows is used."""

    def attempt():
        own.starts.clear()
        reached = met(polite.GIVEN, "the rate that you set")
        assert own.most(1.0) <= 20
        return reached

    assert met_once(attempt)


@pytest.mark.slow
def test_fault_37_a_strict_limit_is_learnt_without_a_rate():
    """600 rows against 50/s without burst: every row is ok, a tenth is refused at most, 70 % of the limit is used."""
    assert met_once(lambda: met(polite.LEARNT, "the server"))


@pytest.mark.slow
def test_fault_29_and_37_refusals_that_ask_for_a_second_get_it(own):
    """Nothing starts in the second after any of them, every row is ok, and few are refused."""

    def attempt():
        with serve_handler(LeakyBucket(50, {"Retry-After": "1"})) as server:
            report = rows(150).aio.fetch(server.url + "/{id}", client=paio.Client()).aio.report
        assert report.outcomes == {"ok": 150}
        assert report.refused == len(own.silences) >= 1
        assert own.broken() == []
        own.silences.clear()
        return report.refused <= 15

    assert met_once(attempt)


def test_fault_39_two_threads_and_two_calls_on_one_client_are_within_the_rate_together(own):
    """The limit is the client's and the origin's, whoever calls."""

    async def answer(request):
        return 200, {}

    with serve_handler(answer) as server, paio.Client(server.url, rate="50/s") as client:
        threads = [threading.Thread(target=lambda: rows(15).aio.fetch("/{id}", client=client)) for _ in range(2)]
        for thread in threads:
            thread.start()
        futures = [rows(10).aio.fetch_async("/{id}", client=client) for _ in range(2)]
        for waiting in (*(future.result for future in futures), *(thread.join for thread in threads)):
            waiting()
    assert len(server.log) == len(own.starts) == 50
    assert own.most(0.2) <= 11


@pytest.mark.slow
def test_fault_34_an_outage_of_five_seconds_in_ten_costs_no_row():
    """2 000 rows, 20 at a time, half of the time down: all ok, and at most 1.2 attempts per row on the wire."""
    begun = time.monotonic()

    async def answer(request):
        await asyncio.sleep(0.01)
        return (503 if 1 <= (request.arrived - begun) % 10 < 6 else 200), {}

    with serve_handler(answer) as server:
        out = rows(2000).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=20)
    assert out.aio.report.outcomes == {"ok": 2000}
    assert any(request.status == 503 for request in server.log)
    assert out.aio.report.sent == len(server.log) <= 2400


@pytest.mark.slow
def test_fault_35_a_permanent_503_ends_10_000_rows_within_a_minute():
    """The breaker opens, probes a few times and gives up; what was not sent says so."""

    async def answer(request):
        return 503, {}

    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning, match="nothing came through"):
        out = rows(10_000).aio.fetch(server.url + "/{id}", client=paio.Client())
    report = out.aio.report
    assert report.seconds < 60
    assert set(report.outcomes) == {"http_error", "not_attempted"}
    assert report.sent == len(server.log) <= 100
    assert "down" in report.limited_by


def test_a_wrong_token_costs_at_most_concurrency_and_25_requests():
    """10 000 rows that would all be 401 end after the first answers, with the remedy in the warning."""

    async def answer(request):
        return 401, {}

    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning, match="pass fresh auth= to retry_failed"):
        out = rows(10_000).aio.fetch(server.url + "/{id}", client=paio.Client(server.url, auth="expired"))
    assert len(server.log) <= 32 + 25
    assert out.aio.report.sent == len(server.log)
    assert out.aio.report.outcomes["not_attempted"] == 10_000 - len(server.log)


def test_refusals_with_403_are_no_wrong_token():
    """GitHub refuses with 403 and no remaining budget: the run waits for the reset and goes on."""
    reset = time.time() + 1

    async def answer(request):
        if time.time() < reset:
            return 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{reset:.3f}"}
        return 200, {}

    with serve_handler(answer) as server:
        out = rows(4).aio.fetch(server.url + "/{id}", client=paio.Client(), retry=paio.Retry(throttle_base=0.1))
    assert out.aio.report.outcomes == {"ok": 4}
    assert out.aio.report.refused == sum(request.status == 403 for request in server.log) >= 1


def test_no_slot_is_held_by_a_row_that_waits():
    """2 slots, and 2 of 100 rows wait for another attempt: the server sees all others before these again."""

    async def answer(request):
        first = [one.path for one in server.log].count(request.path) == 1
        return (500, {"Retry-After": "1"}) if request.path in {"/10", "/11"} and first else (200, {})

    with serve_handler(answer) as server:
        out = rows(100).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=2)
    assert out.aio.report.outcomes == {"ok": 100}
    assert len({request.path for request in server.log[:100]}) == 100
    assert sorted(request.path for request in server.log[100:]) == ["/10", "/11"]


@pytest.mark.parametrize(("options", "sent"), [({}, 1), ({"idempotency_key": "Idempotency-Key"}, 3)])
def test_a_post_that_timed_out_is_repeated_with_a_key_only(options, sent):
    """Without a key its row says that the server may have received it; with one it is the same each time."""

    async def answer(request):
        await asyncio.sleep(0.3)
        return 200, {}

    with serve_handler(answer) as server, pytest.warns(paio.FetchWarning):
        out = rows(1).aio.fetch(
            server.url + "/{id}",
            method="POST",
            timeout=0.1,
            client=paio.Client(),
            retry=paio.Retry(base=0.01, **options),
        )
    assert len(server.log) == sent
    assert out.aio.failures["outcome"].tolist() == ["timeout"]
    assert ("may have received" in out.aio.failures["error"].iloc[0]) == (sent == 1)
    assert len({request.headers.get("idempotency-key") for request in server.log}) == 1


def test_idempotency_keys_are_stable_and_never_shared():
    """Each row has its own key, also where rows are equal, over attempts and over retry_failed, twice."""
    tries = Counter()

    async def answer(request):
        tries[request.headers["x-key"]] += 1
        return (408 if tries[request.headers["x-key"]] <= 5 else 200), {}  # no 500: it would be held back as an outage

    frame = pd.DataFrame({"id": [1, 1, 2, 3]}, index=[7, 7, 8, 9])
    options = {"method": "POST", "retry": paio.Retry(attempts=2, base=0.001, idempotency_key="X-Key")}
    with serve_handler(answer) as server:
        with pytest.warns(paio.FetchWarning):
            out = frame.aio.fetch(server.url + "/{id}", json={"n": "{id}"}, client=paio.Client(), **options)
        while len(out.aio.failures):
            with warnings.catch_warnings(action="ignore", category=paio.FetchWarning):
                out = out.aio.retry_failed()
    keys = {}
    for request in server.log:
        keys.setdefault(request.headers["x-key"], set()).add(request.path)
    assert len(keys) == 4
    assert set(tries.values()) == {6}
    assert all(len(paths) == 1 for paths in keys.values())
    assert sorted(path for paths in keys.values() for path in paths) == ["/1", "/1", "/2", "/3"]


def test_a_key_of_the_users_own_is_sent_as_it_is():
    """A column may hold the keys."""

    async def answer(request):
        return 200, {}

    with serve_handler(answer) as server:
        rows(2).aio.fetch(
            server.url,
            method="POST",
            headers={"idempotency-key": "order-{id}"},
            client=paio.Client(),
            retry=paio.Retry(idempotency_key="Idempotency-Key"),
        )
    assert sorted(request.headers["idempotency-key"] for request in server.log) == ["order-0", "order-1"]


_CROWDED = """
import logging, os, resource, sys
import pandas as pd, pandas_async_io as paio
logging.basicConfig(format="%(levelname)s %(name)s")
resource.setrlimit(resource.RLIMIT_NOFILE, (160, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
paio.read_api(sys.argv[1] + "/first")
held = [os.open(os.devnull, os.O_RDONLY) for _ in range(120)]
out = pd.DataFrame({"id": range(300)}).aio.fetch(sys.argv[1] + "/{id}", concurrency=64)
print(out.aio.report.outcomes, out.aio.report.sent)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_fault_52_spent_descriptors_are_back_pressure():
    """All rows are ok with as many connections as there is room for, after one warning."""

    async def answer(request):
        await asyncio.sleep(0.005)
        return 200, {}

    with serve_handler(answer) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", _CROWDED, server.url],
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


def test_a_budget_that_runs_low_slows_the_origin_before_it_refuses():
    """With 2 left for half a second, and more rows than that to send, the next one waits its share."""

    async def answer(request):
        low = len(server.log) == 1
        return 200, {"RateLimit-Limit": "100", "RateLimit-Remaining": "2" if low else "90", "RateLimit-Reset": "1"}

    with serve_handler(answer) as server:
        out = rows(20).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=1)
    assert server.log[1].arrived - server.log[0].arrived >= 0.25
    assert out.aio.report.refused == 0


def test_a_budget_that_is_enough_slows_nothing():
    """With 30 left for an hour and 20 rows to send there is no reason to wait."""

    async def answer(request):
        left = 50 - len(server.log)
        return 200, {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": "3600"}

    with serve_handler(answer) as server:
        out = rows(20).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=4)
    assert out.aio.report.waits["pause"] < 1


def test_kintos_backoff_on_a_good_answer_is_obeyed():
    """It comes now and then on answers that are fine, and silences the origin."""

    async def answer(request):
        return 200, {"Backoff": "1"} if request.path == "/10" else {}

    with serve_handler(answer) as server:
        rows(12).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=1)
    at = {request.path: request.arrived for request in server.log}
    assert at["/11"] - at["/10"] >= 0.99


def test_retry_after_wins_over_the_reset_of_a_budget():
    """A 429 that says both is waited for as long as Retry-After says."""

    async def answer(request):
        first = len(server.log) == 1
        headers = {"Retry-After": "0", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}
        return (429, headers) if first else (200, {})

    with serve_handler(answer) as server:
        out = rows(3).aio.fetch(server.url + "/{id}", client=paio.Client(), retry=paio.Retry(throttle_base=0.01))
    assert out.aio.report.outcomes == {"ok": 3}
    assert out.aio.report.seconds < 10


@pytest.mark.slow
@pytest.mark.parametrize(("server", "fixed"), [(adaptive.slowing, (5, 6)), (adaptive.refusing, (5,))])
def test_adaptive_concurrency_finds_a_hidden_knee(server, fixed):
    """At least 90 % of what the best fixed number reaches, in the same run."""

    def attempt():
        best, found = adaptive.measure(server, fixed)
        return found >= 0.9 * best

    assert met_once(attempt)

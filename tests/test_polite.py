"""Limits are kept, failures are held, nothing is hammered: counted from the servers' own logs."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from tests.benchmarks import adaptive
from tests.io.answering import NGINX, answering, nginx


def rows(count):
    return pd.DataFrame({"id": range(count)})


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Limiter:
    """A leaky bucket without burst: what comes earlier than 1/rate after the last accepted is refused."""

    def __init__(self, rate, headers=None):
        self.gap, self.headers, self.last = 1 / rate, headers or {}, float("-inf")

    async def __call__(self, seen):
        if seen.at - self.last < self.gap:
            return 429, self.headers
        self.last = seen.at
        return 200, {}


def against_nginx(tmp_path, rate, count, **options):
    """Fetch from a strict limit; return the outcomes, the times of what was accepted, and how many were refused."""
    port = free_port()
    with nginx(tmp_path, port, rate) as log, paio.Client(f"http://127.0.0.1:{port}") as client:
        out = rows(count).aio.fetch("/{id}", client=client, **options)
        client.close()
    seen = np.loadtxt(log, ndmin=2)
    return out.aio.report, seen[seen[:, 1] == 200, 0], int((seen[:, 1] == 429).sum())


def speed(times):
    return (len(times) - 1) / (times[-1] - times[0])


@pytest.mark.slow
@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_fault_36_a_rate_is_kept_and_used_at_a_strict_limiter(tmp_path):
    """rate="20/s": nginx without burst refuses at most 1 % of 200 rows, and 85 % of what it allows is used."""
    report, accepted, refused = against_nginx(tmp_path, 20, 200, rate="20/s")
    assert report.outcomes == {"ok": 200}
    assert (report.sent, report.refused) == (200 + refused, refused)
    assert refused <= 2
    assert speed(accepted) >= 0.85 * 20
    assert "rate" in report.limited_by


@pytest.mark.slow
@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_fault_37_a_strict_limit_is_learnt_without_a_rate(tmp_path):
    """600 rows against 50/s without burst: every row is ok, a tenth is refused at most, 70 % of the limit is used."""
    report, accepted, refused = against_nginx(tmp_path, 50, 600)
    assert report.outcomes == {"ok": 600}
    assert report.refused == refused
    assert refused <= 60
    assert speed(accepted) >= 0.7 * 50
    assert "server" in report.limited_by


@pytest.mark.slow
def test_fault_37_a_limit_is_learnt_from_refusals_that_ask_for_a_second():
    """Each refusal costs a second of silence, and still every row is ok and few are refused."""
    with answering(Limiter(50, {"Retry-After": "1"})) as server:
        out = rows(300).aio.fetch(server.url + "/{id}", client=paio.Client())
    refused = [seen.at for seen in server.log if seen.status == 429]
    assert out.aio.report.outcomes == {"ok": 300}
    assert len(refused) <= 30
    # Nothing was sent in the second after the answer; what was on its way then is no breach.
    late = [s.at - r for r in refused for s in server.log if 0.1 < s.at - r < 0.99]
    assert not late


def test_two_threads_and_two_calls_on_one_client_are_within_the_rate_together():
    """The limit is the client's and the origin's, whoever calls."""
    with answering(Limiter(50)) as server, paio.Client(server.url, rate="50/s") as client:
        threads = [threading.Thread(target=lambda: rows(15).aio.fetch("/{id}", client=client)) for _ in range(2)]
        for thread in threads:
            thread.start()
        futures = [rows(10).aio.fetch_async("/{id}", client=client) for _ in range(2)]
        for waiting in (*(future.result for future in futures), *(thread.join for thread in threads)):
            waiting()
    starts = [seen.at for seen in server.log]
    assert sum(seen.status == 200 for seen in server.log) == 50
    assert speed(starts) <= 50
    assert sum(seen.status == 429 for seen in server.log) <= 2


@pytest.mark.slow
def test_fault_34_an_outage_of_five_seconds_in_ten_costs_no_row():
    """2 000 rows, 20 at a time, half of the time down: all ok, and at most 1.2 attempts per row on the wire."""
    begun = time.monotonic()

    async def answer(seen):
        await asyncio.sleep(0.05)
        return (503 if (seen.at - begun) % 10 >= 2.5 and (seen.at - begun) % 10 < 7.5 else 200), {}

    with answering(answer) as server:
        out = rows(2000).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=20)
    assert out.aio.report.outcomes == {"ok": 2000}
    assert any(seen.status == 503 for seen in server.log)
    assert out.aio.report.sent == len(server.log) <= 2400


@pytest.mark.slow
def test_fault_35_a_permanent_503_ends_10_000_rows_within_a_minute():
    """The breaker opens, probes a few times and gives up; what was not sent says so."""

    async def answer(seen):
        return 503, {}

    with answering(answer) as server, pytest.warns(paio.FetchWarning, match="nothing came through"):
        out = rows(10_000).aio.fetch(server.url + "/{id}", client=paio.Client())
    report = out.aio.report
    assert report.seconds < 60
    assert set(report.outcomes) == {"http_error", "not_attempted"}
    assert report.sent == len(server.log) <= 100
    assert "down" in report.limited_by


def test_a_wrong_token_costs_at_most_concurrency_and_25_requests():
    """10 000 rows that would all be 401 end after the first answers, with the remedy in the warning."""

    async def answer(seen):
        return 401, {}

    with answering(answer) as server, pytest.warns(paio.FetchWarning, match="pass fresh auth= to retry_failed"):
        out = rows(10_000).aio.fetch(server.url + "/{id}", client=paio.Client(server.url, auth="expired"))
    assert len(server.log) <= 32 + 25
    assert out.aio.report.sent == len(server.log)
    assert out.aio.report.outcomes["not_attempted"] == 10_000 - len(server.log)


def test_refusals_with_403_are_no_wrong_token():
    """GitHub refuses with 403 and no remaining budget: the run waits for the reset and goes on."""
    refused = []

    async def answer(seen):
        if len(refused) < 30:
            refused.append(seen)
            return 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(time.time() + 0.3)}
        return 200, {}

    with answering(answer) as server:
        out = rows(60).aio.fetch(server.url + "/{id}", client=paio.Client(), retry=paio.Retry(throttle_base=0.1))
    assert out.aio.report.outcomes == {"ok": 60}
    assert out.aio.report.refused == len(refused) == len(server.log) - 60


def test_no_slot_is_held_by_a_row_that_waits():
    """2 of 100 rows fail once, 2 slots: by the server's log both are used all the time, until little is left."""
    failed = set()

    async def answer(seen):
        await asyncio.sleep(0.01)
        if seen.path in {"/10", "/30"} and seen.path not in failed:
            failed.add(seen.path)
            return 500, {}
        return 200, {}

    with answering(answer) as server:
        rows(100).aio.fetch(
            server.url + "/{id}", client=paio.Client(), concurrency=2, retry=paio.Retry(base=1.0, budget=1.0)
        )
    assert len(server.log) == 102
    # Once both failures have been met and come back at the very end, nothing else is left to be sent.
    fresh = [seen for seen in server.log if seen.path not in failed]
    alone = [seen for seen in fresh[1:-1] if seen.in_flight == 1]
    gaps = [later.at - max(s.until for s in fresh[: at + 1]) for at, later in enumerate(fresh[1:])]
    assert len(alone) <= len(fresh) * 0.6
    assert max(gaps) < 0.5


@pytest.mark.parametrize(("options", "sent"), [({}, 1), ({"idempotency_key": "Idempotency-Key"}, 3)])
def test_a_post_that_timed_out_is_repeated_with_a_key_only(options, sent):
    """Without a key its row says that the server may have received it; with one it is the same each time."""

    async def answer(seen):
        await asyncio.sleep(0.3)
        return 200, {}

    with answering(answer) as server, pytest.warns(paio.FetchWarning):
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
    assert len({seen.headers.get("idempotency-key") for seen in server.log}) == 1


def test_idempotency_keys_are_stable_and_never_shared():
    """Each row has its own key, also where rows are equal, over attempts and over retry_failed, twice."""
    fails = 2

    async def answer(seen):
        return (500 if sum(s.path == seen.path for s in server.log) <= 2 * fails * 2 else 200), {}

    frame = pd.DataFrame({"id": [1, 1, 2, 3]}, index=[7, 7, 8, 9])
    options = {"method": "POST", "retry": paio.Retry(attempts=fails, base=0.001, idempotency_key="X-Key")}
    with answering(answer) as server:
        with pytest.warns(paio.FetchWarning):
            out = frame.aio.fetch(server.url + "/{id}", json={"n": "{id}"}, client=paio.Client(), **options)
        for _ in range(4):
            if len(out.aio.failures):
                with pytest.warns() as caught:
                    out = out.aio.retry_failed()
                    warnings_needed = bool(len(out.aio.failures))
                    if not warnings_needed:
                        import warnings

                        warnings.warn("done", UserWarning, stacklevel=1)
                assert caught
    keys = {}
    for seen in server.log:
        keys.setdefault(seen.headers["x-key"], set()).add(seen.path)
    assert len(keys) == 4
    assert all(len(paths) == 1 for paths in keys.values())
    assert sorted(path for paths in keys.values() for path in paths) == ["/1", "/1", "/2", "/3"]


def test_a_key_of_the_users_own_is_sent_as_it_is():
    """A column may hold the keys."""

    async def answer(seen):
        return 200, {}

    with answering(answer) as server:
        rows(2).aio.fetch(
            server.url,
            method="POST",
            headers={"idempotency-key": "order-{id}"},
            client=paio.Client(),
            retry=paio.Retry(idempotency_key="Idempotency-Key"),
        )
    assert sorted(seen.headers["idempotency-key"] for seen in server.log) == ["order-0", "order-1"]


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

    async def answer(seen):
        await asyncio.sleep(0.005)
        return 200, {}

    with answering(answer) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", _CROWDED, server.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=Path(__file__).parent.parent,
        )
    assert done.stderr.splitlines() == ["WARNING pandas_async_io"]
    assert done.stdout.split("\n")[0] == "{'ok': 300} 300"
    assert len(server.log) == 301
    assert max(seen.in_flight for seen in server.log) < 40


def test_a_budget_that_runs_low_slows_the_origin_before_it_refuses():
    """With 2 left for half a second, and more rows than that to send, the next one waits its share."""
    async def answer(seen):
        low = len(server.log) == 1
        return 200, {"RateLimit-Limit": "100", "RateLimit-Remaining": "2" if low else "90", "RateLimit-Reset": "1"}

    with answering(answer) as server:
        out = rows(20).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=1)
    assert server.log[1].at - server.log[0].at >= 0.25
    assert out.aio.report.refused == 0


def test_a_budget_that_is_enough_slows_nothing():
    """With 30 left for an hour and 20 rows to send there is no reason to wait."""
    async def answer(seen):
        left = 50 - len(server.log)
        return 200, {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": "3600"}

    with answering(answer) as server:
        out = rows(20).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=4)
    assert out.aio.report.waits["pause"] < 1


def test_kintos_backoff_on_a_good_answer_is_obeyed():
    """It comes now and then on answers that are fine, and silences the origin."""
    async def answer(seen):
        return 200, {"Backoff": "1"} if seen.path == "/10" else {}

    with answering(answer) as server:
        rows(12).aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=1)
    at = {seen.path: seen.at for seen in server.log}
    assert at["/11"] - at["/10"] >= 0.99


def test_retry_after_wins_over_the_reset_of_a_budget():
    """A 429 that says both is waited for as long as Retry-After says."""
    async def answer(seen):
        first = len(server.log) == 1
        headers = {"Retry-After": "0", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}
        return (429, headers) if first else (200, {})

    with answering(answer) as server:
        out = rows(3).aio.fetch(server.url + "/{id}", client=paio.Client(), retry=paio.Retry(throttle_base=0.01))
    assert out.aio.report.outcomes == {"ok": 3}
    assert out.aio.report.seconds < 10


@pytest.mark.slow
def test_adaptive_concurrency_finds_a_hidden_knee():
    """At least 90 % of what the best fixed number reaches; leniently measured, for the machine may be busy."""
    best, found = adaptive.measure()
    assert found >= 0.8 * best

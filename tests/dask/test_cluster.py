"""``ddf.aio`` on a cluster of two workers with two threads each: one rate, one pause, and no row lost with a worker."""

from __future__ import annotations

import logging
import os
import signal

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.counting import serve_counting

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

ROWS = 240
RATE = 100


@pytest.fixture(scope="module")
def cluster():
    """Return the client of a cluster of processes."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    options = {"n_workers": 2, "threads_per_worker": 2, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as running, distributed.Client(running) as client:
        yield client


@pytest.fixture(scope="module")
def server():
    """Run a server in a process of its own."""
    with serve_counting() as url:
        yield url


@pytest.fixture
def rows():
    """Return rows in eight partitions."""
    return dd.from_pandas(pd.DataFrame({"n": range(ROWS)}), npartitions=8)


def fetch(rows, server, **options):
    return rows.aio.fetch(server + "/items/{n}", schema={"value": "int64"}, **options)


def want():
    return pd.DataFrame({"n": range(ROWS), "value": pd.array(range(ROWS), "Int64")})


def most_in_a_second(log):
    times = np.sort([at for at, _, _ in log])
    return (np.searchsorted(times, times + 1.0) - np.arange(len(times))).max()


def test_the_workers_keep_one_rate(cluster, server, rows):
    """By the server's log; every row is there once, in order."""
    server.take_log()
    fetched = fetch(rows, server, rate=paio.Rate(RATE, margin=0)).compute()
    log = server.take_log()
    pd.testing.assert_frame_equal(fetched, want())
    assert len(log) == ROWS
    assert most_in_a_second(log) <= RATE * 1.2  # the machine may stall; the figures are in the benchmark
    assert max(log)[0] - min(log)[0] <= ROWS / RATE * 2


def test_a_refusal_at_one_worker_pauses_all(cluster, server, rows):
    """After a 429 with Retry-After 2, nothing starts for two seconds but what was on its way."""
    server.take_log()
    server.ask("/refuse/80/2")
    fetched = fetch(rows, server, rate=paio.Rate(RATE, margin=0)).compute()
    log = sorted(server.take_log())
    [refused] = [at for at, _, status in log if status == 429]
    early = [at for at, _, _ in log if refused < at < refused + 2]
    pd.testing.assert_frame_equal(fetched, want())
    assert [at for at in early if at > refused + 1] == []


def test_a_lost_worker_loses_no_row(cluster, server, rows):
    """Its partitions are fetched again; the rate holds through the change."""
    server.take_log()
    kept = fetch(rows, server, rate=paio.Rate(RATE, margin=0)).persist()
    distributed.wait(kept.partitions[0].persist())
    os.kill(next(iter(cluster.run(os.getpid).values())), signal.SIGKILL)
    fetched = kept.compute()
    log = server.take_log()
    pd.testing.assert_frame_equal(fetched, want())
    assert len({path for _, path, _ in log}) == ROWS
    assert most_in_a_second(log) <= RATE * 1.2


def test_a_deadline_is_that_of_all_partitions(cluster, server, rows):
    """It runs from the first one on: the rows of the others are not attempted."""
    kept = fetch(rows, server, rate=paio.Rate(RATE, margin=0), deadline=1.0).persist()
    outcomes = kept.compute()["value"].isna()
    assert 0 < (~outcomes).sum() < ROWS / 2


def test_a_scheduler_without_plugins_says_what_to_do(cluster, server, rows):
    """Nothing is sent; the message names the setting."""
    blocked = cluster.cluster.scheduler.blocked_handlers
    blocked.append("register_scheduler_plugin")
    server.take_log()
    try:
        with pytest.raises(paio.PlanError, match=r"takes no plugin .* pandas-async-io.shared-limits: False"):
            fetch(rows, server, client=paio.Client(rate="50/s")).compute()
    finally:
        blocked.remove("register_scheduler_plugin")
    assert server.take_log() == []

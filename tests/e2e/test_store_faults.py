"""What goes wrong with a store: the process, the disk, the file. No answer is lost, and one clear error is raised."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from importlib import import_module

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import json_response, serve_function

IDS = pd.DataFrame({"id": range(1, 6)})

FETCH = """
import pandas as pd, pandas_async_io as paio, sys
base, store, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
out = pd.DataFrame({"id": range(rows)}).aio.fetch(base + "/{id}", store=store, concurrency=4, progress=False)
print(len(out), out["path"].tolist() == [f"/{number}" for number in range(rows)])
"""

READ = """
import pandas_async_io as paio, sys
out = paio.read_api(sys.argv[1] + "/items?page=1", pages=paio.NextUrl("next"), store=sys.argv[2], progress=False)
print(len(out), out["id"].tolist() == list(range(1, int(sys.argv[3]) + 1)))
"""


@pytest.fixture
def store(tmp_path):
    """Return the path of a store that does not exist."""
    return tmp_path / "calls.sqlite"


def by_path(request):
    """Return the path, after a moment: a run is to be killed while it goes on."""
    time.sleep(0.002)
    return json_response({"path": request.target})


def run_until_killed(script, *args, wait):
    """Run a script and kill it once `wait()` returns; return what it printed, None if it was killed."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, *map(str, args)], stdout=subprocess.PIPE
    ) as it:
        while it.poll() is None and not wait():
            time.sleep(0.005)
        it.kill()
        return it.stdout.read().decode().strip() or None


def kill_and_resume(script, server, store, rows, kills):
    """Kill a run some times and let it end; return what it printed."""
    for number in range(kills):
        seen = len(server.requests) + rows // (kills + 2)
        printed = run_until_killed(script, server.url, store, rows, wait=lambda seen=seen: len(server.requests) >= seen)
        assert printed is None or number == kills - 1
    return run_until_killed(script, server.url, store, rows, wait=lambda: False)


@pytest.mark.slow
def test_fault_60_a_killed_run_goes_on_where_it_was(store):
    """Requests sent again are at most those in flight and those of one batch, for each kill."""
    rows, kills = 300, 3
    with serve_function(by_path) as server:
        assert kill_and_resume(FETCH, server, store, rows, kills) == f"{rows} True"
        targets = [request.target for request in server.requests]
    assert set(targets) == {f"/{number}" for number in range(rows)}
    assert len(targets) <= rows + kills * (4 + 500)
    assert len(targets) < kills * rows


@pytest.mark.slow
def test_fault_60_a_killed_read_of_pages_goes_on_where_it_was(store):
    def page(request):
        time.sleep(0.01)
        number = int(request.target.partition("page=")[2])
        following = {"next": f"/items?page={number + 1}"} if number < 60 else {}
        return json_response({"items": [{"id": number}], **following})

    with serve_function(page) as server:
        assert kill_and_resume(READ, server, store, 60, 3) == "60 True"
        assert len(server.requests) < 60 * 3


def test_fault_59_what_came_before_an_interrupt_is_kept(store):
    def slow(request):
        if len(server.requests) == 40:
            os.kill(os.getpid(), signal.SIGINT)
        return by_path(request)

    rows = pd.DataFrame({"id": range(400)})
    with serve_function(slow) as server:
        with pytest.raises(KeyboardInterrupt) as caught:
            rows.aio.fetch(server.url + "/{id}", store=store, concurrency=4)
        partial = caught.value.partial
        done = partial.index[partial.aio.outcomes["outcome"] == "ok"]
        assert 0 < len(done) < 400
        again = rows.aio.fetch(server.url + "/{id}", store=store)
        assert again.aio.outcomes["from_store"][done].all()
        resumed = partial.aio.retry_failed()
        sent = Counter(request.target for request in server.requests)
    assert {sent[f"/{number}"] for number in done} == {1}
    assert max(sent.values()) <= 2  # of a row in flight at the interrupt
    pd.testing.assert_frame_equal(again, resumed)


def test_fault_62_a_garbage_file_is_refused_and_not_changed(store):
    store.write_bytes(b"no database" * 100)
    with pytest.raises(paio.PlanError, match="is no store, or was damaged"):
        IDS.aio.fetch("http://127.0.0.1:9/{id}", store=store)
    assert store.read_bytes() == b"no database" * 100


def test_fault_62_a_file_of_another_program_is_refused(store):
    with closing(sqlite3.connect(store)) as other:
        other.execute("CREATE TABLE mine (a)")
    before = store.read_bytes()
    with pytest.raises(paio.PlanError, match="SQLite file of another program"):
        paio.read_api_async("http://127.0.0.1:9/", store=store)
    assert store.read_bytes() == before


def test_fault_61_a_file_of_another_layout_is_refused(api, store):
    IDS.aio.fetch(api + "/users/{id}", store=store)
    with closing(sqlite3.connect(store)) as file:
        file.execute("PRAGMA user_version = 7")
    for mode in ("journal", "record", "replay"):
        with pytest.raises(paio.PlanError, match="has layout 7, and this version of pandas_async_io reads layout 1"):
            IDS.aio.fetch(api + "/users/{id}", store=paio.Store(store, mode=mode))
    assert len(api.log) == 5


def test_fault_77_a_damaged_answer_is_requested_again_and_that_is_said(api, store):
    IDS.aio.fetch(api + "/users/{id}", store=store)
    with closing(sqlite3.connect(store, isolation_level=None)) as file:
        file.execute("UPDATE answers SET content = x'00' || substr(content, 2) WHERE url LIKE '%/3'")
    with pytest.warns(paio.HintWarning, match="1 kept answer damaged, and requested again"):
        again = IDS.aio.fetch(api + "/users/{id}", store=store)
    assert len(api.log) == 6
    assert again["id_api"].tolist() == [1, 2, 3, 4, 5]
    assert IDS.aio.fetch(api + "/users/{id}", store=store).aio.outcomes["from_store"].all()


def test_fault_65_a_store_that_cannot_be_is_refused_before_the_first_request(api, tmp_path):
    (tmp_path / "file").write_text("x")
    for path, text in (
        (tmp_path, "is a folder"),
        (tmp_path / "missing" / "calls.sqlite", "does not exist, make it first"),
        (tmp_path / "file" / "calls.sqlite", "does not exist, make it first|cannot be"),
    ):
        with pytest.raises(paio.PlanError, match=text):
            IDS.aio.fetch(api + "/users/{id}", store=path)
    assert len(api.log) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_fault_65_a_folder_that_cannot_be_written_to_is_refused(api, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(paio.PlanError, match="cannot be written to"):
        IDS.aio.fetch(api + "/users/{id}", store=tmp_path / "calls.sqlite")
    tmp_path.chmod(0o700)
    assert len(api.log) == 0


def test_fault_65_a_folder_that_vanishes_ends_the_keeping_not_the_run(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()

    def vanish(request):
        if request.target == "/30":
            shutil.rmtree(folder)
        return by_path(request)

    rows = pd.DataFrame({"id": range(60)})
    with serve_function(vanish) as server, pytest.warns(paio.HintWarning, match="answers are not kept") as caught:
        out = rows.aio.fetch(server.url + "/{id}", store=folder / "calls.sqlite")
    assert out["path"].notna().all()
    assert len(caught) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of a file's size")
def test_fault_64_a_full_disk_ends_the_keeping_not_the_run(store):
    """A limit of pages is a full disk to SQLite; what was committed before stays."""
    rows = pd.DataFrame({"id": range(900)})
    with serve_function(lambda request: json_response({"path": request.target, "x": os.urandom(400).hex()})) as server:
        rows.head(10).aio.fetch(server.url + "/{id}", store=store)
        limit = import_module("resource")
        before = limit.getrlimit(limit.RLIMIT_FSIZE)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit.setrlimit(limit.RLIMIT_FSIZE, (200_000, before[1]))
        try:
            with pytest.warns(
                paio.HintWarning, match="answers are not kept since the file could not be written"
            ) as caught:
                out = rows.aio.fetch(server.url + "/{id}", store=store)
        finally:
            limit.setrlimit(limit.RLIMIT_FSIZE, before)
        assert len(caught) == 1
        assert out["path"].tolist() == [f"/{number}" for number in range(900)]
        again = rows.aio.fetch(server.url + "/{id}", store=store)
    assert again.aio.outcomes["from_store"].head(10).all()


@pytest.mark.slow
def test_fault_63_two_processes_share_a_file(store):
    """Both write, and neither loses an answer."""
    rows = 150
    with serve_function(by_path) as server:
        command = [sys.executable, "-W", "ignore", "-c", FETCH, server.url, str(store), str(rows)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        assert [each.communicate(timeout=60)[0].strip() for each in both] == [f"{rows} True"] * 2
        sent = len(server.requests)
        out = pd.DataFrame({"id": range(rows)}).aio.fetch(server.url + "/{id}", store=store)
        assert len(server.requests) == sent
    assert out.aio.outcomes["from_store"].all()


def _fetch_in_child(base, store, queue):
    queue.put(IDS.aio.fetch(base + "/{id}", store=store, progress=False)["path"].tolist())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fault_67_a_forked_child_uses_the_file_on_its_own(store):
    with serve_function(by_path) as server:
        parent = IDS.aio.fetch(server.url + "/{id}", store=store)
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        child = context.Process(target=_fetch_in_child, args=(server.url, store, queue))
        child.start()
        assert queue.get(timeout=30) == parent["path"].tolist()
        child.join(30)
        assert len(server.requests) == 5


def test_a_clock_that_jumped_back_loses_nothing(api, store):
    IDS.aio.fetch(api + "/users/{id}", store=store)
    with closing(sqlite3.connect(store, isolation_level=None)) as file:
        file.execute("UPDATE answers SET fetched_at = fetched_at + 86400")
    IDS.aio.fetch(api + "/users/{id}", store=paio.Store(store, ttl=60))
    assert len(api.log) == 5


def test_info_prune_and_forget(api, store):
    kept = paio.Store(store, ttl=3600)
    IDS.aio.fetch(api + "/users/{id}", store=kept)
    with serve_function(by_path) as server:
        IDS.aio.fetch(server.url + "/{id}", store=kept)
    info = kept.info().set_index("origin")
    assert info["answers"].to_dict() == {str(api): 5, server.url: 5}
    assert (info["oldest"] <= info["newest"]).all()
    assert info["bytes"].min() > 100
    assert kept.prune() == 0
    assert kept.forget(api + "/users/1") == 1
    assert kept.prune(older_than=timedelta(microseconds=1)) == 9
    assert len(kept.info()) == 0
    with pytest.raises(paio.PlanError, match="needs an age"):
        paio.Store(store).prune()


def test_merged_stores_answer_for_both_also_with_credentials(tmp_path):
    shards = [tmp_path / f"{number}.sqlite" for number in range(3)]
    with serve_function(lambda request: json_response({"n": len(server.requests), "path": request.target})) as server:
        for number, shard in enumerate(shards):
            IDS.iloc[[number, number + 1]].aio.fetch(server.url + "/{id}", store=shard, auth="token-of-ann")
        merged = paio.Store(tmp_path / "all.sqlite")
        assert merged.merge(shards) == merged.merge(shards)
        out = IDS.head(4).aio.fetch(server.url + "/{id}", store=merged, auth="token-of-ann")
        assert out.aio.outcomes["from_store"].all()
        assert out["n"].tolist()[1:] == sorted(out["n"].tolist()[1:])  # of two answers the newer one
        assert len(server.requests) == 6
    with pytest.raises(paio.PlanError, match="does not exist"):
        merged.merge([tmp_path / "missing.sqlite"])

"""A store's files after a crash, a full disk or a careless hand: what is readable is taken, and nothing else breaks."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from warnings import catch_warnings, simplefilter

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import json_response, serve_function

ROWS = 40
IDS = pd.DataFrame({"id": range(ROWS)})

CUTS = [0, 1, 99, 4_096, 8_192, 12_289, 0.5, 0.75, 0.95, -1]
"""Bytes that are left of a file; a float is a share, a negative number is counted from its end."""


@pytest.fixture
def store(tmp_path):
    """Return the path of a store that does not exist."""
    return tmp_path / "calls.sqlite"


@pytest.fixture(scope="module")
def server():
    """Serve the path of each request, and a text of 800 characters."""

    def answer(request):
        return json_response({"path": request.target, "text": random.Random(request.target).randbytes(400).hex()})

    with serve_function(answer) as running:
        yield running


@pytest.fixture(scope="module")
def whole(server, tmp_path_factory):
    """Return the path of a store that answers all rows."""
    path = tmp_path_factory.mktemp("whole") / "calls.sqlite"
    IDS.aio.fetch(server.url + "/{id}", store=path)
    return path


def fetch_or_refuse(server, store):
    """Fetch all rows; return how many requests were sent, None if the store was refused before the first one."""
    sent, refusal = len(server.requests), None
    with catch_warnings():
        simplefilter("ignore", paio.HintWarning)
        try:
            out = IDS.aio.fetch(server.url + "/{id}", store=store)
        except paio.PlanError as error:
            refusal = str(error)
    if refusal is not None:
        assert str(store) in refusal
        assert len(server.requests) == sent
        return None
    assert out["path"].tolist() == [f"/{number}" for number in range(ROWS)]
    sent = len(server.requests) - sent
    assert int((~out.aio.outcomes["from_store"]).sum()) == sent
    return sent


def length_of(path, cut):
    size = path.stat().st_size
    return int(size * cut) if isinstance(cut, float) else cut if cut >= 0 else size + cut


@pytest.mark.parametrize("cut", CUTS)
def test_fault_62_a_file_that_was_cut_is_refused_or_its_rows_are_requested_again(server, whole, store, cut):
    shutil.copy(whole, store)
    os.truncate(store, length_of(store, cut))
    fetch_or_refuse(server, store)


@pytest.mark.parametrize("seed", range(8))
def test_fault_62_a_file_with_wrong_pages_gives_no_wrong_answer(server, whole, store, seed):
    shutil.copy(whole, store)
    dice = random.Random(seed)
    with store.open("r+b") as file:
        for _ in range(dice.choice([1, 3, 20])):
            file.seek(dice.randrange(100, store.stat().st_size))
            file.write(dice.randbytes(dice.choice([1, 16, 4_096])))
    fetch_or_refuse(server, store)


def copy_with_wal(server, store, target):
    """Copy a store as a crash leaves it: the rows are in its write-ahead log."""
    with closing(sqlite3.connect(store)) as open_file:  # while it is open, the log stays
        open_file.execute("PRAGMA journal_mode = WAL").fetchone()
        open_file.execute("SELECT count(*) FROM sqlite_master").fetchone()
        assert fetch_or_refuse(server, store) == ROWS
        for path in store.parent.glob("calls.sqlite*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, target.with_name(path.name))


def test_fault_62_rows_in_the_log_of_a_crash_are_taken(server, tmp_path):
    (tmp_path / "live").mkdir()
    (tmp_path / "crashed").mkdir()
    live, crashed = tmp_path / "live" / "calls.sqlite", tmp_path / "crashed" / "calls.sqlite"
    copy_with_wal(server, live, crashed)
    assert crashed.with_name("calls.sqlite-wal").stat().st_size > 0
    assert fetch_or_refuse(server, crashed) == 0


@pytest.mark.parametrize("cut", [0, 16, 31, 32, 4_000, 0.3, 0.6, 0.9, -1])
def test_fault_62_of_a_log_that_was_cut_the_whole_batches_are_taken(server, tmp_path, cut):
    (tmp_path / "live").mkdir()
    (tmp_path / "crashed").mkdir()
    live, crashed = tmp_path / "live" / "calls.sqlite", tmp_path / "crashed" / "calls.sqlite"
    copy_with_wal(server, live, crashed)
    log = crashed.with_name("calls.sqlite-wal")
    os.truncate(log, length_of(log, cut))
    sent = fetch_or_refuse(server, crashed)
    assert sent is not None
    assert fetch_or_refuse(server, crashed) == 0


@pytest.mark.parametrize("leave", [lambda path: path.unlink(), lambda path: os.truncate(path, 0)], ids=["no", "empty"])
def test_fault_62_a_log_without_its_file_is_refused_and_not_changed(server, tmp_path, leave):
    """Put together again, the answers are there."""
    (tmp_path / "live").mkdir()
    (tmp_path / "elsewhere").mkdir()
    store = tmp_path / "calls.sqlite"
    copy_with_wal(server, tmp_path / "live" / "calls.sqlite", store)
    moved = shutil.copy(store, tmp_path / "elsewhere")
    leave(store)
    sent = len(server.requests)
    with pytest.raises(paio.PlanError, match=r"is missing, but its log '.*calls.sqlite-wal' is there"):
        IDS.aio.fetch(server.url + "/{id}", store=store)
    assert len(server.requests) == sent
    shutil.copy(moved, store)
    assert fetch_or_refuse(server, store) == 0


@pytest.mark.parametrize("name", ["calls.sqlite-wal", "calls.sqlite-shm"])
@pytest.mark.parametrize("content", [b"", b"no log" * 1_000, bytes(40_000)], ids=["empty", "text", "zeros"])
def test_fault_62_a_wrong_file_beside_the_store_loses_nothing(server, whole, store, name, content):
    shutil.copy(whole, store)
    store.with_name(name).write_bytes(content)
    assert fetch_or_refuse(server, store) == 0


def test_fault_62_the_log_of_another_store_is_passed_over(server, whole, tmp_path):
    (tmp_path / "live").mkdir()
    store = tmp_path / "calls.sqlite"
    copy_with_wal(server, tmp_path / "live" / "calls.sqlite", store)
    shutil.copy(whole, store)
    assert fetch_or_refuse(server, store) == 0


def test_fault_65_a_file_that_is_removed_while_it_is_written_loses_no_answer(store):
    def answer(request):
        if request.target == "/20":
            store.unlink()
        return json_response({"path": request.target})

    with serve_function(answer) as server:
        assert fetch_or_refuse(server, store) == ROWS
        assert fetch_or_refuse(server, store) is not None


def test_fault_70_answers_of_a_clock_that_was_ahead_are_kept_and_age_later(server, whole, store):
    """With `ttl` an answer of the future is fresh: that it is requested once more would be no loss, an error would."""
    shutil.copy(whole, store)
    with closing(sqlite3.connect(store, isolation_level=None)) as file:
        file.execute("UPDATE answers SET fetched_at = fetched_at + 86400")
    assert fetch_or_refuse(server, paio.Store(store, ttl=60)) == 0
    assert paio.Store(store).prune(older_than=60) == 0
    with closing(sqlite3.connect(store, isolation_level=None)) as file:
        file.execute("UPDATE answers SET fetched_at = fetched_at - 2 * 86400")
    assert fetch_or_refuse(server, paio.Store(store, ttl=60)) == ROWS


SMALL_DISK = """
import os, sys, warnings
import pandas as pd, pandas_async_io as paio
base, folder, filler = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(folder + "/filler", "wb") as file:
    file.write(bytes(filler))
rows = pd.DataFrame({"id": range(600)})
path = folder + "/calls.sqlite"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        out = rows.aio.fetch(base + "/{id}", store=path, progress=False)
    except paio.PlanError as error:
        print("refused", error)
        sys.exit()
hints = [str(each.message) for each in caught if issubclass(each.category, paio.HintWarning)]
assert out["path"].tolist() == [f"/{number}" for number in range(600)]
assert len(hints) == 1 and "answers are not kept since the file could not be written" in hints[0], hints
os.unlink(folder + "/filler")
kept = paio.Store(path).info()["answers"].sum()
again = rows.aio.fetch(base + "/{id}", store=path, progress=False)
print("kept", kept, int(again.aio.outcomes["from_store"].sum()))
"""

READ_ONLY = """
import sys
import pandas as pd, pandas_async_io as paio
base, path = sys.argv[1], sys.argv[2]
rows = pd.DataFrame({"id": range(40)})
out = rows.aio.fetch(base + "/{id}", store=paio.Store(path, mode="replay"), progress=False)
assert out["path"].tolist() == [f"/{number}" for number in range(40)]
try:
    rows.aio.fetch(base + "/{id}", store=path, progress=False)
except paio.PlanError as error:
    print("refused", error)
"""


def run_mounted(mount, script, *args):
    """Run a script where a file system is mounted; skip the test where that is not allowed."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no file system can be mounted here")
    command = f'{mount} && exec "$@"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command, "sh", sys.executable, "-W", "ignore", "-c", script, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize("free", [0, 300_000, 700_000])
def test_fault_64_a_full_disk_ends_the_keeping_not_the_run_on_a_small_disk(server, tmp_path, free):
    """A disk of 1 MB: refused if not even the tables fit, else what was committed is there when there is room again."""
    words = run_mounted(
        f"mount -t tmpfs -o size=1m none {tmp_path}", textwrap.dedent(SMALL_DISK), server.url, tmp_path, 2**20 - free
    )
    if words[0] == "refused":
        assert free < 100_000
    else:
        assert words[1] == words[2]
        assert 0 < int(words[1]) < 600


@pytest.mark.slow
def test_fault_65_a_read_only_disk_is_replayed_and_not_written_to(server, whole, tmp_path):
    shutil.copy(whole, tmp_path / "calls.sqlite")
    words = run_mounted(
        f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}",
        READ_ONLY,
        server.url,
        tmp_path / "calls.sqlite",
    )
    assert words[0] == "refused"

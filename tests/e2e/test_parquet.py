"""``read_api_to_parquet`` and ``fetch_to_parquet``: parts on disk, and the same call again goes on."""

import importlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.kill_job import check
from tests.servers.scripted import PATIENCE, json_response, serve_function

pytest.importorskip("pyarrow")

PAGES = 12


class Api:
    """Twelve pages of ten records by several schemes, and rows; ``failing`` targets answer 500."""

    def __init__(self):
        self.failing = lambda target: False
        self.make_record = lambda number: {"n": number}

    def __call__(self, request):
        split = urlsplit(request.target)
        query = {name: values[-1] for name, values in parse_qs(split.query).items()}
        if self.failing(request.target, *([json.loads(request.body)] if request.body else [])):
            return json_response({"error": "down"}, status="500 Internal Server Error")
        if split.path.startswith("/rows"):
            return json_response(self.make_record(int(split.path.rsplit("/", 1)[1])))
        body = json.loads(request.body) if request.body else {}
        page = int(query.get("page", query.get("cursor", body.get("cursor", 1))))
        items = [self.make_record(number) for number in range(10 * (page - 1), 10 * page)]
        following = page + 1 if page < PAGES else None
        if split.path == "/links":
            key = f"&api_key={query['api_key']}" if "api_key" in query else ""
            return json_response({"items": items, "next": following and f"/links?page={following}{key}"})
        if split.path == "/cursors":
            return json_response({"items": items, "next_cursor": following and str(following)})
        return json_response({"items": items, "page": page, "total_pages": PAGES})


@pytest.fixture
def served():
    api = Api()
    with serve_function(api) as server:
        yield SimpleNamespace(url=server.url, requests=server.requests, api=api)


def read(server, folder, path="/links", **options):
    """Write the pages to a folder, 30 rows a part."""
    given = {"pages": "auto", "chunksize": 30, "retry": 1, "client": paio.Client(), **options}
    return paio.read_api_to_parquet(server.url + path, folder, **given)


def manifest_of(folder):
    return [json.loads(line) for line in (folder / "_manifest.jsonl").read_text().splitlines()]


def test_parts_hold_all_rows_in_order(served, tmp_path):
    parts = read(served, tmp_path / "out")
    assert (parts.rows, len(parts), len(parts.parts)) == (120, 120, 4)
    assert parts.read()["n"].tolist() == list(range(120))
    assert parts.dataset().count_rows() == 120
    assert parts.bytes == sum(part.stat().st_size for part in parts.parts)
    assert parts.report.sent == PAGES
    assert oct((tmp_path / "out" / "_manifest.jsonl").stat().st_mode & 0o777) == "0o600"


def test_a_complete_folder_sends_nothing(served, tmp_path):
    first = read(served, tmp_path / "out")
    served.requests.clear()
    again = read(served, tmp_path / "out")
    assert (again.rows, again.parts, again.report, len(served.requests)) == (first.rows, first.parts, None, 0)


SCHEMES = {
    "links": ("/links", {}),
    "cursors": ("/cursors", {}),
    "numbers": ("/numbers", {}),
    "a cursor in the body": (
        "/cursors",
        {"json": {"q": "x"}, "pages": paio.Cursor("next_cursor", "cursor", body=True)},
    ),
    "a function": ("/links", {"pages": lambda page: page.payload["next"]}),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_failed_page_is_where_the_next_call_goes_on(served, tmp_path, scheme):
    path, options = SCHEMES[scheme]
    served.api.failing = lambda target, body=None: "=7" in target or (body or {}).get("cursor") in {7, "7"}
    with pytest.raises(paio.FetchError, match=r"page 7.*the same call goes on after them"):
        read(served, tmp_path / "out", path, **options)
    kept = pd.read_parquet(tmp_path / "out")["n"].tolist()
    assert kept == list(range(60))
    served.api.failing = lambda target, body=None: False
    served.requests.clear()
    parts = read(served, tmp_path / "out", path, **options)
    assert parts.read()["n"].tolist() == list(range(120))
    assert len(served.requests) == PAGES - 6


def test_rows_go_on_after_the_last_part(served, tmp_path):
    frame = pd.DataFrame({"id": range(25)}, index=pd.Index(range(100, 125), name="at"))
    served.api.failing = lambda target: target == "/rows/17"
    call = {"chunksize": 5, "retry": 1, "client": paio.Client(), "errors": "raise"}
    with pytest.raises(paio.FetchError):
        frame.aio.fetch_to_parquet(served.url + "/rows/{id}", tmp_path / "out", **call)
    served.api.failing = lambda target: False
    served.requests.clear()
    parts = frame.aio.fetch_to_parquet(served.url + "/rows/{id}", tmp_path / "out", **call)
    assert len(served.requests) == 8
    whole = frame.aio.fetch(served.url + "/rows/{id}", client=paio.Client())
    pd.testing.assert_frame_equal(parts.read(), whole, check_dtype=False)


def test_rows_that_were_not_sent_stop_the_job(served, tmp_path):
    frame = pd.DataFrame({"id": range(25)})
    call = {"chunksize": 5, "client": paio.Client()}
    with pytest.raises(paio.FetchError, match="max_requests"):
        frame.aio.fetch_to_parquet(served.url + "/rows/{id}", tmp_path / "out", max_requests=12, **call)
    assert frame.aio.fetch_to_parquet(served.url + "/rows/{id}", tmp_path / "out", **call).rows == 25
    assert len(served.requests) == 25


CHANGES = {
    "template": (["/cursors"], {}, "template was"),
    "paging": ([], {"pages": paio.NextUrl("next")}, "paging was 'auto'"),
    "schema": ([], {"schema": {"n": "int64"}}, "schema was None"),
    "columns": ([], {"columns": ["n"]}, "columns was None"),
    "poll": ([], {"pages": None, "poll": paio.Poll()}, "poll was None"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_fault_61_another_call_is_refused_by_name(served, tmp_path, change):
    read(served, tmp_path / "out")
    served.requests.clear()
    path, options, message = CHANGES[change]
    with pytest.raises(paio.PlanError, match=message):
        read(served, tmp_path / "out", *path, **options)
    assert not served.requests


def test_fault_61_other_rows_are_refused(served, tmp_path):
    for count in (5, 6):
        call = pd.DataFrame({"id": range(count)}).aio.fetch_to_parquet
        if count == 5:
            call(served.url + "/rows/{id}", tmp_path / "out", client=paio.Client())
        else:
            with pytest.raises(paio.PlanError, match="rows"):
                call(served.url + "/rows/{id}", tmp_path / "out", client=paio.Client())


OTHER_SENDERS = {
    "token": ({"auth": paio.Bearer("anns-token")}, {"auth": paio.Bearer("bobs-token")}, "credentials are others"),
    "key in the URL": ({"params": {"api_key": "anns"}}, {"params": {"api_key": "bobs"}}, "credentials are others"),
    "token in rows": (
        {"headers": {"Authorization": "Bearer {tenant}"}},
        {"headers": {"Authorization": "Bearer {tenant}2"}},
        "credentials are others",
    ),
    "header": ({"headers": {"X-Tenant": "ann"}}, {"headers": {"X-Tenant": "bob"}}, "headers="),
    "client": (
        {"client": paio.Client(headers={"X-Tenant": "ann"})},
        {"client": paio.Client(headers={"X-Tenant": "bob"})},
        "headers=",
    ),
    "parser": ({"parser": lambda response: {"n": 1}}, {"parser": lambda response: {"n": 2}}, "parser was"),
    "input columns": ({}, {"tenant": "bob"}, "input columns was"),
    "index": ({}, {"index": "b"}, "input columns was"),
}


@pytest.mark.parametrize("change", OTHER_SENDERS)
def test_security_s17_parts_of_two_senders_are_not_in_one_folder(served, tmp_path, change):
    first, second, message = OTHER_SENDERS[change]

    def call(tenant="ann", index="a", **options):
        frame = pd.DataFrame({"id": range(6), "tenant": tenant}, index=[index + str(row) for row in range(6)])
        options = {"chunksize": 2, "client": paio.Client(), "errors": "raise", **options}
        return frame.aio.fetch_to_parquet(served.url + "/rows/{id}", tmp_path / "out", **options)

    with pytest.raises(paio.FetchError):
        call(**first, max_requests=3)
    served.requests.clear()
    with pytest.raises(paio.PlanError, match=message):
        call(**second)
    assert not served.requests
    call(**first)


def test_new_credentials_of_the_same_account_go_on_where_the_manifest_leaves_them_open(served, tmp_path):
    def call(token, **options):
        frame = pd.DataFrame({"id": range(6)})
        options = {"chunksize": 2, "client": paio.Client(), "auth": paio.Bearer(token), **options}
        return frame.aio.fetch_to_parquet(served.url + "/rows/{id}", tmp_path / "out", **options)

    with pytest.raises(paio.FetchError):
        call("old", max_requests=3)
    manifest = tmp_path / "out" / "_manifest.jsonl"
    first, *lines = manifest.read_text().splitlines(keepends=True)
    head = json.loads(first)
    del head["job"]["credentials"]
    manifest.write_text("".join([json.dumps(head) + "\n", *lines]))
    assert call("new").read()["n"].tolist() == list(range(6))
    with pytest.raises(paio.PlanError, match="credentials"):
        call("old")


def test_batched_keys_go_on_beside_a_store(tmp_path):
    down = {"23"}

    def answer(request):
        ids = parse_qs(urlsplit(request.target).query)["ids"][0].split(",")
        if down & set(ids):
            return json_response({}, status="500 Internal Server Error")
        return json_response([{"ids": int(each), "n": int(each)} for each in ids])

    def call(server):
        options = {"batch": 4, "store": tmp_path / "s.sqlite", "retry": 1, "errors": "raise", "client": paio.Client()}
        return pd.DataFrame({"ids": range(40)}).aio.fetch_to_parquet(
            server.url + "/batch?ids={ids*}", tmp_path / "out", chunksize=8, **options
        )

    with serve_function(answer) as server:
        with pytest.raises(paio.FetchError):
            call(server)
        down.clear()
        assert call(server).read()["n"].tolist() == list(range(40))


def tear_line(folder):
    path = folder / "_manifest.jsonl"
    path.write_text(path.read_text()[:-20])


def write_garbage_in_the_middle(folder):
    lines = (folder / "_manifest.jsonl").read_text().splitlines()
    (folder / "_manifest.jsonl").write_text("\n".join([*lines[:2], "\0\0\0", *lines[3:]]) + "\n")


TORN = {
    "half a line": tear_line,
    "garbage in the middle": write_garbage_in_the_middle,
    "a missing part": lambda folder: (folder / "part-00001.parquet").unlink(),
    "a part with a wrong hash": lambda folder: (folder / "part-00002.parquet").write_bytes(b"PAR1"),
    "an orphan": lambda folder: (folder / "part-00009.parquet").write_bytes(b"PAR1"),
    "a part half written": lambda folder: (folder / "_part-00004.parquet.tmp").write_bytes(b"PA"),
}


@pytest.mark.parametrize("state", TORN)
def test_fault_62_a_torn_state_is_mended(served, tmp_path, state):
    folder = tmp_path / "out"
    read(served, folder)
    TORN[state](folder)
    parts = read(served, folder)
    assert parts.read()["n"].tolist() == list(range(120))
    assert pd.read_parquet(folder)["n"].tolist() == list(range(120))
    assert not list(folder.glob("*.tmp"))


@pytest.mark.parametrize(
    "text",
    ["", "garbage", '{"manifest": 99, "job": {}}\n', "\0" * 50],
    ids=["empty", "words", "a later version", "zeros"],
)
def test_fault_62_an_unreadable_manifest_is_refused(served, tmp_path, text):
    read(served, tmp_path / "out")
    served.requests.clear()
    (tmp_path / "out" / "_manifest.jsonl").write_text(text)
    with pytest.raises(paio.PlanError, match=r"_manifest\.jsonl"):
        read(served, tmp_path / "out")
    assert not served.requests
    assert len(pd.read_parquet(tmp_path / "out")) == 120


def test_fault_62_parquet_of_another_origin_is_refused(served, tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(paio.PlanError, match="of another origin"):
        read(served, tmp_path)
    assert not served.requests


def test_fault_63_a_second_writer_is_refused(served, tmp_path):
    from pandas_async_io._io.storage.lock import FolderLock

    lock = FolderLock(tmp_path)
    with pytest.raises(paio.PlanError, match=f"process {os.getpid()} is writing"):
        read(served, tmp_path)
    assert not served.requests
    lock.release()
    assert read(served, tmp_path).rows == 120


def test_fault_63_a_dead_writers_lock_is_taken(served, tmp_path):
    script = f"""
        import os, signal
        from pathlib import Path
        from pandas_async_io._io.storage.lock import FolderLock
        lock = FolderLock(Path({str(tmp_path)!r}))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, timeout=60)
    assert read(served, tmp_path).rows == 120


def test_fault_63_a_lock_that_nobody_holds_is_free(tmp_path):
    """An interrupt may come before the caller has the lock."""
    from pandas_async_io._io.storage.lock import FolderLock

    with pytest.raises(paio.PlanError, match="is writing"):
        list(map(FolderLock, [tmp_path, tmp_path]))
    FolderLock(tmp_path).release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fault_67_a_forked_child_does_not_keep_the_lock(tmp_path):
    from pandas_async_io._io.storage.lock import FolderLock

    lock = FolderLock(tmp_path)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reader, 1)
        os._exit(0)
    try:
        lock.release()
        FolderLock(tmp_path).release()
    finally:
        os.write(writer, b"x")
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)


def test_fault_64_a_full_disk_keeps_the_parts(served, tmp_path, monkeypatch):
    from pyarrow import parquet

    write, calls = parquet.write_table, []

    def fill_disk(table, file):
        calls.append(1)
        if len(calls) == 3:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        write(table, file)

    monkeypatch.setattr(parquet, "write_table", fill_disk)
    with pytest.raises(OSError, match="No space left") as caught:
        read(served, tmp_path / "out")
    assert "the same call goes on after them" in caught.value.__notes__[0]
    assert len(pd.read_parquet(tmp_path / "out")) == 60
    assert read(served, tmp_path / "out").read()["n"].tolist() == list(range(120))


def test_fault_65_a_folder_that_cannot_be_is_refused(served, tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(paio.PlanError, match="no folder to write to"):
            read(served, path)
    assert not served.requests


@pytest.mark.parametrize("path", ["", None, 5])
def test_fault_65_what_is_no_path_is_refused(served, path):
    with pytest.raises(paio.PlanError, match="names no folder"):
        read(served, path)
    assert not served.requests


def test_a_column_of_several_types_is_refused_before_anything_is_sent(served, tmp_path):
    frame = pd.DataFrame({"id": [1, 2], "mine": ["a", 1]})
    with pytest.raises(paio.PlanError, match="column 'mine' of the frame"):
        frame.aio.fetch_to_parquet(served.url + "/rows/{id}", tmp_path / "out", client=paio.Client())
    assert not served.requests


def test_a_column_may_begin_with_nulls(served, tmp_path):
    frame = pd.DataFrame({"id": range(6), "mine": [None] * 4 + ["a", "b"]})
    call = {"chunksize": 2, "client": paio.Client()}
    parts = frame.aio.fetch_to_parquet(served.url + "/rows/{id}", tmp_path / "out", **call)
    assert parts.read()["mine"].tolist()[4:] == ["a", "b"]


def test_fault_66_a_drift_keeps_the_parts_before(served, tmp_path):
    served.api.make_record = lambda number: {"n": number if number < 65 else str(number)}
    with pytest.raises(paio.DriftError, match=r"column 'n': record 65 has '65' \(str\).*schema={'n': 'string'}"):
        read(served, tmp_path / "out")
    assert pd.read_parquet(tmp_path / "out")["n"].tolist() == list(range(60))
    with_schema = read(served, tmp_path / "typed", schema={"n": "string"})
    assert with_schema.read()["n"].tolist() == [str(number) for number in range(120)]


def test_fault_66_a_field_inside_of_a_list_is_not_dropped(served, tmp_path):
    served.api.make_record = lambda number: {"n": [{"a": 1}] if number < 65 else [{"a": 1, "b": 2}]}
    with pytest.raises(paio.DriftError, match="column 'n': list<"):
        read(served, tmp_path / "out")
    assert len(pd.read_parquet(tmp_path / "out")) == 60


def test_the_manifest_holds_no_secret(served, tmp_path):
    served.api.failing = lambda target: "page=7" in target
    call = {"client": paio.Client(served.url, auth=paio.ApiKey("s3cret", param="api_key"))}
    with pytest.raises(paio.FetchError):
        paio.read_api_to_parquet("/links", tmp_path / "out", pages="auto", chunksize=30, retry=1, **call)
    for path in (tmp_path / "out").iterdir():
        assert b"s3cret" not in path.read_bytes()
    served.api.failing = lambda target: False
    served.requests.clear()
    parts = paio.read_api_to_parquet("/links", tmp_path / "out", pages="auto", chunksize=30, retry=1, **call)
    assert parts.rows == 120
    assert all("api_key=s3cret" in request.target for request in served.requests)


def test_pandas_pyarrow_duckdb_and_polars_read_the_folder(served, tmp_path):
    folder = tmp_path / "out"
    read(served, folder)
    assert len(pd.read_parquet(folder)) == 120
    from pyarrow import dataset

    assert dataset.dataset(folder).count_rows() == 120
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"select count(*), sum(n) from '{folder}/*.parquet'").fetchall() == [(120, sum(range(120)))]
    polars = pytest.importorskip("polars")
    assert polars.read_parquet(f"{folder}/*.parquet").height == 120


def test_no_records_are_a_complete_folder(served, tmp_path):
    parts = paio.read_api_to_parquet([], tmp_path / "out", client=paio.Client())
    assert (parts.rows, parts.parts, len(parts.read())) == (0, (), 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "count", "name"),
    [("pages", 60, "SIGKILL"), ("rows", 900, "SIGKILL"), ("rows", 600, "SIGTERM"), ("pages", 60, "SIGINT")],
)
def test_fault_60_killed_three_times_no_row_is_lost_or_doubled(tmp_path, kind, count, name):
    check(kind, tmp_path / "out", count=count, kills=3, seed=7, number=getattr(signal, name))


def test_fault_59_an_interrupt_leaves_what_came_in_a_part(served, tmp_path, monkeypatch):
    from pandas_async_io.call.stream.streamed_call import StreamedCall

    take, calls = StreamedCall.take, []

    async def interrupt(self, records):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return await take(self, records)

    monkeypatch.setattr(StreamedCall, "take", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        read(served, tmp_path / "out")
    monkeypatch.undo()
    kept = caught.value.partial.read()["n"].tolist()
    assert kept == list(range(len(kept)))
    assert len(kept) >= 60
    served.requests.clear()
    assert read(served, tmp_path / "out").read()["n"].tolist() == list(range(120))
    assert len(served.requests) == PAGES - len(kept) // 10


@pytest.mark.parametrize(
    ("owner", "name"), [("pyarrow.parquet", "write_table"), ("pandas_async_io._io.storage.part_folder", "format_part")]
)
def test_fault_59_an_interrupt_while_a_part_is_written_loses_no_row(tmp_path, monkeypatch, owner, name):
    """Rows that came behind the part that was being written are not written after the part before it."""
    from pandas_async_io.call.stream.streamed_call import StreamedCall

    sizes = [1] * 60 + [100] * 10  # more comes than was expected, so that answers wait behind the part
    module, take, calls = importlib.import_module(owner), StreamedCall.take, []
    pressed = []

    async def note(self, records):
        calls.append(self)
        return await take(self, records)

    def interrupt(*args, **options):
        if len(calls) != 2 or pressed:
            return write(*args, **options)
        pressed.append(1)
        deadline = time.monotonic() + PATIENCE
        while calls[0].progress[0] < 66 and time.monotonic() < deadline:
            time.sleep(0.005)
        raise KeyboardInterrupt

    def answer(request):
        row = int(request.target.rsplit("/", 1)[1])
        return json_response([{"row": row, "n": number} for number in range(sizes[row])])

    def call(server):
        frame = pd.DataFrame({"id": range(len(sizes))})
        options = {"chunksize": 41, "concurrency": 8, "client": paio.Client()}
        return frame.aio.fetch_to_parquet(server.url + "/rows/{id}", tmp_path / "out", **options)

    write = getattr(module, name)
    with serve_function(answer) as server:
        monkeypatch.setattr(StreamedCall, "take", note)
        monkeypatch.setattr(module, name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            call(server)
        monkeypatch.undo()
        written = call(server).read()
    assert written["row"].tolist() == [row for row, size in enumerate(sizes) for _ in range(size)]


def test_a_cursor_that_expired_behind_the_parts_names_a_new_folder(tmp_path):
    """Each rerun would go on with the cursor of the manifest again."""

    def answer(request):
        page = int(request.target.partition("page=")[2] or 1)
        if page == 3:
            return json_response({"error": "expired"}, status="410 Gone")
        return json_response({"items": [{"n": page}], "next": f"/p?page={page + 1}"})

    with serve_function(answer) as server:
        for text in ("page 3: HTTP 410 Gone", "a new folder starts again from page 1"):
            with pytest.raises(paio.FetchError, match=text):
                paio.read_api_to_parquet(server.url + "/p", tmp_path, pages=paio.NextUrl("next"), chunksize=1)

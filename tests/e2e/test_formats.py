"""Every format from a real server, broken bodies among good ones."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import threading
import zlib
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response

STRING_DTYPE = pd.Series(["a"]).dtype
QUICK_RETRY = paio.Retry(attempts=3, base=0.001, patience=0)


class _PathProtocol(asyncio.Protocol):
    """Answer each request by its path, with as little Python as possible: the slow test sends 100 000."""

    def __init__(self, answer, connections):
        self._answer = answer
        self._connections = connections
        self._rest = b""

    def connection_made(self, transport):
        self._transport = transport
        self._connections.append(transport)

    def data_received(self, data):
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        self._transport.write(b"".join(self._answer(head.split(b" ", 2)[1].decode()) for head in heads))


@contextmanager
def serve_paths(answer):
    """Serve on loopback the raw HTTP response that `answer` returns for a path; yield the URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    connections = []
    listening = loop.create_server(lambda: _PathProtocol(answer, connections), "127.0.0.1", 0, backlog=512)
    server = asyncio.run_coroutine_threadsafe(listening, loop).result()

    async def end():
        server.close()
        for transport in connections:
            transport.abort()
        loop.call_soon(loop.stop)  # after the calls that close the sockets

    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop)
        thread.join()
        loop.close()


def respond_with(body, content_type, *headers, **options):
    """Return a response of a media type."""
    return http_response(body, f"Content-Type: {content_type}", *headers, **options)


def write_table(writer):
    """Return what a writer writes into a file."""
    sink = io.BytesIO()
    writer(pa.table({"id": pa.array([1, None], pa.int64()), "name": ["x", "é"]}), sink)
    return sink.getvalue()


def write_arrow_stream(table, sink):
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def compress_zstd(body):
    try:
        from compression import zstd as library
    except ImportError:
        from backports import zstd as library
    return library.compress(body)


LINES = b'{"id": 1, "name": "x"}\n{"id": null, "name": "\xc3\xa9"}\n'
JSON = b'[{"id": 1, "name": "x"}, {"id": null, "name": "\xc3\xa9"}]'
XML = "<?xml version='1.0' encoding='latin-1'?><r><i><id>1</id><name>x</name></i><i><id/><name>é</name></i></r>"
GOOD = {
    "json": respond_with(JSON, "application/json"),
    "json-bom": respond_with(b"\xef\xbb\xbf" + JSON, "application/json"),
    "json-utf16": respond_with(JSON.decode().encode("utf-16"), "application/json; charset=utf-16"),
    "json-as-html": respond_with(JSON, "text/html"),
    "gzip": respond_with(gzip.compress(JSON), "application/json", "Content-Encoding: gzip"),
    "deflate": respond_with(zlib.compress(JSON), "application/json", "Content-Encoding: deflate"),
    "zstd": respond_with(compress_zstd(JSON), "application/json", "Content-Encoding: zstd"),
    "ndjson": respond_with(LINES, "application/x-ndjson"),
    "csv": respond_with("id,name\n1,x\n,é\n".encode(), "text/csv"),
    "csv-latin1": respond_with("id,name\n1,x\n,é\n".encode("latin-1"), "text/csv; charset=iso-8859-1"),
    "csv-utf16": respond_with("id,name\n1,x\n,é\n".encode("utf-16"), "text/csv"),
    "csv-gzip": respond_with(gzip.compress("id,name\n1,x\n,é".encode()), "text/csv", "Content-Encoding: gzip"),
    "tsv": respond_with("id\tname\n1\tx\n\té\n".encode(), "text/tab-separated-values"),
    "xml": respond_with(XML.encode("latin-1"), "application/xml"),
    "parquet": respond_with(write_table(pq.write_table), "application/vnd.apache.parquet"),
    "parquet-vague": respond_with(write_table(pq.write_table), "application/octet-stream"),
    "arrow": respond_with(write_table(write_arrow_stream), "application/vnd.apache.arrow.stream"),
}
LOGIN = respond_with(b"<!doctype html><title>Sign in</title>", "text/html")
BOMB = gzip.compress(b'["' + b"x" * 10_000_000 + b'"]')
BROKEN = {
    "html": (LOGIN, "parse_error", "looks like HTML («Sign in»)"),
    "html-as-json": (LOGIN.replace(b"text/html", b"application/json"), "parse_error", "looks like HTML"),
    "not-json": (respond_with(b'{"id": nope}', "application/json"), "parse_error", "not JSON"),
    "wrong-charset": (
        respond_with('["é"]'.encode("latin-1"), "application/json"),
        "parse_error",
        "the body is not utf-8",
    ),
    "no-charset": (respond_with(b"a\n\xff\n", "text/csv; charset=klingon"), "parse_error", "charset 'klingon'"),
    "wrong-type": (respond_with(b"id,name\n1,x\n", "application/json"), "parse_error", "not JSON"),
    "wrong-coding": (respond_with(JSON, "application/json", "Content-Encoding: gzip"), "parse_error", "gzip"),
    "short-row": (respond_with(b"a,b\n1,2\n1,2,3\n", "text/csv"), "parse_error", "not CSV"),
    "cut-xml": (respond_with(b"<r><i>", "text/xml"), "parse_error", "not XML"),
    "no-parquet": (respond_with(b"PAR1", "application/vnd.apache.parquet"), "parse_error", "not Parquet"),
    "dtd": (respond_with(b"<!DOCTYPE r []><r/>", "text/xml"), "parse_error", "document type"),
    "cut-gzip": (
        respond_with(gzip.compress(JSON)[:-12], "application/json", "Content-Encoding: gzip"),
        "transport_error",
        "truncated",
    ),
    "bomb": (respond_with(BOMB, "application/json", "Content-Encoding: gzip"), "body_too_large", "max_body"),
    "teapot": (
        respond_with(b'{"detail": "token=CANARY short and stout"}', "application/json", status="418 X"),
        "http_error",
        "HTTP 418 I'm a Teapot: token=*** short and stout",
    ),
    "inside": (
        respond_with(b'{"error": {"message": "quota"}}', "application/json"),
        "http_error",
        "error_when says: quota",
    ),
}


def answer_by_name(path):
    name = path.strip("/")
    return GOOD[name] if name in GOOD else BROKEN[name][0]


@pytest.fixture(scope="module")
def server():
    with serve_paths(answer_by_name) as url:
        yield url


@pytest.fixture(scope="module")
def fetched(server):
    """Fetch all bodies, good and broken, in one call."""
    frame = pd.DataFrame({"body": [*GOOD, *BROKEN]})
    client = paio.Client(server, max_body="1MB", retry=QUICK_RETRY)
    with client, pytest.warns(paio.FetchWarning, match=f"{len(BROKEN)} of {len(frame)} rows failed"):
        return frame.aio.fetch("/{body}", client=client, error_when="error.message")


@pytest.mark.parametrize("body", GOOD)
def test_every_format_gives_the_same_rows(fetched, body):
    """JSON, NDJSON, CSV, TSV, XML, Parquet and Arrow, plain and compressed, in any charset."""
    rows = fetched[fetched["body"] == body]
    assert rows["id"].tolist() == [1, pd.NA]
    assert rows["name"].tolist() == ["x", "é"]
    assert (fetched["id"].dtype, fetched["name"].dtype) == (pd.Int64Dtype(), STRING_DTYPE)


@pytest.mark.parametrize("body", BROKEN)
def test_fault_16_every_broken_body_fails_its_own_row(fetched, body):
    """Its values are missing, its position stays; only truncated bodies are requested again."""
    row = fetched[fetched["body"] == body]
    assert row[["id", "name"]].isna().to_numpy().tolist() == [[True, True]]
    outcome = fetched.aio.outcomes.iloc[[*GOOD, *BROKEN].index(body)]
    assert outcome["outcome"] == BROKEN[body][1]
    assert BROKEN[body][2] in outcome["error"]
    assert "CANARY" not in outcome["error"]
    assert outcome["attempts"] == {"cut-gzip": 3, "cut-xml": 2}.get(body, 1)


@pytest.mark.parametrize("body", ["csv", "xml", "parquet", "json"])
@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_dtype_backend_gives_the_same_dtypes_for_every_format(server, body, backend):
    """They do not depend on the format."""
    frame = pd.read_api(f"{server}/{body}", dtype_backend=backend)
    types = {"numpy_nullable": ["Int64", "string"], "pyarrow": ["int64[pyarrow]", "string[pyarrow]"]}
    assert [str(dtype) for dtype in frame.dtypes] == types[backend]


def test_format_and_read_options_apply(server):
    """Text stays text, bytes stay bytes, and pandas reads CSV with the options."""
    assert pd.read_api(f"{server}/csv", format="text")["value"].tolist() == ["id,name\n1,x\n,é\n"]
    assert pd.read_api(f"{server}/json", format="bytes")["value"].tolist() == [JSON]
    frame = pd.read_api(f"{server}/csv", format="csv", read_options={"names": ["a", "b"], "header": 0}, columns=["b"])
    assert frame["b"].tolist() == ["x", "é"]


@pytest.mark.parametrize(
    "options",
    [
        {"format": "yaml"},
        {"format": "csv", "read_options": {"separator": ";"}},
        {"schema": {"id": "int63"}},
        {"schema": {"id": "int64"}, "columns": ["name"]},
        {"dtype_backend": "polars"},
        {"parser": "json"},
        {"error_when": 5},
    ],
    ids=str,
)
def test_an_invalid_option_raises_a_plan_error_before_a_request_is_sent(options):
    """The URL has no server: a request would not end as a PlanError."""
    with pytest.raises(paio.PlanError):
        pd.read_api("http://127.0.0.1:1/", **options)


def test_a_schema_makes_every_row_exact_or_a_parse_error():
    """A misfit fails its own row and names the column; the dtypes do not depend on it."""
    bodies = [
        {"id": "7", "created": "2024-05-01T00:00:00Z", "tags": ["a"]},
        {"id": 2**63, "created": None, "tags": []},
        {"id": 2**53 + 1, "created": "2024-05-01T02:00:00+02:00"},
    ]
    schema = {"id": "int64", "created": "datetime64[ns, UTC]", "tags": "list<string>", "never": "float64"}
    with serve_paths(lambda path: respond_with(json.dumps(bodies[int(path[1:])]).encode(), "application/json")) as url:
        with pytest.warns(paio.FetchWarning, match="1 of 3 rows failed"):
            frame = pd.DataFrame({"row": [0, 1, 2]}).aio.fetch(url + "/{row}", schema=schema)
        good = pd.DataFrame({"row": [0, 2]}).aio.fetch(url + "/{row}", schema=schema)
    assert frame["id"].tolist() == [7, pd.NA, 2**53 + 1]
    assert frame["created"].tolist() == [
        pd.Timestamp("2024-05-01", tz="UTC"),
        pd.NaT,
        pd.Timestamp("2024-05-01", tz="UTC"),
    ]
    assert frame["tags"].tolist()[0] == ["a"]
    assert frame.dtypes.tolist() == good.dtypes.tolist()
    failures = frame.aio.failures
    assert failures[["row", "outcome"]].to_numpy().tolist() == [[1, "parse_error"]]
    assert failures["error"].tolist() == ["schema: column 'id': 9223372036854775808 is not int64"]


def test_the_columns_of_a_schema_exist_without_any_record():
    """In the dtypes of the schema."""
    with serve_paths(lambda _: respond_with(b"[]", "application/json")) as url:
        frame = pd.read_api(url + "/", schema={"id": "int64", "at": "datetime64[ns, UTC]"}, columns=["at", "id"])
        left = pd.DataFrame({"k": [1]}).aio.fetch(url + "/{k}", schema={"id": "int64"})
    assert frame.shape == (0, 2)
    assert [str(dtype) for dtype in frame.dtypes] == ["datetime64[ns, UTC]", "int64"]
    assert left["id"].isna().all()


def test_fault_78_a_parser_that_raises_fails_its_row_alone(server):
    """Other rows may be records, frames and Arrow tables."""

    def parse(response):
        kind = response.header("Content-Type")
        if kind == "text/csv":
            return pd.DataFrame({"n": [len(response.body)]})
        if kind == "application/json":
            return pa.table({"n": [len(response.body)]})
        return [{"n": 1}, {"n": 2}] if kind == "application/xml" else {}["nothing"]

    frame = pd.DataFrame({"body": ["csv", "ndjson", "json", "xml"]})
    with pytest.warns(paio.FetchWarning, match="1 of 4 rows failed: 1 x parser= raised KeyError: 'nothing', in parse"):
        out = frame.aio.fetch(server + "/{body}", parser=parse)
    assert out["n"].tolist() == [16, pd.NA, len(JSON), 1, 2]
    assert out["n"].dtype == pd.Int64Dtype()
    assert out.aio.outcomes["outcome"].tolist() == ["ok", "parse_error", "ok", "ok"]


def test_fault_27_error_when_finds_an_error_in_a_200(server):
    """The row fails with the server's message, and Retry(when=) may repeat the request."""
    calls = []

    def again(response, error):
        calls.append((response.status, type(error).__name__))
        return True

    with pytest.warns(paio.FetchWarning, match="1 of 1 rows failed: 1 x HTTP 200, but error_when says: quota"):
        out = pd.DataFrame({"body": ["inside"]}).aio.fetch(
            server + "/{body}",
            error_when=lambda payload: payload.get("error", {}).get("message"),
            retry=paio.Retry(attempts=2, base=0.001, patience=0, when=again),
        )
    assert out.aio.outcomes[["outcome", "status", "attempts"]].to_numpy().tolist() == [["http_error", 200, 2]]
    assert calls == [(200, "PayloadError")] * 2


def test_fault_66_a_drifted_column_is_reported():
    """An int in one row and a string in another make an object column."""
    with serve_paths(
        lambda path: respond_with(b'{"a": 1}' if path == "/0" else b'{"a": "x"}', "application/json")
    ) as url:
        out = pd.DataFrame({"row": [0, 1]}).aio.fetch(url + "/{row}")
    assert out["a"].tolist() == [1, "x"]
    assert out.aio.runs[-1].drifted == {"a": ("int", "str")}


@pytest.mark.long
def test_of_100_000_rows_only_the_bad_ones_differ():
    """1 % are HTML, 1 % are null, 1 % lack half their keys: every other row is exact, and the dtypes are the same."""
    size = 100_000

    def body(path):
        row = int(path[1:])
        match row % 100:
            case 17:
                return LOGIN
            case 42:
                return respond_with(b"null", "application/json")
            case 63:
                return respond_with(b'{"id": %d, "name": "n%d"}' % (row, row), "application/json")
        text = b'{"id": %d, "name": "n%d", "big": %d, "at": {"ok": true}}' % (row, row, 2**53 + row)
        return respond_with(text, "application/json")

    with serve_paths(body) as url, pytest.warns(paio.FetchWarning, match="1000 of 100000 rows failed"):
        frame = pd.DataFrame({"row": np.arange(size)}).aio.fetch(url + "/{row}", progress=False)
    row = np.arange(size)
    html, null, half = row % 100 == 17, row % 100 == 42, row % 100 == 63
    whole = ~(html | null | half)
    assert frame["row"].tolist() == row.tolist()
    assert (frame.aio.outcomes["outcome"].to_numpy() == np.where(html, "parse_error", "ok")).all()
    assert (frame["id"].isna() == (html | null)).all()
    assert (frame["big"].isna() == ~whole).all()
    assert (frame["id"][whole | half] == row[whole | half]).all()
    assert (frame["name"][whole | half] == [f"n{n}" for n in row[whole | half]]).all()
    assert (frame["big"][whole] == 2**53 + row[whole]).all()
    assert frame["at.ok"][whole].all()
    types = ["int64", "Int64", str(STRING_DTYPE), "Int64", "boolean"]
    assert [str(dtype) for dtype in frame.dtypes] == types

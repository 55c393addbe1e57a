"""Tables in bodies: CSV, TSV, XML, Parquet and Arrow IPC, read exactly or refused."""

from __future__ import annotations

import csv
import io
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pandas_async_io._core.body.decode import decode
from pandas_async_io._core.body.interpret import compile_interpreter
from pandas_async_io._core.errors import BodyTooLargeError, ParseError, PlanError
from pandas_async_io._core.models import Response
from pandas_async_io._core.table.tabular import TABULAR_READERS, check_read_options

BIG = 2**53 + 1
TABLE = pa.table(
    {
        "id": pa.array([BIG, None], pa.int64()),
        "ok": [True, None],
        "name": ["x", None],
        "small": pa.array([1, 2], pa.int16()),
        "tags": [["a"], None],
        "at": pa.array([1, None], pa.timestamp("us", "UTC")),
    }
)


def read(body, content_type=None, **options):
    headers = {} if content_type is None else {"Content-Type": content_type}
    return decode(Response(200, headers, body, ""), readers=TABULAR_READERS, **options)


def rows(frame):
    """Return the cells as Python's own, None where there is none."""
    cells = frame.astype(object)
    return cells.where(frame.notna(), None).to_numpy().tolist()


def parquet(table=TABLE, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def arrow(open_writer, table=TABLE, **options):
    sink = io.BytesIO()
    with open_writer(sink, table.schema, **options) as writer:
        writer.write_table(table)
    return sink.getvalue()


BINARY = {
    "parquet": parquet(),
    "arrow file": arrow(pa.ipc.new_file),
    "arrow stream": arrow(pa.ipc.new_stream),
    "zstd inside": parquet(compression="zstd"),
    "lz4 inside": arrow(pa.ipc.new_stream, options=pa.ipc.IpcWriteOptions(compression="lz4")),
}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"id,name\n1,x\n2,"),
        ("text/csv; header=present", b"id,name\r\n1,x\r\n2,\r\n"),
        ("application/csv", b'"id","name"\n1,"x"\n2,""\n'),
        ("text/csv", b"\xef\xbb\xbfid,name\n1,x\n2,\n"),
        ("text/csv", "id,name\n1,x\n2,\n".encode("utf-16")),
        ("text/csv; charset=utf-16le", "id,name\n1,x\n2,\n".encode("utf-16-le")),
        ("text/tab-separated-values", b"id\tname\n1\tx\n2\t\n"),
        ("application/xml", b"<r><i><id>1</id><name>x</name></i><i><id>2</id></i></r>"),
        ("text/xml", b'<r><i id="1" name="x"/><i id="2"/></r>'),
        (
            "application/vnd.x+xml",
            "<?xml version='1.0' encoding='UTF-16'?><r><i id='1' name='x'/><i id='2'/></r>".encode("utf-16"),
        ),
        (None, b"<?xml version='1.0'?>\n<r><i id='1' name='x'/><i id='2'/></r>"),
    ],
)
def test_auto_reads_tables_of_text(content_type, body):
    """The media type names the format; integers beside gaps stay integers."""
    frame = read(body, content_type)
    assert list(frame.columns) == ["id", "name"]
    assert rows(frame) == [[1, "x"], [2, None]]
    assert type(rows(frame)[0][0]) is int


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("vague", [None, "application/octet-stream", "binary/octet-stream"])
def test_auto_knows_parquet_and_arrow_by_their_first_bytes(name, vague):
    """Where the media type says nothing, magic bytes do; nothing is rounded, small types stay small."""
    frame = read(BINARY[name], vague)
    at = pd.Timestamp(1, unit="us", tz="UTC")
    assert rows(frame) == [[BIG, True, "x", 1, ["a"], at], [None, None, None, 2, None, None]]
    assert frame["small"].dtype in {np.dtype("int16"), pd.Int16Dtype()}
    assert type(frame["tags"][0]) is list


@pytest.mark.parametrize(
    ("format", "content_type", "name"),  # the option's name
    [
        ("auto", "application/vnd.apache.parquet", "parquet"),
        ("auto", "application/vnd.apache.arrow.file", "arrow file"),
        ("auto", "application/vnd.apache.arrow.stream", "arrow stream"),
        ("parquet", "text/plain", "parquet"),
        ("arrow", "image/png", "arrow file"),
    ],
)
def test_parquet_and_arrow_go_by_name(format, content_type, name):  # noqa: A002 - the option's name
    """The media type or the option names them."""
    assert rows(read(BINARY[name], content_type, format=format))[0][0] == BIG


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1 - 2**63, 2**63 - 1) | st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=1,
        max_size=6,
    )
)
def test_csv_keeps_every_integer_and_float(cells):
    """What csv wrote comes back, bit by bit."""
    sink = io.StringIO()
    csv.writer(sink).writerows([("n", "x"), *cells])
    frame = read(sink.getvalue().encode(), "text/csv")
    assert [cell if cell is None else int(cell) for cell, _ in rows(frame)] == [cell for cell, _ in cells]
    assert [float(cell) for _, cell in rows(frame)] == [cell for _, cell in cells]


def test_read_options_are_those_of_pandas():
    """Separator, decimal comma, skipped lines and types are pandas' business."""
    options = {"sep": ";", "decimal": ",", "skiprows": 1, "dtype": {"zip": str}}
    frame = read(b"# report\nzip;x\n007;1,5\n", "text/csv", read_options=options)
    assert rows(frame) == [["007", 1.5]]
    assert rows(read(b"<r><a><b><id>1</id></b></a></r>", "text/xml", read_options={"xpath": ".//b"})) == [[1]]


def test_columns_of_a_schema_are_left_as_they_are_written():
    """A postal code keeps its zeros."""
    assert rows(read(b"zip,n\n007,1\n", "text/csv", text_columns=["zip", "nowhere"])) == [["007", 1]]
    assert rows(read(b"<r><i><zip>007</zip></i></r>", "text/xml", text_columns=["zip"])) == [["007"]]


@pytest.mark.parametrize(
    ("format", "options", "words"),
    [
        ("csv", {"separator": ";"}, "'separator'.* no option of format='csv'"),
        ("csv", {"chunksize": 5}, "'chunksize'"),
        ("csv", {"filepath_or_buffer": "/etc/passwd"}, "'filepath_or_buffer'"),
        ("csv", {"xpath": "./*"}, "'xpath'"),
        ("xml", {"storage_options": {}}, "'storage_options'"),
        ("json", {"sep": ";"}, "format='json' has none"),
        ("auto", {"nonsense": 1}, "'nonsense'"),
    ],
)
def test_options_that_no_reader_takes_raise_before_anything_is_sent(format, options, words):  # noqa: A002 - as above
    """A misspelt option is no row's failure, and where the text comes from is ours to say."""
    with pytest.raises(PlanError, match=words):
        check_read_options(format, options)


@pytest.mark.parametrize(
    ("content_type", "body", "words", "transient"),
    [
        ("text/csv", b"a,b\n1,2\n1,2,3\n", "not CSV: .*Expected 2 fields in line 3, saw 3", False),
        ("text/csv", b'a,b\n1,"2', "not CSV: .*EOF inside string", True),
        ("text/csv; charset=utf-8", b"a\n\xff\n", "byte 0xff at position 2", False),
        ("text/csv; charset=klingon", b"a\n1\n", "charset 'klingon' is unknown", False),
        ("text/csv", b"<!DOCTYPE html><title>Sign in</title>", "looks like HTML", False),
        ("text/xml", b"<r><i>", "not XML: no element found", True),
        ("text/xml", b"<r><i></r>", "not XML: mismatched tag", False),
        ("text/xml", b"<r>5</r>", "no such nodes", False),
        ("application/vnd.apache.parquet", b"PAR1 or not", "not Parquet", False),
        ("application/vnd.apache.parquet", BINARY["parquet"][:-1], "not Parquet", False),
        ("application/vnd.apache.arrow.file", BINARY["arrow file"][:200], "not Arrow IPC", False),
        ("application/vnd.apache.arrow.stream", BINARY["arrow stream"][:-300], "not Arrow IPC", False),
    ],
)
def test_fault_19_a_broken_table_is_refused(content_type, body, words, transient):
    """Whatever a reader makes of it ends as a ParseError; a cut that shows is worth another try."""
    with pytest.raises(ParseError, match=words) as caught:
        read(body, content_type)
    assert caught.value.transient is transient


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/xml", b"<r/>"), ("text/xml", b"<r> </r>"), ("text/csv", "\ufeff\n".encode()), ("text/csv", b" \n")],
)
def test_fault_26_a_table_of_nothing_holds_no_records(content_type, body):
    """No element, no line, no record."""
    assert read(body, content_type) is None


def test_fault_26_a_header_alone_is_an_empty_table():
    """Its columns are known."""
    assert read(b"a,b\n", "text/csv").shape == (0, 2)


@pytest.mark.parametrize("content_type", ["text/csv", "text/xml", "application/vnd.apache.parquet"])
def test_fault_25_json_that_calls_itself_a_table_is_json(content_type):
    """An error in JSON behind the wrong media type is not read as a table of one strange column."""
    assert read(b'{"error": "quota"}', content_type) == {"error": "quota"}


def test_fault_25_csv_may_begin_with_a_bracket():
    """What is no JSON after all is the CSV that it says it is."""
    assert list(read(b"[id],x\n1,2\n", "text/csv").columns) == ["[id]", "x"]


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r><i>&b;</i></r>',
        b'<?xml version="1.0"?><!-- > --> <?pi ?>\n<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]><r><i><x>&f;</x></i></r>',
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_security_s9_entities_are_not_read(body, charset):
    """A document type may define entities that grow or that name files: the XML is refused."""
    with pytest.raises(ParseError, match="document type"):
        read(body.decode().encode(charset), "text/xml")


def test_a_page_inside_of_xml_is_text():
    """Only what stands before the root is a document type."""
    assert rows(read(b"<r><i><x><![CDATA[<!DOCTYPE html>]]></x></i></r>", "text/xml")) == [["<!DOCTYPE html>"]]


def test_security_s9_a_parquet_bomb_is_refused_by_what_it_promises():
    """A column of one value is small in the file and huge in memory."""
    runs = pa.table({"x": pa.DictionaryArray.from_arrays(pa.array(np.zeros(80_000_000, np.int8)), pa.array(["x"]))})
    body = parquet(runs)
    assert len(body) < 2**20
    with pytest.raises(BodyTooLargeError, match="unpacks to"):
        read(body, format="parquet")


def test_without_pyarrow_the_extra_is_named(monkeypatch):
    """Asked for by name it raises before anything is sent; met by chance it is that row's failure."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(PlanError, match=r"pandas-async-io\[parquet\]"):
        compile_interpreter(format="parquet", readers=TABULAR_READERS)
    with pytest.raises(ParseError, match=r"pandas-async-io\[parquet\]"):
        read(BINARY["parquet"])

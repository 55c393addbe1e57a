"""Tables in bodies: CSV, TSV, XML, Parquet and Arrow IPC, read exactly, or refused."""

from __future__ import annotations

import csv
import io
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.body.decode import decode
from pandas_async_io._core.body.interpret import compile_interpreter
from pandas_async_io._core.errors import BodyTooLargeError, ParseError, PlanError
from pandas_async_io._core.models import Response
from pandas_async_io._core.table.columns.columns import concat_blocks
from pandas_async_io._core.table.columns.frames import flatten_payloads
from pandas_async_io._core.table.readers.tabular import TABULAR_READERS, check_read_options
from pandas_async_io._core.table.records.shape import Shape
from tests.core.table.payload_columns import BEYOND_FLOAT

TABLE = pa.table(
    {
        "id": pa.array([BEYOND_FLOAT, None], pa.int64()),
        "ok": [True, None],
        "name": ["x", None],
        "small": pa.array([1, 2], pa.int16()),
        "tags": [["a"], None],
        "at": pa.array([1, None], pa.timestamp("us", "UTC")),
    }
)


def read_body(body, content_type=None, **options):
    headers = {} if content_type is None else {"Content-Type": content_type}
    return decode(Response(200, headers, body, ""), readers=TABULAR_READERS, **options)


def to_frame(payload):
    """Return the columns of a payload."""
    return pd.DataFrame(concat_blocks(list(flatten_payloads([payload], Shape())), nullable=True).arrays)


def to_rows(frame):
    """Return the cells as Python's own objects, None where one is missing."""
    if not isinstance(frame, pd.DataFrame):
        frame = to_frame(frame)
    cells = frame.astype(object)
    return cells.where(frame.notna(), None).to_numpy().tolist()


def write_parquet(table=TABLE, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def write_arrow(open_writer, table=TABLE, **options):
    sink = io.BytesIO()
    with open_writer(sink, table.schema, **options) as writer:
        writer.write_table(table)
    return sink.getvalue()


BINARY = {
    "parquet": write_parquet(),
    "arrow file": write_arrow(pa.ipc.new_file),
    "arrow stream": write_arrow(pa.ipc.new_stream),
    "zstd inside": write_parquet(compression="zstd"),
    "lz4 inside": write_arrow(pa.ipc.new_stream, options=pa.ipc.IpcWriteOptions(compression="lz4")),
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
def test_auto_reads_csv_tsv_and_xml_by_the_media_type(content_type, body):
    """Integers beside gaps stay integers."""
    payload = read_body(body, content_type)
    frame = payload if isinstance(payload, pd.DataFrame) else to_frame(payload)
    assert list(frame.columns) == ["id", "name"]
    assert to_rows(frame) == [[1, "x"], [2, None]]
    assert type(to_rows(frame)[0][0]) is int


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("vague", [None, "application/octet-stream", "binary/octet-stream"])
def test_auto_recognises_parquet_and_arrow_by_their_first_bytes(name, vague):
    """Under a generic media type; no value is rounded, small dtypes stay small."""
    frame = read_body(BINARY[name], vague)
    at = pd.Timestamp(1, unit="us", tz="UTC")
    assert to_rows(frame) == [[BEYOND_FLOAT, True, "x", 1, ["a"], at], [None, None, None, 2, None, None]]
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
def test_the_media_type_or_the_option_names_parquet_and_arrow(format, content_type, name):  # noqa: A002 - the option's name
    """Either is enough."""
    assert to_rows(read_body(BINARY[name], content_type, format=format))[0][0] == BEYOND_FLOAT


@given(
    st.lists(
        st.tuples(st.integers(1 - 2**63, 2**63 - 1) | st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=1,
        max_size=6,
    )
)
def test_csv_keeps_every_integer_and_float_exactly(cells):
    """Bit by bit, as the csv module wrote them."""
    sink = io.StringIO()
    csv.writer(sink).writerows([("n", "x"), *cells])
    frame = read_body(sink.getvalue().encode(), "text/csv")
    assert [cell if cell is None else int(cell) for cell, _ in to_rows(frame)] == [cell for cell, _ in cells]
    assert [float(cell) for _, cell in to_rows(frame)] == [cell for _, cell in cells]


def test_read_options_are_passed_to_pandas():
    """Separator, decimal comma, skipped lines, dtypes; an XPath."""
    options = {"sep": ";", "decimal": ",", "skiprows": 1, "dtype": {"zip": str}}
    frame = read_body(b"# report\nzip;x\n007;1,5\n", "text/csv", read_options=options)
    assert to_rows(frame) == [["007", 1.5]]
    assert to_rows(read_body(b"<r><a><b><id>1</id></b></a></r>", "text/xml", read_options={"xpath": ".//b"})) == [[1]]


def test_text_columns_are_not_converted():
    """A postal code keeps its zeros."""
    assert to_rows(read_body(b"zip,n\n007,1\n", "text/csv", text_columns=["zip", "nowhere"])) == [["007", 1]]
    options = {"text_columns": ["zip"], "read_options": {"xpath": ".//i"}}
    assert to_rows(read_body(b"<r><i><zip>007</zip></i></r>", "text/xml", **options)) == [["007"]]


@pytest.mark.parametrize("end", [b",", b",,,"])
@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, [[1, "x"], [None, "y"]]),
        ({"engine": "python"}, [[1, "x"], [None, "y"]]),
        ({"usecols": ["n"]}, [[1], [None]]),
    ],
)
def test_fault_87_empty_cells_beyond_the_header_shift_no_column(end, options, rows):
    """Of rows with more cells than the header, pandas takes the first ones for an index."""
    body = b"n,s\n1,x%s\n,y%s\n" % (end, end)
    assert to_rows(read_body(body, "text/csv", read_options=options)) == rows


@pytest.mark.parametrize(
    "options", [{}, {"engine": "python"}, {"index_col": None}, {"skiprows": 0}, {"dtype": {"s": str}}], ids=str
)
@pytest.mark.parametrize(
    "body",
    [
        b"n,s\n9007199254740993,x\n2,y,\n3,z\n",
        b"n,s\n9007199254740993,x,\n2,y, ,\n3,z\n",
        b"n,s\n9007199254740993,x,,\n2,y\n3,z,\n",
        b'n,s\n9007199254740993,"x",""\n2,y\n3,z,\n',
    ],
)
def test_fault_87_empty_cells_beyond_the_header_are_dropped_from_some_rows(body, options):
    """The numbers stay exact, whichever parser pandas needs to find these rows."""
    assert to_rows(read_body(body, "text/csv", read_options=options)) == [[2**53 + 1, "x"], [2, "y"], [3, "z"]]


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("text/csv", b"id;name\n1;a\n", r"\{'sep': ';'\}, or \{'sep': ','\} for one column"),
        ("text/csv", b"id\tname\n1\ta\n", r"\{'sep': '\\t'\}"),
        ("text/csv", b"id|name\n1|a\n", r"\{'sep': '\|'\}"),
        ("text/tab-separated-values", b"id,name\n1,a\n", r"\{'sep': ','\}"),
        ("text/csv", b"Ort;Wert\nUlm;1,5\n", r"\{'sep': ';', 'decimal': ','\}"),
        ("text/csv", b"Ort;Wert\nUlm;1\nBonn;1,5\n", r"\{'sep': ';', 'decimal': ','\}"),
        ("text/csv", b"a;b;c\n1,5;2,5;x\n", r"\{'sep': ';', 'decimal': ','\}"),
    ],
)
def test_fault_87_another_delimiter_in_each_line_is_a_question(content_type, body, words):
    """Not one column; ``sep`` answers it, for one column, too."""
    with pytest.raises(ParseError, match=words):
        read_body(body, content_type)
    if b"5" not in body:
        separator = "\t" if "tab" in content_type else ","
        assert read_body(body, content_type, read_options={"sep": separator}).shape == (1, 1)


@pytest.mark.parametrize("body", [b"note\na; b\n", b"a;b\n1\n", b"a;b\n", b'"a;b"\n"1"\n', b"note\nx\n"])
def test_one_column_that_holds_another_delimiter_at_times_is_a_table(body):
    assert read_body(body, "text/csv").shape[1] == 1


@pytest.mark.parametrize(
    ("format", "options", "words"),
    [
        ("csv", {"encoding": "cp1252"}, "encoding= is an option of the call"),
        ("csv", {"compression": "gzip"}, "compressed files are recognised"),
        ("csv", {"separator": ";"}, "'separator'.* not an option of format='csv'"),
        ("csv", {"chunksize": 5}, "'chunksize'"),
        ("csv", {"filepath_or_buffer": "/etc/passwd"}, "'filepath_or_buffer'"),
        ("csv", {"xpath": "./*"}, "'xpath'"),
        ("xml", {"storage_options": {}}, "'storage_options'"),
        ("json", {"sep": ";"}, "format='json' has none"),
        ("auto", {"nonsense": 1}, "'nonsense'"),
    ],
)
def test_an_invalid_read_option_raises_a_plan_error(format, options, words):  # noqa: A002 - as above
    """A misspelt one, or one that this package sets."""
    with pytest.raises(PlanError, match=words):
        check_read_options(format, options)


@pytest.mark.parametrize(
    ("content_type", "body", "words", "transient"),
    [
        ("text/csv", b"a,b\n1,2\n1,2,3\n", "not CSV: .*Expected 2 fields in line 3, saw 3", False),
        ("text/csv", b'a,b\n1,"2', "not CSV: .*EOF inside string", True),
        ("text/csv; charset=utf-8", b"a\n\xff\n", "byte 0xff at position 2", False),
        ("text/csv; charset=klingon", b"a\n\xff\n", "unknown charset 'klingon'", False),
        ("text/csv", b"<!DOCTYPE html><title>Sign in</title>", "looks like HTML", False),
        ("text/csv", b"a,b\n1,2,3\n4,5,\n", "rows have 1 cell more than the header has names: read_options=", False),
        ("text/csv", b"a\n1,,3\n", "rows have 2 cells more", False),
        ("text/xml", b"<r><i>", "not XML: no element found", True),
        ("text/xml", b"<r><i", "not XML: unclosed token at line 1, column 3", True),
        ("text/xml", b"<r><i></r>", "not XML: mismatched tag", False),
        ("application/vnd.apache.parquet", b"PAR1 or not", "not Parquet", False),
        ("application/vnd.apache.parquet", BINARY["parquet"][:-1], "not Parquet", False),
        ("application/vnd.apache.arrow.file", BINARY["arrow file"][:200], "not Arrow IPC", False),
        ("application/vnd.apache.arrow.stream", BINARY["arrow stream"][:-300], "not Arrow IPC", False),
    ],
)
def test_fault_19_a_broken_table_is_a_parse_error(content_type, body, words, transient):
    """It is transient if the body ends early."""
    with pytest.raises(ParseError, match=words) as caught:
        read_body(body, content_type)
    assert caught.value.transient is transient


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/xml", b"<r/>"), ("text/xml", b"<r> </r>"), ("text/csv", "\ufeff\n".encode()), ("text/csv", b" \n")],
)
def test_fault_26_a_table_without_records_is_none(content_type, body):
    """No element, no line."""
    assert read_body(body, content_type) is None


def test_fault_26_a_header_alone_is_an_empty_table():
    """It has columns."""
    assert read_body(b"a,b\n", "text/csv").shape == (0, 2)


@pytest.mark.parametrize("content_type", ["text/csv", "text/xml", "application/vnd.apache.parquet"])
def test_fault_25_json_under_the_media_type_of_a_table_is_json(content_type):
    """An error message is not read as a table with one column."""
    assert read_body(b'{"error": "quota"}', content_type) == {"error": "quota"}


def test_fault_25_csv_may_begin_with_a_bracket():
    """A body that is not JSON after all is CSV, as its media type says."""
    assert list(read_body(b"[id],x\n1,2\n", "text/csv").columns) == ["[id]", "x"]


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r><i>&b;</i></r>',
        b'<?xml version="1.0"?><!-- > --> <?pi ?>\n<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]><r><i><x>&f;</x></i></r>',
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_security_s9_a_document_type_is_refused(body, charset):
    """It may define entities that grow or that name files."""
    with pytest.raises(ParseError, match="document type"):
        read_body(body.decode().encode(charset), "text/xml")


def test_a_document_type_inside_of_cdata_is_text():
    """Only before the root it is a declaration."""
    assert to_rows(read_body(b"<r><i><x><![CDATA[<!DOCTYPE html>]]></x></i></r>", "text/xml")) == [["<!DOCTYPE html>"]]


def test_security_s9_a_parquet_bomb_is_refused_by_its_metadata():
    """A column of one value is small in the file and huge in memory."""
    runs = pa.table({"x": pa.DictionaryArray.from_arrays(pa.array(np.zeros(80_000_000, np.int8)), pa.array(["x"]))})
    body = write_parquet(runs)
    assert len(body) < 2**20
    with pytest.raises(BodyTooLargeError, match="unpacks to"):
        read_body(body, format="parquet")


def test_without_pyarrow_the_error_names_the_extra(monkeypatch):
    """format="parquet" raises before a request is sent; a body that turns out to be Parquet fails its row."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(PlanError, match=r"pandas-async-io\[parquet\]"):
        compile_interpreter(format="parquet", readers=TABULAR_READERS)
    with pytest.raises(ParseError, match=r"pandas-async-io\[parquet\]"):
        read_body(BINARY["parquet"])

"""Which format a body is in."""

from __future__ import annotations

import codecs
import gzip
import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pandas_async_io._core.body.decode import decode
from pandas_async_io._core.errors import BodyTooLargeError, ParseError, PlanError
from pandas_async_io._core.models import FORMATS, Response
from pandas_async_io._core.table.readers.tabular import TABULAR_READERS
from tests.core.body.bodies import JSON, decode_body, decode_error


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b"[1]", [1]),
        ("Application/JSON; charset=utf-8", b'"a"', "a"),
        ("application/vnd.api+json", b"true", True),
        ("application/geo+json;charset=UTF-8", b"12", 12),
        ("text/json", b"12", 12),
        ("application/x-ndjson", b'{"a":1}\r\n\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        ("application/ndjson", b"1\n18446744073709551616", [1, 2**64]),
        ("application/jsonl", b"[]\nnull", [[], None]),
        ("application/x-jsonlines", b"1", [1]),
        ("application/json-lines", b"1", [1]),
        ("application/stream+json", b"1\n2", [1, 2]),
        ("text/plain", b"12", "12"),
        ("text/plain", b"Gr\xc3\xbc\xc3\x9fe\n", "Grüße\n"),
        (None, b"OK", "OK"),
        ("", b"[1]", [1]),
        ("application/octet-stream", b"\x00\x01\xff", b"\x00\x01\xff"),
        ("image/png", b"\x89PNG", b"\x89PNG"),
    ],
)
def test_auto_goes_by_the_media_type_then_by_the_first_byte(content_type, body, value):
    """A generic media type: JSON if the body begins like JSON, else text or bytes."""
    assert decode_body(body, content_type) == value


@pytest.mark.parametrize(
    ("format", "value"),
    [("json", {"a": 1}), ("ndjson", [{"a": 1}]), ("text", '{"a": 1}'), ("bytes", b'{"a": 1}')],
)
@pytest.mark.parametrize("content_type", [JSON, "text/html", "image/png", None])
def test_a_given_format_overrides_the_media_type(format, value, content_type):  # noqa: A002 - the option's name
    """format= decides."""
    assert decode_body(b'{"a": 1}', content_type, format=format) == value


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/octet-stream", "image/png", None])
def test_fault_25_json_under_a_wrong_media_type_is_json(content_type):
    """The first byte that is not blank decides."""
    assert decode_body(b' {"a": 1}', content_type) == {"a": 1}
    assert "not JSON" in str(decode_error(b'{"a" 1}', content_type))


def test_format_text_accepts_html():
    """The advice in the error for HTML works."""
    assert decode_body(b"<html></html>", "text/html", format="text") == "<html></html>"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("content_type", [JSON, "application/x-ndjson", "text/plain", "text/html", None])
@pytest.mark.parametrize("body", [b"", b"  ", b"\r\n\t "])
def test_fault_26_a_blank_body_is_none(format, content_type, body):  # noqa: A002 - the option's name
    """An empty body or white space, in every format."""
    assert decode_body(body, content_type, format=format) is None


@pytest.mark.parametrize("content_type", [JSON, "application/x-ndjson", "text/plain"])
@pytest.mark.parametrize("body", [codecs.BOM_UTF8, codecs.BOM_UTF8 + b"\n", " ".encode("utf-16")])
def test_fault_26_a_byte_order_mark_alone_is_none(content_type, body):
    """A mark is not a record."""
    assert decode_body(body, content_type) is None


@pytest.mark.parametrize(("body", "value"), [(b"null", None), (b"[]", []), (b"{}", {})])
def test_fault_26_empty_json_stays_as_it_is(body, value):
    """null, an empty list and an empty object are payloads."""
    assert decode_body(body) == value


def test_an_unknown_format_raises_and_lists_the_known_ones():
    """A programming error is not the failure of a row, not even with an empty body."""
    with pytest.raises(PlanError, match="'yaml' is not one of auto, json, ndjson, csv"):
        decode_body(b"", format="yaml")


CSV, NDJSON = b"a,b\n1,2\n", b'{"a": 1, "b": 2}\n{"a": 3}\n'


def decode_from(url, body, content_type, **options):
    headers = {} if content_type is None else {"Content-Type": content_type}
    payload = decode(Response(200, headers, body, url), readers=TABULAR_READERS, **options)
    return payload.to_dict("records") if isinstance(payload, pd.DataFrame) else payload


def write_arrow(table, sink):
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def write_table(write):
    sink = io.BytesIO()
    write(pa.table({"a": [1]}), sink)
    return sink.getvalue()


SUFFIXES = {
    "csv": (CSV, [{"a": 1, "b": 2}]),
    "CSV": (CSV, [{"a": 1, "b": 2}]),
    "tsv": (b"a\tb\n1\t2\n", [{"a": 1, "b": 2}]),
    "ndjson": (NDJSON, [{"a": 1, "b": 2}, {"a": 3}]),
    "jsonl": (b"[1]\n2", [[1], 2]),
    "xml": (b"<r><u><a>1</a></u></r>", {"u": [{"a": "1"}]}),
    "json": (b"12", 12),
    "geojson": (b'{"type": "Point"}', {"type": "Point"}),
    "parquet": (write_table(pq.write_table), [{"a": 1}]),
    "arrow": (write_table(write_arrow), [{"a": 1}]),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content_type", ["text/plain; charset=utf-8", "application/octet-stream", None])
@pytest.mark.parametrize("end", ["", "?v=1.2", "#x", ".gz", ".GZ?token=a.xml"])
def test_the_suffix_of_the_url_decides_if_the_media_type_names_no_format(suffix, content_type, end):
    """As raw file hosts serve files; a .gz file is unpacked, and query and fragment are apart."""
    body, payload = SUFFIXES[suffix]
    body = gzip.compress(body) if "gz" in end.lower() else body
    assert decode_from(f"https://e.com/v1.0/file.{suffix}{end}", body, content_type) == payload


@pytest.mark.parametrize(
    ("url", "content_type", "body", "payload"),
    [
        ("https://e.com/a.csv", "application/json", b"[1]", [1]),
        ("https://e.com/a.csv", "text/plain", b'[{"a": 1}]', [{"a": 1}]),
        ("https://e.com/a.csv", "text/plain", b'{"a": 1}', {"a": 1}),
        ("https://e.com/a.xml", "text/csv", CSV, [{"a": 1, "b": 2}]),
        ("https://e.com/a.csv", "image/png", b"\x89PNG", b"\x89PNG"),
        ("https://e.com/?file=a.csv", "text/plain", CSV, CSV.decode()),
        ("https://csv.com", "text/plain", CSV, CSV.decode()),
        ("https://e.com/a.csv/rows", "text/plain", CSV, CSV.decode()),
        ("https://e.com/a.zip", "application/octet-stream", b"PK\x03", b"PK\x03"),
        ("https://e.com/a.csv.gz", "text/csv", gzip.compress(CSV, mtime=0), [{"a": 1, "b": 2}]),
        ("https://e.com/a.csv.gz", "application/gzip", CSV, [{"a": 1, "b": 2}]),
        ("https://e.com/a.tar.gz", "application/gzip", gzip.compress(CSV, mtime=0), gzip.compress(CSV, mtime=0)),
    ],
    ids=str,
)
def test_a_specific_media_type_goes_first_and_the_body_last(url, content_type, body, payload):
    """JSON under the suffix of a table is JSON, and only the path has a suffix."""
    assert decode_from(url, body, content_type) == payload


def test_a_gzip_file_is_unpacked_for_any_format_but_bytes():
    """Within max_body."""
    url, packed = "https://e.com/a.csv.gz", gzip.compress(CSV * 1000)
    assert len(decode_from(url, packed, None, format="csv")) == 1999
    assert decode_from(url, packed, None, format="bytes") == packed
    with pytest.raises(BodyTooLargeError):
        decode_from(url, packed, None, max_body=1000)


def test_a_login_page_in_the_place_of_a_file_is_refused():
    """The suffix does not make a table of it."""
    with pytest.raises(ParseError, match="looks like HTML"):
        decode_from("https://e.com/a.csv", b"<!doctype html><title>Log in</title>", "text/plain")


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (NDJSON, [{"a": 1, "b": 2}, {"a": 3}]),
        (NDJSON.replace(b"\n", b"\r\n\n"), [{"a": 1, "b": 2}, {"a": 3}]),
        (b'{"a": 1}\n', {"a": 1}),
        (b'{"a":\n{"b": 1}\n}', {"a": {"b": 1}}),
        (b'[{"a": 1}]\n', [{"a": 1}]),
    ],
)
@pytest.mark.parametrize("content_type", ["text/plain", None])
def test_lines_of_objects_without_a_media_type_are_ndjson(content_type, body, payload):
    """One object is JSON, on however many lines."""
    assert decode_from("https://e.com/export", body, content_type) == payload


@pytest.mark.parametrize("body", [b'{"a": 1}\nOK\n', b'{"a": 1}\n[2]', b'{"a": 1} {"a": 2}'])
def test_other_lines_are_no_ndjson(body):
    """The error is that of JSON."""
    with pytest.raises(ParseError, match="not JSON: Extra data"):
        decode_from("https://e.com/export", body, "text/plain")


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "is_suspicious"),
    [
        (b"a,b\n1,2\n3,4\n5", "text/csv", {}, True),
        (b"a,b\n1,2\n", "text/csv", {}, False),
        (b"a,b\r\n1,2\r\n", "text/csv", {}, False),
        (b"a,b\n1,2", "text/csv", {"Content-Length": "7"}, False),
        (b"a,b\n1,2", "text/csv", {"transfer-encoding": "chunked"}, False),
        (b"a,b\n1,2", "text/csv", {"Content-Encoding": "gzip"}, False),
        (b"a,b\n1,2", "text/csv", {"Content-Encoding": "identity"}, True),
        (b'{"a": 1}\n{"a": 2}', "application/x-ndjson", {}, True),
        (b"a\tb\n1\t2", "text/tab-separated-values", {}, True),
        ("a,b\n1,2\n".encode("utf-16-le"), "text/csv; charset=utf-16-le", {}, False),
        (b'[{"a": 1}]', "application/json", {}, False),
        (b"anything", "text/plain", {}, False),
    ],
)
def test_fault_74_lines_that_end_without_a_break_or_a_length_may_be_cut(body, content_type, headers, is_suspicious):
    """Only formats of lines can be cut and still be read."""
    hints = []
    response = Response(200, {"Content-Type": content_type, **headers}, body, "https://e.com/")
    decode(response, readers=TABULAR_READERS, hints=hints)
    assert len(hints) == is_suspicious
    assert all("its end may be missing" in hint for hint in hints)

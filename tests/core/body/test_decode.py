"""Which format a body is in."""

from __future__ import annotations

import codecs

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import FORMATS
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

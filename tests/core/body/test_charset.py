"""Bytes to text: every byte decoded, or the body refused."""

from __future__ import annotations

import codecs
import json

import pytest

from pandas_async_io._core.body.charset import check_encoding
from pandas_async_io._core.body.decode import decode
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import Response
from tests.core.body.bodies import JSON, decode_body, decode_error


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (codecs.BOM_UTF8 + '{"a": "é"}'.encode(), JSON),
        ('{"a": "é"}'.encode("utf-16"), JSON),
        ('{"a": "é"}'.encode("utf-32"), JSON),
        (codecs.BOM_UTF16_BE + '{"a": "é"}'.encode("utf-16-be"), None),
        ('{"a": "é"}'.encode("utf-16-le"), JSON),
        ('{"a": "é"}'.encode("utf-16-be"), f"{JSON}; charset=UTF-16BE"),
        (codecs.BOM_UTF8 + '{"a": "é"}'.encode(), f"{JSON}; charset=latin-1"),
    ],
)
def test_fault_20_a_byte_order_mark_decides_the_encoding_and_is_dropped(body, content_type):
    """The zeros of UTF-16 decide it, too; both take precedence over the header."""
    assert decode_body(body, content_type) == {"a": "é"}
    assert decode_body(body, content_type, format="text") == '{"a": "é"}'
    assert decode_body(body, content_type, format="ndjson") == [{"a": "é"}]


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "Grüße"),
        ('"ISO-8859-1"', "Grüße"),
        ("windows-1252", "10 €"),
        ("Shift_JIS", "日本"),
        ("gbk", "模"),
        ("UTF8", "Grüße"),
        ("utf-8; profile=x", "Grüße"),
    ],
)
def test_fault_21_the_charset_of_the_header_is_used(charset, text):
    """For JSON and for text."""
    codec = charset.partition(";")[0].strip('"')
    body = json.dumps({"a": text}, ensure_ascii=False).encode(codec)
    assert decode_body(body, f"{JSON};charset={charset}") == {"a": text}
    assert decode_body(text.encode(codec), f"text/plain; Charset = {charset}") == text


@pytest.mark.parametrize("format", ["json", "ndjson", "text"])
@pytest.mark.parametrize(
    ("body", "charset", "words"),
    [
        (b'["caf\xe9!"]', None, ["utf-8", "position 5", "0xe9"]),
        (b'["caf\xe9!"]', "ascii", ["ascii", "position 5"]),
        (b'["\x81!"]', "windows-1252", ["windows-1252", "position 2"]),
        (b'["\xe9!"]', "no-such-charset", ["utf-8", "0xe9", "no-such-charset"]),
        (b'["\xe9!"]', "x" * 9000, ["utf-8", "xxx"]),
    ],
)
def test_fault_21_bytes_outside_the_charset_are_refused(format, body, charset, words):  # noqa: A002 - the option's name
    """The message names the charset and the byte, and the charset that is unknown."""
    error = decode_error(body, JSON if charset is None else f"{JSON}; charset={charset}", format=format)
    assert all(word in str(error) for word in words)
    assert not error.transient
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    "charset", ["no-such-charset", "binary", "hex", "punycode", "idna", "unicode_escape", "undefined", "x" * 9000]
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_fault_21_an_unknown_charset_is_passed_over_and_said(charset, codec):
    """The body's own evidence decides; codecs that interpret escapes, or make no text, count as unknown."""
    hints = []
    assert decode_body('["é"]'.encode(codec), f"{JSON}; charset={charset}", hints=hints) == ["é"]
    assert len(hints) == 1
    assert charset[:30] in hints[0]
    assert "encoding=" in hints[0]


@pytest.mark.parametrize("header", ["", "; charset=utf-8", "; charset=ascii", "; charset=no-such-charset"])
@pytest.mark.parametrize("encoding", ["latin-1", "CP1252", "iso-8859-15"])
def test_encoding_takes_the_place_of_the_charset_of_the_header(header, encoding):
    """For every text; a byte order mark goes first."""

    def respond(body):
        return Response(200, {"Content-Type": f"application/json{header}"}, body, "", encoding)

    hints = []
    assert decode(respond(b'["caf\xe9"]'), hints=hints) == ["café"]
    assert decode(respond('["é"]'.encode("utf-8-sig")), hints=hints) == ["é"]
    assert respond(b"caf\xe9").text == "café"
    assert respond(b'"caf\xe9"').json() == "café"
    assert hints == []


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "idna", "", 5, b"utf-8"], ids=repr)
def test_an_unknown_encoding_is_refused(encoding):
    with pytest.raises(PlanError, match="is not a charset that Python knows"):
        check_encoding(encoding)

"""Bytes to text: every byte decoded, or the body refused."""

from __future__ import annotations

import codecs
import json

import pytest

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
        (b"[1]", "no-such-charset", ["no-such-charset", "position 0"]),
        (b"[1]", "binary", ["binary"]),
        (b"[1]", "hex", ["hex"]),
        (b"[1]", "punycode", ["punycode"]),
        (b"[1]", "idna", ["idna"]),
        (b"[1]", "unicode_escape", ["unicode_escape"]),
        (b"[1]", "undefined", ["undefined"]),
        (b"[1]", "x" * 9000, ["xxx"]),
    ],
)
def test_fault_21_bytes_outside_the_charset_are_refused(format, body, charset, words):  # noqa: A002 - the option's name
    """The message names the charset and the byte, or the charset that is unknown."""
    error = decode_error(body, JSON if charset is None else f"{JSON}; charset={charset}", format=format)
    assert all(word in str(error) for word in words)
    assert not error.transient
    assert len(str(error)) < 300

"""A response: its text and JSON."""

from __future__ import annotations

import pickle

import pytest

from pandas_async_io import Response
from pandas_async_io._core.body.decode import decode
from pandas_async_io._core.errors import ParseError

JSON = {"Content-Type": "application/json"}


def test_json_is_parsed_once_and_integers_stay_exact():
    """Also if the call has parsed the body before."""
    response = Response(200, JSON, b'{"id": 18446744073709551617}', "")
    assert response.json() == {"id": 2**64 + 1}
    assert response.json() is response.json()
    other = Response(200, JSON, b'{"id": 1}', "")
    assert decode(other) is other.json()


@pytest.mark.parametrize(("body", "value"), [(b"", None), (b" \n", None), (b"null", None), (b"[]", [])])
def test_a_blank_body_is_none(body, value):
    assert Response(200, {}, body, "").json() == value


def test_what_is_no_json_is_a_parse_error():
    """With a position, and whatever the Content-Type says."""
    with pytest.raises(ParseError, match="line 1, column 2"):
        Response(200, {"Content-Type": "text/plain"}, b"{x}", "").json()
    with pytest.raises(ParseError, match="looks like HTML"):
        Response(200, JSON, b"<html></html>", "").json()


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=latin-1", b"caf\xe9", "café"),
        ("text/plain", "café".encode("utf-8-sig"), "café"),
        ("text/html", b"<html>", "<html>"),
        ("text/plain; charset=foo", b"a", "a"),
        ("text/plain", b"", ""),
    ],
)
def test_text_is_in_the_charset_of_the_response(content_type, body, text):
    assert Response(200, {"Content-Type": content_type}, body, "").text == text


def test_what_was_parsed_makes_no_other_response():
    """Equality, repr and pickles leave it out of account."""
    read, unread = Response(200, JSON, b"[1]", ""), Response(200, JSON, b"[1]", "")
    read.json()
    assert read == unread
    assert repr(read) == repr(unread)
    assert pickle.loads(pickle.dumps(unread)).json() == [1]

"""Places: paths into payloads, numbers in headers, parameters in queries and bodies."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.json_path import find_count, find_value
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.request.query import get_param, parse_json_body, set_params


def page(payload, headers=None):
    return Page(Request("http://e.com/"), Response(200, headers or {}, b"", ""), payload)


@pytest.mark.parametrize(
    ("payload", "path", "expected"),
    [
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a.b": 2, "a": {"b": 1}}, "a.b", 2),
        ({"x": {"@odata.nextLink": "u"}}, "x.@odata.nextLink", "u"),
        ({"a.b": {"c": 3}}, "a.b.c", 3),
        ({"a": {"b": None}}, "a.b", None),
        ({"a": [1]}, "a.b", None),
        ([1], "a", None),
        ({"a.b": 1}, ["a.b"], 1),
        ({"a": {"b": 1}}, ["a.b"], None),
        ({"a": 1}, (), {"a": 1}),
    ],
)
def test_a_path_leads_through_objects(payload, path, expected):
    """Dots part keys unless a key holds them; what is not there is None."""
    assert find_value(payload, path) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(10, 10), ("10", 10), (" 7 ", 7), (True, None), (-1, None), (1.5, None), ("x", None), ("²", None)],
)
def test_a_number_is_whole_and_not_negative(value, expected):
    """In the payload or in a header; anything else is no number."""
    assert find_count(page({"n": value}), "n") == expected
    if isinstance(value, str):
        assert find_count(page([], {"N": value}), "n") == expected


names = st.text(alphabet="ab&=?# +ü[].", min_size=1, max_size=4)


@given(st.lists(st.tuples(names, names), max_size=4), names, st.one_of(names, st.integers(0, 99)))
def test_a_parameter_is_set_and_the_others_stay(pairs, name, value):
    """The query reads back as before, but for the one that was set, which stands there once."""
    url = "http://e.com/a"
    for key, text in pairs:
        url = set_params(Request(url), {key: text}).url
    asked = set_params(Request(url), {name: value})
    before = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    after = parse_qsl(urlsplit(asked.url).query, keep_blank_values=True)
    assert dict(after) == {**before, name: str(value)}
    assert len(after) == len(dict(after))
    assert get_param(asked, name) == str(value)


def test_a_parameter_in_the_body_is_a_json_value():
    """Objects keep their type, neighbours and large integers stay as they are, what is no object is replaced."""
    request = Request("http://e.com/", "POST", body=b'{"id": 18446744073709551616, "page": 3}')
    asked = set_params(request, {"start": {"k": [1]}, "page.after": "x"}, body=True)
    assert parse_json_body(asked) == {"id": 2**64, "page": {"after": "x"}, "start": {"k": [1]}}
    assert get_param(asked, "page.after", body=True) == "x"
    assert set_params(Request("http://e.com/"), {"key": {"k": 1}}).url == "http://e.com/?key=%7B%22k%22%3A1%7D"


@pytest.mark.parametrize("body", [None, b"a=1", b"[1]", json.dumps("x").encode()])
def test_without_a_json_object_there_is_no_place_in_the_body(body):
    """The message says what to pass."""
    with pytest.raises(ParseError, match="pass json="):
        set_params(Request("http://e.com/", "POST", body=body), {"a": 1}, body=True)

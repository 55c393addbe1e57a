"""Parameters in queries and JSON bodies."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.models import Request
from pandas_async_io._core.request.query import get_param, parse_json_body, set_params

names = st.text(alphabet="ab&=?# +ü[].", min_size=1, max_size=4)


@given(st.lists(st.tuples(names, names), max_size=4), names, st.one_of(names, st.integers(0, 99)))
def test_setting_a_parameter_keeps_the_others(pairs, name, value):
    """The parameter that is set occurs once; the others read back as before."""
    url = "http://e.com/a"
    for key, text in pairs:
        url = set_params(Request(url), {key: text}).url
    changed = set_params(Request(url), {name: value})
    before = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    after = parse_qsl(urlsplit(changed.url).query, keep_blank_values=True)
    assert dict(after) == {**before, name: str(value)}
    assert len(after) == len(dict(after))
    assert get_param(changed, name) == str(value)


def test_a_body_parameter_is_a_json_value():
    """Other keys and large integers stay exact. A value on the path that is not an object is replaced."""
    request = Request("http://e.com/", "POST", body=b'{"id": 18446744073709551616, "page": 3}')
    changed = set_params(request, {"start": {"k": [1]}, "page.after": "x"}, body=True)
    assert parse_json_body(changed) == {"id": 2**64, "page": {"after": "x"}, "start": {"k": [1]}}
    assert get_param(changed, "page.after", body=True) == "x"
    assert set_params(Request("http://e.com/"), {"key": {"k": 1}}).url == "http://e.com/?key=%7B%22k%22%3A1%7D"


@pytest.mark.parametrize("body", [None, b"a=1", b"[1]", json.dumps("x").encode()])
def test_a_body_parameter_needs_a_json_object(body):
    """The message says which option to pass."""
    with pytest.raises(ParseError, match="pass json="):
        set_params(Request("http://e.com/", "POST", body=body), {"a": 1}, body=True)

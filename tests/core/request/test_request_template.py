"""The parts of a request, compiled before any row is read."""

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.request_template import check_method, compile_request_template
from pandas_async_io._core.request.template.query_start import make_url_writer
from tests.ids import stable

HOST = "https://api.example.com"


@pytest.mark.parametrize(
    ("url", "params", "expected"),
    [
        ("/x", {"q": "{name}", "size": 10}, "?q=N&size=10"),
        ("/x", {"q": "{none}", "size": 10}, "?size=10"),
        ("/x?a=1", {"b": True}, "?a=1&b=true"),
        ("/x{?a}", {"b": 2.0}, "?b=2&a=A"),
        ("/x{?none}", {"b": 2.0}, "?b=2"),
        ("/x{?a}", {"b": "{none}"}, "?a=A"),
        ("/x?z=1{&a}", {"b": "é &"}, "?z=1&a=A&b=%C3%A9%20%26"),
        ("/x", {"ids": [1, "{a}", "{none}", None]}, "?ids=1&ids=A"),
        ("/x", {"gone": None}, ""),
        ("/x", {}, ""),
        (
            "/x",
            {"a b": "{{name}} {not a field} {User%20ID}"},
            "?a%20b=%7Bname%7D%20%7Bnot%20a%20field%7D%20U",
        ),
        ("/x", {"q": "50%"}, "?q=50%25"),
    ],
)
def test_params_are_written_into_the_template(url, params, expected):
    """They are encoded once, and left out where they are a field that is missing."""
    template = compile_request_template(HOST + url, params=params).url_template
    cells = {"name": ["N"], "a": ["A"], "User ID": ["U"], "none": [None]}
    assert make_url_writer(template)(cells, 1) == [f"{HOST}/x{expected}"]


@pytest.mark.parametrize(
    "options",
    [
        {"params": "a=1"},
        {"params": {"q": {"a": 1}}},
        {"headers": ["X-A"]},
        {"headers": {"X-A": {}}},
        {"headers": {"X-A": None}},
        {"headers": {1: "a"}},
        {"json": {"a": object()}},
        {"data": 1},
        {"data": {"a": b"x"}},
        {"json": {}, "data": ""},
        {"method": "GET /"},
        {"method": ""},
    ],
    ids=stable,
)
def test_invalid_parts_raise(options):
    """They raise PlanError before any row is read."""
    with pytest.raises(PlanError):
        compile_request_template(HOST, **options)


@pytest.mark.parametrize(
    ("options", "method"),
    [
        ({}, "GET"),
        ({"params": {"a": 1}}, "GET"),
        ({"json": {"a": 1}}, "POST"),
        ({"json": {}}, "POST"),
        ({"json": False}, "POST"),
        ({"data": "a"}, "POST"),
        ({"data": ""}, "POST"),
        ({"data": b""}, "POST"),
        ({"data": {}}, "POST"),
        ({"json": {}, "method": "get"}, "GET"),
        ({"data": "a", "method": "PATCH"}, "PATCH"),
        ({"method": "POST"}, "POST"),
    ],
    ids=stable,
)
def test_a_body_makes_post_the_default_method(options, method):
    """A method that is given is kept. What is sent by GET only reads, also with a body."""
    template = compile_request_template(HOST, **options)
    assert (template.method, template.safe) == (method, method == "GET")


@pytest.mark.parametrize("name", ["X A", "X-{a}", "", "X:", "Ü"])
def test_security_s15_a_header_name_is_a_token(name):
    """A name that is not a token is refused, also one with a field."""
    with pytest.raises(PlanError, match="a name is a token"):
        compile_request_template(HOST, headers={name: "x"})


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "a\nb", "\0", "\x7f"])
def test_security_s15_a_literal_header_value_with_a_control_character_raises(value):
    """It raises before any row is read."""
    with pytest.raises(PlanError, match="without line breaks"):
        compile_request_template(HOST, headers={"X-A": value})


@pytest.mark.parametrize(
    ("options", "text_fields", "json_fields", "outside_url"),
    [
        ({}, ("id",), (), False),
        ({"headers": {"X": "{h} {id}"}}, ("id", "h"), (), True),
        ({"json": {"a": "{a}", "b": ["x {b}", "{a}"], "{c}": 1}}, ("id", "b"), ("a",), True),
        ({"json": {"a": "{a}", "b": "x {a}"}}, ("id", "a"), ("a",), True),
        ({"json": "{a}"}, ("id",), ("a",), True),
        ({"json": {"a": 1}}, ("id",), (), False),
        ({"data": "{a}"}, ("id", "a"), (), True),
        ({"data": {"x": ["{a}", "{b}"], "y": 1}}, ("id", "a", "b"), (), True),
        ({"data": b"{a}"}, ("id",), (), False),
    ],
    ids=stable,
)
def test_each_field_is_a_text_or_a_json_value(options, text_fields, json_fields, outside_url):
    """A field that is a whole JSON value keeps its type; every other field is a text."""
    template = compile_request_template(HOST + "/{id}", method="POST", **options)
    assert (template.text_fields, template.json_fields, template.has_fields_outside_url) == (
        text_fields,
        json_fields,
        outside_url,
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"json": {}}, "application/json"),
        ({"data": ""}, "text/plain; charset=utf-8"),
        ({"data": b""}, "application/octet-stream"),
        ({"data": {}}, "application/x-www-form-urlencoded"),
        ({"json": {}, "headers": {"content-type": "a/b"}}, "a/b"),
        ({}, None),
    ],
    ids=stable,
)
def test_the_kind_of_body_decides_the_content_type(options, expected):
    """A content type that the caller sets takes precedence."""
    headers = {
        name.lower(): text.fill({}) for name, text in compile_request_template(HOST, method="POST", **options).headers
    }
    assert headers.get("content-type") == expected


def test_a_method_becomes_upper_case():
    """The case of the option does not matter."""
    assert check_method("patch") == "PATCH"

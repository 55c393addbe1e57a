"""The parts of a request, compiled before any row is looked at."""

import pytest

from pandas_async_io._core.errors import PlanError, TemplateError, UnsafeUrlError
from pandas_async_io._core.request.base_url import check_origin
from pandas_async_io._core.request.request_template import check_method, compile_request_template
from pandas_async_io._core.security.origins import parse_origin
from tests.ids import stable

HOST = "https://api.example.com"


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        (f"{HOST}/users/{{id}}", "", f"{HOST}/users/{{id}}"),
        ("/users/{id}", HOST, f"{HOST}/users/{{id}}"),
        ("users/{id}", f"{HOST}/v1/", f"{HOST}/v1/users/{{id}}"),
        ("{id}", f"{HOST}/v1", f"{HOST}/v1/{{id}}"),
        ("{id}", HOST, f"{HOST}/{{id}}"),
        ("{/id}", f"{HOST}/v1/", f"{HOST}/v1{{/id}}"),
        ("{?id}", f"{HOST}/v1", f"{HOST}/v1{{?id}}"),
        ("?id={id}", f"{HOST}/v1/", f"{HOST}/v1/?id={{id}}"),
        ("", f"{HOST}/v1", f"{HOST}/v1"),
        ("//evil.example/{id}", HOST, f"{HOST}/evil.example/{{id}}"),
        ("/to?url=http://b.example/{id}", HOST, f"{HOST}/to?url=http://b.example/{{id}}"),
        ("http://other.example/{id}", HOST, "http://other.example/{id}"),
        (HOST, "", f"{HOST}/"),
        (f"{HOST}{{?id}}", "", f"{HOST}/{{?id}}"),
        (f"{HOST}?id={{id}}", "", f"{HOST}/?id={{id}}"),
        (f"{HOST}{{/id}}", "", f"{HOST}{{/id}}"),
        (f"{HOST}/a#frag", "", f"{HOST}/a"),
        (f"{HOST}/a{{#frag}}", "", f"{HOST}/a"),
        ("https://bücher.example:8080/{id}", "", "https://xn--bcher-kva.example:8080/{id}"),
        ("/{id}", "https://bücher.example/v1", "https://xn--bcher-kva.example/v1/{id}"),
        (f"{HOST}/?u=http://bücher.example/", "", f"{HOST}/?u=http://bücher.example/"),
    ],
)
def test_a_url_is_put_behind_the_base(url, base, expected):
    """The base keeps its path, an absolute URL stands for itself, a fragment is never sent."""
    assert compile_request_template(url, base_url=base).url_template.text == expected


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("", {}, "is empty"),
        ("/users/{id}", {}, "relative URL.*base_url|relative URL.*client="),
        ("//h.example/{id}", {}, "relative URL"),
        ("ftp://h.example/{id}", {}, "only http and https"),
        ("https://", {}, "has no host"),
        ("https://h.example:99999/{id}", {}, "not a URL"),
        ("https://h.example/{id", {}, "brace without its other half"),
        ("https://h.example/{a b}", {}, r"written \{a%20b\}"),
        ("/{id}", {"base_url": f"{HOST}/{{v}}"}, "base_url"),
        ("/{id}", {"base_url": f"{HOST}?key=s3cret"}, "base_url"),
        ("https://straße.example/", {}, "xn--"),
    ],
)
def test_fault_57_a_url_that_cannot_be_right_raises(url, options, message):
    """A URL is judged before any row, with a message that says what to write instead."""
    with pytest.raises(TemplateError, match=message) as caught:
        compile_request_template(url, **options)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "{scheme}://h.example/x",
        "https://{host}/x",
        "https://{user}@h.example/",
        "https://h.example{x}",
        "https://h.example{.x}",
        "https://h.example{&x}",
        "https://h.example:{port}/",
        "https://h.example{+x}",
        "{+url}",
    ],
)
def test_security_s2_a_field_in_the_authority_needs_allow_hosts(url):
    """Scheme, user, host and port are literal unless hosts are named."""
    with pytest.raises(TemplateError, match=r"allow_hosts|relative URL"):
        compile_request_template(url)


def test_security_s2_allow_hosts_leaves_the_origin_to_the_rows():
    """With hosts named, each row's own URL is judged."""
    assert compile_request_template("https://{host}/x", allow_hosts=["*"]).origin is None
    assert compile_request_template(f"{HOST}/{{x}}", allow_hosts=["*"]).origin == parse_origin(HOST)
    assert check_origin("https://a.b.example/x", ["*.b.example"]).host == "a.b.example"
    with pytest.raises(UnsafeUrlError, match="allow_hosts"):
        check_origin("https://a.example/x", ["*.b.example"])


@pytest.mark.parametrize(
    ("url", "params", "expected"),
    [
        ("/x", {"q": "{name}", "size": 10}, "?q={name}&size=10"),
        ("/x?a=1", {"b": True}, "?a=1&b=true"),
        ("/x{?a}", {"b": 2.0}, "?b=2{&a}"),
        ("/x?z=1{&a}", {"b": "é &"}, "?z=1{&a}&b=%C3%A9%20%26"),
        ("/x", {"ids": [1, "{a}", None]}, "?ids=1&ids={a}"),
        ("/x", {"gone": None}, ""),
        ("/x", {}, ""),
        (
            "/x",
            {"a b": "{{name}} {not a field} {User%20ID}"},
            "?a%20b=%7Bname%7D%20%7Bnot%20a%20field%7D%20{User%20ID}",
        ),
        ("/x", {"q": "50%"}, "?q=50%25"),
    ],
)
def test_params_are_part_of_the_template(url, params, expected):
    """Parameters are encoded once; only a legal name in braces is a field."""
    text = compile_request_template(HOST + url, params=params).url_template.text
    assert text == f"{HOST}/x{expected}"


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
        {"method": None},
    ],
    ids=stable,
)
def test_parts_that_cannot_be_right_raise(options):
    """A wrong part is a PlanError before any row is looked at."""
    with pytest.raises(PlanError):
        compile_request_template(HOST, **options)


@pytest.mark.parametrize("name", ["X A", "X-{a}", "", "X:", "Ü"])
def test_security_s15_a_header_name_is_a_token(name):
    """A name that is no token is refused, fields included."""
    with pytest.raises(PlanError, match="a name is a token"):
        compile_request_template(HOST, headers={name: "x"})


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "a\nb", "\0", "\x7f"])
def test_security_s15_a_literal_header_value_holds_no_control_character(value):
    """A line break in a header of the call raises before any row."""
    with pytest.raises(PlanError, match="without line breaks"):
        compile_request_template(HOST, headers={"X-A": value})


@pytest.mark.parametrize(
    ("options", "texts", "wholes", "varying"),
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
def test_the_fields_of_each_part(options, texts, wholes, varying):
    """A field goes in as a text, or is a whole JSON value that keeps its type."""
    recipe = compile_request_template(HOST + "/{id}", method="POST", **options)
    assert (recipe.text_fields, recipe.json_fields, recipe.has_fields_outside_url) == (texts, wholes, varying)


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
def test_a_body_says_what_it_is(options, expected):
    """The content type follows from the kind of body, unless the caller names one."""
    headers = {
        name.lower(): text.fill({}) for name, text in compile_request_template(HOST, method="POST", **options).headers
    }
    assert headers.get("content-type") == expected


def test_a_method_is_upper_case():
    """The method's case does not matter."""
    assert check_method("patch") == "PATCH"

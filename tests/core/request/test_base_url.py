"""Relative templates made absolute, and the origin that a template fixes."""

import pytest

from pandas_async_io._core.errors import TemplateError, UnsafeUrlError
from pandas_async_io._core.request.base_url import check_origin
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.security.origins import parse_origin

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
def test_a_relative_template_is_put_after_the_base(url, base, expected):
    """The base keeps its path, an absolute URL ignores the base, and a fragment is never sent."""
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
def test_fault_57_an_invalid_url_raises(url, options, message):
    """The template is checked before any row. The message says what to write instead."""
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
    """Scheme, user, host and port are literal without ``allow_hosts``."""
    with pytest.raises(TemplateError, match=r"allow_hosts|relative URL"):
        compile_request_template(url)


def test_security_s2_allow_hosts_lets_rows_decide_the_origin():
    """Each row's URL is checked."""
    assert compile_request_template("https://{host}/x", allow_hosts=["*"]).origin is None
    assert compile_request_template(f"{HOST}/{{x}}", allow_hosts=["*"]).origin == parse_origin(HOST)
    assert check_origin("https://a.b.example/x", ["*.b.example"]).host == "a.b.example"
    with pytest.raises(UnsafeUrlError, match="allow_hosts"):
        check_origin("https://a.example/x", ["*.b.example"])

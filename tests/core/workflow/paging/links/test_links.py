"""Links: how they are resolved (RFC 3986), and where they may lead."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import UnsafeUrlError
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.workflow.paging.links.links import follow_link, restrict_to_origin

HOME = Request("https://e.com/v1/users?page=1", headers={"Authorization": "Bearer x"})


def page(url="https://e.com/v1/users?page=1", came_from=None):
    return Page(Request(url), Response(200, {}, b"", url if came_from is None else came_from), None)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("https://e.com/v1/users?page=2", "https://e.com/v1/users?page=2"),
        ("?page=2", "https://e.com/v1/users?page=2"),
        ("users?page=2", "https://e.com/v1/users?page=2"),
        ("/v2/x", "https://e.com/v2/x"),
        ("../x", "https://e.com/x"),
        ("//e.com/x", "https://e.com/x"),
        ("//e.com", "https://e.com/"),
        ("https://E.com:443?a=1", "https://e.com/?a=1"),
        ("?q=São Paulo&c=a%2Fb%3D#part", "https://e.com/v1/users?q=S%C3%A3o%20Paulo&c=a%2Fb%3D"),
        ("?c=100%", "https://e.com/v1/users?c=100%25"),
        (" /x ", "https://e.com/x"),
        ("http://e.com/x", "https://e.com/x"),
        ("http://e.com:8080/x", "http://e.com:8080/x"),
    ],
)
def test_a_link_is_resolved_against_its_page(reference, expected):
    """RFC 3986, 5; forbidden characters are encoded; http behind a TLS proxy becomes the page's https."""
    assert follow_link(page(), reference).url == expected


def test_a_relative_link_is_resolved_against_the_url_after_redirects():
    """That URL may differ from the one requested."""
    assert follow_link(page(came_from="https://e.com/v2/all"), "?page=2").url == "https://e.com/v2/all?page=2"


def test_user_and_password_of_the_url_are_kept_on_its_origin():
    """They belong to the origin, and an absolute link seldom repeats them."""
    at_home = page("https://ada:pw@e.com/v1?page=1")
    assert follow_link(at_home, "https://e.com/v1?page=2").url == "https://ada:pw@e.com/v1?page=2"
    assert follow_link(at_home, "?page=2").url == "https://ada:pw@e.com/v1?page=2"
    assert follow_link(at_home, "https://cdn.com/2").url == "https://cdn.com/2"


@pytest.mark.parametrize(
    "reference", ["javascript:alert(1)", "file:///etc/passwd", "http://[", "/a\r\nb", "https://:x/"]
)
def test_security_s7_a_link_that_is_not_http_is_refused(reference):
    """Only http and https are sent."""
    with pytest.raises(UnsafeUrlError):
        follow_link(page(), reference)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.com/",
        "https://e.com:8443/",
        "https://e.com.evil.com/",
        "http://169.254.169.254/",
        "http://e.com:8080/",
    ],
)
def test_security_s7_a_link_to_another_origin_is_refused(url):
    """Another host, port or scheme is refused, and the message says where the link leads."""
    with pytest.raises(UnsafeUrlError, match="the next page"):
        restrict_to_origin(HOME, Request(url), ["other.com"])


def test_security_s7_an_allowed_host_gets_no_credentials():
    """It gets neither headers nor a body; the first origin gets its headers."""
    away = restrict_to_origin(HOME, Request("https://cdn.com/2", headers=HOME.headers), ["cdn.com"])
    assert (away.url, dict(away.headers)) == ("https://cdn.com/2", {})
    assert restrict_to_origin(HOME, Request("https://e.com/3"), ["cdn.com"]).headers == HOME.headers
    with pytest.raises(UnsafeUrlError, match="body"):
        restrict_to_origin(HOME, Request("https://cdn.com/2", "POST", body=b"{}"), ["cdn.com"])
    with pytest.raises(UnsafeUrlError, match="not encrypted"):
        restrict_to_origin(HOME, Request("http://cdn.com/2"), ["cdn.com"])

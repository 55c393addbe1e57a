"""Which redirects are followed, and with what."""

import pytest

from pandas_async_io._core.errors import RedirectError, UnsafeUrlError
from pandas_async_io._core.models import Request
from pandas_async_io._core.security.redirects import follow_redirect

REQUEST = Request("https://h.example/a/b?c", "POST", {"Authorization": "x", "Content-Type": "a/b"}, b"body")


@pytest.mark.parametrize(
    ("status", "location", "method", "url"),
    [
        (301, "/n", "GET", "https://h.example/n"),
        (302, "n", "GET", "https://h.example/a/n"),
        (303, "?n", "GET", "https://h.example/a/b?n"),
        (307, "https://h.example/n#frag", "POST", "https://h.example/n"),
        (308, "//h.example/n", "POST", "https://h.example/n"),
    ],
)
def test_a_redirect_on_the_same_origin_keeps_its_headers(status, location, method, url):
    """The status decides the method, and the method decides whether the body is sent again."""
    followed = follow_redirect(REQUEST, status, location, follow="same_origin", hops=0)
    assert (followed.url, followed.method) == (url, method)
    assert followed.headers["Authorization"] == "x"
    assert (followed.body is None, "Content-Type" in followed.headers) == (method == "GET", method == "POST")


@pytest.mark.parametrize(
    ("status", "location", "follow"), [(200, "/n", "any"), (302, None, "any"), (304, "/n", "any"), (302, "/n", "none")]
)
def test_fault_43_a_response_that_is_not_followed_is_the_answer(status, location, follow):
    """Other statuses, a missing Location and ``follow="none"``."""
    assert follow_redirect(REQUEST, status, location, follow=follow, hops=0) is None


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "http://h.example/",
        "file:///etc/passwd",
        "//evil.example/",
        "https://h.example:8443/",
        "/a b",
        "/é",
        "http://[::1",
        "//user:pass@[x",
        "//h.example]/",
        "//e\u2100.example/",
    ],
)
def test_security_s6_a_redirect_to_another_origin_is_refused(location):
    """A downgrade to http, another scheme and invalid characters are refused, too."""
    with pytest.raises(UnsafeUrlError) as caught:
        follow_redirect(Request("https://h.example/"), 302, location, follow="same_origin", hops=0)
    assert "pass@" not in str(caught.value)
    assert caught.value.__context__ is None


def test_security_s6_another_origin_gets_no_headers_and_no_body():
    """``follow="any"`` drops the headers, and refuses to send a body."""
    followed = follow_redirect(REQUEST, 303, "https://b.example/", follow="any", hops=0)
    assert (followed.url, dict(followed.headers), followed.body) == ("https://b.example/", {}, None)
    with pytest.raises(UnsafeUrlError, match="body"):
        follow_redirect(REQUEST, 307, "https://b.example/", follow="any", hops=0)


def test_fault_40_the_sixth_redirect_is_a_loop():
    """Five are followed."""
    assert follow_redirect(REQUEST, 302, "/n", follow="any", hops=4) is not None
    with pytest.raises(RedirectError, match="loop"):
        follow_redirect(REQUEST, 302, "/n", follow="any", hops=5)

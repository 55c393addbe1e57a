"""Origins, forbidden values, redirects, redaction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from pandas_async_io._core.errors import PlanError, RedirectError, UnsafeUrlError
from pandas_async_io._core.models import Request
from pandas_async_io._core.request.headers import check_headers, merge_headers
from pandas_async_io._core.security.addresses import is_public_address
from pandas_async_io._core.security.origins import is_allowed_host, is_same_origin, parse_origin
from pandas_async_io._core.security.redirects import follow_redirect
from pandas_async_io._core.security.secrets import redact_headers, redact_text, redact_url, redact_urls
from pandas_async_io._core.security.unsafe_values import find_dot_segments, is_forbidden_header, is_forbidden_in_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://H.example", "http://h.example"),
        ("https://h.example:443/x", "https://h.example"),
        ("http://u:p@h.example:8080?x", "http://h.example:8080"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example"),
        ("http://①27.0.0.1/", "http://127.0.0.1"),
        ("http://a_b.example/", "http://a_b.example"),
    ],
)
def test_security_s5_an_origin_is_ascii_lower_case_and_without_its_default_port(url, expected):
    """What looks different and is the same host is one origin; what is compared is what is asked."""
    assert str(parse_origin(url)) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/x",
        "//h.example/x",
        "h.example/x",
        "ftp://h.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///x",
        "http://:80/",
        "http://h.example:x/",
        "http://h.example:65536/",
        "http://good.example\\@evil.example/",
        "http://evil.example%2F.good.example/",
        "http://evil.example%00.good.example/",
        "http://a b.example/",
        "http://straße.example/",
        "http://a\u200db.example/",
        "http://[::1/",
        "http://b[::1]/",
        "http://[::1]b/",
        "http://[::1]@h[::]/",
    ],
)
def test_security_s2_what_is_no_http_origin_is_refused(url):
    """No other scheme, no host in characters that no host has, no host of two readings."""
    with pytest.raises(UnsafeUrlError):
        parse_origin(url)


@given(st.text(alphabet="ab.:/@\\[]%?#&=1é①", max_size=15))
def test_security_s2_the_host_that_is_judged_is_the_host_that_is_asked(rest):
    """Where our reading of a URL gives an origin, the transport's own reading gives the same one."""
    url = f"http://{rest}"
    try:
        origin = parse_origin(url)
    except UnsafeUrlError:
        return
    asked = URL(url if url.isascii() else str(origin), encoded=True)
    assert (asked.raw_host, asked.port) == (origin.host, origin.port)


@pytest.mark.parametrize(
    ("patterns", "url", "expected"),
    [
        ([], "http://a.example", False),
        (["A.example"], "https://a.example", True),
        (["a.example"], "https://b.a.example", False),
        (["a.example:8080"], "http://a.example:8080", True),
        (["a.example:8080"], "http://a.example", False),
        (["*.a.example"], "http://b.a.example", True),
        (["*.a.example"], "http://a.example", False),
        (["*.a.example"], "http://ba.example", False),
        (["bücher.example"], "http://xn--bcher-kva.example", True),
        (["*"], "http://any.example", True),
    ],
)
def test_security_s5_an_allowed_host_is_named_exactly(patterns, url, expected):
    """Only ``*.`` stands for more than itself."""
    assert is_allowed_host(patterns, parse_origin(url)) is expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("http://a.example", "https://a.example", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example", "https://b.example", False),
    ],
)
def test_credentials_stay_with_their_origin(old, new, expected):
    """Only the step up to https on the same host is no other origin."""
    assert is_same_origin(parse_origin(old), parse_origin(new)) is expected


@pytest.mark.parametrize("slash", ["/", "%2f", "%2F", "%5C", "%252F", "%25255c"])
@pytest.mark.parametrize("segment", [".", "..", "%2e", ".%2E", "%2e%2E", "%252e%252e", "%25252E."])
def test_security_s1_dot_segments_are_found_in_any_encoding(slash, segment):
    """Whoever decodes a path once or thrice meets no dot segment."""
    urls = [
        f"http://h.example/a{slash}{segment}",
        f"http://h.example/{segment}{slash}b",
        f"http://h.example/{segment}?x",
    ]
    assert find_dot_segments([*urls, "http://h.example/a"]) == [0, 1, 2]


def test_security_s1_dots_elsewhere_are_no_segments():
    """Names with dots, three dots, and dots in a query are data."""
    urls = ["/a.b", "/...", "/.a", "/a.", "/..a", "/a?q=/../", "/a?q=%2F..%2F", "/1.5"]
    assert find_dot_segments([f"http://h.example{url}" for url in urls]) == []


@pytest.mark.parametrize("value", ["\r\n", "a\0", "\t", "\x7f", "\x85", "\ud800"])
def test_security_s4_control_characters_stand_in_no_url(value):
    """C0, DEL, C1 and lone surrogates are refused."""
    assert is_forbidden_in_url(f"a{value}b")
    assert not is_forbidden_in_url("a b/é😀\u2028")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("X-A", "a\tb é", False),
        ("X-A", "a\r\nb", True),
        ("X-A", "\0", True),
        ("X A", "a", True),
        ("X:", "a", True),
        ("", "a", True),
    ],
)
def test_security_s15_headers_are_tokens_and_text(name, value, expected):
    """A header injects no header."""
    assert is_forbidden_header(name, value) is expected
    if expected:
        with pytest.raises(PlanError, match="token"):
            check_headers({name: value})
    else:
        assert check_headers({name: value}) == {name: value}


def test_the_last_of_two_headers_holds_whatever_its_case():
    """One name is one header."""
    assert merge_headers({"Accept": "a", "X": "1"}, {"ACCEPT": "b"}, {}) == {"X": "1", "ACCEPT": "b"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:127.0.0.1", False),
    ],
)
def test_security_s8_private_addresses(address, expected):
    """Mapped addresses are what they map."""
    assert is_public_address(address) is expected


ASKED = Request("https://h.example/a/b?c", "POST", {"Authorization": "x", "Content-Type": "a/b"}, b"body")


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
    """The method follows the status, the body the method, the credentials the origin."""
    asked = follow_redirect(ASKED, status, location, follow="same_origin", hops=0)
    assert (asked.url, asked.method) == (url, method)
    assert asked.headers["Authorization"] == "x"
    assert (asked.body is None, "Content-Type" in asked.headers) == (method == "GET", method == "POST")


@pytest.mark.parametrize(
    ("status", "location", "follow"), [(200, "/n", "any"), (302, None, "any"), (304, "/n", "any"), (302, "/n", "none")]
)
def test_fault_43_what_is_no_redirect_is_the_answer(status, location, follow):
    """Without a Location there is nowhere to go."""
    assert follow_redirect(ASKED, status, location, follow=follow, hops=0) is None


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
    ],
)
def test_security_s6_a_redirect_elsewhere_is_refused(location):
    """Another origin, a step down to http, another scheme, characters that no URL has."""
    with pytest.raises(UnsafeUrlError):
        follow_redirect(Request("https://h.example/"), 302, location, follow="same_origin", hops=0)


def test_security_s6_any_drops_headers_and_body_stays_at_home():
    """``follow="any"`` takes nothing of the caller's along."""
    asked = follow_redirect(ASKED, 303, "https://b.example/", follow="any", hops=0)
    assert (asked.url, dict(asked.headers), asked.body) == ("https://b.example/", {}, None)
    with pytest.raises(UnsafeUrlError, match="body"):
        follow_redirect(ASKED, 307, "https://b.example/", follow="any", hops=0)


def test_fault_40_the_sixth_redirect_is_a_loop():
    """Five hops are enough."""
    assert follow_redirect(ASKED, 302, "/n", follow="any", hops=4) is not None
    with pytest.raises(RedirectError, match="loop"):
        follow_redirect(ASKED, 302, "/n", follow="any", hops=5)


SECRET = "s3cret-Canary"


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{SECRET}@h.example/",
        f"https://{SECRET}@h.example/",
        f"https://h.example/?access_token={SECRET}&a=1",
        f"https://h.example/?a=1&API_KEY={SECRET}#x",
        f"https://h.example/?X-Amz-Signature={SECRET}",
        f"https://h.example/?sig={SECRET}",
        f"https://h.example/?code={SECRET}",
        f"https://h.example/?key={SECRET}",
        f"https://h.example/?client_secret={SECRET}",
    ],
)
def test_security_s11_urls_are_shown_without_secrets(url):
    """User information and the values of secret keys are gone, the rest is there."""
    assert SECRET not in redact_url(url)
    assert redact_url(url).startswith("https://h.example/")
    assert redact_urls(["http://a.example/?page=1", url]) == ["http://a.example/?page=1", redact_url(url)]
    assert SECRET not in redact_text(f'{{"next": "{url}"}}')


@pytest.mark.parametrize(
    "text",
    [f'{{"token": "{SECRET}"}}', f"Authorization: Bearer {SECRET}", f"password={SECRET}", f"'api_key': '{SECRET}'"],
)
def test_security_s11_texts_are_shown_without_secrets(text):
    """Pairs of a secret's name and its value lose the value."""
    assert SECRET not in redact_text(text)


@pytest.mark.parametrize(
    "name", ["Authorization", "X-API-Key", "Cookie", "Proxy-Authorization", "X-Auth-Token", "X-My-Secret"]
)
def test_security_s11_headers_are_shown_without_secrets(name):
    """A header that may carry a credential keeps its name only."""
    assert redact_headers({name: SECRET, "Accept": "a"}) == {name: "***", "Accept": "a"}

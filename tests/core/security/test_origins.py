"""Origins: parsed, compared and allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from pandas_async_io._core.errors import UnsafeUrlError
from pandas_async_io._core.security.origins import is_allowed_host, is_same_origin, parse_origin


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
    """Different spellings of one host are one origin, the one that is connected to."""
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
def test_security_s2_a_url_without_an_http_origin_is_refused(url):
    """Other schemes, invalid hosts and hosts that two parsers read differently are refused."""
    with pytest.raises(UnsafeUrlError):
        parse_origin(url)


@given(st.text(alphabet="ab.:/@\\[]%?#&=1é①", max_size=15))
def test_security_s2_the_checked_host_is_the_host_that_is_connected_to(rest):
    """Where `parse_origin` gives an origin, the transport's parser gives the same one."""
    url = f"http://{rest}"
    try:
        origin = parse_origin(url)
    except UnsafeUrlError:
        return
    parsed = URL(url if url.isascii() else str(origin), encoded=True)
    assert (parsed.raw_host, parsed.port) == (origin.host, origin.port)


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
def test_security_s5_only_a_wildcard_allows_other_hosts(patterns, url, expected):
    """A pattern without ``*`` matches its own host only."""
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
def test_only_the_upgrade_to_https_keeps_the_origin(old, new, expected):
    """Another port, another host and the downgrade to http are other origins."""
    assert is_same_origin(parse_origin(old), parse_origin(new)) is expected

"""Links: the header's grammar, joining by RFC 3986, and where a next page may be asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from pandas_async_io._core.errors import UnsafeUrlError
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.workflow.paging.link_header import link_targets, parse_link_header
from pandas_async_io._core.workflow.paging.links import follow_link, restrict_to_origin
from pandas_async_io._core.workflow.paging.url_sequence import (
    UrlSequence,
    find_last_value,
    find_sequence,
    requests_from,
)

VECTORS = Path(__file__).parents[5] / "shared" / "data" / "headers.json"
HOME = Request("https://e.com/v1/users?page=1", headers={"Authorization": "Bearer x"})


def vectors():
    return json.loads(VECTORS.read_text())["link"] if VECTORS.exists() else []


def page(url="https://e.com/v1/users?page=1", came_from=None):
    return Page(Request(url), Response(200, {}, b"", url if came_from is None else came_from), None)


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors lie beside the project")
@pytest.mark.parametrize(("header", "expected"), vectors())
def test_the_vectors_of_the_link_header(header, expected):
    """Each vector gives its relations and nothing else."""
    assert parse_link_header(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('<a>; rel=next, <b>; rel="next"', {"next": "a"}),
        ('<a>; rel="next"; rel="prev"', {"next": "a"}),
        ('<a>; rel="next"; anchor="/other", <b>; rel=next', {"next": "b"}),
        (r'<a>; title="say \"hi, <x>; rel=prev\""; rel=next', {"next": "a"}),
        ("<a>;rel = next", {"next": "a"}),
        ("<a>; hreflang; rel=next", {"next": "a"}),
        ("<a>; rel=next; =x, <b>; rel=prev", {"prev": "b"}),
        (", ,<a>; rel=next,, <b>; rel=last", {"next": "a", "last": "b"}),
        ("< /a >; rel=next", {"next": "/a"}),
        ("", {}),
    ],
)
def test_the_grammar_of_the_link_header(header, expected):
    """First relation wins, others' anchors are left out, and what is malformed costs only itself."""
    assert parse_link_header(header) == expected


@given(st.text(alphabet='<>;,="\\ relnxt/', max_size=60))
def test_no_link_header_raises(header):
    """Whatever a server sends has a meaning, if only that there is no link."""
    assert all(isinstance(target, str) for target in parse_link_header(header).values())


targets = st.text(alphabet="abc/?=&,;%20", max_size=12)


@given(st.dictionaries(st.sampled_from(["next", "prev", "last", "up"]), targets))
def test_what_is_written_is_read(links):
    """A well-formed header gives back its targets, commas and semicolons in them included."""
    header = ", ".join(f'<{target}>; title="a, b; c"; rel="{rel}"' for rel, target in links.items())
    assert parse_link_header(header) == {rel: target.strip() for rel, target in links.items()}


def test_several_link_headers_are_one():
    """A response may have the header several times."""
    headers = CIMultiDict([("LINK", "</2>; rel=next"), ("link", "</9>; rel=last")])
    assert link_targets(Response(200, headers, b"", "")) == {"next": "/2", "last": "/9"}


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
def test_a_link_is_joined_to_the_page_it_stands_on(reference, expected):
    """RFC 3986, 5; what no URL holds is encoded; a proxied server's http is our https."""
    assert follow_link(page(), reference).url == expected


def test_a_relative_link_is_relative_to_where_the_answer_came_from():
    """After a redirect that is another URL than the one asked for."""
    assert follow_link(page(came_from="https://e.com/v2/all"), "?page=2").url == "https://e.com/v2/all?page=2"


def test_a_name_and_password_in_the_url_go_along_at_home():
    """They belong to the origin, and an absolute link seldom repeats them."""
    at_home = page("https://ada:pw@e.com/v1?page=1")
    assert follow_link(at_home, "https://e.com/v1?page=2").url == "https://ada:pw@e.com/v1?page=2"
    assert follow_link(at_home, "?page=2").url == "https://ada:pw@e.com/v1?page=2"
    assert follow_link(at_home, "https://cdn.com/2").url == "https://cdn.com/2"


@pytest.mark.parametrize(
    "reference", ["javascript:alert(1)", "file:///etc/passwd", "http://[", "/a\r\nb", "https://:x/"]
)
def test_security_s7_a_link_that_is_no_web_address_is_refused(reference):
    """Only http and https are ever sent."""
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
def test_security_s7_the_next_page_is_at_home(url):
    """Another host, port or scheme is refused, and the message says where it led."""
    with pytest.raises(UnsafeUrlError, match="the next page"):
        restrict_to_origin(HOME, Request(url), ["other.com"])


def test_security_s7_an_allowed_host_gets_no_credentials():
    """Headers stay behind, a body is not handed over, and back at home the headers are there again."""
    away = restrict_to_origin(HOME, Request("https://cdn.com/2", headers=HOME.headers), ["cdn.com"])
    assert (away.url, dict(away.headers)) == ("https://cdn.com/2", {})
    assert restrict_to_origin(HOME, Request("https://e.com/3"), ["cdn.com"]).headers == HOME.headers
    with pytest.raises(UnsafeUrlError, match="body"):
        restrict_to_origin(HOME, Request("https://cdn.com/2", "POST", body=b"{}"), ["cdn.com"])
    with pytest.raises(UnsafeUrlError, match="not encrypted"):
        restrict_to_origin(HOME, Request("http://cdn.com/2"), ["cdn.com"])


@pytest.mark.parametrize(
    ("url", "following", "expected"),
    [
        ("/u", "/u?page=2", UrlSequence("page", 2, 1)),
        ("/u?per_page=5", "/r/1?per_page=5&page=2", UrlSequence("page", 2, 1)),
        ("/u", "/u?page=2&per_page=30", UrlSequence("page", 2, 1)),
        ("/u?page=0", "/u?page=1", UrlSequence("page", 1, 1)),
        ("/u?page[number]=1", "/u?page%5Bnumber%5D=2", UrlSequence("page[number]", 2, 1)),
        ("/u", "/u?limit=10&offset=10", UrlSequence("offset", 10, 10)),
        ("/u?startAt=50", "/u?startAt=100", UrlSequence("startAt", 100, 50)),
        ("/u", "/u?page=7", None),
        ("/u", "/u?page_info=abc", None),
        ("/u", "/u?since=364", None),
        ("/u?since=1", "/u?since=364", None),
        ("/u", "/u?page=2&cursor=x", None),
        ("/u?page=3", "/u?page=2", None),
        ("/u?page=a", "/u?page=2", None),
        ("/u?q=1", "/u?page=2", None),
        ("/u", "/u?page_token=2", None),
        ("/u", "/u", None),
    ],
)
def test_how_numbers_go_on_is_told_only_where_it_is_plain(url, following, expected):
    """One page number or offset may differ, and nothing that could be a token."""
    assert find_sequence(f"https://e.com{url}", f"https://e.com{following}") == expected


def test_the_last_link_counts_only_if_it_is_the_next_one_but_for_the_number():
    """Then every page between is known."""
    sequence = UrlSequence("page", 2, 1)
    assert find_last_value("https://e.com/?page=2&a=1", "https://e.com/?a=1&page=5", sequence) == 5
    assert find_last_value("https://e.com/?page=2", "https://e.com/?page=5&a=1", sequence) is None
    assert find_last_value("https://e.com/?page=2", "https://e.com/x?page=5", sequence) is None
    assert find_last_value("https://e.com/?page=2", "https://e.com/?page=end", sequence) is None
    assert requests_from(HOME, sequence, -1) == []

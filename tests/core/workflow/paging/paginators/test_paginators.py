"""Paginators: the next request, and the requests of all other pages."""

from __future__ import annotations

from functools import partial

import pytest

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import Request
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.paginators.extracted_page import MAX_PAGES_AT_ONCE
from pandas_async_io._core.workflow.paging.paginators.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber
from pandas_async_io._core.workflow.paging.paginators.paginators import (
    as_paginator,
    first_request,
    next_request,
    other_requests,
)
from tests.core.workflow.paging.extracted_pages import URL, extracted, next_url


@pytest.mark.parametrize(
    ("paginator", "payload", "headers", "expected"),
    [
        (LinkHeader(), None, {"link": "</u?page=2>; rel=next"}, "http://e.com/u?page=2"),
        (NextUrl("links.next"), {"links": {"next": "?page=2"}}, {}, "http://e.com/u?page=2"),
        (NextUrl("@odata.nextLink"), {"@odata.nextLink": "http://e.com/x"}, {}, "http://e.com/x"),
        (NextUrl("_links.next"), {"_links": {"next": {"href": "/2"}}}, {}, "http://e.com/2"),
        (
            NextUrl("links"),
            {"links": [{"rel": "self", "href": "/1"}, {"rel": "next", "href": "/2"}]},
            {},
            "http://e.com/2",
        ),
        (NextUrl("link"), {"link": [{"relation": "next", "url": "/2"}]}, {}, "http://e.com/2"),
        (NextUrl(header="Next-Page"), None, {"next-page": "/2"}, "http://e.com/2"),
        (Cursor("meta.next"), {"meta": {"next": "a&b"}}, {}, "http://e.com/u?a=1&cursor=a%26b"),
        (Cursor("next", param="page"), {"next": 7}, {}, "http://e.com/u?a=1&page=7"),
        (NextUrl("_links.next"), {"_links": {"next": [{"href": "/2"}, {"href": "/3"}]}}, {}, "http://e.com/2"),
        (NextUrl(["_links", "next"]), {"_links": {"next": ["/2"]}}, {}, "http://e.com/2"),
        (NextUrl("nextLinks"), {"nextLinks": [{"rel": "next", "href": "/2"}]}, {}, "http://e.com/2"),
        (NextUrl("_links.next"), {"_links": {"next": [{"rel": "up", "href": "/2"}]}}, {}, None),
        (NextUrl("next"), {"next": [{"href": None}]}, {}, None),
        (NextUrl("links"), {"links": [{"rel": "self", "href": "/1"}, {"href": "/2"}]}, {}, None),
        (NextUrl(None, header="N"), {"next": "/3"}, {"n": "/2"}, "http://e.com/2"),
        (Cursor("next", more="more"), {"next": "x", "more": False}, {}, None),
        (Cursor("next", more="more"), {"next": "x", "more": "True"}, {}, f"{URL}&cursor=x"),
        (Cursor(header="Sforce-Locator", param="locator"), None, {"Sforce-Locator": "MTA"}, f"{URL}&locator=MTA"),
        (Cursor(after="id", param="after", more="more"), {"more": True}, {}, f"{URL}&after=10"),
        (Cursor(after="id", param="after", more="more"), {"more": False}, {}, None),
        (Cursor(after="id", param="after"), {}, {}, f"{URL}&after=10"),
        (PageNumber("p"), None, {}, f"{URL}&p=2"),
        (PageNumber("p", start=0), None, {}, f"{URL}&p=1"),
        (PageNumber("p", total_pages="pages"), {"pages": 1}, {}, None),
        (PageNumber("p", total_records="X-Total-Count"), None, {"X-Total-Count": "10"}, None),
        (PageNumber("p", total_records="n"), {"n": 8}, {}, f"{URL}&p=2"),
        (Offset("o"), None, {}, f"{URL}&o=10"),
        (Offset("o", total_records="n"), {"n": 10}, {}, None),
        (Offset("o", start=1), None, {}, f"{URL}&o=11"),
    ],
)
def test_the_next_request_follows_from_the_page(paginator, payload, headers, expected):
    """Each paginator continues where the page says, and ends where the page says so."""
    assert next_url(paginator, extracted(payload, headers=headers)) == expected


@pytest.mark.parametrize("end", [None, "", "null", " null ", False, 0, {}, []])
@pytest.mark.parametrize("paginator", [NextUrl("next"), Cursor("next")])
def test_fault_44_null_and_the_empty_text_are_the_end(paginator, end):
    """The text "null" and a missing key are the end, too."""
    assert next_request(paginator, extracted({"next": end})) is None
    assert next_request(paginator, extracted({})) is None


@pytest.mark.parametrize(
    ("paginator", "headers"),
    [
        (LinkHeader(), {"Link": "<>; rel=next"}),
        (LinkHeader(), {"Link": "</1>; rel=prev"}),
        (NextUrl(header="Next-Page"), {"Next-Page": ""}),
        (Cursor(header="Sforce-Locator"), {"Sforce-Locator": "null"}),
    ],
)
def test_fault_44_an_empty_header_is_the_end(paginator, headers):
    """The text "null" and another relation are the end, too."""
    assert next_request(paginator, extracted(headers=headers)) is None


def test_fault_44_an_empty_page_with_a_next_page_is_not_the_end():
    """A token or a link is followed from a page without records."""
    assert next_url(NextUrl("next"), extracted({"next": "/2"}, records=[])) == "http://e.com/2"
    assert next_url(Cursor("next"), extracted({"next": "x"}, records=[])) == f"{URL}&cursor=x"
    assert next_url(PageNumber(total_pages="pages"), extracted({"pages": 3}, records=[])) == f"{URL}&page=2"


@pytest.mark.parametrize("paginator", [PageNumber(), Offset(), Cursor(after="id")])
def test_fault_44_an_empty_page_that_announces_nothing_is_the_end(paginator):
    """Nothing else shows the end."""
    assert next_request(paginator, extracted({}, records=[])) is None


@pytest.mark.parametrize(
    ("paginator", "page"),
    [
        (Cursor(after="id", more="more"), extracted({"more": True}, records=[])),
        (Cursor(after="key", more="more"), extracted({"more": True})),
        (Cursor("next", more="more"), extracted({"more": True})),
        (Cursor("next", more="more"), extracted({"next": "x"})),
        (GraphQLCursor("u.pageInfo"), extracted({"u": {"pageInfo": {"hasNextPage": True, "endCursor": None}}})),
        (GraphQLCursor("u.pageInfo"), extracted({"u": {"nodes": []}})),
        (NextUrl("next"), extracted({"next": 7})),
        (NextUrl("links"), extracted({"links": [{"href": "/2"}]})),
        (NextUrl("links"), extracted({"links": ["/2"]})),
        (NextUrl("links"), extracted({"links": [None]})),
        (NextUrl("next"), extracted({"next": [{"after": "x"}]})),
        (NextUrl("paging.next"), extracted({"paging": {"next": {"after": "x"}}})),
        (PageNumber("a"), extracted(url="http://e.com/?a=x")),
    ],
)
def test_a_page_that_announces_more_without_saying_where_is_an_error(paginator, page):
    """It is never taken for the end."""
    with pytest.raises(ParseError):
        next_request(paginator, page)


def test_a_function_is_a_paginator():
    """It returns a request, a URL or None; anything else fails its row."""
    assert next_url(lambda page: "?page=2", extracted()) == "http://e.com/u?page=2"
    assert next_url(lambda page: Request("http://e.com/x"), extracted()) == "http://e.com/x"
    assert next_url(lambda page: None, extracted()) is None
    assert next_url(lambda page: "", extracted()) is None
    with pytest.raises(ParseError, match="returned a int"):
        next_request(lambda page: 7, extracted())
    with pytest.raises(ParseError, match="pages= raised KeyError: 'next'"):
        next_request(lambda page: {}["next"], extracted())


def test_the_exception_of_a_function_is_shown_without_secrets():
    """Its message may hold a request's URL, and so may its cause."""

    def own(page):
        raise ValueError("http://e.com/?api_key=hunter2")

    with pytest.raises(ParseError, match="pages= raised ValueError") as caught:
        next_request(own, extracted())
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def urls(found):
    return None if found is None else [request.url.partition("?")[2] for request in found]


@pytest.mark.parametrize(
    ("paginator", "page", "expected"),
    [
        (PageNumber(total_pages="t"), extracted({"t": 3}), ["a=1&page=2", "a=1&page=3"]),
        (PageNumber(total_pages="t", start=0), extracted({"t": 3}), ["a=1&page=1", "a=1&page=2"]),
        (PageNumber(total_pages="t"), extracted({"t": 1}), []),
        (PageNumber(total_records="t"), extracted({"t": 25}), ["a=1&page=2", "a=1&page=3"]),
        (PageNumber(size=("per_page", 100), total_records="t"), extracted({"t": 25}), ["a=1&page=2", "a=1&page=3"]),
        (PageNumber(total_records="t"), extracted({"t": 9}, url=f"{URL}&page=2"), None),
        (PageNumber(), extracted({}), None),
        (Offset(size=("limit", 100), total_records="t"), extracted({"t": 25}), ["a=1&offset=10", "a=1&offset=20"]),
        (Offset(total_records="t", start=1), extracted({"t": 11}), ["a=1&offset=11"]),
        (Offset(total_records="t"), extracted({"t": 25}, url=f"{URL}&offset=10"), ["a=1&offset=20"]),
        (Offset(), extracted({}), None),
        (LinkHeader(), extracted(headers={"Link": "<?page=2>; rel=next, <?page=3>; rel=last"}), None),
        (
            LinkHeader(),
            extracted(headers={"Link": "<?a=1&page=2>; rel=next, <?a=1&page=3>; rel=last"}),
            ["a=1&page=2", "a=1&page=3"],
        ),
        (LinkHeader(), extracted(headers={"Link": "<?a=1&page=2>; rel=next"}), None),
        (NextUrl("n", count="t"), extracted({"n": "?a=1&page=2", "t": 25}), ["a=1&page=2", "a=1&page=3"]),
        (NextUrl("n", count="t"), extracted({"n": "?a=1&offset=10", "t": 25}), ["a=1&offset=10", "a=1&offset=20"]),
        (NextUrl("n", count="t"), extracted({"n": "?a=1&offset=15", "t": 25}), None),
        (NextUrl("n", count="t"), extracted({"n": "?a=1&cursor=2", "t": 25}), None),
        (NextUrl("n"), extracted({"n": "?a=1&page=2", "t": 25}), None),
        (Cursor("n"), extracted({"n": "x"}), None),
        (GraphQLCursor("n"), extracted({}), None),
        (len, extracted({}), None),
    ],
)
def test_the_first_page_may_show_the_requests_of_all_other_pages(paginator, page, expected):
    """It shows a total or the last link; the page size is that of the first page."""
    assert urls(other_requests(paginator, page)) == expected


@pytest.mark.parametrize(
    "paginator",
    [PageNumber(total_pages="t"), PageNumber(total_records="t"), Offset(total_records="t"), NextUrl("n", count="t")],
)
def test_fault_44_a_huge_total_is_not_requested_at_once(paginator):
    """A wrong total must not cost memory: the pages are read one by one."""
    page = extracted({"t": MAX_PAGES_AT_ONCE * 100, "n": "?a=1&page=2"})
    assert other_requests(paginator, page) is None
    assert next_request(paginator, page) is not None


def test_the_first_request_gets_number_and_size_where_it_has_none():
    """The URL's own parameters are kept; other paginators change nothing."""
    request = Request("http://e.com/?page=3")
    assert first_request(PageNumber(size=("per_page", 100)), request).url == "http://e.com/?page=3&per_page=100"
    assert first_request(Offset(size=("limit", 5)), Request("http://e.com/")).url == "http://e.com/?offset=0&limit=5"
    assert first_request(PageNumber(), request) is request
    assert first_request(LinkHeader(), request) is request
    posted = first_request(Offset("startAt", body=True), Request("http://e.com/", "POST", body=b"{}"))
    assert posted.body == b'{"startAt":0}'


@pytest.mark.parametrize("value", [7, "next", LinkHeader, None])
def test_a_value_that_is_no_paginator_is_refused(value):
    """A class in place of an instance is refused, too."""
    with pytest.raises(PlanError, match="pages="):
        as_paginator(value)
    assert as_paginator("auto") is None


def test_an_async_function_is_refused():
    """Nothing would await its result; the error comes before anything is sent."""

    async def own(page):
        return None

    class Own:
        async def __call__(self, page):
            return None

    for each in (own, Own(), partial(own)):
        with pytest.raises(PlanError, match="async function"):
            as_paginator(each)

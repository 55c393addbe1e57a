"""Paginators: from one page to the next request, for every way of paging and every way of ending."""

from __future__ import annotations

from functools import partial

import pytest

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.workflow.paging.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.extracted_page import MAX_PAGES_AT_ONCE, ExtractedPage
from pandas_async_io._core.workflow.paging.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.page_number import Offset, PageNumber
from pandas_async_io._core.workflow.paging.paginators import as_paginator, first_request, next_request, other_requests

URL = "http://e.com/u?a=1"
TEN = [{"id": number} for number in range(1, 11)]


def opened(payload=None, *, headers=None, records=TEN, seen=10, url=URL, body=None):
    request = Request(url, "GET" if body is None else "POST", body=body)
    return ExtractedPage(Page(request, Response(200, headers or {}, b"", url), payload), records, seen)


def url_of(paginator, page):
    found = next_request(paginator, page)
    return None if found is None else found.url


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
    """Each way of paging goes on where its page says, and ends where that says so."""
    assert url_of(paginator, opened(payload, headers=headers)) == expected


@pytest.mark.parametrize("end", [None, "", "null", " null ", False, 0, {}, []])
@pytest.mark.parametrize("paginator", [NextUrl("next"), Cursor("next")])
def test_fault_44_null_and_the_empty_text_are_the_end(paginator, end):
    """So is the text "null", and a key that is not there."""
    assert next_request(paginator, opened({"next": end})) is None
    assert next_request(paginator, opened({})) is None


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
    """Empty, the text "null", or another relation."""
    assert next_request(paginator, opened(headers=headers)) is None


def test_fault_44_an_empty_page_with_a_next_one_goes_on():
    """A token or a link is followed from a page without records."""
    assert url_of(NextUrl("next"), opened({"next": "/2"}, records=[])) == "http://e.com/2"
    assert url_of(Cursor("next"), opened({"next": "x"}, records=[])) == f"{URL}&cursor=x"
    assert url_of(PageNumber(total_pages="pages"), opened({"pages": 3}, records=[])) == f"{URL}&page=2"


@pytest.mark.parametrize("paginator", [PageNumber(), Offset(), Cursor(after="id")])
def test_fault_44_without_a_word_of_more_an_empty_page_is_the_end(paginator):
    """There is nothing else to go by."""
    assert next_request(paginator, opened({}, records=[])) is None


@pytest.mark.parametrize(
    ("paginator", "page"),
    [
        (Cursor(after="id", more="more"), opened({"more": True}, records=[])),
        (Cursor(after="key", more="more"), opened({"more": True})),
        (Cursor("next", more="more"), opened({"more": True})),
        (Cursor("next", more="more"), opened({"next": "x"})),
        (GraphQLCursor("u.pageInfo"), opened({"u": {"pageInfo": {"hasNextPage": True, "endCursor": None}}})),
        (GraphQLCursor("u.pageInfo"), opened({"u": {"nodes": []}})),
        (NextUrl("next"), opened({"next": 7})),
        (NextUrl("links"), opened({"links": [{"href": "/2"}]})),
        (NextUrl("links"), opened({"links": ["/2"]})),
        (NextUrl("links"), opened({"links": [None]})),
        (NextUrl("next"), opened({"next": [{"after": "x"}]})),
        (NextUrl("paging.next"), opened({"paging": {"next": {"after": "x"}}})),
        (PageNumber("a"), opened(url="http://e.com/?a=x")),
    ],
)
def test_more_without_a_place_is_an_error(paginator, page):
    """It is never taken for the end."""
    with pytest.raises(ParseError):
        next_request(paginator, page)


def test_a_cursor_may_be_an_object_in_the_body():
    """It goes back as it came, other fields of the body stay."""
    paginator = Cursor("LastEvaluatedKey", param="ExclusiveStartKey", body=True)
    page = opened({"LastEvaluatedKey": {"id": {"S": "a"}}}, body=b'{"TableName":"t"}')
    found = next_request(paginator, page)
    assert parse_json_body(found) == {"TableName": "t", "ExclusiveStartKey": {"id": {"S": "a"}}}
    assert (found.method, found.url) == ("POST", URL)


def test_a_link_of_a_search_may_carry_the_next_body():
    """As STAC has it: the link's body is merged or replaces; no link makes a POST of a GET."""
    link = {"rel": "next", "href": "/search", "method": "POST", "body": {"token": "x"}, "merge": True}
    found = next_request(NextUrl("links"), opened({"links": [link]}, body=b'{"limit":10}'))
    assert (found.method, parse_json_body(found)) == ("POST", {"limit": 10, "token": "x"})
    found = next_request(NextUrl("links"), opened({"links": [{**link, "merge": False}]}, body=b'{"limit":10}'))
    assert parse_json_body(found) == {"token": "x"}
    found = next_request(NextUrl("links"), opened({"links": [{**link, "method": "GET"}]}, body=b'{"limit":10}'))
    assert (found.method, found.body) == ("GET", None)
    found = next_request(NextUrl("links"), opened({"links": [link]}))
    assert (found.method, found.body) == ("GET", None)


def test_a_connection_pages_by_its_page_info():
    """The cursor becomes the query's variable; no connection, or no next page, is the end."""
    paginator = GraphQLCursor("data.users.pageInfo", variable="after")
    body = b'{"query":"query($after:String){users(after:$after){id}}","variables":{"first":5}}'

    def page(users):
        return opened({"data": {"users": users}}, body=body)

    found = next_request(paginator, page({"pageInfo": {"hasNextPage": True, "endCursor": "x"}}))
    assert parse_json_body(found)["variables"] == {"first": 5, "after": "x"}
    assert next_request(paginator, page({"pageInfo": {"hasNextPage": False, "endCursor": "x"}})) is None
    assert next_request(paginator, page(None)) is None
    more = page({"pageInfo": {"hasNextPage": True, "endCursor": "x"}})
    with pytest.raises(ParseError, match=r"no variable \$cursor"):
        next_request(GraphQLCursor("data.users.pageInfo"), more)


def test_a_function_of_yours_is_a_paginator():
    """It returns a request, a URL or None; what else it does is the row's error."""
    assert url_of(lambda page: "?page=2", opened()) == "http://e.com/u?page=2"
    assert url_of(lambda page: Request("http://e.com/x"), opened()) == "http://e.com/x"
    assert url_of(lambda page: None, opened()) is None
    assert url_of(lambda page: "", opened()) is None
    with pytest.raises(ParseError, match="returned a int"):
        next_request(lambda page: 7, opened())
    with pytest.raises(ParseError, match="pages= raised KeyError: 'next'"):
        next_request(lambda page: {}["next"], opened())


def test_what_a_function_of_yours_raised_is_told_without_secrets():
    """Its message may hold a request's URL, and so may the error behind it."""

    def own(page):
        raise ValueError("http://e.com/?api_key=hunter2")

    with pytest.raises(ParseError, match="pages= raised ValueError") as caught:
        next_request(own, opened())
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def urls(found):
    return None if found is None else [request.url.partition("?")[2] for request in found]


@pytest.mark.parametrize(
    ("paginator", "page", "expected"),
    [
        (PageNumber(total_pages="t"), opened({"t": 3}), ["a=1&page=2", "a=1&page=3"]),
        (PageNumber(total_pages="t", start=0), opened({"t": 3}), ["a=1&page=1", "a=1&page=2"]),
        (PageNumber(total_pages="t"), opened({"t": 1}), []),
        (PageNumber(total_records="t"), opened({"t": 25}), ["a=1&page=2", "a=1&page=3"]),
        (PageNumber(size=("per_page", 100), total_records="t"), opened({"t": 25}), ["a=1&page=2", "a=1&page=3"]),
        (PageNumber(total_records="t"), opened({"t": 9}, url=f"{URL}&page=2"), None),
        (PageNumber(), opened({}), None),
        (Offset(size=("limit", 100), total_records="t"), opened({"t": 25}), ["a=1&offset=10", "a=1&offset=20"]),
        (Offset(total_records="t", start=1), opened({"t": 11}), ["a=1&offset=11"]),
        (Offset(total_records="t"), opened({"t": 25}, url=f"{URL}&offset=10"), ["a=1&offset=20"]),
        (Offset(), opened({}), None),
        (LinkHeader(), opened(headers={"Link": "<?page=2>; rel=next, <?page=3>; rel=last"}), None),
        (
            LinkHeader(),
            opened(headers={"Link": "<?a=1&page=2>; rel=next, <?a=1&page=3>; rel=last"}),
            ["a=1&page=2", "a=1&page=3"],
        ),
        (LinkHeader(), opened(headers={"Link": "<?a=1&page=2>; rel=next"}), None),
        (NextUrl("n", count="t"), opened({"n": "?a=1&page=2", "t": 25}), ["a=1&page=2", "a=1&page=3"]),
        (NextUrl("n", count="t"), opened({"n": "?a=1&offset=10", "t": 25}), ["a=1&offset=10", "a=1&offset=20"]),
        (NextUrl("n", count="t"), opened({"n": "?a=1&offset=15", "t": 25}), None),
        (NextUrl("n", count="t"), opened({"n": "?a=1&cursor=2", "t": 25}), None),
        (NextUrl("n"), opened({"n": "?a=1&page=2", "t": 25}), None),
        (Cursor("n"), opened({"n": "x"}), None),
        (GraphQLCursor("n"), opened({}), None),
        (len, opened({}), None),
    ],
)
def test_all_others_are_known_where_the_first_page_tells(paginator, page, expected):
    """By a count, by the number of pages or by the last link; the page's size is the one that came."""
    assert urls(other_requests(paginator, page)) == expected


@pytest.mark.parametrize(
    "paginator",
    [PageNumber(total_pages="t"), PageNumber(total_records="t"), Offset(total_records="t"), NextUrl("n", count="t")],
)
def test_fault_44_a_total_beyond_reason_is_not_asked_for_at_once(paginator):
    """A lie of the server must not cost memory: the pages are then read one by one."""
    page = opened({"t": MAX_PAGES_AT_ONCE * 100, "n": "?a=1&page=2"})
    assert other_requests(paginator, page) is None
    assert next_request(paginator, page) is not None


def test_the_first_request_gets_number_and_size_where_it_has_none():
    """What the URL says is kept; other paginators change nothing."""
    request = Request("http://e.com/?page=3")
    assert first_request(PageNumber(size=("per_page", 100)), request).url == "http://e.com/?page=3&per_page=100"
    assert first_request(Offset(size=("limit", 5)), Request("http://e.com/")).url == "http://e.com/?offset=0&limit=5"
    assert first_request(PageNumber(), request) is request
    assert first_request(LinkHeader(), request) is request
    posted = first_request(Offset("startAt", body=True), Request("http://e.com/", "POST", body=b"{}"))
    assert posted.body == b'{"startAt":0}'


@pytest.mark.parametrize("value", [7, "next", LinkHeader, None])
def test_what_is_no_paginator_is_refused(value):
    """A class without its parentheses, too."""
    with pytest.raises(PlanError, match="pages="):
        as_paginator(value)
    assert as_paginator("auto") is None


def test_an_async_function_is_no_paginator():
    """Nobody waits for what it returns: it is told before anything is sent."""

    async def own(page):
        return None

    class Own:
        async def __call__(self, page):
            return None

    for each in (own, Own(), partial(own)):
        with pytest.raises(PlanError, match="async function"):
            as_paginator(each)


@pytest.mark.parametrize("no", ["false", "False", " FALSE ", "0", "no", "null", "", False, 0])
def test_a_flag_that_is_a_text_may_say_no(no):
    """Some write their flags as texts, and every text that is not empty is true."""
    paginator = Cursor("next", more="more")
    assert next_request(paginator, opened({"next": "x", "more": no})) is None


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        (PageNumber, {"size": 100}, "('per_page', 100)"),
        (PageNumber, {"size": "per_page"}, "('per_page', 100)"),
        (PageNumber, {"size": ("n", "x")}, "('per_page', 100)"),
        (PageNumber, {"size": ("n", 0)}, "('per_page', 100)"),
        (PageNumber, {"start": "1"}, "a whole number from 0"),
        (PageNumber, {"start": True}, "a whole number from 0"),
        (PageNumber, {"start": -1}, "a whole number from 0"),
        (PageNumber, {"param": 3}, "a name"),
        (PageNumber, {"total_pages": 5}, "a path"),
        (PageNumber, {"total_records": []}, "a path"),
        (PageNumber, {"body": "yes"}, "True or False"),
        (Offset, {"start": 1.5}, "a whole number from 0"),
        (Offset, {"total_records": ["a", 1]}, "a path"),
        (NextUrl, {"path": 5}, "a path"),
        (NextUrl, {"path": ""}, "a path"),
        (NextUrl, {"path": None}, "pass path= or header="),
        (NextUrl, {"header": 5}, "a name"),
        (Cursor, {"path": 5}, "a path"),
        (Cursor, {"path": "next", "param": None}, "a name"),
        (Cursor, {"path": "next", "more": 5}, "a path"),
        (GraphQLCursor, {"path": 5}, "a path"),
        (GraphQLCursor, {"path": None}, "a path"),
        (GraphQLCursor, {"path": "a.pageInfo", "variable": ""}, "a name"),
    ],
)
def test_a_paginator_says_at_once_what_its_fields_are_to_be(kind, fields, expected):
    """Not in the middle of the run: the message names the class, the field and what is due."""
    with pytest.raises(PlanError) as caught:
        kind(**fields)
    assert kind.__name__ in str(caught.value)
    assert expected in str(caught.value)


def test_a_cursor_says_where_its_token_is():
    """In one place."""
    with pytest.raises(PlanError, match="pass one of"):
        Cursor()
    with pytest.raises(PlanError, match="pass one of"):
        Cursor("next", after="id")


@pytest.mark.parametrize(
    "paginator",
    [
        LinkHeader(),
        NextUrl(),
        NextUrl(header="N"),
        Cursor("a", "b"),
        PageNumber(size=("s", 5)),
        Offset(total_records="n"),
        GraphQLCursor("a.pageInfo"),
    ],
)
def test_a_paginator_is_pasted_as_it_is_shown(paginator):
    """Its repr makes an equal one, without what is as by default."""
    assert eval(repr(paginator)) == paginator
    assert "None" not in repr(paginator)
    assert as_paginator(paginator) is paginator

"""``pages="auto"``: the schemes in the wild, recognised by their first answer or asked about."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.numbered import Offset, PageNumber
from pandas_async_io._core.opened import Opened
from pandas_async_io._core.pages import Cursor, GraphQLCursor, LinkHeader, NextUrl
from pandas_async_io._core.schemes import SURE, choose, detect, overlooked

ONE = [{"id": "a"}]
URL = "https://api.e.com/v1/things"


def page(payload, headers=None, url=URL, body=None):
    request = Request(url, "GET" if body is None else "POST", body=body)
    return Page(request, Response(200, headers or {}, b"", url), payload)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        # GitHub, first and last page; Shopify; Datasette, which says it three times
        (page(ONE, {"Link": f'<{URL}?page=2>; rel="next", <{URL}?page=9>; rel="last"'}), LinkHeader()),
        (page(ONE, {"Link": f'<{URL}?page=1>; rel="first", <{URL}?page=1>; rel="prev"'}), LinkHeader()),
        (page({"orders": ONE}, {"Link": f"<{URL}?page_info=x>; rel=next"}), LinkHeader()),
        (
            page({"rows": ONE, "next": "10", "next_url": f"{URL}?_next=10"}, {"link": f"<{URL}?_next=10>; rel=next"}),
            LinkHeader(),
        ),
        (page({"rows": ONE, "next": "10", "next_url": f"{URL}?_next=10"}), NextUrl("next_url")),
        # HubSpot, Facebook, Salesforce, Graph, DRF, HAL, OGC and STAC, FHIR, Laravel
        (page({"results": ONE, "paging": {"next": {"after": "x", "link": f"{URL}?after=x"}}}), NextUrl("paging.next")),
        (page({"results": ONE, "paging": {"next": {"after": "x"}}}), Cursor("paging.next.after", "after")),
        (page({"data": ONE, "paging": {"cursors": {"after": "x"}, "next": f"{URL}?after=x"}}), NextUrl("paging.next")),
        (page({"records": ONE, "done": False, "nextRecordsUrl": "/q/2"}), NextUrl("nextRecordsUrl")),
        (page(ONE, {"Sforce-Locator": "MTA"}), Cursor(header="Sforce-Locator", param="locator")),
        (page({"value": ONE, "@odata.nextLink": f"{URL}?$skip=1"}), NextUrl("@odata.nextLink")),
        (page({"count": 9, "next": f"{URL}?page=2", "previous": None, "results": ONE}), NextUrl(count="count")),
        (page({"count": 1, "next": None, "previous": None, "results": ONE}), NextUrl()),
        (page({"_embedded": {"a": ONE}, "_links": {"next": {"href": "/2"}}}), NextUrl("_links.next")),
        (page({"features": ONE, "links": [{"rel": "next", "href": "/2"}]}), NextUrl("links")),
        (page({"entry": ONE, "link": [{"relation": "self", "url": "/1"}]}), NextUrl("link")),
        (page({"data": ONE, "links": {"next": f"{URL}?page=2"}, "meta": {"last_page": 9}}), NextUrl("links.next")),
        # Those with a token: Stripe's list and search, then OpenAI, Notion, Slack
        (
            page({"object": "list", "url": "/v1/x", "has_more": True, "data": ONE}),
            Cursor(after="id", param="starting_after", more="has_more"),
        ),
        (
            page({"object": "search_result", "has_more": True, "next_page": "x", "data": ONE}),
            Cursor("next_page", "page", more="has_more"),
        ),
        (
            page({"object": "list", "last_id": "a", "has_more": True, "data": ONE}),
            Cursor("last_id", "after", more="has_more"),
        ),
        (
            page({"object": "list", "results": ONE, "next_cursor": "x", "has_more": True}),
            Cursor("next_cursor", "start_cursor", more="has_more"),
        ),
        (
            page({"object": "list", "results": ONE, "next_cursor": None, "has_more": False}, body=b'{"page_size":1}'),
            Cursor("next_cursor", "start_cursor", body=True, more="has_more"),
        ),
        (
            page({"ok": True, "channels": ONE, "response_metadata": {"next_cursor": ""}}),
            Cursor("response_metadata.next_cursor"),
        ),
        (
            page({"issues": ONE, "startAt": 0, "maxResults": 50, "total": 90}),
            Offset("startAt", ("maxResults", 50), "total"),
        ),
        (
            page({"issues": ONE, "isLast": False, "nextPageToken": "x"}, body=b'{"jql":"a"}'),
            Cursor("nextPageToken", "nextPageToken", body=True),
        ),
        (page({"files": ONE, "nextPageToken": "x"}, url=f"{URL}?pageToken="), Cursor("nextPageToken", "pageToken")),
        (
            page({"Items": ONE, "LastEvaluatedKey": {"id": {"S": "a"}}}, body=b'{"TableName":"t"}'),
            Cursor("LastEvaluatedKey", "ExclusiveStartKey", body=True),
        ),
        (page({"data": ONE, "meta": {"next_token": "x"}}), Cursor("meta.next_token", "pagination_token")),
        (page({"data": ONE, "meta": {"next_cursor": "/+x="}}), Cursor("meta.next_cursor")),
        (page({"data": ONE}, {"Next-Page": f"{URL}?_token=x"}), NextUrl(header="Next-Page")),
        # APIs that count pages or records
        (page({"data": ONE, "meta": {"page": 1, "total_pages": 9}}), PageNumber(total="meta.total_pages")),
        (page({"data": ONE, "total_pages": 9}, url=f"{URL}?p=1"), PageNumber("p", total="total_pages")),
        (page({"content": ONE, "number": 0, "totalPages": 9}), PageNumber(start=0, total="totalPages")),
        (page(ONE, {"X-WP-TotalPages": "9"}), PageNumber(total="X-WP-TotalPages")),
        (
            page(ONE, {"X-Total-Count": "9"}, url=f"{URL}?_page=1&_limit=1"),
            PageNumber("_page", size=("_limit", 1), count="X-Total-Count"),
        ),
        (page({"products": ONE, "total": 90, "skip": 0, "limit": 1}), Offset("skip", ("limit", 1), "total")),
        (
            page({"data": ONE, "meta": {"offset": 0, "limit": 1, "total": 9}}),
            Offset("offset", ("limit", 1), "meta.total"),
        ),
        (
            page(
                {"data": {"a": {"nodes": ONE, "pageInfo": {"hasNextPage": True}}}},
                body=b'{"query":"query($c:ID){a(first:5, after: $c){id}}"}',
            ),
            GraphQLCursor("data.a.pageInfo", "c"),
        ),
    ],
)
def test_a_scheme_in_the_wild_is_recognised(answer, expected):
    """Each API's own first answer is enough; what is shown may be pasted, and says by what it was known."""
    found = choose(answer)
    assert found.paginator == expected
    assert eval(repr(found.paginator)) == expected
    assert found.confidence >= SURE
    assert found.why


@pytest.mark.parametrize(
    ("answer", "candidates"),
    [
        (page({"files": ONE, "nextPageToken": "x"}), ["Cursor(path='nextPageToken', param='pageToken')"]),
        (page({"data": ONE, "next_page": "x"}), ["Cursor(path='next_page', param='page')"]),
        (page({"data": ONE, "has_more": True}), ["Cursor(param='starting_after', after='id', more='has_more')"]),
        (page({"data": ONE, "total": 90}), ["PageNumber()", "Offset()"]),
        (page(ONE, {"X-Total-Count": "90"}), ["PageNumber(count='X-Total-Count')", "Offset(count='X-Total-Count')"]),
        (page({"data": ONE, "total_pages": 9}), ["PageNumber(total='total_pages')"]),
        (page({"data": ONE, "continuation": "x"}), ["Cursor(path='continuation', param='continuation')"]),
        (page({"data": ONE, "meta": {"marker": "x"}}), ["Cursor(path='meta.marker', param='marker')"]),
        (page(ONE, url=f"{URL}?page=1"), ["PageNumber()"]),
        (
            page({"data": {"a": {"pageInfo": {"hasNextPage": True}}}}, body=b'{"query":"{a{id}}"}'),
            ["GraphQLCursor(path='data.a.pageInfo')"],
        ),
    ],
)
def test_what_is_not_sure_is_a_question(answer, candidates):
    """The error lists what to choose from, as one writes it; nothing is guessed."""
    with pytest.raises(PlanError, match="is not sure") as caught:
        choose(answer)
    for candidate in candidates:
        assert f"pages={candidate}" in str(caught.value)
        eval(candidate)


@pytest.mark.parametrize(
    "payload", [ONE, {"data": ONE}, {"data": ONE, "total": 1}, None, "text", {"id": 1, "has": 2}, []]
)
def test_an_answer_that_shows_nothing_is_the_only_page(payload):
    """No paginator, and the reason in words."""
    found = detect(page(payload))
    assert (found.paginator, found.candidates) == (None, ())
    assert "only one" in choose(page(payload)).why


def test_a_misspelt_path_is_told_by_what_the_answer_shows():
    """Where the paginator finds the next page, or there is none, nothing is said."""
    more = Opened(page({"data": ONE, "meta": {"next_cursor": "x"}}), ONE, 1)
    assert overlooked(Cursor("meta.cursor"), more).endswith("Cursor(path='meta.next_cursor') does")
    assert overlooked(Cursor("meta.next_cursor"), more) is None
    end = Opened(page({"data": ONE, "meta": {"next_cursor": None}}), ONE, 1)
    assert overlooked(Cursor("meta.cursor"), end) is None

"""``pages="auto"``: APIs that are detected by their first page, and pages that raise."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.request.query import get_param
from pandas_async_io._core.workflow.paging.detect.detect import choose_paginator, describe_overlooked, rank_candidates
from pandas_async_io._core.workflow.paging.detect.page_evidence import collect_evidence
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.paginators.extracted_page import ExtractedPage
from pandas_async_io._core.workflow.paging.paginators.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber
from pandas_async_io._core.workflow.paging.paginators.paginators import other_requests

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
        # OpenAI without last_id, Reddit, Airtable, Kubernetes, JSON:API, Zendesk
        (
            page({"object": "list", "has_more": True, "data": ONE}),
            Cursor(after="id", param="after", more="has_more"),
        ),
        (
            page({"object": "list", "has_more": True, "data": ONE}, body=b'{"limit":1}'),
            Cursor(after="id", param="after", more="has_more", body=True),
        ),
        (page({"kind": "Listing", "data": {"after": "t3_x", "children": ONE}}), Cursor("data.after", "after")),
        (page({"records": ONE, "offset": "itr/rec"}), Cursor("offset", "offset")),
        (page({"metadata": {"continue": "x"}, "items": ONE}), Cursor("metadata.continue", "continue")),
        (page({"metadata": {"continue": ""}, "items": ONE}), Cursor("metadata.continue", "continue")),
        (page({"data": ONE, "meta": {"page": {"after": "x"}}}), Cursor("meta.page.after", "page[after]")),
        (
            page({"data": ONE, "meta": {"page": {"after": "x"}}}, body=b'{"page":{}}'),
            Cursor("meta.page.after", "page.after", body=True),
        ),
        (
            page({"users": ONE, "meta": {"has_more": True, "after_cursor": "x"}}),
            Cursor("meta.after_cursor", "page[after]"),
        ),
        (page({"data": ONE, "cursors": {"after": "x"}}), Cursor("cursors.after", "after")),
        (
            page({"result": ONE, "result_info": {"cursors": {"after": "x"}}}),
            Cursor("result_info.cursors.after"),
        ),
        (page({"result": {"items": ONE, "next_cursor": "x"}}), Cursor("result.next_cursor")),
        # OData v2, Hydra, HAL with lists, links in the object that holds the records, relative links
        (page({"d": {"results": ONE, "__next": f"{URL}?$skiptoken=1"}}), NextUrl("d.__next")),
        (page({"value": ONE, "@odata.nextLink": "things?$skip=1"}), NextUrl("@odata.nextLink")),
        (page({"hydra:member": ONE, "hydra:view": {"hydra:next": "/t?page=2"}}), NextUrl("hydra:view.hydra:next")),
        (page({"_embedded": {"a": ONE}, "_links": {"next": [{"href": "/2"}]}}), NextUrl("_links.next")),
        (page({"_embedded": {"a": ONE}, "_links": {"next": {"href": "things?page=2"}}}), NextUrl("_links.next")),
        (page({"data": {"items": ONE, "next": f"{URL}?page=2"}}), NextUrl("data.next")),
        (page({"tracks": {"items": ONE, "next": f"{URL}?offset=1", "total": 9}}), NextUrl("tracks.next")),
        (page({"data": ONE, "links": {"self": URL, "next": None}}), NextUrl("links.next")),
        (page({"results": ONE, "count": 1, "next": "", "previous": ""}), NextUrl()),
        (
            page({"Resources": ONE, "totalResults": 4, "startIndex": 1, "itemsPerPage": 1}),
            Offset("startIndex", ("itemsPerPage", 1), "totalResults", start=1),
        ),
        # Headers: GitLab, Azure
        (page(ONE, {"X-Next-Page": "2"}), Cursor(header="X-Next-Page", param="page")),
        (page(ONE, {"X-Next-Page": ""}, url=f"{URL}?p=4"), Cursor(header="X-Next-Page", param="p")),
        (page(ONE, {"X-Next-Page": f"{URL}?page=2"}), NextUrl(header="X-Next-Page")),
        (page(ONE, {"X-Next-Page": "2", "X-Page": "1", "X-Total-Pages": "4"}), PageNumber(total_pages="X-Total-Pages")),
        (
            page({"value": ONE}, {"x-ms-continuationtoken": "x"}),
            Cursor(header="x-ms-continuationtoken", param="continuationToken"),
        ),
        # APIs that count pages or records
        (
            page({"result": ONE, "result_info": {"page": 1, "total_pages": 4}}),
            PageNumber(total_pages="result_info.total_pages"),
        ),
        (
            page({"data": {"rows": ONE, "pagination": {"page": 1, "total_pages": 4}}}),
            PageNumber(total_pages="data.pagination.total_pages"),
        ),
        (page({"hits": ONE, "page": 0, "nbPages": 4, "nbHits": 4}), PageNumber(start=0, total_pages="nbPages")),
        (
            page({"hits": ONE, "page": 0, "nbPages": 4}, body=b'{"query":"x"}'),
            PageNumber(start=0, total_pages="nbPages", body=True),
        ),
        (page([{"page": 1, "pages": 4, "per_page": "1", "total": 4}, ONE]), PageNumber(total_pages="0.pages")),
        (page({"content": ONE, "number": 0, "last": False}), PageNumber(start=0)),
        (page({"content": ONE, "number": 1, "last": False}, url=f"{URL}?page=1"), PageNumber()),
        (page({"items": ONE, "page_number": 1, "page_count": 4}), PageNumber("page_number", total_pages="page_count")),
        (page({"items": ONE, "total_pages": 4}, body=b'{"page":1}'), PageNumber(total_pages="total_pages", body=True)),
        (page({"items": ONE, "total_pages": "4"}, url=f"{URL}?page=1"), PageNumber(total_pages="total_pages")),
        (
            page({"items": ONE, "start": 1, "limit": 1, "total": 4}),
            Offset("start", ("limit", 1), "total", start=1),
        ),
        (page({"data": ONE, "meta": {"page": 1, "total_pages": 9}}), PageNumber(total_pages="meta.total_pages")),
        (page({"data": ONE, "total_pages": 9}, url=f"{URL}?p=1"), PageNumber("p", total_pages="total_pages")),
        (page({"content": ONE, "number": 0, "totalPages": 9}), PageNumber(start=0, total_pages="totalPages")),
        (page(ONE, {"X-WP-TotalPages": "9"}), PageNumber(total_pages="X-WP-TotalPages")),
        (
            page(ONE, {"X-Total-Count": "9"}, url=f"{URL}?_page=1&_limit=1"),
            PageNumber("_page", size=("_limit", 1), total_records="X-Total-Count"),
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
def test_the_paging_of_a_known_api_is_detected(answer, expected):
    """Its first page is enough. The repr of the paginator can be pasted, and a reason is given."""
    found = choose_paginator(answer)
    assert found.paginator == expected
    assert eval(repr(found.paginator)) == expected
    assert found.reason


@pytest.mark.parametrize("home", ["", "meta"])
@pytest.mark.parametrize("echo", ["page", "current_page", "currentPage", "pageNumber", "number"])
@pytest.mark.parametrize(
    ("query", "number", "start"),
    [
        ("", 0, 0),
        ("", 1, 1),
        ("?page=0", 0, 0),
        ("?page=0", 1, 0),
        ("?page=1", 1, 1),
        ("?page=1", 0, 1),
        ("?page=1", 2, 0),
    ],
)
def test_no_page_is_left_out_whether_pages_count_from_0_or_1(home, echo, query, number, start):
    """The page that came without a number is the first; where request and response differ, the API may count from 0."""
    fields = {echo: number, "total_pages": 4}
    found = choose_paginator(page({"items": ONE, **({home: fields} if home else fields)}, url=URL + query)).paginator
    assert found.start == start
    first = int(query[-1]) if query else start
    rest = other_requests(
        found, ExtractedPage(page({"items": ONE, **({home: fields} if home else fields)}, url=URL + query), ONE, 1)
    )
    assert [int(get_param(each, found.param)) for each in rest] == list(range(first + 1, start + 4))


ORDERS = {"orders": [{"id": number} for number in range(3)]}
PAGE_3 = PageNumber(total_pages="total_pages")


@pytest.mark.parametrize("record_path", [None, ("orders",)])
@pytest.mark.parametrize("unknown", [{}, {"request_id": "r-1"}, {"expand": "a,b", "currency": "EUR", "copyright": {}}])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"page": 1, "total_pages": 3}, PAGE_3),
        ({"meta": {"page": 1, "total_pages": 3, "host": "a"}}, PageNumber(total_pages="meta.total_pages")),
        ({"startAt": 0, "maxResults": 3, "total": 7}, Offset("startAt", ("maxResults", 3), "total")),
        (
            {"metadata": {"resultset": {"offset": 1, "count": 7, "limit": 3}}},
            Offset("offset", ("limit", 3), "metadata.resultset.count", start=1),
        ),
        (
            {"meta": {"results": {"skip": 0, "limit": 3, "total": 7}, "terms": "x"}},
            Offset("skip", ("limit", 3), "meta.results.total"),
        ),
    ],
)
def test_fields_beside_the_records_do_not_hide_the_pages(unknown, fields, expected, record_path):
    """What counts are the numbers: the page's and that of all pages, or an offset with a size and a total."""
    assert choose_paginator(page({**unknown, **fields, **ORDERS}), record_path).paginator == expected


@pytest.mark.parametrize("record_path", [None, ("orders",)])
@pytest.mark.parametrize(
    ("fields", "headers", "candidate"),
    [
        ({"total": 7}, {}, "PageNumber(total_records='total')"),
        ({"has_more": True}, {}, "Offset()"),
        ({"next_cursor": "x"}, {}, "Cursor(path='next_cursor')"),
        ({"next": "/2"}, {}, "NextUrl()"),
        ({}, {"NextPageToken": "3"}, "Cursor(param='pageToken', header='NextPageToken')"),
        ({}, {"X-Next-Batch": "/t?b=2"}, "NextUrl(header='X-Next-Batch')"),
    ],
)
def test_a_page_with_unknown_fields_that_announces_more_is_not_the_only_one(fields, headers, candidate, record_path):
    """It may be a record: without record_path the error lists the candidates; with it a sure one is used."""
    answer = page({"request_id": "r-1", **fields, **ORDERS}, headers)
    try:
        found = f"pages={choose_paginator(answer, record_path).paginator!r}"
    except PlanError as error:
        found = str(error)
    assert f"pages={candidate}" in found


BY_KEY = {"orders": {"a": {"n": 1}, "b": {"n": 2}}}


@pytest.mark.parametrize(
    ("fields", "candidate"),
    [
        ({"page": 1, "total_pages": 3}, "PageNumber(total_pages='total_pages')"),
        ({"page": 0, "pages": 3}, "PageNumber(start=0, total_pages='pages')"),
        ({"meta": {"page": 1, "total_pages": 3}}, "PageNumber(total_pages='meta.total_pages')"),
        ({"offset": 0, "limit": 2, "total": 5}, "Offset(size=('limit', 2), total_records='total')"),
    ],
)
def test_numbers_of_pages_without_a_list_of_records_are_asked_about(fields, candidate):
    with pytest.raises(PlanError, match="not sure") as caught:
        choose_paginator(page({**fields, **BY_KEY}))
    assert f"pages={candidate}" in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        ({"page": 1, "total_pages": 1, **BY_KEY}, {}),
        ({"page": 0, "pages": 1, **BY_KEY}, {}),
        ({"page": 1, "total_pages": 3, "has_more": False, **BY_KEY}, {}),
        ({"offset": 0, "limit": 5, "total": 5, **BY_KEY}, {}),
        ({"request_id": "r-1", "total": 3, **ORDERS}, {}),
        ({"title": "T", "pages": 320, "authors": ONE}, {}),
        ({"id": 2, "total": 119, "lines": ONE}, {}),
        ({"request_id": "r-1", "page": 5, "pages": 3, "orders": ONE, "id": 3}, {}),
        (ONE, {"X-Next-Token": "", "Next-Token": "null"}),
        ({"offset": 0, "limit": 10, "items": ONE}, {}),
    ],
)
def test_numbers_that_announce_nothing_are_no_pages(payload, headers):
    """A book has pages, an order has a total; an offset beside a page that is not full is the last one's."""
    assert choose_paginator(page(payload, headers)).paginator is None


SOCRATA = "https://data.e.com/resource/ab12-cd34.json"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (page(ONE * 1_000, url=SOCRATA), Offset("$offset", ("$limit", 1_000))),
        (page(ONE * 50, url=f"{SOCRATA}?$limit=50"), Offset("$offset", ("$limit", 50))),
        (page(ONE * 999, url=SOCRATA), None),
        (page(ONE * 1_000), None),
        (
            page(
                {"features": ONE, "fields": ONE, "exceededTransferLimit": True},
                url="https://e.com/FeatureServer/0/query",
            ),
            Offset("resultOffset"),
        ),
        (page({"features": ONE, "fields": ONE}, url="https://e.com/FeatureServer/0/query"), None),
        (
            page(
                {"result": {"records": ONE, "total": 9, "_links": {"next": "/2"}}},
                url="https://e.com/action/datastore_search",
            ),
            Offset("offset", ("limit", 100), "result.total"),
        ),
        (page({"offset": 0, "limit": 1, "items": ONE}), Offset("offset", ("limit", 1))),
    ],
)
def test_a_full_page_of_a_known_size_is_not_the_only_one(answer, expected):
    """The size is the API's default, the request's, or the answer's own; a shorter page is the last."""
    assert choose_paginator(answer).paginator == expected


def test_the_records_of_a_parser_decide_whether_there_are_more():
    """The envelope has the total, the parser's list the length."""
    answer = page([{"total": 3}, [1, 2, 3]], {"X-Total-Count": "3"})
    assert choose_paginator(answer, None, [{}, {}, {}]).paginator is None
    with pytest.raises(PlanError, match="not sure"):
        choose_paginator(answer, None, [{}, {}])


def test_a_first_page_with_another_number_raises():
    """Pages before it would be left out."""
    with pytest.raises(PlanError, match="not sure"):
        choose_paginator(page({"items": ONE, "page": 3, "total_pages": 4}))
    with pytest.raises(PlanError, match="not sure"):
        choose_paginator(page({"items": ONE, "page": 1, "total_pages": 4}, url=f"{URL}?page=3"))


FLAGS = [
    *("has_more", "hasMore", "hasNext", "hasNextPage", "has_next", "more", "has_more_items", "HasMoreResults"),
    *("done", "isLast", "last", "is_last"),
]


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("home", ["", "meta", "pagination", "data"])
@pytest.mark.parametrize("text", [False, True])
def test_a_page_that_announces_more_is_never_the_only_page(flag, home, text):
    """The flag may have any usual name and place; one that announces the end raises nothing."""
    for more in (True, False):
        value = more is not (flag in {"done", "isLast", "last", "is_last"})
        fields = {flag: str(value).lower() if text else value}
        payload = {"rows": ONE, **fields} if not home else {"rows": ONE, home: fields}
        answer = page({"data": {"rows": ONE, **fields}} if home == "data" else payload)
        if more:
            with pytest.raises(PlanError, match=f"{flag}' says that there is more"):
                choose_paginator(answer)
        else:
            assert choose_paginator(answer).paginator is None


@pytest.mark.parametrize(
    ("fields", "headers", "count"),
    [
        ({"total": 90}, {}, "total"),
        ({"total": "90"}, {}, "total"),
        ({"total_rows": 90}, {}, "total_rows"),
        ({"totalHits": 90}, {}, "totalHits"),
        ({"recordsTotal": 99, "recordsFiltered": 90}, {}, "recordsFiltered"),
        ({"numberMatched": 90}, {}, "numberMatched"),
        ({"total": {"value": 90, "relation": "eq"}}, {}, "total.value"),
        ({"meta": {"total": 90}, "count": 1}, {}, "meta.total"),
        ({"@odata.count": 90}, {}, "@odata.count"),
        ({}, {"Content-Range": "0-0/90"}, "Content-Range"),
    ],
)
def test_a_total_above_the_records_raises_with_candidates_that_use_it(fields, headers, count):
    """A total that equals the number of records makes the page the only one."""
    with pytest.raises(PlanError, match="more records than came") as caught:
        choose_paginator(page({"rows": ONE, **fields}, headers))
    assert f"pages=PageNumber(total_records={count!r})" in str(caught.value)
    assert choose_paginator(page({"rows": ONE * 90, **fields}, headers)).paginator is None


def test_a_lower_bound_raises_with_candidates_that_do_not_use_it():
    """Elasticsearch counts to 10 000 and no further: by that number the rest would be left out."""
    payload = {"hits": {"hits": ONE, "total": {"value": 10_000, "relation": "gte"}}}
    with pytest.raises(PlanError, match=r"pages=PageNumber\(\) .*, or pages=Offset\(param='from'\)"):
        choose_paginator(page(payload))


def test_a_flag_that_announces_more_outweighs_a_link_that_is_null():
    """The one of two sure candidates that finds a next page is used."""
    ended = {"data": ONE, "links": {"self": URL, "next": None}}
    assert choose_paginator(page(ended)).paginator == NextUrl("links.next")
    with pytest.raises(PlanError, match="'has_more' says that there is more"):
        choose_paginator(page({**ended, "has_more": True}))
    assert choose_paginator(page({**ended, "next_cursor": "x"})).paginator == Cursor("next_cursor")


@pytest.mark.parametrize(
    ("answer", "candidates"),
    [
        (page({"files": ONE, "nextPageToken": "x"}), ["Cursor(path='nextPageToken', param='pageToken')"]),
        (page({"data": ONE, "next_page": "x"}), ["Cursor(path='next_page', param='page')"]),
        (page({"data": ONE, "has_more": True}), ["Cursor(param='starting_after', after='id', more='has_more')"]),
        (page({"data": ONE, "total": 90}), ["PageNumber(total_records='total')", "Offset(total_records='total')"]),
        (
            page({"data": ONE, "total": 90}, body=b'{"q":1}'),
            ["PageNumber(total_records='total', body=True)", "Offset(total_records='total', body=True)"],
        ),
        (
            page({"data": ONE, "has_more": True}, body=b"{}"),
            ["Cursor(param='starting_after', body=True, after='id', more='has_more')"],
        ),
        (
            page({"files": ONE, "nextPageToken": "x"}, body=b"{}"),
            ["Cursor(path='nextPageToken', param='pageToken', body=True)"],
        ),
        (page({"data": ONE, "marker": "x"}, body=b"{}"), ["Cursor(path='marker', param='marker', body=True)"]),
        (page({"data": ONE, "total_pages": 9}, body=b"{}"), ["PageNumber(total_pages='total_pages', body=True)"]),
        (page(ONE, body=b'{"page":1,"size":5}'), ["PageNumber(size=('size', 5), body=True)"]),
        (page({"data": ONE, "total": 90}, url=f"{URL}?page=0"), ["PageNumber(start=0, total_records='total')"]),
        (
            page({"hits": {"total": {"value": 90}, "hits": ONE}}),
            ["Offset(param='from', total_records='hits.total.value')"],
        ),
        (
            page({"response": {"numFound": 90, "start": 0, "docs": ONE}}),
            ["Offset(param='start', total_records='response.numFound')"],
        ),
        (
            page({"Contents": ONE, "IsTruncated": True, "NextContinuationToken": "x"}),
            ["Cursor(path='NextContinuationToken', param='NextContinuationToken')"],
        ),
        (page({"data": ONE, "next_page": 2}), ["Cursor(path='next_page', param='page')"]),
        (page({"data": ONE, "cursor_next": "/t?c=2"}), ["NextUrl(path='cursor_next')"]),
        (page({"data": ONE, "next": {"after": "x"}}), ["Cursor(path='next.after', param='after')"]),
        (
            page({"query": {"pages": ONE}, "continue": {"apcontinue": "B", "continue": "-||"}}),
            ["Cursor(path='continue.apcontinue', param='apcontinue')"],
        ),
        (page(ONE, {"X-Pagination": '{"TotalPages": 4}'}), ["PageNumber()"]),
        (page(ONE, {"X-Pagination": "4 pages"}), ["PageNumber()"]),
        (
            page({"data": ONE, "pageInfo": {"hasNextPage": True, "endCursor": "x"}}),
            ["Cursor(path='pageInfo.endCursor', param='after', more='pageInfo.hasNextPage')"],
        ),
        # An object without a list may be a record: it is read on only by the user's word
        (page({"data": {"id": 1}, "links": {"next": "/2"}}), ["NextUrl(path='links.next')"]),
        (page({"data": {"id": 1}, "has_more": True}), ["PageNumber()"]),
        (
            page(ONE, {"X-Total-Count": "90"}),
            ["PageNumber(total_records='X-Total-Count')", "Offset(total_records='X-Total-Count')"],
        ),
        (page({"data": ONE, "total_pages": 9}), ["PageNumber(total_pages='total_pages')"]),
        (page({"data": ONE, "continuation": "x"}), ["Cursor(path='continuation', param='continuation')"]),
        (page({"data": ONE, "meta": {"marker": "x"}}), ["Cursor(path='meta.marker', param='marker')"]),
        (page(ONE, url=f"{URL}?page=1"), ["PageNumber()"]),
        (
            page({"data": {"a": {"pageInfo": {"hasNextPage": True}}}}, body=b'{"query":"{a{id}}"}'),
            ["GraphQLCursor(path='data.a.pageInfo')"],
        ),
    ],
)
def test_an_unsure_page_raises_with_candidates(answer, candidates):
    """The error lists them as they are written in code; nothing is guessed."""
    with pytest.raises(PlanError, match="is not sure") as caught:
        choose_paginator(answer)
    for candidate in candidates:
        assert f"pages={candidate}" in str(caught.value)
        eval(candidate)


@pytest.mark.parametrize(
    "payload",
    [
        *(ONE, {"data": ONE}, {"data": ONE, "total": 1}, None, "text", {"id": 1, "has": 2}, []),
        {"data": ONE, "has_more": False},
        {"data": ONE, "has_more": "false", "cursor_id": "x"},
        {"content": ONE, "number": 0, "last": True},
        {"items": [], "total": 0},
        {"data": {"a": {"nodes": ONE, "pageInfo": {"hasNextPage": False}}}},
        {"id": 2, "first": "Ann", "last": "Lee", "next": None, "orders": ONE},
        {"data": ONE, "continue": None},
        # Records, whatever their fields are called
        {"id": 2, "name": "y", "last": "Smith", "total": 12.5, "next": "text"},
        {"id": 2, "total": 12, "page": 3, "pages": 320, "count": 7},
        {"id": 2, "title": "todo", "done": False, "last": False, "more": True},
        {"id": 2, "next": None, "previous": None, "cursor": "x", "offset": 5, "limit": 7},
        {"id": 2, "next_visit": "2020-01-01", "scroll": 3, "marker": "red", "next_cursor": None},
        {"id": 2, "total": 12, "next": "text", "tags": ["x"]},
        {"id": 2, "name": "y", "orders": [], "total": 12, "next": "text"},
        {"id": 2, "links": [{"rel": "self", "href": "/2"}], "_links": {"self": [{"href": "/2"}]}},
        {"data": {"id": 2, "total": 12, "next": "text"}},
    ],
)
def test_a_page_that_shows_no_other_pages_is_the_only_one(payload):
    """There is no paginator, and a reason in words."""
    assert rank_candidates(collect_evidence(page(payload))) == []
    assert choose_paginator(page(payload)).paginator is None
    assert "no other pages" in choose_paginator(page(payload)).reason


@pytest.mark.parametrize(
    ("payload", "headers", "url"),
    [
        (ONE, {"Content-Range": "0-0/1"}, URL),
        (ONE, {"X-Pagination": '{"total_pages": 1}'}, URL),
        (ONE, {"X-Total-Count": "1"}, URL),
        ({"data": ONE, "total": 1}, {}, f"{URL}?page=1&limit=10"),
        ({"data": ONE, "has_more": False}, {}, f"{URL}?page=1&limit=1"),
        ([], {}, f"{URL}?page=1"),
        ({"id": 1}, {}, f"{URL}?p=7"),
    ],
)
def test_a_complete_page_raises_nothing(payload, headers, url):
    """The request may name a page, or a header may count the records."""
    assert choose_paginator(page(payload, headers, url)).paginator is None


def test_a_full_page_is_not_taken_for_complete():
    """Its total may be its own length."""
    with pytest.raises(PlanError, match="not sure"):
        choose_paginator(page({"data": ONE, "total": 1}, url=f"{URL}?page=1&limit=1"))


def test_a_misspelt_path_is_a_finding():
    """Where the paginator finds the next page, or there is none, there is no finding."""
    more = ExtractedPage(page({"data": ONE, "meta": {"next_cursor": "x"}}), ONE, 1)
    assert describe_overlooked(Cursor("meta.cursor"), more).endswith("Cursor(path='meta.next_cursor') does")
    assert describe_overlooked(Cursor("meta.next_cursor"), more) is None
    end = ExtractedPage(page({"data": ONE, "meta": {"next_cursor": None}}), ONE, 1)
    assert describe_overlooked(Cursor("meta.cursor"), end) is None


def test_a_query_with_two_cursors_raises():
    """The page does not show which of them is its own."""
    query = b'{"query":"query($p: String, $r: String) { pinned(after: $p) { id } repos(after: $r) { id } }"}'
    answer = page({"data": {"repos": {"nodes": ONE, "pageInfo": {"hasNextPage": True, "endCursor": "x"}}}}, body=query)
    with pytest.raises(PlanError, match=r"variable='p'.*variable='r'"):
        choose_paginator(answer)

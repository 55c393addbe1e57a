"""The same records under each paging scheme, with faults on request.

Every endpoint takes ``n`` records (95), its own name for the page size (10), and in the query:

``empty_last=1``
    After the last page there is one more, without records.
``empty_middle=1``
    The third page has no records; the total counts them nevertheless.
``ignore_size=1``
    A page has ten records, whatever size is requested.
``total=``
    The total that the API reports.
``loop=``
    The page with this number is its own next page.
``fail=``
    The page with this number fails.
``status=``
    Its status: 401, 410, 429 (with ``Retry-After: 1``), else 500.
``times=``
    How many requests for that page fail (all).
``insert=1``
    After the second page a record is inserted at the front.
``ms=``
    Milliseconds before a page is sent.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from pandas_async_io.demo import data
from pandas_async_io.demo.json_http import integer_parameter, json_object_body, json_response

if TYPE_CHECKING:
    from yarl import URL

_PAGE_SIZE = 10

_FAILURE_BY_STATUS: dict[int, type[web.HTTPError]] = {
    each.status_code: each for each in (web.HTTPUnauthorized, web.HTTPGone, web.HTTPTooManyRequests)
}

Failures = Counter[tuple[str, int]]
"""Failed requests so far by path with query, and page number."""

FAILURES = web.AppKey("FAILURES", Failures)


@dataclass(frozen=True, slots=True)
class _Page:
    """One page.

    Attributes
    ----------
    next_start : int or None
        Position of the next page's first record; None after the last page.
    total : int
        Records, as the API reports them.
    """

    records: list[dict[str, Any]]
    next_start: int | None
    total: int
    size: int
    pages: int


async def _page_at(request: web.Request, start: int, requested_size: int) -> _Page:
    """Return the page that starts at a position, with the faults that the query asks for."""
    size = _page_size(request, requested_size)
    number = start // size + 1
    await asyncio.sleep(integer_parameter(request, "ms", 0, range(10**6)) / 1000)
    _raise_requested_failure(request, number)
    loop = integer_parameter(request, "loop", 0, range(10**6))
    if 0 < loop < number:
        start, number = (loop - 1) * size, loop
    ids: list[int | None] = list(range(1, integer_parameter(request, "n", 95, range(10**6)) + 1))
    if integer_parameter(request, "insert", 0, range(2)) and number > 2:
        ids.insert(0, 0)
    if integer_parameter(request, "empty_middle", 0, range(2)):
        ids[2 * size : 2 * size] = [None] * size
    beyond = size * integer_parameter(request, "empty_last", 0, range(2))
    total, end = integer_parameter(request, "total", len(ids), range(10**12)), len(ids) + beyond
    records = [data.record(each) for each in ids[start : start + size] if each is not None]
    next_start = start if number == loop else start + size if start + size < end else None
    return _Page(records, next_start, total, size, math.ceil((total + beyond) / size))


def _page_size(request: web.Request, requested_size: int) -> int:
    return _PAGE_SIZE if integer_parameter(request, "ignore_size", 0, range(2)) else requested_size


def _raise_requested_failure(request: web.Request, number: int) -> None:
    """Raise the failure that the query asks for, if it is for this page."""
    if number != integer_parameter(request, "fail", 0, range(10**6)):
        return
    failures, key = request.app[FAILURES], (request.path_qs, number)
    if failures[key] >= integer_parameter(request, "times", 10**8):
        return
    failures[key] += 1
    failure = _FAILURE_BY_STATUS.get(integer_parameter(request, "status", 500), web.HTTPInternalServerError)
    headers = {"Retry-After": "1"} if failure is web.HTTPTooManyRequests else None
    raise failure(text=f"page {number} fails", headers=headers)


async def _page_by_cursor(request: web.Request, cursor: str = "0", size_name: str = "size") -> _Page:
    """Return the page of a cursor, which is the position of its first record."""
    if not cursor.isdecimal():
        raise web.HTTPBadRequest(text=f"this is no cursor: {cursor!r}")
    return await _page_at(request, int(cursor), integer_parameter(request, size_name, _PAGE_SIZE))


async def _page_by_number(request: web.Request) -> tuple[int, _Page]:
    number, requested_size = integer_parameter(request, "page", 1), integer_parameter(request, "per_page", _PAGE_SIZE)
    return number, await _page_at(request, (number - 1) * _page_size(request, requested_size), requested_size)


def _url_with(request: web.Request, **changes: int) -> URL:
    return request.url.update_query(changes)


async def _next_url(request: web.Request) -> web.Response:
    """Return the next page's URL in the body: absolute, or with ``relative=1`` relative."""
    page = await _page_by_cursor(request, request.query.get("start", "0"))
    url = None if page.next_start is None else _url_with(request, start=page.next_start)
    shown = url and str(url.relative() if "relative" in request.query else url)
    return json_response({"count": page.total, "next": shown, "results": page.records})


async def _cursor(request: web.Request) -> web.Response:
    """Take a cursor in the query, or by POST in the body; after the last page return ``end=`` (null)."""
    if request.method == "POST":
        page = await _page_by_cursor(request, str((await json_object_body(request)).get("cursor") or 0))
    else:
        page = await _page_by_cursor(request, request.query.get("cursor", "0"))
    end = {"empty": "", "text": "null"}.get(request.query.get("end", ""))
    cursor = end if page.next_start is None else str(page.next_start)
    return json_response({"data": page.records, "meta": {"next_cursor": cursor, "total": page.total}})


async def _object_cursor(request: web.Request) -> web.Response:
    """Take and return a cursor that is an object in the body, as DynamoDB does."""
    start = (await json_object_body(request)).get("ExclusiveStartKey", {"at": 0})
    page = await _page_by_cursor(request, str(start["at"]))
    last = {} if page.next_start is None else {"LastEvaluatedKey": {"at": page.next_start}}
    return json_response({"Items": page.records, **last})


async def _header_cursor(request: web.Request) -> web.Response:
    """Return the cursor in ``Sforce-Locator`` ("null" after the last page) and the URL in ``Next-Page``."""
    page = await _page_by_cursor(request, request.query.get("locator", "0"))
    headers = {"Sforce-Locator": "null", "Total-Objects": str(page.total)}
    if page.next_start is not None:
        headers = {**headers, "Sforce-Locator": str(page.next_start)}
        headers["Next-Page"] = str(_url_with(request, locator=page.next_start))
    return json_response(page.records, headers=headers)


async def _starting_after(request: web.Request) -> web.Response:
    """Return the records after the id ``starting_after``, as Stripe does."""
    last = request.query.get("starting_after", "")
    size = integer_parameter(request, "limit", _PAGE_SIZE)
    start = int(last) if last.isdecimal() else 0
    if start >= 2 * size:  # the id still names the same record after one was inserted before it
        start += integer_parameter(request, "insert", 0, range(2))
    page = await _page_at(request, start, size)
    more = page.next_start is not None
    return json_response({"object": "list", "url": request.path, "has_more": more, "data": page.records})


async def _page_number(request: web.Request) -> web.Response:
    """Return a page by its number, with the number of pages and records."""
    number, page = await _page_by_number(request)
    meta = {"page": number, "total_pages": page.pages, "total": page.total}
    return json_response({"data": page.records, "meta": meta}, headers={"X-Total-Count": str(page.total)})


async def _offset(request: web.Request) -> web.Response:
    offset = integer_parameter(request, "offset", 0, range(10**9))
    page = await _page_at(request, offset, integer_parameter(request, "limit", _PAGE_SIZE))
    return json_response({"items": page.records, "offset": offset, "limit": page.size, "total": page.total})


async def _link_header(request: web.Request) -> web.Response:
    """Return a list with next and last in ``Link``; with ``last=0`` without last."""
    _, page = await _page_by_number(request)
    links = []
    if page.next_start is not None:
        links.append(f'<{_url_with(request, page=page.next_start // page.size + 1)}>; rel="next"')
    if request.query.get("last") != "0":
        links.append(f'<{_url_with(request, page=page.pages)}>; rel="last"')
    return json_response(page.records, headers={"Link": ", ".join(links)} if links else None)


async def _odata(request: web.Request) -> web.Response:
    page = await _page_by_cursor(request, request.query.get("$skiptoken", "0"), "$top")
    payload = {"@odata.context": "$metadata", "@odata.count": page.total, "value": page.records}
    if page.next_start is not None:
        payload["@odata.nextLink"] = str(_url_with(request, **{"$skiptoken": page.next_start}))
    return json_response(payload)


async def _graphql(request: web.Request) -> web.Response:
    """Answer ``user(login)`` or the connection ``users(first, after)``; ``errors=1`` fails with a 200.

    ``left=`` is what remains of the cost limit; below 10 the query is throttled.
    """
    posted = await json_object_body(request)
    query, variables = str(posted.get("query", "")), posted.get("variables") or {}
    left = integer_parameter(request, "left", 1000, range(1001))
    status = {"maximumAvailable": 1000, "currentlyAvailable": left, "restoreRate": 50}
    cost = {"cost": {"requestedQueryCost": 10, "throttleStatus": status}}
    if left < 10:
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        return json_response({"errors": [error], "extensions": cost})
    if "errors" in request.query or "user" not in query:
        return json_response({"data": None, "errors": [{"message": "there is no such field", "path": ["nobody"]}]})
    if "login" in variables:
        return json_response({"data": {"user": {"login": variables["login"]}}, "extensions": cost})
    after = variables.get("cursor") or variables.get("after") or "0"
    page = await _page_at(request, int(after), int(variables.get("first", _PAGE_SIZE)))
    more = page.next_start is not None
    info = {"hasNextPage": more, "endCursor": str(page.next_start) if more else None}
    users = {"nodes": page.records, "pageInfo": info, "totalCount": page.total}
    return json_response({"data": {"users": users}, "extensions": cost})


ROUTES = (
    web.get("/paged/link", _link_header),
    web.get("/paged/next", _next_url),
    web.get("/paged/cursor", _cursor),
    web.post("/paged/cursor", _cursor),
    web.post("/paged/key", _object_cursor),
    web.get("/paged/header-cursor", _header_cursor),
    web.get("/paged/after", _starting_after),
    web.get("/paged/pages", _page_number),
    web.get("/paged/offset", _offset),
    web.get("/odata", _odata),
    web.post("/graphql", _graphql),
)

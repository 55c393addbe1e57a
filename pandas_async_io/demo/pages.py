"""The same records under every way of paging, with faults to order.

Every endpoint takes ``n`` (95 records), ``size`` by the name it has there (10)
and, in the query:

``empty_last=1``
    Behind the last page there is one more, without records.
``empty_middle=1``
    The third page has no records, and is counted as if it had.
``ignore_size=1``
    A page has ten records, whatever is asked for.
``total=``
    What the API says in place of the truth.
``loop=``
    The page of this number is its own next one.
``fail=``
    The page of this number fails.
``status=``
    How: 401, 410, 429 (it asks for a second of silence), else 500.
``times=``
    How often it fails, request by request; always by default.
``insert=1``
    After the second page a record is inserted at the front.
``ms=``
    How long a page takes.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import orjson
from aiohttp import web

from pandas_async_io.demo import data
from pandas_async_io.demo.parts import json, whole

if TYPE_CHECKING:
    from yarl import URL

_SIZE = 10

_FAILURES: dict[int, type[web.HTTPError]] = {
    each.status_code: each for each in (web.HTTPUnauthorized, web.HTTPGone, web.HTTPTooManyRequests)
}

_FAILED: WeakKeyDictionary[asyncio.AbstractEventLoop, Counter[tuple[str, int]]] = WeakKeyDictionary()
"""How often a request for a page failed; a server is known by its loop, for each has one of its own."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """One page.

    Attributes
    ----------
    following : int or None
        Where the next page starts; None behind the last.
    total : int
        Records, as the API counts them.
    """

    records: list[dict[str, Any]]
    following: int | None
    total: int
    size: int
    pages: int


async def _cut(request: web.Request, start: int, asked: int) -> _Cut:
    """Cut the page that starts at a position, with the faults that the query orders."""
    size = _SIZE if whole(request, "ignore_size", 0, range(2)) else asked
    number = start // size + 1
    await asyncio.sleep(whole(request, "ms", 0, range(10**6)) / 1000)
    _fail(request, number)
    loop = whole(request, "loop", 0, range(10**6))
    if 0 < loop < number:
        start, number = (loop - 1) * size, loop
    ids: list[int | None] = list(range(1, whole(request, "n", 95, range(10**6)) + 1))
    if whole(request, "insert", 0, range(2)) and number > 2:
        ids.insert(0, 0)
    if whole(request, "empty_middle", 0, range(2)):
        ids[2 * size : 2 * size] = [None] * size
    behind = size * whole(request, "empty_last", 0, range(2))
    total, end = whole(request, "total", len(ids), range(10**12)), len(ids) + behind
    records = [data.record(each) for each in ids[start : start + size] if each is not None]
    following = start if number == loop else start + size if start + size < end else None
    return _Cut(records, following, total, size, math.ceil((total + behind) / size))


def _fail(request: web.Request, number: int) -> None:
    """Answer the failure that the query orders for this page, while it is ordered."""
    if number != whole(request, "fail", 0, range(10**6)):
        return
    failed, asked = _FAILED.setdefault(asyncio.get_running_loop(), Counter()), (request.path_qs, number)
    if failed[asked] >= whole(request, "times", 10**8):
        return
    failed[asked] += 1
    failure = _FAILURES.get(whole(request, "status", 500), web.HTTPInternalServerError)
    headers = {"Retry-After": "1"} if failure is web.HTTPTooManyRequests else None
    raise failure(text=f"page {number} fails", headers=headers)


async def _by_start(request: web.Request, start: str = "0", size: str = "size") -> _Cut:
    if not start.isdecimal():
        raise web.HTTPBadRequest(text=f"this is no cursor: {start!r}")
    return await _cut(request, int(start), whole(request, size, _SIZE))


async def _by_number(request: web.Request) -> tuple[int, _Cut]:
    number, asked = whole(request, "page", 1), whole(request, "per_page", _SIZE)
    size = _SIZE if whole(request, "ignore_size", 0, range(2)) else asked
    return number, await _cut(request, (number - 1) * size, asked)


def _to(request: web.Request, **changes: int) -> URL:
    return request.url.update_query(changes)


async def _next(request: web.Request) -> web.Response:
    """Answer the next page's URL: absolute, or with ``relative=1`` relative."""
    cut = await _by_start(request, request.query.get("start", "0"))
    url = None if cut.following is None else _to(request, start=cut.following)
    shown = url and str(url.relative() if "relative" in request.query else url)
    return json({"count": cut.total, "next": shown, "results": cut.records})


async def _cursor(request: web.Request) -> web.Response:
    """Answer a cursor, taken in the query, or by POST in the body; behind the last page ``end=`` (null)."""
    if request.method == "POST":
        cut = await _by_start(request, str((await _posted(request)).get("cursor") or 0))
    else:
        cut = await _by_start(request, request.query.get("cursor", "0"))
    end = {"empty": "", "text": "null"}.get(request.query.get("end", ""))
    cursor = end if cut.following is None else str(cut.following)
    return json({"data": cut.records, "meta": {"next_cursor": cursor, "total": cut.total}})


async def _key(request: web.Request) -> web.Response:
    """Answer a cursor that is an object, as databases do; taken in the body."""
    start = (await _posted(request)).get("ExclusiveStartKey", {"at": 0})
    cut = await _by_start(request, str(start["at"]))
    last = {} if cut.following is None else {"LastEvaluatedKey": {"at": cut.following}}
    return json({"Items": cut.records, **last})


async def _header_cursor(request: web.Request) -> web.Response:
    """Answer the cursor in ``Sforce-Locator`` and the URL in ``Next-Page``; the last locator is a text, null."""
    cut = await _by_start(request, request.query.get("locator", "0"))
    headers = {"Sforce-Locator": "null", "Total-Objects": str(cut.total)}
    if cut.following is not None:
        headers = {**headers, "Sforce-Locator": str(cut.following)}
        headers["Next-Page"] = str(_to(request, locator=cut.following))
    return json(cut.records, headers=headers)


async def _after(request: web.Request) -> web.Response:
    """Answer what comes after the record ``starting_after``, as Stripe does."""
    last = request.query.get("starting_after", "")
    size = whole(request, "limit", _SIZE)
    start = int(last) if last.isdecimal() else 0
    if start >= 2 * size:  # a record keeps its successor, wherever it has moved to
        start += whole(request, "insert", 0, range(2))
    cut = await _cut(request, start, size)
    more = cut.following is not None
    return json({"object": "list", "url": request.path, "has_more": more, "data": cut.records})


async def _pages(request: web.Request) -> web.Response:
    """Answer a page by its number, and how many pages and records there are."""
    number, cut = await _by_number(request)
    meta = {"page": number, "total_pages": cut.pages, "total": cut.total}
    return json({"data": cut.records, "meta": meta}, headers={"X-Total-Count": str(cut.total)})


async def _offset(request: web.Request) -> web.Response:
    offset = whole(request, "offset", 0, range(10**9))
    cut = await _cut(request, offset, whole(request, "limit", _SIZE))
    return json({"items": cut.records, "offset": offset, "limit": cut.size, "total": cut.total})


async def _link(request: web.Request) -> web.Response:
    """Answer a list, its neighbours in ``Link``; with ``last=0`` without the last one."""
    _, cut = await _by_number(request)
    links = []
    if cut.following is not None:
        links.append(f'<{_to(request, page=cut.following // cut.size + 1)}>; rel="next"')
    if request.query.get("last") != "0":
        links.append(f'<{_to(request, page=cut.pages)}>; rel="last"')
    return json(cut.records, headers={"Link": ", ".join(links)} if links else None)


async def _odata(request: web.Request) -> web.Response:
    start = request.query.get("$skiptoken", "0")
    cut = await _by_start(request, start, "$top")
    more = {} if cut.following is None else {"@odata.nextLink": str(_to(request, **{"$skiptoken": cut.following}))}
    return json({"@odata.context": "$metadata", "@odata.count": cut.total, "value": cut.records, **more})


async def _graphql(request: web.Request) -> web.Response:
    """Answer ``user(login)`` or the connection ``users(first, after)``; ``errors=1`` fails with a 200."""
    posted = await _posted(request)
    query, variables = str(posted.get("query", "")), posted.get("variables") or {}
    left = whole(request, "left", 1000, range(1001))
    status = {"maximumAvailable": 1000, "currentlyAvailable": left, "restoreRate": 50}
    cost = {"cost": {"requestedQueryCost": 10, "throttleStatus": status}}
    if left < 10:
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        return json({"errors": [error], "extensions": cost})
    if "errors" in request.query or "user" not in query:
        return json({"data": None, "errors": [{"message": "there is no such field", "path": ["nobody"]}]})
    if "login" in variables:
        return json({"data": {"user": {"login": variables["login"]}}, "extensions": cost})
    after = variables.get("cursor") or variables.get("after") or "0"
    cut = await _cut(request, int(after), int(variables.get("first", _SIZE)))
    more = cut.following is not None
    info = {"hasNextPage": more, "endCursor": str(cut.following) if more else None}
    users = {"nodes": cut.records, "pageInfo": info, "totalCount": cut.total}
    return json({"data": {"users": users}, "extensions": cost})


async def _posted(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise web.HTTPBadRequest(text=f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body is not a JSON object")
    return body


ROUTES = (
    web.get("/paged/link", _link),
    web.get("/paged/next", _next),
    web.get("/paged/cursor", _cursor),
    web.post("/paged/cursor", _cursor),
    web.post("/paged/key", _key),
    web.get("/paged/header-cursor", _header_cursor),
    web.get("/paged/after", _after),
    web.get("/paged/pages", _pages),
    web.get("/paged/offset", _offset),
    web.get("/odata", _odata),
    web.post("/graphql", _graphql),
)
"""What the paged endpoints are."""

"""The endpoints of the sample API: one table at the end, one short function each.

Whatever goes wrong is answered as ``{"error": {"message": ...}}``.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from pandas_async_io.demo import batches, data, pages
from pandas_async_io.demo.parts import json, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aiohttp.typedefs import Handler


def application(seed: int = 0) -> web.Application:
    """Return a new sample API with counters at zero.

    Parameters
    ----------
    seed : int
        Chooses the population (`data.user`).
    """
    app = web.Application(middlewares=[_errors_as_json], client_max_size=64 * 2**20)
    app[_STATE] = _State(
        users={str(n): data.user(n, seed) for n in data.USERS},
        posts={str(n): data.post(n, seed) for n in data.POSTS},
    )
    app[batches.JOBS] = batches.Jobs()
    app.add_routes([*_ROUTES, *pages.ROUTES, *batches.ROUTES])
    return app


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        kept = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
        return _error(error.status, error.text or error.reason, kept)


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return json({"error": {"message": message}}, status, headers)


def _redirect(location: str, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={"Location": location})


def _found(records: Mapping[str, dict[str, Any]], request: web.Request) -> web.Response:
    key = request.match_info["id"]
    if key not in records:
        raise web.HTTPNotFound(text=f"there is no id {key!r}")
    return json(records[key])


def _paged(request: web.Request, records: Sequence[object]) -> web.Response:
    """Answer one page (``_page``, ``_limit``), its neighbours in ``Link`` (RFC 8288)."""
    page, size = whole(request, "_page", 1), whole(request, "_limit", 10)
    last = max(1, math.ceil(len(records) / size))
    near = {"first": 1, "prev": min(page - 1, last), "next": page + 1, "last": last}
    links = [
        f'<{request.url.update_query(_page=number)}>; rel="{rel}"'
        for rel, number in near.items()
        if 1 <= number <= last
    ]
    headers = {"X-Total-Count": str(len(records)), "Link": ", ".join(links)}
    return json(records[(page - 1) * size : page * size], headers=headers)


def _posts_of(request: web.Request, user_id: str) -> list[dict[str, Any]]:
    return [post for post in request.app[_STATE].posts.values() if str(post["userId"]) == user_id]


async def _user(request: web.Request) -> web.Response:
    return _found(request.app[_STATE].users, request)


async def _private(request: web.Request) -> web.Response:
    """Answer a user to who has the ``token``, "fresh" by default."""
    if request.headers.get("Authorization") != f"Bearer {request.query.get('token', 'fresh')}":
        raise web.HTTPUnauthorized(text="the token has expired")
    return _found(request.app[_STATE].users, request)


async def _users(request: web.Request) -> web.Response:
    """Answer the users of ``ids=1,2`` or ``ids=1&ids=2``, each once and all at once; else a page."""
    users = request.app[_STATE].users
    if "ids" not in request.query:
        return _paged(request, list(users.values()))
    wanted = dict.fromkeys(",".join(request.query.getall("ids")).split(","))
    return json([users[key] for key in wanted if key in users])


async def _new_user(request: web.Request) -> web.Response:
    """Answer the given object with an id; nothing is kept."""
    try:
        given = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise web.HTTPBadRequest(text=f"the body is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise web.HTTPBadRequest(text="the body is not a JSON object")
    return json({**given, "id": next(request.app[_STATE].new_ids)}, 201)


async def _posts_of_user(request: web.Request) -> web.Response:
    return json(_posts_of(request, request.match_info["id"]))


async def _post(request: web.Request) -> web.Response:
    return _found(request.app[_STATE].posts, request)


async def _posts(request: web.Request) -> web.Response:
    if "userId" in request.query:
        return _paged(request, _posts_of(request, request.query["userId"]))
    return _paged(request, list(request.app[_STATE].posts.values()))


async def _search(request: web.Request) -> web.Response:
    """Answer the users whose name or city contains ``q``; ``count`` is theirs before ``limit``."""
    text = request.query.get("q", "").casefold()
    users = request.app[_STATE].users.values()
    items = [user for user in users if text in user["name"].casefold() or text in user["address"]["city"].casefold()]
    limit = whole(request, "limit", len(users))
    return json({"data": {"items": items[:limit], "count": len(items)}})


async def _flaky(request: web.Request) -> web.Response:
    """Answer ``status`` to the first ``fail`` requests of a key."""
    key, tries = request.match_info["key"], request.app[_STATE].tries
    status = whole(request, "status", 503, range(400, 1000))
    fail = whole(request, "fail", 1, range(10**9))
    tries[key] += 1
    if tries[key] <= fail:
        return _error(status, f"try {tries[key]} of {key!r} fails")
    return json({"key": key, "tries": tries[key]})


async def _broken(request: web.Request) -> web.Response:
    """Answer 500, always, to whole numbers divisible by 20: 5 % of consecutive keys."""
    key = request.match_info["key"]
    if re.fullmatch("[0-9]{1,9}", key) and int(key) % 20 == 0:
        return _error(500, f"{key} is broken")
    return json({"key": key})


async def _limited(request: web.Request) -> web.Response:
    """Accept a request if the last accepted one of this ``rate`` is 1/rate seconds ago; no burst."""
    text = request.query.get("rate", "20")
    rate = float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0.0
    if rate == 0:
        raise web.HTTPBadRequest(text=f"rate is a positive number, not {text!r}")
    accepted, now = request.app[_STATE].accepted, time.monotonic()
    if now - accepted.get(rate, -math.inf) < 1 / rate:
        raise web.HTTPTooManyRequests(text=f"more than {text} per second", headers={"Retry-After": "1"})
    accepted[rate] = now
    return json({"key": request.match_info["key"]})


async def _slow(request: web.Request) -> web.Response:
    ms = whole(request, "ms", 100, range(10**9))
    await asyncio.sleep(ms / 1000)
    return json({"key": request.match_info["key"], "ms": ms})


async def _echo(request: web.Request) -> web.Response:
    """Answer what arrived; ``path`` is the request target as it was on the wire."""
    received = {
        "method": request.method,
        "path": request.raw_path,
        "query": list(request.query.items()),
        # Header bytes that are not UTF-8 arrive as surrogates, which JSON has no words for.
        "headers": {
            str(name): value.encode(errors="surrogateescape").decode(errors="replace")
            for name, value in request.headers.items()
        },
        "body": (await request.read()).decode(errors="replace"),
    }
    return json(received)


async def _bytes(request: web.Request) -> web.Response:
    kind = request.match_info["kind"]
    try:
        body, headers = await asyncio.to_thread(data.body, kind)
    except (KeyError, ImportError) as error:
        raise web.HTTPNotFound(text=f"there is no body {kind!r} here: {error}") from error
    return web.Response(body=body, headers=headers, status=204 if kind == "no-content" else 200)


async def _redirect_chain(request: web.Request) -> web.Response:
    hops = int(request.match_info["n"])
    return _redirect("/users/1" if hops <= 1 else f"/redirect/{hops - 1}")


async def _redirect_loop(_: web.Request) -> web.Response:
    return _redirect("/redirect-loop")


async def _redirect_to(request: web.Request) -> web.Response:
    url = request.query.get("url", "")
    if not url.isprintable() or not url:
        raise web.HTTPBadRequest(text="url is missing or not printable")
    return _redirect(url, whole(request, "status", 302, range(300, 400)))


async def _redirect_nowhere(_: web.Request) -> web.Response:
    return web.Response(status=302)


@dataclass(frozen=True, slots=True)
class _State:
    """What one server knows and counts.

    Attributes
    ----------
    users, posts : mapping of str to dict
        By the id as it is written in a URL: " 1" and "01" are nobody's.
    tries : Counter
        Requests so far by key of ``/flaky``.
    accepted : dict of float to float
        Monotonic seconds of the last accepted request by rate of ``/limited``.
    new_ids : iterator of int
        For ``POST /users``.
    """

    users: Mapping[str, dict[str, Any]]
    posts: Mapping[str, dict[str, Any]]
    tries: Counter[str] = field(default_factory=Counter)
    accepted: dict[float, float] = field(default_factory=dict)
    new_ids: Iterator[int] = field(default_factory=lambda: itertools.count(data.USERS.stop))


_STATE = web.AppKey("_STATE", _State)

_ROUTES = (
    web.get("/users/{id}", _user),
    web.get("/users", _users),
    web.get("/private/{id}", _private),
    web.post("/users", _new_user),
    web.get("/users/{id}/posts", _posts_of_user),
    web.get("/posts/{id}", _post),
    web.get("/posts", _posts),
    web.get("/search", _search),
    web.get("/flaky/{key}", _flaky),
    web.get("/broken/{key}", _broken),
    web.get("/limited/{key}", _limited),
    web.get("/slow/{key}", _slow),
    web.route("*", "/echo/{anything:.*}", _echo),
    web.get("/bytes/{kind}", _bytes),
    web.get("/redirect/{n:[1-9][0-9]{0,8}}", _redirect_chain),
    web.get("/redirect-loop", _redirect_loop),
    web.route("*", "/redirect-to", _redirect_to),
    web.get("/redirect-nowhere", _redirect_nowhere),
)

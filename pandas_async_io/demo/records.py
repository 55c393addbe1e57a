"""Endpoints with users and posts: by id, as pages, by search, behind a token."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from pandas_async_io.demo import data
from pandas_async_io.demo.json_http import integer_parameter, json_object_body, json_response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Tables:
    """The records of one server, and the ids of new users.

    The keys are ids as written in a URL, so " 1" and "01" match no record.
    """

    users: Mapping[str, dict[str, Any]]
    posts: Mapping[str, dict[str, Any]]
    new_ids: Iterator[int] = field(default_factory=lambda: itertools.count(data.USERS.stop))

    @classmethod
    def generate(cls, seed: int) -> Self:
        """Generate the records of a seed."""
        return cls(
            users={str(n): data.user(n, seed) for n in data.USERS},
            posts={str(n): data.post(n, seed) for n in data.POSTS},
        )


TABLES = web.AppKey("TABLES", Tables)


def _record_response(records: Mapping[str, dict[str, Any]], request: web.Request) -> web.Response:
    key = request.match_info["id"]
    if key not in records:
        raise web.HTTPNotFound(text=f"there is no id {key!r}")
    return json_response(records[key])


def _page_response(request: web.Request, records: Sequence[object]) -> web.Response:
    """Return one page (``_page``, ``_limit``) with its neighbours in ``Link`` (RFC 8288)."""
    page, size = integer_parameter(request, "_page", 1), integer_parameter(request, "_limit", 10)
    last = max(1, math.ceil(len(records) / size))
    neighbours = {"first": 1, "prev": min(page - 1, last), "next": page + 1, "last": last}
    links = [
        f'<{request.url.update_query(_page=number)}>; rel="{rel}"'
        for rel, number in neighbours.items()
        if 1 <= number <= last
    ]
    headers = {"X-Total-Count": str(len(records)), "Link": ", ".join(links)}
    return json_response(records[(page - 1) * size : page * size], headers=headers)


def _posts_of_user(request: web.Request, user_id: str) -> list[dict[str, Any]]:
    return [post for post in request.app[TABLES].posts.values() if str(post["userId"]) == user_id]


async def _get_user(request: web.Request) -> web.Response:
    return _record_response(request.app[TABLES].users, request)


async def _get_private_user(request: web.Request) -> web.Response:
    """Require the bearer token ``token``, "fresh" by default."""
    if request.headers.get("Authorization") != f"Bearer {request.query.get('token', 'fresh')}":
        raise web.HTTPUnauthorized(text="the token has expired")
    return _record_response(request.app[TABLES].users, request)


async def _list_users(request: web.Request) -> web.Response:
    """Return the users of ``ids=1,2`` or ``ids=1&ids=2``, each once, in one response; without ``ids`` a page."""
    users = request.app[TABLES].users
    if "ids" not in request.query:
        return _page_response(request, list(users.values()))
    ids = dict.fromkeys(",".join(request.query.getall("ids")).split(","))
    return json_response([users[key] for key in ids if key in users])


async def _create_user(request: web.Request) -> web.Response:
    """Return the posted object with a new id; the server does not keep it."""
    posted = await json_object_body(request)
    return json_response({**posted, "id": next(request.app[TABLES].new_ids)}, 201)


async def _list_posts_of_user(request: web.Request) -> web.Response:
    return json_response(_posts_of_user(request, request.match_info["id"]))


async def _get_post(request: web.Request) -> web.Response:
    return _record_response(request.app[TABLES].posts, request)


async def _list_posts(request: web.Request) -> web.Response:
    if "userId" in request.query:
        return _page_response(request, _posts_of_user(request, request.query["userId"]))
    return _page_response(request, list(request.app[TABLES].posts.values()))


async def _search_users(request: web.Request) -> web.Response:
    """Return the users whose name or city contains ``q``; ``count`` is their number before ``limit``."""
    text = request.query.get("q", "").casefold()
    users = request.app[TABLES].users.values()
    items = [user for user in users if text in user["name"].casefold() or text in user["address"]["city"].casefold()]
    limit = integer_parameter(request, "limit", len(users))
    return json_response({"data": {"items": items[:limit], "count": len(items)}})


async def _export_zip_codes(request: web.Request) -> web.Response:
    """Return a table as German offices write it: semicolons, decimal commas, codes with leading zeros."""
    rows = [
        f"{user['address']['zipcode']};{str(user['score']).replace('.', ',')}"
        for user in request.app[TABLES].users.values()
    ]
    limit = integer_parameter(request, "limit", len(rows))
    return web.Response(text="\n".join(["zip;score", *rows[:limit], ""]), content_type="text/csv")


ROUTES = (
    web.get("/export/zip-codes.csv", _export_zip_codes),
    web.get("/users/{id}", _get_user),
    web.get("/users", _list_users),
    web.get("/private/{id}", _get_private_user),
    web.post("/users", _create_user),
    web.get("/users/{id}/posts", _list_posts_of_user),
    web.get("/posts/{id}", _get_post),
    web.get("/posts", _list_posts),
    web.get("/search", _search_users),
)

"""Read parameters and JSON bodies of requests, and write JSON responses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


def json_response(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response with a JSON body."""
    body = orjson.dumps(payload)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return ``{"error": {"message": ...}}``."""
    return json_response({"error": {"message": message}}, status, headers)


def integer_parameter(request: web.Request, name: str, default: int, allowed: range = range(1, 10**9)) -> int:
    """Return a query parameter as an integer, or raise a 400."""
    text = request.query.get(name, str(default))
    number = int(text) if re.fullmatch("[0-9]{1,9}", text) else -1
    if number not in allowed:
        raise web.HTTPBadRequest(text=f"{name} is a whole number in {allowed}, not {text!r}")
    return number


async def json_object_body(request: web.Request) -> dict[str, Any]:
    """Return the body as a JSON object, or raise a 400."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise web.HTTPBadRequest(text=f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body is not a JSON object")
    return body

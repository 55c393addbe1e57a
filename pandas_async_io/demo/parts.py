"""What the sample API's endpoints share: reading a number, answering JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


def json(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer JSON."""
    body = orjson.dumps(payload)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def whole(request: web.Request, name: str, default: int, allowed: range = range(1, 10**9)) -> int:
    """Return a query parameter that must be a whole number, or answer 400."""
    text = request.query.get(name, str(default))
    number = int(text) if re.fullmatch("[0-9]{1,9}", text) else -1
    if number not in allowed:
        raise web.HTTPBadRequest(text=f"{name} is a whole number in {allowed}, not {text!r}")
    return number

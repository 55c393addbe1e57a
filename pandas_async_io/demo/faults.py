"""Endpoints that fail, refuse, delay, echo or redirect a request, or send a body that is hard to decode."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web

from pandas_async_io.demo import data
from pandas_async_io.demo.json_http import error_response, integer_parameter, json_response


@dataclass(frozen=True, slots=True)
class Counters:
    """What these endpoints count.

    Attributes
    ----------
    tries : Counter
        Requests so far by key of ``/flaky``.
    accepted : dict of float to float
        Monotonic seconds of the last accepted request by rate of ``/limited``.
    """

    tries: Counter[str] = field(default_factory=Counter)
    accepted: dict[float, float] = field(default_factory=dict)


COUNTERS = web.AppKey("COUNTERS", Counters)


async def _flaky(request: web.Request) -> web.Response:
    """Respond with ``status`` to the first ``fail`` requests of a key."""
    key, tries = request.match_info["key"], request.app[COUNTERS].tries
    status = integer_parameter(request, "status", 503, range(400, 1000))
    fail = integer_parameter(request, "fail", 1, range(10**9))
    tries[key] += 1
    if tries[key] <= fail:
        return error_response(status, f"try {tries[key]} of {key!r} fails")
    return json_response({"key": key, "tries": tries[key]})


async def _broken(request: web.Request) -> web.Response:
    """Respond with 500 to whole numbers divisible by 20, every time: 5 % of consecutive keys."""
    key = request.match_info["key"]
    if re.fullmatch("[0-9]{1,9}", key) and int(key) % 20 == 0:
        return error_response(500, f"{key} is broken")
    return json_response({"key": key})


async def _limited(request: web.Request) -> web.Response:
    """Refuse a request within 1/rate seconds after the last accepted one of the same ``rate``; no burst."""
    text = request.query.get("rate", "20")
    rate = float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0.0
    if rate == 0:
        raise web.HTTPBadRequest(text=f"rate is a positive number, not {text!r}")
    accepted, now = request.app[COUNTERS].accepted, time.monotonic()
    if now - accepted.get(rate, -math.inf) < 1 / rate:
        raise web.HTTPTooManyRequests(text=f"more than {text} per second", headers={"Retry-After": "1"})
    accepted[rate] = now
    return json_response({"key": request.match_info["key"]})


async def _slow(request: web.Request) -> web.Response:
    ms = integer_parameter(request, "ms", 100, range(10**9))
    await asyncio.sleep(ms / 1000)
    return json_response({"key": request.match_info["key"], "ms": ms})


async def _echo(request: web.Request) -> web.Response:
    """Return the request as received; ``path`` is the undecoded request target."""
    received = {
        "method": request.method,
        "path": request.raw_path,
        "query": list(request.query.items()),
        # Header bytes that are not UTF-8 arrive as surrogates, which JSON cannot encode.
        "headers": {
            str(name): value.encode(errors="surrogateescape").decode(errors="replace")
            for name, value in request.headers.items()
        },
        "body": (await request.read()).decode(errors="replace"),
    }
    return json_response(received)


async def _bytes(request: web.Request) -> web.Response:
    kind = request.match_info["kind"]
    try:
        body, headers = await asyncio.to_thread(data.body, kind)
    except (KeyError, ImportError) as error:
        raise web.HTTPNotFound(text=f"there is no body {kind!r} here: {error}") from error
    return web.Response(body=body, headers=headers, status=204 if kind == "no-content" else 200)


def _redirect(location: str, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={"Location": location})


async def _redirect_chain(request: web.Request) -> web.Response:
    hops = int(request.match_info["n"])
    return _redirect("/users/1" if hops <= 1 else f"/redirect/{hops - 1}")


async def _redirect_loop(_: web.Request) -> web.Response:
    return _redirect("/redirect-loop")


async def _redirect_to(request: web.Request) -> web.Response:
    url = request.query.get("url", "")
    if not url.isprintable() or not url:
        raise web.HTTPBadRequest(text="url is missing or not printable")
    return _redirect(url, integer_parameter(request, "status", 302, range(300, 400)))


async def _redirect_without_location(_: web.Request) -> web.Response:
    return web.Response(status=302)


ROUTES = (
    web.get("/flaky/{key}", _flaky),
    web.get("/broken/{key}", _broken),
    web.get("/limited/{key}", _limited),
    web.get("/slow/{key}", _slow),
    web.route("*", "/echo/{anything:.*}", _echo),
    web.get("/bytes/{kind}", _bytes),
    web.get("/redirect/{n:[1-9][0-9]{0,8}}", _redirect_chain),
    web.get("/redirect-loop", _redirect_loop),
    web.route("*", "/redirect-to", _redirect_to),
    web.get("/redirect-nowhere", _redirect_without_location),
)

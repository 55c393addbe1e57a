"""Endpoints that take many keys at once, and jobs that take their time."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from pandas_async_io.demo import data
from pandas_async_io.demo.parts import json, whole

if TYPE_CHECKING:
    from collections.abc import Iterator


async def _batch(request: web.Request) -> web.Response:
    """Answer the records of ``ids``, in another order than asked; unknown ones (0, text) are left out.

    ``poison=`` is a key that spoils its request (400); above ``most=`` keys it is too large (413).
    """
    keys = await _keys(request)
    if len(keys) > whole(request, "most", 10**6):
        raise web.HTTPRequestEntityTooLarge(max_size=0, actual_size=len(keys))
    if (poison := request.query.get("poison")) in keys:
        raise web.HTTPBadRequest(text=f"{poison} is no key")
    numbers = {int(key) for key in keys if key.isdecimal() and key != "0"}
    return json([data.record(number) for number in sorted(numbers, reverse=True)])


async def _keys(request: web.Request) -> list[str]:
    if request.method == "GET":
        return ",".join(request.query.getall("ids", [])).split(",")
    try:
        keys = orjson.loads(await request.read())["ids"]
    except (ValueError, KeyError, TypeError) as error:
        raise web.HTTPBadRequest(text="the body is a JSON object with ids") from error
    return [str(key) for key in keys]


@dataclass(slots=True)
class Jobs:
    """The jobs of one server: what was submitted, and how often each was asked for."""

    submitted: dict[str, dict[str, Any]] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))


JOBS = web.AppKey("JOBS", Jobs)


async def _submit(request: web.Request) -> web.Response:
    """Take a job (a JSON object): it runs for ``polls`` questions (2) and fails if ``fail`` is set."""
    try:
        job = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise web.HTTPBadRequest(text=f"the body is not JSON: {error}") from error
    if not isinstance(job, dict):
        raise web.HTTPBadRequest(text="the body is not a JSON object")
    jobs = request.app[JOBS]
    number = str(next(jobs.ids))
    jobs.submitted[number], jobs.polls[number] = job, 0
    links = {"self": f"/jobs/{number}"}
    return json({"id": number, "state": "queued", "links": links}, 202, {"Location": links["self"]})


async def _job(request: web.Request) -> web.Response:
    number, job = _submitted(request)
    polls = request.app[JOBS].polls
    polls[number] += 1
    links = {"self": f"/jobs/{number}"}
    if polls[number] <= job.get("polls", 2):
        return json({"id": number, "state": "running", "links": links})
    if job.get("fail"):
        return json({"id": number, "state": "error", "error": {"message": "it broke"}, "links": links})
    links["result"] = f"/jobs/{number}/result"
    return json({"id": number, "state": "finished", "links": links})


async def _result(request: web.Request) -> web.Response:
    number, job = _submitted(request)
    if request.app[JOBS].polls[number] <= job.get("polls", 2):
        raise web.HTTPConflict(text=f"job {number} is not finished")
    return json({"job": number, "key": job.get("key")})


def _submitted(request: web.Request) -> tuple[str, dict[str, Any]]:
    number, jobs = request.match_info["id"], request.app[JOBS]
    if number not in jobs.submitted:
        raise web.HTTPNotFound(text=f"there is no job {number!r}")
    return number, jobs.submitted[number]


ROUTES = (
    web.get("/batch", _batch),
    web.post("/batch", _batch),
    web.post("/jobs", _submit),
    web.get("/jobs/{id}", _job),
    web.get("/jobs/{id}/result", _result),
)
"""The endpoints."""

"""Endpoints for many keys in one request, and for jobs that are submitted, polled and downloaded."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from pandas_async_io.demo import data
from pandas_async_io.demo.json_http import integer_parameter, json_object_body, json_response

if TYPE_CHECKING:
    from collections.abc import Iterator


async def _batch(request: web.Request) -> web.Response:
    """Return the records of ``ids`` in descending order; unknown keys (0, text) have none.

    The key ``poison=`` makes its whole request a 400; more than ``most=`` keys are a 413.
    """
    keys = await _requested_keys(request)
    if len(keys) > integer_parameter(request, "most", 10**6):
        raise web.HTTPRequestEntityTooLarge(max_size=0, actual_size=len(keys))
    if (poison := request.query.get("poison")) in keys:
        raise web.HTTPBadRequest(text=f"{poison} is no key")
    numbers = {int(key) for key in keys if key.isdecimal() and key != "0"}
    return json_response([data.record(number) for number in sorted(numbers, reverse=True)])


async def _requested_keys(request: web.Request) -> list[str]:
    if request.method == "GET":
        return ",".join(request.query.getall("ids", [])).split(",")
    keys = (await json_object_body(request)).get("ids")
    if not isinstance(keys, list):
        raise web.HTTPBadRequest(text="ids is missing or not a list")
    return [str(key) for key in keys]


@dataclass(slots=True)
class Jobs:
    """The jobs of one server: the submitted objects, and the number of polls, by id."""

    submitted: dict[str, dict[str, Any]] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))


JOBS = web.AppKey("JOBS", Jobs)


async def _submit_job(request: web.Request) -> web.Response:
    """Accept a job (a JSON object) that runs for ``polls`` polls (2) and fails if ``fail`` is set."""
    job = await json_object_body(request)
    jobs = request.app[JOBS]
    number = str(next(jobs.ids))
    jobs.submitted[number], jobs.polls[number] = job, 0
    links = {"self": f"/jobs/{number}"}
    return json_response({"id": number, "state": "queued", "links": links}, 202, {"Location": links["self"]})


async def _poll_job(request: web.Request) -> web.Response:
    number, job = _submitted_job(request)
    polls = request.app[JOBS].polls
    polls[number] += 1
    links = {"self": f"/jobs/{number}"}
    if polls[number] <= job.get("polls", 2):
        return json_response({"id": number, "state": "running", "links": links})
    if job.get("fail"):
        return json_response({"id": number, "state": "error", "error": {"message": "it broke"}, "links": links})
    links["result"] = f"/jobs/{number}/result"
    return json_response({"id": number, "state": "finished", "links": links})


async def _download_result(request: web.Request) -> web.Response:
    number, job = _submitted_job(request)
    if request.app[JOBS].polls[number] <= job.get("polls", 2):
        raise web.HTTPConflict(text=f"job {number} is not finished")
    return json_response({"job": number, "key": job.get("key")})


def _submitted_job(request: web.Request) -> tuple[str, dict[str, Any]]:
    number, jobs = request.match_info["id"], request.app[JOBS]
    if number not in jobs.submitted:
        raise web.HTTPNotFound(text=f"there is no job {number!r}")
    return number, jobs.submitted[number]


ROUTES = (
    web.get("/batch", _batch),
    web.post("/batch", _batch),
    web.post("/jobs", _submit_job),
    web.get("/jobs/{id}", _poll_job),
    web.get("/jobs/{id}/result", _download_result),
)

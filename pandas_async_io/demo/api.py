"""The aiohttp application of the sample API: routes, counters, and errors as JSON.

Every error is ``{"error": {"message": ...}}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from pandas_async_io.demo import bulk, faults, paging, records
from pandas_async_io.demo.json_http import error_response

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_MAX_REQUEST_BYTES = 64 * 2**20


def application(seed: int = 0) -> web.Application:
    """Return a new sample API with counters at zero.

    Parameters
    ----------
    seed : int
        Selects the generated users and posts (`data.user`).
    """
    app = web.Application(middlewares=[_errors_as_json], client_max_size=_MAX_REQUEST_BYTES)
    app[records.TABLES] = records.Tables.generate(seed)
    app[faults.COUNTERS] = faults.Counters()
    app[paging.FAILURES] = paging.Failures()
    app[bulk.JOBS] = bulk.Jobs()
    app.add_routes([*records.ROUTES, *faults.ROUTES, *paging.ROUTES, *bulk.ROUTES])
    return app


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        kept = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
        return error_response(error.status, error.text or error.reason, kept)

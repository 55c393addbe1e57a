"""The plan of a call: what it would send, and how long its rate takes for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pandas_async_io._core.policy.throttling.rate import describe_pace
from pandas_async_io._core.request.dry_run import Plan, make_plan
from pandas_async_io._core.workflow.paging.paginators.paginators import as_paginator, first_request
from pandas_async_io.call.prepare.store import describe_stored

if TYPE_CHECKING:
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


def plan_call(call: PreparedCall) -> Plan:
    """Return what a call would send, and send nothing."""
    requests, options = call.requests, call.options
    paginator = None if options.paging is None else as_paginator(options.paging)
    pace = describe_pace(
        call.policy.rates,
        max((len(positions) for positions in requests.sent.origins.values()), default=0),
        may_grow=options.paging is not None or options.poll is not None,
    )
    return make_plan(
        requests.sent,
        requests.rows,
        call.headers_for,
        (lambda request: request) if paginator is None else partial(first_request, paginator),
        call.redactor,
        pace=pace,
        store=describe_stored(call),
    )

"""Sends the requests of a prepared call, on the client's loop."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pandas_async_io._core.policy.run_budget import RunBudget
from pandas_async_io._core.policy.server_limits.graphql_cost import read_cost_budget
from pandas_async_io._core.request.idempotency import add_idempotency_keys
from pandas_async_io._core.workflow.batching.workflow import BatchingWorkflow
from pandas_async_io._io.engine.context import CallContext
from pandas_async_io._io.engine.run import OriginRun
from pandas_async_io._io.engine.run_events import RunEvents
from pandas_async_io._io.engine.run_origins import run_origins
from pandas_async_io._io.hooks import Hooks
from pandas_async_io._io.run_log import RunLog
from pandas_async_io.call.prepare.request_body import find_query
from pandas_async_io.call.prepare.store import open_call_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.models import Request, Response
    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.report.tally import Tally
    from pandas_async_io._core.security.origins import Origin
    from pandas_async_io._core.workflow.base import Workflow
    from pandas_async_io._io.engine.backlog import Window
    from pandas_async_io._io.engine.context import Delivery, Send
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


async def make_context(
    prepared: PreparedCall,
    workflow: Workflow,
    outcomes: Outcomes,
    tally: Tally,
    delivery: Delivery,
    *,
    window: Window | None = None,
) -> CallContext:
    """Return what all requests of a call share; its deadline begins now, and its store is open."""
    client, policy, options = prepared.client, prepared.policy, prepared.options
    send: Send = client.transport.send
    store = None if prepared.store is None else await asyncio.to_thread(open_call_store, prepared)
    hooks = find_hooks(prepared)
    events = _make_events(prepared, outcomes, hooks) if hooks else None
    now = asyncio.get_running_loop().time()
    if options.encoding is not None:
        send = partial(_send_with_encoding, send, options.encoding)
    if events is not None and hooks.trace_sources:
        send = partial(_send_with_trace, send, hooks.trace_sources, events.run)
    return CallContext(
        send=send,
        workflow=workflow,
        policy=policy,
        budget=RunBudget(
            deadline=now + (float("inf") if options.deadline is None else options.deadline),
            max_requests=options.max_requests,
        ),
        tally=tally,
        gate_of=partial(client.gate_for, endpoint=prepared.source.endpoint),
        delivery=delivery,
        read_budget=None if find_query(options) is None else read_cost_budget,
        has_no_records=prepared.decode.is_empty,
        read_error_body=prepared.decode.read_error_body,
        store=store,
        window=window,
        events=events,
    )


def find_hooks(prepared: PreparedCall) -> Hooks:
    """Return the hooks of a call: its client's, its own, and the log if its level asks for it."""
    own: Any = prepared.options.hooks  # parsed
    return Hooks((*prepared.client.hooks, *own, RunLog()))


def _make_events(prepared: PreparedCall, outcomes: Outcomes, hooks: Hooks) -> RunEvents:
    """Tell the hooks that the run starts, and return what tells them the rest."""
    resumption, label = prepared.resumption, prepared.redactor.redact(prepared.source.label)
    rows = None if resumption is None else resumption.rows
    events = RunEvents(hooks, uuid4().hex[:8], label, prepared.redactor, rows)
    events.start(outcomes, len(prepared.requests.sent))
    return events


async def _send_with_encoding(send: Send, encoding: str, *args: Any, **kwargs: Any) -> Response:
    """Send a request; the text of its response is in the call's ``encoding``, whatever the header says."""
    return replace(await send(*args, **kwargs), encoding=encoding)


async def _send_with_trace(
    send: Send, sources: Sequence[Any], run: str, request: Request, *args: Any, **kwargs: Any
) -> Response:
    """Send a request with the trace context of its run; the call's own headers take precedence."""
    headers = {name: text for source in sources for name, text in source.trace_headers(run, request.url).items()}
    given = {name.lower() for name in request.headers}
    if headers and given.isdisjoint(headers):
        request = replace(request, headers={**request.headers, **headers})
    return await send(request, *args, **kwargs)


async def send_requests(prepared: PreparedCall, context: CallContext) -> None:
    """Send the requests of a call; return when each has its result."""
    runs = [
        OriginRun(context, context.gate_of(origin), _requests_to(prepared, context.workflow, origin), len(positions))
        for origin, positions in prepared.requests.sent.origins.items()
    ]
    try:
        with prepared.client.running_calls.take_part(context), _tell_end(context):
            await run_origins(context, runs)
    finally:
        if context.store is not None:  # even if the call is cancelled, what came is written
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, context.store.close))


@contextmanager
def _tell_end(context: CallContext) -> Iterator[None]:
    """Tell the hooks that the run ended, and how."""
    error: BaseException | None = None
    try:
        yield
    except BaseException as exc:
        error = exc
        raise
    finally:
        if context.events is not None:
            context.events.finish(context.tally, error)


def _requests_to(prepared: PreparedCall, workflow: Workflow, origin: Origin) -> Iterator[tuple[int, Request]]:
    """Return the requests to one origin, with their positions and idempotency keys."""
    sent, resumption = prepared.requests.sent, prepared.resumption
    requests = sent.requests(origin, prepared.headers_for(origin))
    if isinstance(workflow, BatchingWorkflow):  # it gives each block its own idempotency key
        return requests
    rows = None if resumption is None else resumption.rows
    name = prepared.policy.retry.idempotency_key
    return add_idempotency_keys(requests, name, prepared.idempotency_seed, sent.row_to_request, rows)

"""Which workflow a call has: plain, paging, batching, or a job for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.models import Outcome, Result
from pandas_async_io._core.table.columns.collectors import PageCollector, PayloadCollector
from pandas_async_io._core.table.stream.record_stream import RecordStream
from pandas_async_io._core.workflow.batching.matching import MatchRules
from pandas_async_io._core.workflow.batching.workflow import BatchingWorkflow
from pandas_async_io._core.workflow.jobs.request_rules import RequestRules
from pandas_async_io._core.workflow.jobs.workflow import PollingWorkflow
from pandas_async_io._core.workflow.paging.paginators.paginators import as_paginator
from pandas_async_io._core.workflow.paging.paging_options import PagingOptions
from pandas_async_io._core.workflow.paging.workflow import EarlierRun, PagingWorkflow
from pandas_async_io._core.workflow.plain import Plain
from pandas_async_io.call.first_answer import first_answer_checks

if TYPE_CHECKING:
    from typing import Any

    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.table.records.shape import Shape
    from pandas_async_io._core.workflow.base import Deliver, Workflow
    from pandas_async_io.call.prepare.prepared_call import PreparedCall

Collector = PayloadCollector | PageCollector

STREAM_KEYS = 100_000
"""Keys of a chain's last records that a stream compares, so that its memory is bounded."""


def record_shape(call: PreparedCall) -> Shape:
    """Return where the records are in what the workflow delivers; batching delivers the records themselves."""
    return call.shape if call.requests.batches is None else call.shape.of_records()


def choose_workflow(call: PreparedCall, outcomes: Outcomes) -> tuple[Collector, Workflow]:
    """Return the workflow of a call, and the collector that takes its payloads."""
    requests = len(call.requests.rows)
    collector: Collector
    if call.options.paging is not None:
        collector = PageCollector(requests, call.shape)
    else:
        collector = PayloadCollector(requests, record_shape(call))
    return collector, choose_workflow_into(collector, call, outcomes)


def choose_workflow_into(collector: Collector | RecordStream, call: PreparedCall, outcomes: Outcomes) -> Workflow:
    """Return the workflow of a call, which gives its payloads to a collector."""
    options, requests = call.options, call.requests
    if options.paging is not None:
        return _paging(call, collector, outcomes)
    deliver = _deliver_to(outcomes, collector)
    if requests.batches is not None:
        return _batching(call, deliver)
    if options.poll is not None:
        rules = RequestRules(call.client.allow_hosts, _key_params(call), call.policy.retry.idempotency_key)
        return PollingWorkflow(options.poll, call.decode, deliver, rules=rules, unfinished=_unfinished_positions(call))
    return Plain(call.decode, deliver, first_answer_checks(call))


def _paging(call: PreparedCall, pages: Any, outcomes: Outcomes) -> PagingWorkflow:
    options, resumption = call.options, call.resumption
    learnt = None if resumption is None else resumption.learnt
    return PagingWorkflow(
        as_paginator(options.paging, posted=options.json is not None),
        pages,
        call.decode,
        _put_into_stream(outcomes, pages) if isinstance(pages, RecordStream) else outcomes.put,
        options=paging_options(call, max_keys=STREAM_KEYS if isinstance(pages, RecordStream) else None),
        earlier=EarlierRun(_unfinished_positions(call), learnt),
    )


def paging_options(call: PreparedCall, *, max_keys: int | None = None) -> PagingOptions:
    """Return the settings that all chains of a call share."""
    options, client = call.options, call.client
    return PagingOptions(
        client.allow_hosts,
        options.max_pages,
        _key_params(call),
        call.policy.retry.idempotency_key,
        call.shape if call.shape.is_tabular and options.parser is None else None,
        max_keys,
    )


def _batching(call: PreparedCall, deliver: Deliver) -> BatchingWorkflow:
    options, requests, name = call.options, call.requests, call.policy.retry.idempotency_key
    batches = requests.batches
    if batches is None:
        raise TypeError("a call without batch= has no blocks of keys")
    return BatchingWorkflow(
        batches,
        requests.build_blocks,
        rules=MatchRules.compile(
            options.on or call.shape.key_column or batches.key_name, call.shape, options.schema or ()
        ),
        decode=call.decode,
        deliver=deliver,
        idempotency_key=None if name is None else (name, call.idempotency_seed),
        part_keys=requests.part_keys,
        stored=requests.stored,
    )


def _key_params(call: PreparedCall) -> tuple[str, ...]:
    """Return the names of the credentials that stand in the query."""
    return tuple((call.auth or call.client.auth).params)


def _unfinished_positions(call: PreparedCall) -> dict[int, Any]:
    """Return the state of an earlier run, by the positions of this one."""
    row_to_request = call.requests.rows.row_to_request
    unfinished = {} if call.resumption is None else call.resumption.unfinished
    return {int(row_to_request[row]): state for row, state in unfinished.items() if row_to_request[row] >= 0}


def _put_into_stream(outcomes: Outcomes, stream: RecordStream) -> Deliver:
    """Return what records a result, and tells the stream if it failed."""

    def put(position: int, result: Result) -> None:
        if result.outcome is not Outcome.OK:
            stream.fail(position)
        outcomes.put(position, result)

    return put


def _deliver_to(outcomes: Outcomes, collector: Any) -> Deliver:
    if isinstance(collector, RecordStream):
        return _deliver_to_stream(outcomes, collector)
    put, add, ok = outcomes.put, collector.add, Outcome.OK

    def deliver(position: int, result: Result) -> None:
        add(position, result.payload if result.outcome is ok else None)
        put(position, result)  # last: a row that is ok has its payload in the collector

    return deliver


def _deliver_to_stream(outcomes: Outcomes, stream: RecordStream) -> Deliver:
    put = _put_into_stream(outcomes, stream)

    def deliver(position: int, result: Result) -> None:
        put(position, result)  # first: a row that is ready has its outcome
        stream.add(position, result.payload if result.outcome is Outcome.OK else None)

    return deliver

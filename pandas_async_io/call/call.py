"""One call, from its arguments to its frame: expand → drive → flatten → join."""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.body.graphql_errors import graphql_error
from pandas_async_io._core.body.interpret import compile_interpreter
from pandas_async_io._core.errors import FetchWarning
from pandas_async_io._core.models import Outcome, Result
from pandas_async_io._core.policy.graphql_cost import read_cost_budget
from pandas_async_io._core.policy.run_budget import RunBudget
from pandas_async_io._core.report.history import Run, get_runs, strip_attrs
from pandas_async_io._core.report.outcomes import Outcomes
from pandas_async_io._core.report.tally import Tally
from pandas_async_io._core.request.credentials import as_auth
from pandas_async_io._core.request.deduplicate import find_first_rows
from pandas_async_io._core.request.dry_run import Plan, make_plan
from pandas_async_io._core.request.graphql import GraphQL
from pandas_async_io._core.request.idempotency import add_idempotency_keys
from pandas_async_io._core.table.apply_schema import apply_schema
from pandas_async_io._core.table.collectors import PageCollector, PayloadCollector
from pandas_async_io._core.table.dtype_backend import check_dtype_backend
from pandas_async_io._core.table.join import align_records, join_columns, records_frame
from pandas_async_io._core.table.schema import compile_schema, text_columns
from pandas_async_io._core.table.shape import compile_shape
from pandas_async_io._core.table.tabular import TABULAR_READERS
from pandas_async_io._core.workflow.batching.matching import MatchRules
from pandas_async_io._core.workflow.batching.workflow import BatchingWorkflow
from pandas_async_io._core.workflow.jobs.request_rules import RequestRules
from pandas_async_io._core.workflow.jobs.workflow import PollingWorkflow
from pandas_async_io._core.workflow.paging.chain import PagingOptions
from pandas_async_io._core.workflow.paging.paginators import as_paginator, first_request
from pandas_async_io._core.workflow.paging.workflow import EarlierRun, PagingWorkflow
from pandas_async_io._core.workflow.plain import Plain
from pandas_async_io._io.bridge import portal
from pandas_async_io._io.bridge.interrupt import attach_partial, defer_interrupt
from pandas_async_io._io.engine.context import CallContext
from pandas_async_io._io.engine.run import OriginRun, run_origins
from pandas_async_io._io.progress import ProgressBar
from pandas_async_io.call.attach import Source, carry, make_redactor
from pandas_async_io.call.prepare import ask, outside
from pandas_async_io.client import get_default_client
from pandas_async_io.future import FrameFuture
from pandas_async_io.options import FetchOptions, ReadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    import pandas as pd

    from pandas_async_io._core.arrays import Mask, Positions
    from pandas_async_io._core.models import Request
    from pandas_async_io._core.security.origins import Origin
    from pandas_async_io._core.workflow.base import Deliver, Workflow


class Call:
    """A call that is ready to be sent: everything that can be wrong before the first request has been checked.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    url : str or sequence of str
        One template for all rows, or a whole URL for each row.
    options : FetchOptions or ReadOptions
        All others.
    key, rows : UUID, array of int64, optional
        Of the call that sent these rows before, and their positions in it.
    unfinished, known : optional
        As in `Run`, the former for some of these rows.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        url: str | Sequence[Any],
        options: FetchOptions | ReadOptions,
        *,
        key: UUID | None = None,
        rows: Positions | None = None,
        unfinished: Mapping[int, Any] | None = None,
        known: Any = None,
    ) -> None:
        self._source = Source(frame.copy(deep=False), url, options)  # the user may go on to change theirs
        self._key, self._rows = key or self._source.key, rows
        self._frame = frame
        self._options = options
        self._client = options.client or get_default_client()
        self._auth = None if options.auth is None else as_auth(options.auth)
        self._shape = compile_shape(
            record_path=options.record_path,
            meta=options.meta,
            sep=options.sep,
            max_level=options.max_level,
            columns=options.columns,
        )
        check_dtype_backend(options.dtype_backend)
        self._schema = compile_schema(options.schema, self._shape.columns)
        query = options.json if isinstance(options.json, GraphQL) else None
        self._decode = compile_interpreter(
            format=options.format,
            strict_json=self._client.strict_json,
            read_options=options.read_options,
            text_columns=text_columns(self._schema, self._shape.columns),
            parser=options.parser,
            error_when=options.error_when,
            find_error=None if query is None else graphql_error,
            readers=TABULAR_READERS,
        )
        self._budget = None if query is None else read_cost_budget
        policy = self._client.limits.build_policy(
            concurrency=options.concurrency, rate=options.rate, retry=options.retry, timeout=options.timeout
        )
        self._policy = replace(policy, repeatable=query is not None and query.safe)
        if not self._client.verifies_certificates:
            text = "this client has ssl=False: certificates are not verified, and anyone in between can read along"
            warnings.warn(text, FetchWarning, stacklevel=outside())
        self._label = self._source.label
        self._finished = False
        self._asked = ask(frame, url, options, self._client, self._auth)
        self._redactor = make_redactor(self._source, self._client, self._auth, self._asked)
        self._outcomes = Outcomes(self._asked.rows, self._redactor)
        self._tally = Tally()
        self._put: Deliver = self._outcomes.put
        self._answers, self._course = self._follow(unfinished or {}, known)

    def _follow(self, unfinished: Mapping[int, Any], known: Any) -> tuple[PayloadCollector | PageCollector, Workflow]:
        """Return what collects the answers, and what they ask for next."""
        options, client, count = self._options, self._client, len(self._asked.rows)
        row_to_request = self._asked.rows.row_to_request
        earlier = {int(row_to_request[row]): state for row, state in unfinished.items() if row_to_request[row] >= 0}
        if options.pages is not None:
            pages = PageCollector(count, self._shape)
            return pages, PagingWorkflow(
                as_paginator(options.pages, posted=options.json is not None),
                pages,
                self._decode,
                self._outcomes.put,
                options=PagingOptions(
                    client.allow_hosts,
                    options.max_pages,
                    tuple((self._auth or client.auth).params),
                    self._policy.retry.idempotency_key,
                ),
                earlier=EarlierRun(earlier, known),
            )
        batches, shape = self._asked.batches, self._shape
        whole = PayloadCollector(count, shape if batches is None else replace(shape, record_path=None, meta=()))
        self._put = deliver = partial(self._deliver, whole)
        if batches is not None:
            name = self._policy.retry.idempotency_key
            return whole, BatchingWorkflow(
                batches,
                self._asked.requests,
                rules=MatchRules.compile(options.on or batches.key_name, shape, options.schema or ()),
                decode=self._decode,
                deliver=deliver,
                idempotency_key=None if name is None else (name, self._key),
            )
        if options.poll is not None:
            return whole, PollingWorkflow(
                options.poll,
                self._decode,
                deliver,
                rules=RequestRules(
                    client.allow_hosts,
                    tuple((self._auth or client.auth).params),
                    self._policy.retry.idempotency_key,
                ),
                unfinished=earlier,
            )
        return whole, Plain(self._decode, deliver)

    def _headers(self, origin: Origin) -> dict[str, str]:
        return self._client.credentials_for(origin, self._auth)[0]

    def _requests(self, origin: Origin) -> Iterator[tuple[int, Request]]:
        sent, name = self._asked.sent, self._policy.retry.idempotency_key
        requests = sent.requests(origin, self._headers(origin))
        if isinstance(self._course, BatchingWorkflow):  # keys are a block's, not a row's: the course gives them
            return requests
        return add_idempotency_keys(requests, name, self._key, sent.row_to_request, self._rows)

    def plan(self) -> Plan:
        """Return what would be sent."""
        pages = None if self._options.pages is None else as_paginator(self._options.pages)
        first = (lambda request: request) if pages is None else partial(first_request, pages)
        return make_plan(self._asked.sent, self._asked.rows, self._headers, first)

    async def drive(self) -> None:
        """Send everything; on the client's loop."""
        client, policy, options = self._client, self._policy, self._options
        now = asyncio.get_running_loop().time()
        ration = RunBudget(
            policy.concurrency,
            deadline=now + (float("inf") if options.deadline is None else options.deadline),
            max_requests=options.max_requests,
            retry_share=policy.retry.budget,
        )
        context = CallContext(
            send=client.send,
            workflow=self._course,
            policy=policy,
            budget=ration,
            tally=self._tally,
            gate_of=client.gate_for,
            read_budget=self._budget,
        )
        runs = [
            OriginRun(context, client.gate_for(origin), self._requests(origin), len(mine))
            for origin, mine in self._asked.sent.origins.items()
        ]
        await run_origins(context, runs)

    def _deliver(self, collector: PayloadCollector, position: int, result: Result) -> None:
        self._outcomes.put(position, result)
        collector.add(position, result.payload if result.outcome is Outcome.OK else None)

    def run(self, *, quiet: bool = False) -> pd.DataFrame:
        """Send everything and wait for the frame; Ctrl-C raises with the finished rows as ``.partial``."""
        progress = ProgressBar(self._options.progress, self._progress)
        try:
            if len(self._asked.sent):
                self._client.run_blocking(self.drive, progress.draw_if_due)
        except KeyboardInterrupt as interrupt:
            attach_partial(self.finish(quiet=True), interrupt)
            raise
        finally:
            progress.close()
        with defer_interrupt() as presses:
            frame = self.finish(quiet=quiet)
        if presses:
            raise attach_partial(frame)
        return frame

    def start(self) -> FrameFuture:
        """Start sending and return at once."""
        loop = self._client.loop

        async def complete() -> pd.DataFrame:
            await self.drive()
            return await asyncio.get_running_loop().run_in_executor(None, self.finish)

        started = portal.start_coroutine(complete, loop, self._partial)
        return FrameFuture(
            started,
            label=self._label,
            progress=self._progress,
            loop=loop,
            cancel=started.request_cancel,
        )

    def _progress(self) -> tuple[int, int]:
        """Return how many requests are done, and of how many."""
        if isinstance(self._course, PagingWorkflow):
            return self._course.pages_done, max(self._course.pages_requested, len(self._asked.sent))
        return self._outcomes.done, len(self._asked.rows)

    def _partial(self) -> pd.DataFrame | None:
        """Return the finished rows of a cancelled call; None if its frame was being made."""
        return None if self._finished else self.finish(quiet=True)

    def finish(self, *, quiet: bool = False) -> pd.DataFrame:
        """Return the frame: the answers beside their rows. Once per call.

        Raises
        ------
        FetchError
            If rows failed and ``errors="raise"``, unless ``quiet``.
        """
        self._finished = True
        self._course.close()
        options = self._options
        nullable = isinstance(options, FetchOptions)
        found = self._answers.build_columns(nullable=nullable)
        columns = apply_schema(found, self._schema, backend=options.dtype_backend, nullable=nullable)
        self._outcomes.mark_parse_errors(columns.failures)
        if isinstance(self._course, PagingWorkflow):
            self._course.discard_unfinished(columns.failures)
        rows, take = align_records(self._asked.rows.row_to_request, columns.counts, how=options.how)
        names = {"prefix": options.prefix, "suffix": options.suffix}
        if options.join:
            frame = join_columns(self._frame, columns.arrays, rows=rows, take=take, **names)
        else:
            frame = records_frame(columns.arrays, rows=rows, take=take, **names)
        if isinstance(options, ReadOptions):
            frame = frame.reset_index(drop=True)
        run = Run(
            self._outcomes,
            self._frame.index,
            strip_attrs(frame),
            rows,
            self._source,
            self._tally,
            len(self._asked.sent),
            self._policy.concurrency * max(len(self._asked.sent.origins), 1),
            columns.drifted,
            label=self._label,
            **self._loose(take, np.repeat(found.counts == columns.counts, found.counts), found.missing_columns),
        )
        return carry(frame, (*get_runs(self._frame), run), errors="ignore" if quiet else options.errors)

    def _loose(self, take: Positions, kept: Mask, absent: tuple[str, ...]) -> dict[str, Any]:
        """Return what a run keeps of what its course found, and may go on with, by row.

        Parameters
        ----------
        take : array of int64
            The record of each row of the frame.
        kept : array of bool
            Which of the records that came are left.
        absent : tuple of str
            As in `Columns`.
        """
        course, row_to_request = self._course, self._asked.rows.row_to_request
        found: dict[str, Any] = {"missing_columns": absent}
        if isinstance(self._answers, PageCollector):
            found["pages"] = np.append(self._answers.pages[kept], 0)[take]
        if course is not None:
            first = find_first_rows(row_to_request)
            found["findings"] = {
                int(first[position]): [self._redactor.redact_for_request(position, text) for text in texts]
                for position, texts in sorted(course.findings.items())
            }
            found["detected"] = None if course.detected is None else self._redactor.redact(course.detected)
            found["learnt"] = course.learnt
            rows = np.flatnonzero(np.isin(row_to_request, list(course.unfinished))).tolist()
            found["unfinished"] = {row: course.unfinished[int(row_to_request[row])] for row in rows}
        return found

"""Sends a prepared call while a reader takes its rows: the reader decides how far ahead requests are sent."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.report.history import Run
from pandas_async_io._core.report.outcomes import Outcomes
from pandas_async_io._core.report.tally import Tally
from pandas_async_io._core.table.stream.record_stream import RecordStream
from pandas_async_io._io.bridge import portal
from pandas_async_io._io.engine.context import CallContext, Delivery
from pandas_async_io.call.assemble.assemble import describe_hints, explain_failures, workflow_state
from pandas_async_io.call.first_answer import stop_at_wrong_path
from pandas_async_io.call.prepare.limits import describe_limits
from pandas_async_io.call.run_state import read_run_state
from pandas_async_io.call.send import make_context, send_requests
from pandas_async_io.call.workflow import choose_workflow_into, record_shape

if TYPE_CHECKING:
    from pandas_async_io._core.report.run_state import RunState
    from pandas_async_io._core.table.stream.record_stream import ReadyRow
    from pandas_async_io._io.bridge.loop_future import LoopFuture
    from pandas_async_io.call.prepare.prepared_call import PreparedCall

_UNWIND_SECONDS = 1.0


class StreamedCall:
    """A call that is being sent, a window of its requests at a time.

    Parameters
    ----------
    prepared : PreparedCall
        What is sent. Equal requests are sent once within ``chunksize`` rows, with ``batch`` within the call.
    chunksize : int
        Records of a chunk; at most about two chunks are held.
    is_written : bool
        As for `RecordStream`.

    Attributes
    ----------
    call : PreparedCall
        The call, with the requests that are sent.
    workflow : Workflow
        Which requests follow a response.
    """

    def __init__(self, prepared: PreparedCall, chunksize: int, *, is_written: bool = False) -> None:
        requests, options = prepared.requests, prepared.options
        if requests.batches is None:
            sent = requests.sent.separate(chunksize)
            prepared = replace(prepared, requests=replace(requests, sent=sent, rows=sent))
        self.call = prepared
        self.outcomes = Outcomes(prepared.requests.rows, prepared.redactor)
        self._tally, self._is_written = Tally(), is_written
        self._stream = RecordStream(
            prepared.requests.rows.row_to_request,
            len(prepared.requests.rows),
            record_shape(prepared),
            chunksize,
            keeps_rows=options.how == "left",
            counts_steps=options.poll is None,
            is_written=is_written,
        )
        self.workflow = choose_workflow_into(self._stream, prepared, self.outcomes)
        if options.errors == "raise" and prepared.shape.record_path is not None:
            self._stream.inspect = self._inspect_first
        self._delivery = Delivery()
        self._context: CallContext | None = None
        self._sending: LoopFuture[None] | None = None
        self._changed: asyncio.Event | None = None

    @property
    def progress(self) -> tuple[int, int]:
        """How many rows are done, and how many there are."""
        return self.outcomes.done, len(self.call.requests.rows)

    def read_state(self) -> RunState:
        """Return how far the call is, from any thread."""
        return read_run_state(self.call, self.workflow, self.outcomes, self._context)

    async def take(self, records: int) -> tuple[list[ReadyRow], bool]:
        """Wait for records in the order of the rows; call it on the client's loop.

        Returns
        -------
        rows : list of ReadyRow
            With at least `records` records; fewer at the end of the call.
        ended : bool
            Whether nothing follows.
        """
        if self._changed is None:
            self._changed = self._stream.changed = asyncio.Event()
        changed = self._changed
        if self._sending is None:
            self._sending = portal.start_coroutine(self._send, asyncio.get_running_loop())
            self._sending.is_background = True
            self._sending.add_done_callback(lambda _: changed.set())
        sending = self._sending
        self._stream.release()
        if self._context is not None:
            self._context.resume()
        while self._stream.ready < records and not sending.done():
            changed.clear()
            await changed.wait()
        is_sent = sending.done()
        taken = self._stream.take(records)
        if not taken and is_sent:
            sending.result()
            return taken, True
        if self._context is not None and not self._is_written:
            self._context.resume()
        return taken, False

    def take_unfinished(self) -> list[ReadyRow]:
        """Return what can be taken of a call that was stopped."""
        return self._stream.take(self._stream.ready + 1)

    def abandon(self) -> None:
        """Take no more results and cancel what is in flight, without waiting for it; call it from any thread."""
        (self._delivery if self._context is None else self._context).close()
        if self._sending is not None:
            self._sending.request_cancel()

    async def stop(self) -> None:
        """Cancel what is in flight and wait until it has unwound; call it on the client's loop."""
        self.abandon()
        if self._sending is not None and not self._sending.done():
            unwinding = asyncio.wrap_future(self._sending)
            await asyncio.wait((unwinding,), timeout=_UNWIND_SECONDS)
            if unwinding.done() and not unwinding.cancelled():
                unwinding.exception()  # asyncio logs an exception that nobody looked at

    @property
    def is_sending(self) -> bool:
        """Whether requests are being sent."""
        return self._sending is not None and not self._sending.done()

    def make_run(self, rows: int | None = None) -> Run:
        """Return the run behind the frames so far; of a call that was stopped at a row, that of the rows up to it."""
        call, outcomes = self.call, self.outcomes
        if rows is not None:
            outcomes = copy(outcomes)
            outcomes.expansion = outcomes.expansion.first_rows(rows)
        store = None if self._context is None else self._context.store
        return Run(
            outcomes,
            call.frame.index[:rows],
            pd.DataFrame(),
            None,
            call.source,
            self._tally,
            len(call.requests.sent),
            describe_limits(call),
            label=call.source.label,
            **describe_hints(call, store),
            **workflow_state(call, self.workflow),
        )

    def _inspect_first(self, payload: Any) -> None:
        """Stop the run if its first answer shows that ``record_path`` is wrong: no row would have records."""
        path = self.call.shape.record_path
        if payload is None or path is None:
            return
        self._stream.inspect = None
        stop = stop_at_wrong_path(payload, path)
        if stop is not None and self._context is not None:
            self._context.end(stop)

    async def _send(self) -> None:
        self._context = await make_context(
            self.call, self.workflow, self.outcomes, self._tally, self._delivery, window=self._stream
        )
        await send_requests(self.call, self._context)
        self.workflow.close()
        explain_failures(self.call, self.outcomes)

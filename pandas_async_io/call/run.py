"""Sends a prepared call: blocking, in the background, or as a plan that sends nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import FetchError
from pandas_async_io._core.report.outcomes import Outcomes
from pandas_async_io._core.report.tally import Tally
from pandas_async_io._io import progress
from pandas_async_io._io.bridge import portal
from pandas_async_io._io.bridge.interrupt import attach_partial, defer_interrupt
from pandas_async_io._io.engine.context import CallContext, Delivery
from pandas_async_io.call import send, stack_level
from pandas_async_io.call.assemble.assemble import assemble
from pandas_async_io.call.first_answer import stop_at_wrong_path
from pandas_async_io.call.plan import plan_call
from pandas_async_io.call.prepare.store import check_store
from pandas_async_io.call.run_state import read_run_state
from pandas_async_io.call.stream.chunks import FrameChunks
from pandas_async_io.call.workflow import choose_workflow
from pandas_async_io.future import FrameFuture

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io._core.report.run_state import RunState
    from pandas_async_io._core.request.dry_run import Plan
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


class Call:
    """A call that is being sent, and its results so far.

    Parameters
    ----------
    prepared : PreparedCall
        What is sent.
    """

    def __init__(self, prepared: PreparedCall) -> None:
        self._prepared = prepared
        self._outcomes = Outcomes(prepared.requests.rows, prepared.redactor)
        self._tally = Tally()
        self._collector, self._workflow = choose_workflow(prepared, self._outcomes)
        if prepared.options.errors == "raise" and prepared.shape.record_path is not None:
            self._collector.inspect = self._inspect_first
        self._delivery = Delivery()
        self._context: CallContext | None = None
        self._is_assembled = False
        self._frame: pd.DataFrame | None = None
        self._line: stack_level.UserLine | None = None

    @property
    def prepared(self) -> PreparedCall:
        """What is sent."""
        return self._prepared

    def plan(self) -> Plan:
        """Return what would be sent."""
        return plan_call(self._prepared)

    def get(self) -> pd.DataFrame:
        """Return the frame, or with ``chunksize`` the iterator over its chunks."""
        chunksize = self._prepared.options.chunksize
        if chunksize is None:
            return self.run()
        chunks: Any = FrameChunks(self._prepared, chunksize)  # the annotation is that of a call without chunksize
        frame: pd.DataFrame = chunks
        return frame

    def run(self, *, quiet: bool = False) -> pd.DataFrame:
        """Send everything and wait for the frame; Ctrl-C raises with the finished rows as ``.partial``.

        Parameters
        ----------
        quiet : bool
            Whether failed rows neither warn nor raise.
        """
        prepared = self._prepared
        bar = progress.ProgressBar(prepared.options.progress, self._read_state)
        try:
            try:
                if len(prepared.requests.sent) or send.find_hooks(prepared):
                    check_store(prepared)
                    prepared.client.run_blocking(self._send, progress.draw_bars)
            finally:
                bar.close()
            with defer_interrupt() as presses:
                frame = self._finish(quiet=quiet)
        except KeyboardInterrupt as interrupt:
            finished = self._partial()
            if finished is not None:
                attach_partial(finished, interrupt)
            raise
        if presses:
            raise attach_partial(frame)
        return frame

    def start(self) -> FrameFuture:
        """Start sending and return at once.

        Raises
        ------
        PlanError
            The call has a ``chunksize``.
        """
        FrameChunks.refuse_background(self._prepared)
        loop = self._prepared.client.loop
        check_store(self._prepared)
        self._line = stack_level.find_user_line()

        async def complete() -> pd.DataFrame:
            await self._send()
            assembling = asyncio.get_running_loop().run_in_executor(None, self._finish)
            try:
                return await asyncio.shield(assembling)
            except asyncio.CancelledError:
                await asyncio.wait((assembling,))  # every answer came: the frame is the partial result
                assembling.exception()
                raise

        started = portal.start_coroutine(complete, loop, self._partial)
        bar = progress.ProgressBar(self._prepared.options.progress, self._read_state, started.done)

        def draw(_bar: progress.ProgressBar = bar) -> None:  # the future keeps its bar
            progress.draw_bars()

        return FrameFuture(
            started,
            label=self._prepared.source.label,
            progress=self._count,
            loop=loop,
            cancel=started.request_cancel,
            on_wait=draw,
        )

    async def _send(self) -> None:
        """Send all requests, on the client's loop."""
        prepared = self._prepared
        self._context = context = await send.make_context(
            prepared, self._workflow, self._outcomes, self._tally, self._delivery
        )
        await send.send_requests(prepared, context)

    def _inspect_first(self, payload: Any) -> None:
        """Stop the run if its first answer shows that ``record_path`` is wrong: no row would have records."""
        path = self._prepared.shape.record_path
        if payload is None or path is None:
            return
        self._collector.inspect = None
        stop = stop_at_wrong_path(payload, path)
        if stop is not None and self._context is not None:
            self._context.end(stop)

    def _count(self) -> tuple[int, int]:
        """Return how many requests are done, and of how many."""
        state = self._read_state()
        return state.done, state.total

    def _read_state(self) -> RunState:
        """Return how far the call is, from any thread."""
        return read_run_state(self._prepared, self._workflow, self._outcomes, self._context)

    def _partial(self) -> pd.DataFrame | None:
        """Return the finished rows of a stopped call; None if something ended the making of its frame."""
        return self._frame if self._is_assembled else self._finish(quiet=True)

    def _finish(self, *, quiet: bool = False) -> pd.DataFrame:
        """Make the frame, once per call; results that come later are dropped."""
        (self._delivery if self._context is None else self._context).close()
        self._is_assembled = True
        self._workflow.close()
        try:
            results = self._collector, self._workflow, self._outcomes, self._tally
            store = None if self._context is None else self._context.store
            frame = assemble(self._prepared, *results, store=store, quiet=quiet, line=self._line)
        except FetchError as error:
            self._frame = error.partial
            raise
        self._frame = frame
        return frame

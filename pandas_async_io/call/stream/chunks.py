"""The iterator that ``chunksize=`` returns: frames of that many rows, in order, for ``for`` and ``async for``."""

from __future__ import annotations

import asyncio
import os
import weakref
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io._io.bridge import portal
from pandas_async_io._io.bridge.interrupt import attach_partial, defer_interrupt
from pandas_async_io._io.bridge.wait import HEARTBEAT_SECONDS
from pandas_async_io._io.progress import ProgressBar, draw_bars
from pandas_async_io.call.assemble.attach import ReportWords, report_run
from pandas_async_io.call.prepare.store import check_store
from pandas_async_io.call.stack_level import find_user_line
from pandas_async_io.call.stream.chunk_builder import ChunkBuilder
from pandas_async_io.call.stream.streamed_call import StreamedCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from pandas_async_io._core.report.history import Run
    from pandas_async_io._core.report.report import Report
    from pandas_async_io._core.table.stream.record_stream import ReadyRow
    from pandas_async_io.call.prepare.prepared_call import PreparedCall

_WORDS = ReportWords(
    "This error's .partial has the rows before it that no chunk had; .outcomes of the iterator has all rows",
    "See .failures of the iterator",
    "See .report of the iterator",
)


class _End(Enum):
    """What follows the last chunk."""

    END = "end"


class FrameChunks:
    """The frames of a call that is being sent, in the order of its rows and their pages.

    Requests start at the first ``next``, and go on as far as the reader keeps up: at most about two chunks are held.
    Iterate with ``for`` or ``async for``; ``with`` closes the iterator at the end of the block, as does the last
    reference to it. The columns and dtypes are those of ``schema`` or the first chunk.

    Attributes
    ----------
    outcomes, failures : DataFrame
        As ``.aio.outcomes`` and ``.aio.failures``, of the rows so far; one that was not reached is ``cancelled``.
    report : Report
        Statistics of the requests so far.

    Examples
    --------
    >>> import pandas_async_io as paio
    >>> with paio.demo.serve() as url:
    ...     posts = paio.read_api(url + "/posts", pages="auto", chunksize=40)
    ...     [len(chunk) for chunk in posts]
    [40, 40, 20]
    """

    def __init__(self, prepared: PreparedCall, chunksize: int) -> None:
        check_store(prepared)
        self._sent = StreamedCall(prepared, chunksize)
        self._chunksize = chunksize
        self._errors = prepared.options.errors
        self._builder = ChunkBuilder(self._sent.call, self._sent.outcomes)
        self._rest, self._failed_row = pd.DataFrame(), 0
        self._has_failed = self._has_chunk = self._is_over = self._is_reported = self._is_closed = False
        self._reader, self._process = Lock(), os.getpid()
        self._line = find_user_line()
        self._progress = ProgressBar(prepared.options.progress, self._sent.read_state)
        self._abandon = weakref.finalize(self, self._sent.abandon)
        self._abandon.atexit = False  # the portal ends what is running at exit

    @staticmethod
    def refuse_background(prepared: PreparedCall) -> None:
        """Refuse a call in the background that has a ``chunksize``."""
        if prepared.options.chunksize is not None:
            raise PlanError(
                "chunksize= gives an iterator, which starts nothing before it is read: call fetch or read_api with it "
                "and write `async for chunk in ...` (or `for`)"
            )

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> pd.DataFrame:
        """Return the next frame.

        Raises
        ------
        FetchError
            A row of this chunk failed and ``errors="raise"``.
        DriftError
            The records do not fit the first chunk's columns.
        KeyboardInterrupt
            Ctrl-C; ``.partial`` holds the rows that came and that no chunk had.
        """
        with self._claim():
            return self._read_next()

    def _read_next(self) -> pd.DataFrame:
        try:
            while (chunk := self._next_chunk()) is None:
                take = partial(self._sent.take, self._count_wanted())
                taken = self._sent.call.client.run_blocking(take, draw_bars)
                with defer_interrupt() as presses:
                    self._put(*taken)
                if presses:
                    raise KeyboardInterrupt  # noqa: TRY301 - handled as one that came while it waited
        except KeyboardInterrupt as interrupt:
            self.close()
            raise attach_partial(self._collect_rest(), interrupt) from None
        except BaseException:
            self.close()
            raise
        if isinstance(chunk, pd.DataFrame):
            return chunk
        self.close()
        raise StopIteration

    async def __anext__(self) -> pd.DataFrame:
        """Return the next frame, as `__next__` does."""
        with self._claim():
            return await self._read_next_async()

    async def _read_next_async(self) -> pd.DataFrame:
        try:
            while (chunk := await asyncio.to_thread(self._next_chunk)) is None:
                take = partial(self._sent.take, self._count_wanted())
                taking = portal.start_coroutine(take, self._sent.call.client.loop)
                waiter = asyncio.wrap_future(taking)
                try:
                    while not waiter.done():
                        await asyncio.wait((waiter,), timeout=HEARTBEAT_SECONDS)
                        draw_bars()
                except asyncio.CancelledError:
                    taking.request_cancel()
                    raise
                await asyncio.to_thread(self._put, *waiter.result())
        except BaseException:
            await self.close_async()
            raise
        if isinstance(chunk, pd.DataFrame):
            return chunk
        await self.close_async()
        raise StopAsyncIteration

    @contextmanager
    def _claim(self) -> Iterator[None]:
        """Refuse a second reader, for it would get a part of a chunk, and one in a forked child."""
        if os.getpid() != self._process:
            raise PlanError("this iterator was made by another process, whose requests it waits for: make a new one")
        if not self._reader.acquire(blocking=False):
            raise PlanError("another thread or task reads this iterator: read it in one, and hand on its chunks")
        try:
            yield
        finally:
            self._reader.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close_async()

    def __repr__(self) -> str:
        done, rows = self._sent.progress
        return f"<FrameChunks {self._sent.call.source.label}: {done} of {rows} requests done>"

    def close(self) -> None:
        """Cancel what is in flight, and wait until it has unwound. The iterator then ends."""
        self._end()
        if self._sent.is_sending:
            self._sent.call.client.run_blocking(self._sent.stop)

    async def close_async(self) -> None:
        """Close the iterator from any event loop, as `close` does."""
        self._end()
        if self._sent.is_sending:
            await asyncio.wrap_future(portal.start_coroutine(self._sent.stop, self._sent.call.client.loop))

    @property
    def outcomes(self) -> pd.DataFrame:
        """How each input row ended: one line per input row, in order."""
        return self._make_run().frame()

    @property
    def failures(self) -> pd.DataFrame:
        """The lines of `outcomes` about failed rows; the last column, ``row``, is the position in the input."""
        return self._make_run().failures()

    @property
    def report(self) -> Report:
        """Statistics of the requests so far."""
        return self._make_run().report()

    def _make_run(self, rows: int | None = None) -> Run:
        return replace(self._sent.make_run(rows), **self._builder.findings)

    def _end(self) -> None:
        self._is_closed = True
        self._abandon()
        self._progress.close()

    def _count_wanted(self) -> int:
        return max(self._chunksize - len(self._rest) - self._builder.size, 1)

    def _next_chunk(self) -> pd.DataFrame | _End | None:
        """Return the next frame, `_End` if there is none, None if more records must come first."""
        rest, size = self._rest, self._chunksize
        if self._is_closed:
            return _End.END
        if len(rest) >= size:
            self._rest, self._has_chunk = rest.iloc[size:], True
            return rest.iloc[:size].copy()
        if self._has_failed:
            run = self._make_run(self._failed_row + 1)
            report_run(run, rest, errors="raise", line=self._line, words=_WORDS)
        if not self._is_over:
            return None
        if len(rest):
            self._rest, self._has_chunk = rest.iloc[len(rest) :], True
            return rest
        if not self._is_reported:
            self._is_reported = True
            report_run(self._make_run(), rest, errors=self._errors, line=self._line, words=_WORDS)
        if not self._has_chunk:
            self._has_chunk = True
            return rest
        return _End.END

    def _put(self, ready: Sequence[ReadyRow], is_over: bool) -> None:
        """Add rows that came, and make a frame of them once they fill a chunk or are the last ones."""
        self._is_over = is_over
        self._builder.put(ready)
        has_failed = self._errors == "raise" and any(each.has_failed for each in ready)
        if is_over or has_failed or len(self._rest) + self._builder.size >= self._chunksize:
            self._build()

    def _build(self) -> None:
        frame, rows, failed_row = self._builder.build()
        if failed_row is not None and self._errors == "raise":
            frame, self._has_failed = frame.iloc[: int(np.searchsorted(rows, failed_row))], True
            self._failed_row = failed_row
            self._sent.abandon()
        parts = [part for part in (self._rest, frame) if len(part)] or [frame]
        self._rest = parts[0] if len(parts) == 1 else pd.concat(_share_categories(*parts))

    def _collect_rest(self) -> pd.DataFrame:
        """Return the rows that came and that no chunk had."""
        self._builder.put(self._sent.take_unfinished())
        self._build()
        return self._rest


def _share_categories(before: pd.DataFrame, after: pd.DataFrame) -> list[pd.DataFrame]:
    """Return two frames whose categorical columns have the categories of both: else pandas makes them objects."""
    for name in [name for name, dtype in after.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]:
        if before[name].dtype != after[name].dtype and isinstance(before[name].dtype, pd.CategoricalDtype):
            both = pd.api.types.union_categoricals([before[name], after[name]]).dtype
            before, after = before.astype({name: both}), after.astype({name: both})
    return [before, after]

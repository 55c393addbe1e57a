"""Writes the records of a call to a folder of Parquet parts; the same call again goes on where it stopped.

Invariant: a part holds whole answers, so that its line can say which request follows. Nothing is sent before the folder
is checked, and at most one part of records and the requests in flight are not on disk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.models import Outcome
from pandas_async_io._core.storage.manifest import ResumePoint
from pandas_async_io._core.table.readers.arrow import import_pyarrow
from pandas_async_io._core.table.stream.first_columns import FirstColumns
from pandas_async_io._core.workflow.paging.workflow import PagingWorkflow
from pandas_async_io._io import progress
from pandas_async_io._io.bridge import interrupt
from pandas_async_io._io.storage.part_folder import PartFolder
from pandas_async_io.call.assemble.attach import ReportWords, report_run
from pandas_async_io.call.prepare.store import check_store
from pandas_async_io.call.stream.chunk_builder import ChunkBuilder
from pandas_async_io.call.stream.job_description import describe_job
from pandas_async_io.call.stream.parquet_parts import ParquetParts
from pandas_async_io.call.stream.part_writer import PartWriter
from pandas_async_io.call.stream.resume_point import continue_call, make_page_point
from pandas_async_io.call.stream.streamed_call import StreamedCall

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.table.stream.record_stream import ReadyRow
    from pandas_async_io._core.workflow.paging.chain import Chain
    from pandas_async_io.call.prepare.prepared_call import PreparedCall

DEFAULT_PART_ROWS = 100_000
"""Rows of a part without ``chunksize``."""

_UNSENT = (Outcome.NOT_ATTEMPTED, Outcome.BUDGET_EXHAUSTED, Outcome.CANCELLED)
"""Outcomes of rows that another run can still send; they stop a job, whatever ``errors`` is."""


def write_parquet(prepared: PreparedCall, path: str | os.PathLike[str]) -> ParquetParts:
    """Send a call and write its records to a folder.

    Raises
    ------
    PlanError
        The folder cannot be used, or belongs to another call.
    FetchError
        A row failed and ``errors="raise"``, or was not sent; the parts hold those before it.
    DriftError
        The records of a part do not fit the first part.
    OSError
        The disk is full or gone.
    """
    import_pyarrow()
    check_store(prepared)
    folder = PartFolder(path, describe_job(prepared))
    try:
        manifest = folder.manifest
        report = None if manifest.done else _ParquetJob(prepared, folder).run()
    finally:
        folder.close()
    return _list_parts(folder, report)


def _list_parts(folder: PartFolder, report: Any = None) -> ParquetParts:
    lines = folder.manifest.parts
    names = tuple(folder.path / line.part for line in lines if line.part is not None)
    return ParquetParts(folder.path, names, sum(line.rows for line in lines), sum(line.bytes for line in lines), report)


class _ParquetJob:
    """One run of a job.

    Parameters
    ----------
    prepared : PreparedCall
        The whole call.
    folder : PartFolder
        Where its parts are.
    """

    def __init__(self, prepared: PreparedCall, folder: PartFolder) -> None:
        self._folder = folder
        manifest = folder.manifest
        self._start = manifest.next.row
        call = continue_call(prepared, manifest.next)
        self._size = prepared.options.chunksize or DEFAULT_PART_ROWS
        self._sent = StreamedCall(call, self._size, is_written=True)
        first = FirstColumns.from_json(manifest.columns) if manifest.columns else None
        self._builder = ChunkBuilder(self._sent.call, self._sent.outcomes, first)
        self._writer = PartWriter(folder, prepared)
        self._call = self._sent.call
        page = manifest.next.page
        self._open_row = (0, page.number, page.records) if page else (-1, 1, 0)
        self._failed_row = 0
        self._chains: dict[int, Chain] = {}
        self._words = ReportWords(
            f"The parts before it stay in {str(folder.path)!r}: the same call goes on after them",
            "Their rows are in the parts, without records",
            "See .report of the result",
        )

    def run(self) -> Any:
        """Send what is missing and write it; return the report."""
        client, bar = self._call.client, progress.ProgressBar(self._call.options.progress, self._sent.read_state)
        try:
            is_over = False
            while not is_over:
                ready, is_over = client.run_blocking(self._take, progress.draw_bars)
                with interrupt.defer_interrupt() as presses:
                    self._write(ready, is_over=is_over)
                if presses:
                    raise KeyboardInterrupt  # noqa: TRY301 - handled as one that came while it waited
        except KeyboardInterrupt as stopped:
            self._sent.abandon()
            self._write_unfinished()
            stopped.add_note(f"The same call goes on after the parts in {str(self._folder.path)!r}")
            raise interrupt.attach_partial(_list_parts(self._folder), stopped) from None
        except OSError as error:
            error.add_note(f"The parts in {str(self._folder.path)!r} are complete: the same call goes on after them")
            raise
        finally:
            bar.close()
            self._sent.abandon()
            if self._sent.is_sending:
                client.run_blocking(self._sent.stop)
        run = replace(self._sent.make_run(), **self._builder.findings)
        report_run(run, pd.DataFrame(), errors=self._call.options.errors, words=self._words)
        return run.report()

    async def _take(self) -> tuple[list[ReadyRow], bool]:
        """Take the rows of a part, on the client's loop; a chain is looked up before it goes on."""
        ready, is_over = await self._sent.take(self._size)
        self._note_chains(ready)
        return ready, is_over

    def _write_unfinished(self) -> None:
        """Write the rows that came before an interrupt, if it lost none between them and the last part."""
        ready, page = self._sent.take_unfinished(), self._folder.manifest.next.page
        if not ready or self._start + ready[0].row != self._folder.manifest.next.row:
            return
        numbers = [number for number, _ in ready[0].pages[:1]]
        if ready[0].is_first if page is None else numbers == [page.number]:
            self._note_chains(ready)
            self._write(ready, is_over=False, may_raise=False)

    def _note_chains(self, ready: Sequence[ReadyRow]) -> None:
        workflow = self._sent.workflow
        if isinstance(workflow, PagingWorkflow):
            found = {each.position: workflow.find_chain(each.position) for each in ready if _is_open(each)}
            self._chains = {position: chain for position, chain in found.items() if chain is not None}

    def _write(self, ready: list[ReadyRow], *, is_over: bool, may_raise: bool = True) -> None:
        """Write rows that came as one part, up to the first one that ends the job."""
        ready, has_stopped = self._cut_at_failure(ready)
        if ready:
            self._builder.put(ready)
            built = self._builder.build()
            if built.failed_row is not None and self._call.options.errors == "raise" and not has_stopped:
                # its records do not fit the schema: the part is fetched again
                has_stopped, self._failed_row = True, built.failed_row
            else:
                rows = self._start + ready[0].row, self._start + ready[-1].row
                self._writer.write(built.frame, rows, self._find_next(ready[-1], built.rows), self._builder.first)
        if is_over and not has_stopped:
            self._writer.finish()
        if has_stopped and may_raise:
            self._sent.abandon()
            run = replace(self._sent.make_run(self._failed_row + 1), **self._builder.findings)
            report_run(run, pd.DataFrame(), errors="raise", words=self._words)

    def _cut_at_failure(self, ready: list[ReadyRow]) -> tuple[list[ReadyRow], bool]:
        """Return the rows before the first one that ends the job, with the pages of that one that came in order."""
        outcomes = self._sent.outcomes
        for at, each in enumerate(ready):
            is_unsafe = each.row in outcomes.expansion.unsafe
            if not each.has_failed and not is_unsafe:
                continue
            unsent = each.has_failed and outcomes.outcome_of(each.position) in _UNSENT
            if self._call.options.errors != "raise" and not unsent:
                continue
            self._failed_row = each.row
            pages: list[tuple[int, Any]] = []
            number = self._open_row[1] if self._open_row[0] == each.row else 1
            for page in each.pages:
                if page[0] == number > 0 and each.position in self._chains:
                    pages.append(page)
                    number += 1
            kept = [each._replace(pages=pages, is_last=False, has_failed=False)] if pages else []
            return [*ready[:at], *kept], True
        return ready, False

    def _find_next(self, last: ReadyRow, rows: Positions) -> ResumePoint:
        """Return what follows the last row of a part."""
        if last.is_last:
            self._open_row = -1, 1, 0
            return ResumePoint(self._start + last.row + 1)
        before = self._open_row[2] if self._open_row[0] == last.row else 0
        records, number = before + int((rows == last.row).sum()), last.pages[-1][0] + 1
        self._open_row = last.row, number, records
        page = make_page_point(self._call, self._chains[last.position], number, records)
        if page is None:
            raise ValueError(f"page {number} of row {last.row} was not requested")
        return ResumePoint(self._start + last.row, page)


def _is_open(ready: ReadyRow) -> bool:
    return ready.has_failed or not ready.is_last

"""Frames of the rows that came, each with the columns and dtypes of the first one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from pandas_async_io._core.table.columns.collected import CollectedBlocks
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.columns.frames import flatten_payloads
from pandas_async_io._core.table.output.join import align_records
from pandas_async_io._core.table.records.missing_paths import NO_MISSING_PATHS
from pandas_async_io._core.table.stream.first_columns import FirstColumns
from pandas_async_io.call.assemble.output import build_columns, join_records
from pandas_async_io.call.workflow import record_shape
from pandas_async_io.options import FetchOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.table.columns.blocks import Block
    from pandas_async_io._core.table.columns.columns import Columns
    from pandas_async_io._core.table.stream.record_stream import ReadyRow
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


class BuiltRows(NamedTuple):
    """Some rows of the output.

    Attributes
    ----------
    frame : DataFrame
        The rows.
    rows : array of int64
        The input row of each.
    failed_row : int or None
        The first input row among them that failed.
    """

    frame: pd.DataFrame
    rows: Positions
    failed_row: int | None


class ChunkBuilder:
    """Collects the rows that came, and makes a frame of them when there are enough.

    Parameters
    ----------
    call : PreparedCall
        What was sent.
    outcomes : Outcomes
        Takes the requests whose records do not fit the schema.
    first : FirstColumns, optional
        The columns of an earlier run.

    Attributes
    ----------
    size : int
        Rows of the output that were put and not built.
    first : FirstColumns or None
        The columns of the first frame.
    findings : dict of str to object
        What a run says of the columns so far.
    """

    def __init__(self, call: PreparedCall, outcomes: Outcomes, first: FirstColumns | None = None) -> None:
        self._call, self._outcomes, self.first = call, outcomes, first
        self._shape = record_shape(call)
        self._ready: list[ReadyRow] = []
        self._answers: list[int] = []
        self._positions: list[int] = []
        self._blocks: list[Block] = []
        self._payload_answers: list[int] = []
        self._payload_pages: list[int] = []
        self._partial_row_has_records = False
        self._records = self._rows = 0
        self.findings: dict[str, Any] = {}
        self._lacks_paths = True
        self.size = 0

    def put(self, ready: Sequence[ReadyRow]) -> None:
        """Add rows that came, in order."""
        base, payloads = len(self._positions), []
        answers: dict[int, int] = {}
        for each in ready:
            answer = answers.get(each.position, -1)
            if each.position >= 0 and answer < 0:
                answer = answers[each.position] = base + len(answers)
                self._positions.append(each.position)
                for number, payload in each.pages:
                    payloads.append(payload)
                    self._payload_answers.append(answer)
                    self._payload_pages.append(number)
            self._ready.append(each)
            self._answers.append(answer)
        blocks = list(flatten_payloads(payloads, self._shape))
        self._blocks += blocks
        counts = np.zeros(len(answers) + 1, np.int64)
        at = np.array(self._payload_answers[len(self._payload_answers) - len(payloads) :], np.int64) - base
        np.add.at(counts, at, np.concatenate([np.empty(0, np.int64), *(block.counts for block in blocks)]))
        own = np.array(self._answers[len(self._answers) - len(ready) :], np.int64)
        sizes = counts[np.where(own < 0, -1, own - base)]
        self.size += int((np.maximum(sizes, 1) if self._call.options.how == "left" else sizes).sum())

    def build(self) -> BuiltRows:
        """Return the rows that were put since the last time.

        Raises
        ------
        DriftError
            They do not fit the first frame's columns.
        """
        call, options = self._call, self._call.options
        blocks = self._blocks or [flatten([], self._shape)]
        collected = CollectedBlocks(
            blocks,
            np.array(self._payload_answers, np.int64),
            np.array(self._payload_pages, np.int64),
            len(self._positions),
        )
        columns = build_columns(options, call.schema, collected, nullable=True)
        positions = self._positions
        failures = {positions[answer]: error for answer, error in columns.failures.items()}
        self._outcomes.mark_parse_errors(failures)
        self._note_findings(columns)
        columns = self._conform(columns)
        input_rows, answers = self._select_rows(columns.counts)
        rows, take = align_records(answers, columns.counts, how=options.how)
        source = call.frame.iloc[input_rows]
        output_rows = input_rows if rows is None else input_rows[rows]
        frame = join_records(source, options, columns, rows=rows if options.join else output_rows, take=take)
        if not (options.join and isinstance(options, FetchOptions)):
            frame.index = pd.RangeIndex(self._rows, self._rows + len(frame))
        self._rows += len(frame)
        failed = [each.row for each in self._ready if each.has_failed or each.position in failures]
        failed += [each.row for each in self._ready if each.row in self._outcomes.expansion.unsafe]
        self._clear()
        return BuiltRows(frame, output_rows, min(failed, default=None))

    def _note_findings(self, columns: Columns) -> None:
        """Note which columns no record has so far, and which ones are infinite or of several types."""
        before, has_records = self.findings, bool(columns.counts.any())
        self._lacks_paths = self._lacks_paths and columns.missing_paths.is_error
        missing = before.get("missing_columns", columns.missing_columns)
        self.findings = {
            "missing_columns": tuple(each for each in missing if each in columns.missing_columns or not has_records),
            "missing_paths": columns.missing_paths if self._lacks_paths else NO_MISSING_PATHS,
            "infinite": tuple(dict.fromkeys([*before.get("infinite", ()), *columns.infinite])),
            "drifted": {**before.get("drifted", {}), **columns.drifted},
        }

    def _conform(self, columns: Columns) -> Columns:
        size = int(columns.counts.sum())
        if self.first is not None:
            columns = self.first.conform(columns, self._records)
        elif size:
            self.first = FirstColumns.of(columns, self._call.schema)
        self._records += size
        return columns

    def _select_rows(self, counts: NDArray[np.int64]) -> tuple[Positions, Positions]:
        """Return the input rows to show and the answer of each: a row of pages shows up once if it has no record."""
        rows, answers = [], []
        for each, answer in zip(self._ready, self._answers, strict=True):
            count = int(counts[answer]) if answer >= 0 else 0
            had_records = self._partial_row_has_records and not each.is_first
            self._partial_row_has_records = had_records or count > 0
            if count or (each.is_last and not had_records):
                rows.append(each.row)
                answers.append(answer)
        return np.array(rows, np.int64), np.array(answers, np.int64)

    def _clear(self) -> None:
        self._ready, self._answers, self._positions, self._blocks = [], [], [], []
        self._payload_answers, self._payload_pages = [], []
        self.size = 0

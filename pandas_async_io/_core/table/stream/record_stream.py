"""Payloads in the order of the rows, and which requests may start while a reader takes them.

Invariant: at most about two chunks of records are held, one if they are written: those that came, and those that the
requests in flight are expected to bring. The request that the reader waits for may always go on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from pandas_async_io._core.json_path import find_values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.table.records.shape import Shape

_MAX_CHUNKS = 2
"""Chunks of records that are held at the same time."""


class Signal(Protocol):
    """What a reader waits for, as an `asyncio.Event`."""

    def set(self) -> None:
        """Let the reader look again."""


class ReadyRow(NamedTuple):
    """What came for one row.

    Attributes
    ----------
    row, position : int
        Of the row in its frame, and of its request; -1 if the row has none.
    pages : sequence of (int, object)
        Number and payload of each page, in order; the number is 0 if the call does not page.
    is_first, is_last : bool
        Whether no page of the row was taken before, and whether none follows.
    has_failed : bool
        Whether the row's request ended without all of its records.
    """

    row: int
    position: int
    pages: Sequence[tuple[int, Any]]
    is_first: bool = True
    is_last: bool = True
    has_failed: bool = False


@dataclass(slots=True)
class _Answer:
    """The pages of one position. Those before ``next_page`` follow one another, with ``counted`` records left."""

    pages: dict[int, tuple[Any, int]] = field(default_factory=dict)
    next_page: int = 1
    counted: int = 0
    is_complete: bool = False
    has_failed: bool = False


class RecordStream:
    """Takes payloads in any order and gives them out by row.

    It is a collector, as `PageCollector` for paging and as `PayloadCollector` for the others, and the window of
    the engine.

    Parameters
    ----------
    row_to_position : array of int64, shape (rows,)
        The request of each row, -1 for none.
    requests : int
        How many positions there are.
    shape : Shape
        Where the records are.
    chunksize : int
        Records of a chunk.
    keeps_rows : bool
        Whether a row without records counts as one.
    counts_steps : bool
        Whether a request that has its result is no longer in flight; False: its job runs on until it is complete.
    is_written : bool
        Whether the reader writes what it takes: those records are held until `release`, and one chunk in all.

    Examples
    --------
    >>> from pandas_async_io._core.table.records.shape import Shape
    >>> stream = RecordStream(np.array([0, 1]), 2, Shape(), 10)
    >>> stream.add(1, {"a": 2})
    >>> stream.ready, stream.take(10)
    (0, [])
    >>> stream.add(0, {"a": 1})
    >>> stream.ready, [ready.row for ready in stream.take(10)]
    (2, [0, 1])
    """

    def __init__(
        self,
        row_to_position: Positions,
        requests: int,
        shape: Shape,
        chunksize: int,
        *,
        keeps_rows: bool = False,
        counts_steps: bool = True,
        is_written: bool = False,
    ) -> None:
        self.shape, self.requests = shape, requests
        self._positions, self._chunksize, self._counts_steps = row_to_position, chunksize, counts_steps
        self._least = int(keeps_rows)
        rows = np.arange(len(row_to_position))
        sent = row_to_position >= 0
        self._last_row = np.full(requests, -1, np.int64)
        self._last_row[row_to_position[sent]] = rows[sent]
        first = np.full(requests, -1, np.int64)
        first[row_to_position[sent][::-1]] = rows[sent][::-1]
        self._is_shared = first != self._last_row
        self._answers: dict[int, _Answer] = {}
        self._in_flight: Counter[int] = Counter()
        self._ended = self._came = self._waiting = 0
        self._is_written, self._taken = is_written, 0
        self._row = self._ready_row = 0
        self._pages_taken = False
        self.inspect: Callable[[Any], None] | None = None
        """As of `PayloadCollector`."""
        self.changed: Signal | None = None
        """Set whenever more records can be taken."""
        self.ready = 0
        """Records of the rows that can be taken."""
        self._advance()

    # The window of the engine

    def may_start(self, position: int) -> bool:
        """Return whether a request of a position may be sent now. A job that was submitted always goes on."""
        if not self._counts_steps and position in self._in_flight:
            return True
        expected = (self._in_flight.total() + 1) * (self._came / self._ended if self._ended else float(self._chunksize))
        chunks = 1 if self._is_written else _MAX_CHUNKS
        if self._waiting + self._taken + expected <= chunks * self._chunksize:
            return True
        if self._taken or self.ready >= self._chunksize:
            return False
        head = self._head()
        return not self._in_flight or (position == head and head not in self._in_flight)

    def start(self, position: int) -> None:
        """Note that a request of a position was taken to be sent; the requests of a job count as one."""
        self._in_flight[position] = self._in_flight[position] + 1 if self._counts_steps else 1

    def end_step(self, position: int) -> None:
        """Note that a request of a position has its result."""
        if self._counts_steps:
            self._end(position)

    def _end(self, position: int) -> None:
        self._in_flight[position] -= 1
        self._ended += 1
        if self._in_flight[position] <= 0:
            del self._in_flight[position]

    # The collector of the workflow

    def resume_at(self, position: int, number: int) -> None:
        """Set the first page that a position lacks: an earlier run has those before it."""
        self._answers[position] = _Answer(next_page=number)
        self._pages_taken = True

    def add(self, position: int, *page: Any) -> None:
        """Add a payload: ``add(position, number, payload)`` adds a page, ``add(position, payload)`` all there is."""
        number, payload = page if len(page) > 1 else (0, page[0])
        if self.inspect is not None:
            self.inspect(payload)
        records = 0 if payload is None else _estimate_records(payload, self.shape)
        self._came += records
        self._waiting += records
        self._answers.setdefault(position, _Answer()).pages[number] = payload, records
        if len(page) > 1:
            self._advance()
        else:
            self.complete(position)

    def complete(self, position: int) -> None:
        """Mark a position as complete: no page follows."""
        self._answers.setdefault(position, _Answer()).is_complete = True
        if not self._counts_steps:
            self._end(position)
        self._advance()

    def fail(self, position: int) -> None:
        """Mark a complete position as failed."""
        self._answers.setdefault(position, _Answer()).has_failed = True

    # The reader

    def take(self, records: int) -> list[ReadyRow]:
        """Return ready rows in order, until they hold `records` records or nothing is ready."""
        taken: list[ReadyRow] = []
        size = 0
        while size < records and self._row < self._ready_row:
            ready, count = self._take_row(int(self._positions[self._row]))
            taken.append(ready)
            size += count
            self._row, self._pages_taken = self._row + 1, False
        if size < records and self._row == self._ready_row and self._row < len(self._positions):
            size += self._take_pages(int(self._positions[self._row]), taken)
        self.ready -= size
        self._taken += size if self._is_written else 0
        return taken

    def release(self) -> None:
        """Note that what was taken is written."""
        self._taken = 0

    def _head(self) -> int:
        """Return the position that the reader waits for next; -1 if every row is ready."""
        return -1 if self._ready_row >= len(self._positions) else int(self._positions[self._ready_row])

    def _advance(self) -> None:
        """Count the records of the rows that became ready."""
        if self.changed is not None:
            self.changed.set()
        while self._ready_row < len(self._positions):
            position = int(self._positions[self._ready_row])
            answer = self._answers.get(position)
            if position >= 0 and answer is None:
                return
            if answer is not None and not answer.is_complete:
                if not self._is_shared[position]:
                    self._count_pages(answer)
                return
            self.ready += self._least if answer is None else self._size(answer) - answer.counted
            self._ready_row += 1

    def _count_pages(self, answer: _Answer) -> None:
        """Count the pages that follow one another from the first one that was not counted."""
        while answer.next_page in answer.pages:
            records = answer.pages[answer.next_page][1]
            self.ready += records
            answer.counted += records
            answer.next_page += 1

    def _size(self, answer: _Answer) -> int:
        """Return the records of an answer that are left."""
        return sum(records for _, records in answer.pages.values()) or self._least

    def _take_row(self, position: int) -> tuple[ReadyRow, int]:
        """Collect the remaining records of a row whose request is complete."""
        answer = self._answers.get(position)
        if answer is None:
            return ReadyRow(self._row, position, ()), self._least
        if self._last_row[position] <= self._row:
            del self._answers[position]
            self._waiting -= sum(records for _, records in answer.pages.values())
        pages = [(number, payload) for number, (payload, _) in sorted(answer.pages.items())]
        ready = ReadyRow(self._row, position, pages, not self._pages_taken, has_failed=answer.has_failed)
        return ready, self._size(answer)

    def _take_pages(self, position: int, taken: list[ReadyRow]) -> int:
        """Take the pages of a row of which others follow; return their records."""
        answer = self._answers.get(position)
        if answer is None or self._is_shared[position]:
            return 0
        numbers = sorted(number for number in answer.pages if number < answer.next_page)
        if not numbers:
            return 0
        pages = [answer.pages.pop(number) for number in numbers]
        payloads = [(number, payload) for number, (payload, _) in zip(numbers, pages, strict=True)]
        taken.append(ReadyRow(self._row, position, payloads, not self._pages_taken, is_last=False))
        self._pages_taken = True
        records = sum(records for _, records in pages)
        self._waiting -= records
        answer.counted -= records
        return records


def _estimate_records(payload: Any, shape: Shape) -> int:
    """Return how many records a payload seems to hold.

    Examples
    --------
    >>> from pandas_async_io._core.table.records.shape import Shape
    >>> _estimate_records({"data": [{}, {}]}, Shape(record_path=("data",))), _estimate_records({}, Shape())
    (2, 1)
    """
    found = find_values(payload, shape.record_path) if shape.record_path and isinstance(payload, dict) else [payload]
    return sum(len(each) if isinstance(each, list | pd.DataFrame) else 1 for each in found)

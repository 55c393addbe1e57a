"""Payloads → columns, in blocks, while others are still in flight."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.columns import Block, Columns, concat
from pandas_async_io._core.table.flatten import flatten
from pandas_async_io._core.table.frames import blocks

if TYPE_CHECKING:
    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.table.shape import Shape

BLOCK = 2_000
"""Payloads that are flattened together and then let go."""

CHAINS = 50
"""Positions of many pages that are flattened together."""

SEGMENT = 100
"""Pages of one position that are flattened before its others have come."""


class Answers:
    """Collects the payloads of a run by position and flattens each block that is complete.

    Blocks are ranges of positions, so the columns' order does not depend on which
    answer came first.

    Parameters
    ----------
    requests : int
        How many payloads there will be.
    shape : Shape
        Where their records are.
    """

    def __init__(self, requests: int, shape: Shape) -> None:
        self._requests = requests
        self._shape = shape
        self._open: dict[int, list[Any]] = {}
        self._missing: dict[int, int] = {}
        self._blocks: dict[int, list[Block]] = {}

    def put(self, position: int, payload: Any) -> None:
        """Take one payload; None holds no records."""
        number, at = divmod(position, BLOCK)
        payloads = self._open.get(number)
        if payloads is None:
            size = self._size(number)
            payloads = self._open[number] = [None] * size
            self._missing[number] = size
        payloads[at] = payload
        self._missing[number] -= 1
        if not self._missing[number]:
            self._blocks[number] = list(blocks(self._open.pop(number), self._shape))

    def columns(self, *, nullable: bool) -> Columns:
        """Return all columns; what is missing holds no records. Ends the collection."""
        for number in range(-(-self._requests // BLOCK)):
            if number not in self._blocks:
                payloads = self._open.pop(number, [None] * self._size(number))
                self._blocks[number] = list(blocks(payloads, self._shape))
        made = list(chain.from_iterable(self._blocks[number] for number in sorted(self._blocks)))
        # Without a request the columns that were asked for appear all the same.
        return concat(made or [flatten([], self._shape)], nullable=nullable)

    def _size(self, number: int) -> int:
        return min(BLOCK, self._requests - number * BLOCK)


@dataclass(slots=True)
class _Pages:
    """The pages of one position: those that wait to be flattened, and the parts that were."""

    waiting: dict[int, Any] = field(default_factory=dict)
    begin: int = 1
    end: int = 1
    """The pages from ``begin`` to before ``end`` are waiting, none is missing."""
    parts: list[_Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """Some pages, flattened: whose they are, and their blocks."""

    pages: list[tuple[int, int]]
    blocks: list[Block]


class PagedAnswers:
    """Collects pages by position and number, and flattens them in that order, whenever they come.

    Parameters
    ----------
    requests : int
        How many positions there will be.
    shape : Shape
        Where a page's records are.

    Attributes
    ----------
    pages : array of int64, shape (records,)
        From which page of its position each record came, once there are columns.

    Examples
    --------
    >>> from pandas_async_io._core.shape import Shape
    >>> answers = PagedAnswers(2, Shape())
    >>> for position, number, payload in [(1, 1, [{"a": 4}]), (0, 2, [{"a": 3}]), (0, 1, [{"a": 1}, {"a": 2}])]:
    ...     answers.put(position, number, payload)
    >>> columns = answers.columns(nullable=False)
    >>> columns.arrays["a"].tolist(), columns.counts.tolist(), answers.pages.tolist()
    ([1, 2, 3, 4], [3, 1], [1, 1, 2, 1])
    """

    def __init__(self, requests: int, shape: Shape) -> None:
        self.shape = shape
        self.pages: Positions = np.empty(0, np.int64)
        self.requests = requests
        self._open: dict[int, _Pages] = {}
        self._unclosed: dict[int, int] = {}
        self._parts: dict[int, list[_Part]] = {}

    def open(self, position: int, number: int) -> None:
        """Take note of the first page that a position lacks: those before it came in an earlier run."""
        self._open[position] = _Pages(begin=number, end=number)

    def put(self, position: int, number: int, payload: Any) -> None:
        """Take one page."""
        mine = self._open.setdefault(position, _Pages())
        mine.waiting[number] = payload
        while mine.end in mine.waiting:
            mine.end += 1
        if mine.end - mine.begin >= SEGMENT:
            numbers = range(mine.begin, mine.end)
            mine.parts.append(self._flat([(position, each, mine.waiting.pop(each)) for each in numbers]))
            mine.begin = mine.end

    def close(self, position: int) -> None:
        """Take note that a position's pages are all there."""
        group = position // CHAINS
        left = self._unclosed.get(group, min(CHAINS, self.requests - group * CHAINS)) - 1
        self._unclosed[group] = left
        if not left:
            self._parts[group] = self._group(group)

    def columns(self, *, nullable: bool) -> Columns:
        """Return all columns, counted by position. Ends the collection."""
        for group in {position // CHAINS for position in self._open}:
            self._parts[group] = self._group(group)
        parts = list(chain.from_iterable(self._parts[group] for group in sorted(self._parts)))
        made = list(chain.from_iterable(part.blocks for part in parts))
        found = concat(made or [flatten([], self.shape)], nullable=nullable)
        pages = np.array([page for part in parts for page in part.pages], dtype=np.int64).reshape(-1, 2)
        counts = np.zeros(self.requests, dtype=np.int64)
        np.add.at(counts, pages[:, 0], found.counts)
        self.pages = np.repeat(pages[:, 1], found.counts)
        failures: dict[int, ParseError] = {}
        for at, error in sorted(found.failures.items()):
            position, number = pages[at].tolist()
            failures.setdefault(position, ParseError(f"page {number}: {error}"))
        return replace(found, counts=counts, failures=failures)

    def _group(self, group: int) -> list[_Part]:
        """Flatten what waits at some positions that follow each other; a position with parts comes in between."""
        parts: list[_Part] = []
        waiting: list[tuple[int, int, Any]] = []
        for position in range(group * CHAINS, (group + 1) * CHAINS):
            mine = self._open.pop(position, None)
            if mine is None:
                continue
            if mine.parts:
                parts += [self._flat(waiting)] if waiting else []
                parts += mine.parts
                waiting = []
            waiting += [(position, number, mine.waiting[number]) for number in sorted(mine.waiting)]
        return [*parts, self._flat(waiting)] if waiting else parts

    def _flat(self, pages: list[tuple[int, int, Any]]) -> _Part:
        found = list(blocks([payload for *_, payload in pages], self.shape))
        return _Part([(position, number) for position, number, _ in pages], found)

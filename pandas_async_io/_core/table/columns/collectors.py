"""Collect payloads and flatten them in blocks, while other requests are in flight.

Invariant: rows and columns do not depend on which response comes first. A payload that was added is in the columns,
also when an exception (Ctrl-C) ended the flattening of its block: payloads are released after their block is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.table.columns.collected import CollectedBlocks
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.columns.frames import flatten_payloads

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.table.columns.blocks import Block
    from pandas_async_io._core.table.columns.columns import Columns
    from pandas_async_io._core.table.records.shape import Shape

BLOCK_PAYLOADS = 2_000
"""Payloads that are flattened together and then released."""

GROUP_POSITIONS = 50
"""Positions of many pages that are flattened together."""

SEGMENT_PAGES = 100
"""Consecutive pages of one position that are flattened before its others arrive."""


class PayloadCollector:
    """Collects one payload per position and flattens each block that is complete.

    Parameters
    ----------
    requests : int
        How many payloads there will be.
    shape : Shape
        Where their records are.

    Attributes
    ----------
    inspect : callable or None
        Takes each payload that is added, until it is set to None.
    """

    def __init__(self, requests: int, shape: Shape) -> None:
        self.inspect: Callable[[Any], None] | None = None
        self._requests = requests
        self._shape = shape
        self._incomplete: dict[int, list[Any]] = {}
        self._outstanding: dict[int, int] = {}
        self._blocks: dict[int, list[Block]] = {}

    def add(self, position: int, payload: Any) -> None:
        """Add one payload; None holds no records."""
        if self.inspect is not None:
            self.inspect(payload)
        number, at = divmod(position, BLOCK_PAYLOADS)
        payloads = self._incomplete.get(number)
        if payloads is None:
            size = self._block_size(number)
            payloads = self._incomplete[number] = [None] * size
            self._outstanding[number] = size
        payloads[at] = payload
        self._outstanding[number] -= 1
        if not self._outstanding[number]:
            self._blocks[number] = list(flatten_payloads(payloads, self._shape))
            del self._incomplete[number]

    def build_columns(self, *, nullable: bool) -> Columns:
        """Return all columns and end the collection; a payload that never came holds no records."""
        return self.collect().build_columns(nullable=nullable)[0]

    def collect(self) -> CollectedBlocks:
        """Return all blocks and end the collection."""
        for number in range(-(-self._requests // BLOCK_PAYLOADS)):
            if number not in self._blocks:
                payloads = self._incomplete.pop(number, [None] * self._block_size(number))
                self._blocks[number] = list(flatten_payloads(payloads, self._shape))
        blocks = list(chain.from_iterable(self._blocks[number] for number in sorted(self._blocks)))
        # Without a request there are still the columns of columns=.
        blocks = blocks or [flatten([], self._shape)]
        return CollectedBlocks(blocks, np.arange(self._requests), np.zeros(self._requests, np.int64), self._requests)

    def _block_size(self, number: int) -> int:
        return min(BLOCK_PAYLOADS, self._requests - number * BLOCK_PAYLOADS)


@dataclass(slots=True)
class _PositionPages:
    """The pages of one position: those that wait to be flattened, and the flattened parts."""

    waiting: dict[int, Any] = field(default_factory=dict)
    begin: int = 1
    end: int = 1
    """The pages from ``begin`` to before ``end`` are all waiting."""
    parts: list[_Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """Flattened pages: the position and number of each, and their blocks."""

    pages: list[tuple[int, int]]
    blocks: list[Block]


class PageCollector:
    """Collects pages by position and number, and flattens them in that order, in whatever order they arrive.

    Parameters
    ----------
    requests : int
        How many positions there will be.
    shape : Shape
        Where a page's records are.

    Attributes
    ----------
    pages : array of int64, shape (records,)
        The page of its position that each record came from; set by `build_columns`.
    inspect : callable or None
        As in `PayloadCollector`.

    Examples
    --------
    >>> from pandas_async_io._core.table.records.shape import Shape
    >>> collector = PageCollector(2, Shape())
    >>> for position, number, payload in [(1, 1, [{"a": 4}]), (0, 2, [{"a": 3}]), (0, 1, [{"a": 1}, {"a": 2}])]:
    ...     collector.add(position, number, payload)
    >>> columns = collector.build_columns(nullable=False)
    >>> columns.arrays["a"].tolist(), columns.counts.tolist(), collector.pages.tolist()
    ([1, 2, 3, 4], [3, 1], [1, 1, 2, 1])
    """

    def __init__(self, requests: int, shape: Shape) -> None:
        self.inspect: Callable[[Any], None] | None = None
        self.shape = shape
        self.pages: Positions = np.empty(0, np.int64)
        self.requests = requests
        self._incomplete: dict[int, _PositionPages] = {}
        self._outstanding: dict[int, int] = {}
        self._parts: dict[int, list[_Part]] = {}

    def resume_at(self, position: int, number: int) -> None:
        """Set the first page that a position lacks: an earlier run has those before it."""
        self._incomplete[position] = _PositionPages(begin=number, end=number)

    def add(self, position: int, number: int, payload: Any) -> None:
        """Add one page."""
        if self.inspect is not None:
            self.inspect(payload)
        pages = self._incomplete.setdefault(position, _PositionPages())
        pages.waiting[number] = payload
        while pages.end in pages.waiting:
            pages.end += 1
        if pages.end - pages.begin >= SEGMENT_PAGES:
            numbers = range(pages.begin, pages.end)
            part = self._flatten([(position, each, pages.waiting[each]) for each in numbers])
            pages.parts, pages.begin = [*pages.parts, part], pages.end  # no call in between that Ctrl-C could end
            for each in numbers:
                del pages.waiting[each]

    def complete(self, position: int) -> None:
        """Mark a position as complete: no page follows."""
        group = position // GROUP_POSITIONS
        group_size = min(GROUP_POSITIONS, self.requests - group * GROUP_POSITIONS)
        outstanding = self._outstanding.get(group, group_size) - 1
        self._outstanding[group] = outstanding
        if not outstanding:
            self._close_group(group)

    def build_columns(self, *, nullable: bool) -> Columns:
        """Return all columns, with counts by position, and end the collection."""
        columns, self.pages = self.collect().build_columns(nullable=nullable)
        return columns

    def collect(self) -> CollectedBlocks:
        """Return all blocks and end the collection."""
        for group in {position // GROUP_POSITIONS for position in self._incomplete} - set(self._parts):
            self._close_group(group)
        parts = list(chain.from_iterable(self._parts[group] for group in sorted(self._parts)))
        blocks = list(chain.from_iterable(part.blocks for part in parts))
        pages = np.array([page for part in parts for page in part.pages], dtype=np.int64).reshape(-1, 2)
        return CollectedBlocks(blocks or [flatten([], self.shape)], pages[:, 0], pages[:, 1], self.requests)

    def _close_group(self, group: int) -> None:
        self._parts[group] = self._flatten_group(group)
        for position in _positions_of(group):
            self._incomplete.pop(position, None)

    def _flatten_group(self, group: int) -> list[_Part]:
        """Flatten the waiting pages of consecutive positions; the parts of a position keep its place among them."""
        parts: list[_Part] = []
        waiting: list[tuple[int, int, Any]] = []
        for position in _positions_of(group):
            pages = self._incomplete.get(position)
            if pages is None:
                continue
            if pages.parts:
                parts += [self._flatten(waiting)] if waiting else []
                parts += pages.parts
                waiting = []
            numbers = sorted(number for number in pages.waiting if number >= pages.begin)
            waiting += [(position, number, pages.waiting[number]) for number in numbers]
        return [*parts, self._flatten(waiting)] if waiting else parts

    def _flatten(self, pages: list[tuple[int, int, Any]]) -> _Part:
        blocks = list(flatten_payloads([payload for *_, payload in pages], self.shape))
        return _Part([(position, number) for position, number, _ in pages], blocks)


def _positions_of(group: int) -> range:
    return range(group * GROUP_POSITIONS, (group + 1) * GROUP_POSITIONS)

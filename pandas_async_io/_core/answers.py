"""Payloads → columns, in blocks, while others are still in flight."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.columns import Block, Columns, concat
from pandas_async_io._core.flatten import flatten
from pandas_async_io._core.tables import blocks

if TYPE_CHECKING:
    from pandas_async_io._core.shape import Shape

BLOCK = 2_000
"""Payloads that are flattened together and then let go."""


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

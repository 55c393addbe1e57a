"""The flattened payloads of a run, by position and page, before they become columns.

Invariant: they keep the type of each cell, and null apart from missing, so that those of two runs make the same
columns as if one run had collected them all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.columns.columns import Columns, concat_blocks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.table.columns.blocks import Block


@dataclass(frozen=True, slots=True)
class CollectedBlocks:
    """The payloads of a run.

    Attributes
    ----------
    blocks : sequence of Block
        At least one.
    positions, pages : array of int64, shape (payloads,)
        The position of each payload, and its page; 0 if the run does not page.
    requests : int
        How many positions there are.
    """

    blocks: Sequence[Block]
    positions: Positions
    pages: Positions
    requests: int

    def copy(self) -> CollectedBlocks:
        """Return a copy that is left when the columns of this one are built; it shares the cells."""
        copies = [replace(block, columns=dict(block.columns), meta=dict(block.meta)) for block in self.blocks]
        return replace(self, blocks=copies)

    def build_columns(self, *, nullable: bool, text_columns: Collection[str] = ()) -> tuple[Columns, Positions]:
        """Return the columns, by position and page, and the page of each record; once, to save memory.

        Parameters
        ----------
        nullable, text_columns
            As in `concat_blocks`.
        """
        columns = concat_blocks(self.blocks, nullable=nullable, text_columns=text_columns)
        positions, pages, counts = self.positions, self.pages, columns.counts
        arrays = columns.arrays
        if not _are_sorted(positions, pages):
            order = np.lexsort((pages, positions))
            starts = np.cumsum(counts) - counts
            positions, pages, counts = positions[order], pages[order], counts[order]
            offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            take = np.repeat(starts[order], counts) + offsets
            arrays = {name: array.take(take) for name, array in arrays.items()}
        totals = np.bincount(positions, weights=counts, minlength=self.requests).astype(np.int64)
        failures: dict[int, ParseError] = {}
        for at, error in sorted(columns.failures.items()):
            position, page = int(self.positions[at]), int(self.pages[at])
            failures.setdefault(position, ParseError(f"page {page}: {error}") if page else error)
        return replace(columns, arrays=arrays, counts=totals, failures=failures), np.repeat(pages, counts)


def _are_sorted(positions: Positions, pages: Positions) -> bool:
    steps = np.diff(positions)
    return bool(((steps > 0) | ((steps == 0) & (np.diff(pages) >= 0))).all())

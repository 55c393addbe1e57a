"""The payloads of a run and of its `retry_failed` → those of one run.

Invariant: the columns of the result have the names, the order and the types that a run without failures gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pandas_async_io._core.table.columns.blocks import MISSING, Block, Chunk, make_chunk, missing_chunk
from pandas_async_io._core.table.columns.collected import CollectedBlocks
from pandas_async_io._core.table.columns.infinite import find_infinite_columns
from pandas_async_io._core.table.columns.messages import find_messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas_async_io._core.arrays import Mask, Positions


def merge_blocks(
    old: CollectedBlocks,
    new: CollectedBlocks,
    row_to_request: Positions,
    *,
    resumed: Mapping[int, int],
    are_columns_given: bool,
) -> CollectedBlocks:
    """Return the payloads of two runs as one; the positions of the new one are numbered after the old ones.

    Parameters
    ----------
    old, new : CollectedBlocks
        Of the first run, and of the run that sent the failed rows again.
    row_to_request : array of int64, shape (rows,)
        The position of each input row, -1 for none. Payloads of other positions are left out.
    resumed : mapping of int to int
        Old positions whose pages stay, and the merged position of the new run that has the missing pages.
    are_columns_given : bool
        Whether ``columns=`` gives the columns and their order, and not the records.
    """
    numbers = np.arange(old.requests)
    numbers[list(resumed)] = list(resumed.values())
    positions = np.concatenate([numbers[old.positions], new.positions + old.requests])
    pages = np.concatenate([old.pages, new.pages])
    used = np.isin(positions, row_to_request)
    blocks, start = [], 0
    for block in (*old.blocks, *new.blocks):
        end = start + len(block.counts)
        if used[start:end].any():
            blocks.append(_select_payloads(block, used[start:end], drops_columns=not are_columns_given))
        start = end
    merged = CollectedBlocks(blocks or list(new.blocks), positions[used], pages[used], old.requests + new.requests)
    if are_columns_given or not blocks:
        return merged
    names = _order_columns(merged, row_to_request)
    first = Block({name: missing_chunk(0) for name in names}, {}, np.empty(0, np.int64), {})
    return CollectedBlocks([first, *blocks], merged.positions, merged.pages, merged.requests)


def _select_payloads(block: Block, used: Mask, *, drops_columns: bool) -> Block:
    """Return a block without the payloads that are not used, and without the columns that only they have."""
    if used.all():
        return block
    keep = np.repeat(used, block.counts)
    columns = {name: _select_records(chunk, keep) for name, chunk in block.columns.items()}
    if drops_columns:
        columns = {name: chunk for name, chunk in columns.items() if not _is_missing(chunk)}
    meta = {name: _select_records(chunk, keep) for name, chunk in block.meta.items()}
    numbers = np.cumsum(used) - 1
    failures = {int(numbers[at]): error for at, error in block.failures.items() if used[at]}
    infinite = block.infinite & (find_infinite_columns(columns) | find_infinite_columns(meta))
    return Block(
        *(columns, meta, block.counts[used], failures, infinite),
        searches=block.searches,
        nested=block.nested,
        overwritten=block.overwritten,
    )


def _select_records(chunk: Chunk, keep: Mask) -> Chunk:
    cells, state = chunk.cells, chunk.state
    if state is None:
        cells = cells[keep]
    else:
        cells, state = cells[keep[state == 0]], state[keep]
        state = state if state.any() else None
    if cells.dtype != object:
        return Chunk(cells, chunk.kinds if len(cells) else frozenset(), state)
    values = cells.tolist()
    return make_chunk(values, set(map(type, values)), state)


def _is_missing(chunk: Chunk) -> bool:
    return chunk.state is not None and bool((chunk.state == MISSING).all())


def _order_columns(collected: CollectedBlocks, row_to_request: Positions) -> list[str]:
    """Return the records' columns in the order in which rows and their pages show them first."""
    rows = np.flatnonzero(row_to_request >= 0)
    first_rows = np.full(collected.requests, len(row_to_request), dtype=np.int64)
    np.minimum.at(first_rows, row_to_request[rows], rows)
    rank = np.empty(len(collected.positions), dtype=np.int64)
    rank[np.lexsort((collected.pages, first_rows[collected.positions]))] = np.arange(len(rank))
    found: dict[str, tuple[int, int, int]] = {}
    messages = set(find_messages(collected.blocks))
    start = 0
    for number_of_block, block in enumerate(collected.blocks):
        end = start + len(block.counts)
        places = [] if number_of_block in messages else _first_places(block, rank[start:end])
        for number, (name, place) in enumerate(places):
            found[name] = min(found.get(name, (*place, number)), (*place, number))
        start = end
    return sorted(found, key=found.__getitem__)


def _first_places(block: Block, ranks: Positions) -> Sequence[tuple[str, tuple[int, int]]]:
    """Return where each column of a block is first: the rank of its payload, and the record in it."""
    record_ranks = np.repeat(ranks, block.counts)
    places = []
    for name, chunk in block.columns.items():
        present = np.arange(len(record_ranks)) if chunk.state is None else np.flatnonzero(chunk.state != MISSING)
        if len(present):
            at = int(present[np.argmin(record_ranks[present])])
            places.append((name, (int(record_ranks[at]), at)))
        else:
            places.append((name, (int(ranks.min()), -1)))  # a table without records has columns
    return places

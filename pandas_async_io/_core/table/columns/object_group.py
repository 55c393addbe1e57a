"""The objects at one path of many records, key by key, and the columns of their cells."""

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pandas_async_io._core.table.columns.blocks import MISSING, NULL, Chunk, make_chunk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from pandas_async_io._core.table.orient.table import Record


class ObjectGroup(NamedTuple):
    """The dicts at one path.

    Attributes
    ----------
    dicts : list of dict
        One per record that has a dict at the path.
    at : array of int, shape (dicts,)
        Their records' positions in the block.
    size : int
        How many records the block has.
    columns : mapping of str to list, or None
        The cells of a table's records, in place of dicts.
    """

    dicts: list[Record]
    at: NDArray[np.intp]
    size: int
    columns: Mapping[str, list[Any]] | None = None

    def transpose(self, keys: Collection[str] | None) -> Iterable[tuple[str, list[Any]]]:
        """Return each key with a cell per record."""
        if self.columns is None:
            return _transpose(self.dicts, keys)
        return [(key, cells) for key, cells in self.columns.items() if keys is None or key in keys]

    def select_dicts(self, cells: list[Any], *, all_dicts: bool) -> ObjectGroup:
        """Return the dicts among some cells, which are one per dict of this group."""
        if all_dicts:
            return self._replace(dicts=cells, columns=None)
        where = [i for i, cell in enumerate(cells) if isinstance(cell, dict)]
        return ObjectGroup([cells[i] for i in where], self.at[where], self.size)

    def make_field(
        self, key: str, cells: list[Any], types: set[type], dict_types: set[type]
    ) -> tuple[int, Chunk] | None:
        """Return the first record that has the field, and the field's chunk; None if no record has it."""
        has_gaps = bool(dict_types) or type(None) in types
        if not has_gaps and len(cells) == self.size:
            return 0, make_chunk(cells, types)
        mask = _value_mask(cells, types, dict_types) if has_gaps else b"\1" * len(cells)
        group_state = np.where(np.frombuffer(mask, np.bool_), 0, MISSING)
        gaps = np.flatnonzero(group_state).tolist()
        group_state[[i for i in gaps if cells[i] is None and (self.columns is not None or key in self.dicts[i])]] = NULL
        state = np.full(self.size, MISSING, np.uint8)
        state[self.at] = group_state
        first = int(np.argmin(state == MISSING))
        if state[first] == MISSING:
            return None
        values = list(compress(cells, mask)) if has_gaps else cells
        return first, make_chunk(values, types - dict_types, state if state.any() else None)


def _transpose(dicts: list[Record], keys: Iterable[str] | None) -> Iterator[tuple[str, list[Any]]]:
    """Yield each key with a cell per dict, None where a dict lacks the key."""
    if keys is None:
        all_keys = list(chain.from_iterable(dicts))
        keys = list(dicts[0]) if dicts else []
        # No dict has a key twice, so only dicts of these keys in this order add up to the repetition.
        if all_keys == keys * len(dicts):
            cells = list(chain.from_iterable(map(dict.values, dicts)))
            yield from ((key, cells[at :: len(keys)]) for at, key in enumerate(keys))
            return
        keys = dict.fromkeys(all_keys)
    for key in keys:
        yield key, [record.get(key) for record in dicts]


def _value_mask(cells: list[Any], types: set[type], dict_types: set[type]) -> bytes:
    """Return 1 for each cell that is a value, 0 for None and for a dict that is flattened."""
    if types <= {*dict_types, type(None)}:
        return bytes(len(cells))
    if dict_types:
        return bytes([cell is not None and not isinstance(cell, dict) for cell in cells])
    return bytes([cell is not None for cell in cells])

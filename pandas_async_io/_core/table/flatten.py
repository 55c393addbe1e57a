"""Payloads → columns: the names, order and values of `pandas.json_normalize`, column by column.

Where json_normalize rounds (an integer column with a gap becomes float), fails (a list of scalars,
an object where a list is expected) or loses a field (``{"x": {"a": 1, "x.a": 2}}`` with ``max_level``),
this does not; `columns` states the types.
"""

from __future__ import annotations

from itertools import chain, compress, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.blocks import MISSING, NULL, Block, Chunk, make_chunk, missing_chunk
from pandas_async_io._core.table.records import extract_with_meta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pandas_async_io._core.table.records import Record
    from pandas_async_io._core.table.shape import Shape


def flatten(payloads: Sequence[Any], shape: Shape) -> Block:
    """Flatten some payloads into one block; 1 000 to 5 000 records serve best.

    Parameters
    ----------
    payloads : sequence
        Parsed JSON. They may be let go afterwards.
    shape : Shape
        Where the records are and what becomes of them.

    Returns
    -------
    Block
        A payload whose path leads nowhere is among its ``failures`` and harms no other.

    Examples
    --------
    >>> from pandas_async_io._core.table.shape import Shape
    >>> block = flatten([{"a": 1, "b": {"c": 2}}, [{"a": 3}], []], Shape())
    >>> {name: chunk.cells.tolist() for name, chunk in block.columns.items()}
    {'a': [1, 3], 'b.c': [2]}
    >>> block.counts.tolist()
    [1, 1, 0]
    """
    if shape.path is None and set(map(type, payloads)) == {dict}:
        return Block(_columns(list(payloads), shape), {}, np.ones(len(payloads), np.int64), {})
    found: list[Record] = []
    counts: list[int] = []
    envelopes: list[tuple[list[Any], int]] = []
    failures: dict[int, ParseError] = {}
    for at, payload in enumerate(payloads):
        before = len(found)
        try:
            opened = extract_with_meta(payload, shape)
        except ParseError as error:
            failures[at] = error.with_traceback(None)  # its frames hold the payload
        else:
            found.extend(chain.from_iterable(items for _, items in opened))
            envelopes.extend((fields, len(items)) for fields, items in opened)
        counts.append(len(found) - before)
    return Block(_columns(found, shape), _meta(envelopes, shape), np.array(counts, np.int64), failures)


def _meta(envelopes: list[tuple[list[Any], int]], shape: Shape) -> dict[str, Chunk]:
    """Return the fields of the envelopes, repeated for each of their records."""
    columns = {}
    lengths = [length for _, length in envelopes]
    for at, source in enumerate(shape.envelope()):
        name = source if shape.columns is None else shape.columns.get(source, source)
        cells = list(chain.from_iterable(map(repeat, (fields[at] for fields, _ in envelopes), lengths)))
        state = np.array([NULL if cell is None else 0 for cell in cells], np.uint8)
        values = [cell for cell in cells if cell is not None]
        columns[name] = make_chunk(values, set(map(type, values)), state if state.any() else None)
    return columns


def _columns(found: list[Record], shape: Shape) -> dict[str, Chunk]:
    """Return the fields of records by name, as selected or in order of first appearance."""
    selected = shape.selected()
    leaves = _leaves(found, shape, selected)
    if leaves is None:
        leaves = _leaves([_flat(record, shape) for record in found], shape, selected, nested=False) or {}
    if selected is not None:
        return {name: leaves.get(source, (0, missing_chunk(len(found))))[1] for source, name in selected.items()}
    order: list[str] = []
    for first in sorted({first for first, _ in leaves.values()}):
        order.extend(name for name in _flat(found[first], shape) if leaves[name][0] == first)
    return {name: leaves[name][1] for name in order}


def _flat(record: Record, shape: Shape) -> Record:
    """Return one record without nesting; of fields with one name the last counts, nested ones at the end."""
    flat: Record = {}
    todo = [(key, cell, 0) for key, cell in reversed(record.items())]
    todo.sort(key=lambda item: not shape.opens(item[1], 0))  # stable: nested ones are popped last
    while todo:
        name, cell, level = todo.pop()
        if shape.opens(cell, level):
            prefix = shape.prefix(name, level + 1)
            todo.extend((prefix + key, inner, level + 1) for key, inner in reversed(cell.items()))
        else:
            flat[name] = cell
    return flat


def _leaves(
    found: list[Record], shape: Shape, selected: Mapping[str, str] | None, *, nested: bool = True
) -> dict[str, tuple[int, Chunk]] | None:
    """Return each field's first record and its cells, or None if two paths lead to one name."""
    leaves: dict[str, tuple[int, Chunk]] = {}
    todo = [("", 0, _Group(found, np.arange(len(found)), len(found)))]
    while todo:
        parent, level, group = todo.pop()
        prefix = shape.prefix(parent, level)
        opens = nested and shape.opens({}, level)
        keys = None if selected is None else _keys(selected, prefix, shape.sep)
        for key, cells in _fields(group.dicts, keys):
            name = prefix + key
            types = set(map(type, cells))
            inner = {kind for kind in types if opens and issubclass(kind, dict)}
            if inner:
                todo.append((name, level + 1, group.below(cells, whole=inner == types)))
            if types == inner or (selected is not None and name not in selected):
                continue
            leaf = group.leaf(key, cells, types, inner)
            if leaf is not None and name in leaves:
                return None
            if leaf is not None:
                leaves[name] = leaf
    return leaves


def _fields(dicts: list[Record], keys: Iterable[str] | None) -> Iterator[tuple[str, list[Any]]]:
    """Yield each key with a cell per dict, None where a dict lacks it."""
    if keys is None:
        every = list(chain.from_iterable(dicts))
        keys = list(dicts[0]) if dicts else []
        # No dict has a key twice, so only dicts of these keys in this order add up to the repetition.
        if every == keys * len(dicts):
            cells = list(chain.from_iterable(map(dict.values, dicts)))
            yield from ((key, cells[at :: len(keys)]) for at, key in enumerate(keys))
            return
        keys = dict.fromkeys(every)
    for key in keys:
        yield key, [record.get(key) for record in dicts]


def _present(cells: list[Any], types: set[type], inner: set[type]) -> bytes:
    """Return 1 for each cell that is a value of its own, 0 for None and for a dict that is opened."""
    if types <= {*inner, type(None)}:
        return bytes(len(cells))
    if inner:
        return bytes([cell is not None and not isinstance(cell, dict) for cell in cells])
    return bytes([cell is not None for cell in cells])


def _keys(selected: Iterable[str], prefix: str, sep: str) -> set[str]:
    """Return the keys below a prefix that are, or may lead to, selected names.

    The empty key may always: json_normalize drops it from names.
    """
    rests = [name[len(prefix) :] for name in selected if name.startswith(prefix)]
    cuts = {rest[:at] for rest in rests for at in range(len(rest)) if rest.startswith(sep, at)}
    return cuts.union(rests, [""])


class _Group(NamedTuple):
    """The dicts at one path.

    Attributes
    ----------
    dicts : list of dict
        One per record that has any.
    at : array of int, shape (dicts,)
        Their records' positions in the block.
    size : int
        How many records the block has.
    """

    dicts: list[Record]
    at: NDArray[np.intp]
    size: int

    def below(self, cells: list[Any], *, whole: bool) -> _Group:
        """Return the dicts among some cells, which are one per dict of this group."""
        if whole:
            return self._replace(dicts=cells)
        where = [i for i, cell in enumerate(cells) if isinstance(cell, dict)]
        return _Group([cells[i] for i in where], self.at[where], self.size)

    def leaf(self, key: str, cells: list[Any], types: set[type], inner: set[type]) -> tuple[int, Chunk] | None:
        """Return the first record that has the field, and the field's chunk, if any record has it."""
        gaps = bool(inner) or type(None) in types
        if not gaps and len(cells) == self.size:
            return 0, make_chunk(cells, types)
        present = _present(cells, types, inner) if gaps else b"\1" * len(cells)
        here = np.where(np.frombuffer(present, np.bool_), 0, MISSING)
        here[[i for i in np.flatnonzero(here).tolist() if cells[i] is None and key in self.dicts[i]]] = NULL
        state = np.full(self.size, MISSING, np.uint8)
        state[self.at] = here
        first = int(np.argmin(state == MISSING))
        if state[first] == MISSING:
            return None
        values = list(compress(cells, present)) if gaps else cells
        return first, make_chunk(values, types - inner, state if state.any() else None)

"""Payloads → columns: the names, order and values of `pandas.json_normalize`, column by column.

Where json_normalize rounds (an integer column with a gap becomes float), fails (a list of scalars,
an object where a list is expected) or loses a field (``{"x": {"a": 1, "x.a": 2}}`` with ``max_level``),
this does not; `columns` states the types. A null in place of an object (``[{"x": {"a": 1}}, {"x": null}]``) adds no
column ``x`` beside ``x.a``.
"""

from __future__ import annotations

from itertools import chain, compress, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.columns.blocks import MISSING, NULL, Block, Chunk, make_chunk, missing_chunk
from pandas_async_io._core.table.columns.infinite import find_infinite_columns
from pandas_async_io._core.table.columns.missing_columns import Selection
from pandas_async_io._core.table.columns.missing_paths import (
    PathSearch,
    begin_explode,
    begin_searches,
    note_explode,
    note_payload,
)
from pandas_async_io._core.table.columns.records import NOT_FOUND, extract_with_meta
from pandas_async_io._core.table.list_cells import explode_records, find_cells, has_positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pandas_async_io._core.table.columns.records import Record
    from pandas_async_io._core.table.columns.shape import Shape


def flatten(payloads: Sequence[Any], shape: Shape) -> Block:
    """Flatten payloads into one block; fastest with 1 000 to 5 000 records.

    Parameters
    ----------
    payloads : sequence
        Parsed JSON. The block does not keep them alive.
    shape : Shape
        Where the records are, and how their fields are named.

    Returns
    -------
    Block
        A payload without the record path is among its ``failures``; the others are not affected.

    Examples
    --------
    >>> from pandas_async_io._core.table.columns.shape import Shape
    >>> block = flatten([{"a": 1, "b": {"c": 2}}, [{"a": 3}], []], Shape())
    >>> {name: chunk.cells.tolist() for name, chunk in block.columns.items()}
    {'a': [1, 3], 'b.c': [2]}
    >>> block.counts.tolist()
    [1, 1, 0]
    """
    if shape.record_path is None and not shape.explode and set(map(type, payloads)) == {dict}:
        columns, nested = _flatten_records(list(payloads), shape)
        selection = _find_selection(columns, payloads[0], shape, ())
        return _make_block(columns, {}, np.ones(len(payloads), np.int64), {}, selection, nested=nested)
    records: list[Record] = []
    counts: list[int] = []
    meta: list[tuple[list[Any], int]] = []
    failures: dict[int, ParseError] = {}
    searches, exploded = begin_searches(shape), begin_explode(shape)
    for at, payload in enumerate(payloads):
        before = len(records)
        try:
            lists = extract_with_meta(payload, shape)
            if shape.explode:
                note_explode(exploded, lists, shape.sep)
                lists = [(fields, explode_records(items, shape.explode, shape.sep)) for fields, items in lists]
        except ParseError as error:
            failures[at] = error.with_traceback(None)  # its frames hold the payload
        else:
            has_records = any(items for _, items in lists)
            if searches:
                note_payload(searches, payload, lists, has_records=has_records)
            if shape.keeps_meta and lists and not has_records:
                lists = [(lists[0][0], [{}])]
            records.extend(chain.from_iterable(items for _, items in lists))
            meta.extend((fields, len(items)) for fields, items in lists)
        counts.append(len(records) - before)
    columns, nested = _flatten_records(records, shape)
    meta_columns = _meta_columns(meta, shape)
    first = next(filter(None, records), None)
    selection = None if first is None else _find_selection(columns, first, shape, payloads)
    counted, searches = np.array(counts, np.int64), searches + exploded
    return _make_block(columns, meta_columns, counted, failures, selection, nested=nested, searches=searches)


def _make_block(
    columns: dict[str, Chunk],
    meta: dict[str, Chunk],
    counts: NDArray[np.int64],
    failures: dict[int, ParseError],
    selection: Selection | None,
    *,
    nested: frozenset[str],
    searches: tuple[PathSearch, ...] = (),
) -> Block:
    infinite = find_infinite_columns(columns) | find_infinite_columns(meta)
    return Block(columns, meta, counts, failures, infinite, selection, searches, nested)


def _find_selection(
    columns: dict[str, Chunk], first: Record, shape: Shape, payloads: Sequence[Any]
) -> Selection | None:
    """Return the names of the first record, and around it, if no record has one of the selected columns."""
    selected = shape.record_columns()
    if selected is None or not any(map(_is_missing, columns.values())):
        return None
    flat = _flatten_record(first, shape)
    lists = {
        name: tuple(_flatten_record(cell[0], shape))
        for name, cell in flat.items()
        if isinstance(cell, list) and cell and isinstance(cell[0], dict)
    }
    root = next((payload for payload in payloads if isinstance(payload, dict)), None)
    outside = () if root is None or shape.record_path is None else tuple(_flatten_record(root, shape))
    return Selection(selected, tuple(flat), lists, outside)


def _is_missing(chunk: Chunk) -> bool:
    return not len(chunk.cells) and chunk.state is not None and bool((chunk.state == MISSING).all())


def _meta_columns(meta: list[tuple[list[Any], int]], shape: Shape) -> dict[str, Chunk]:
    """Return the ``meta`` fields of each list of records, repeated for each of its records."""
    columns = {}
    lengths = [length for _, length in meta]
    for at, source in enumerate(shape.meta_names()):
        name = source if shape.columns is None else shape.columns.get(source, source)
        cells = list(chain.from_iterable(map(repeat, (fields[at] for fields, _ in meta), lengths)))
        columns[name] = _chunk_of(cells)
    return columns


def _chunk_at(records: Iterable[Record], source: str, sep: str) -> Chunk:
    return _chunk_of(find_cells(records, source, sep, NOT_FOUND))


def _chunk_of(cells: list[Any]) -> Chunk:
    """Return a column of cells, of which `NOT_FOUND` are missing."""
    state = np.array([NULL if cell is None else MISSING if cell is NOT_FOUND else 0 for cell in cells], np.uint8)
    values = [cell for cell in cells if cell is not None and cell is not NOT_FOUND]
    return make_chunk(values, set(map(type, values)), state if state.any() else None)


def _flatten_records(records: list[Record], shape: Shape) -> tuple[dict[str, Chunk], frozenset[str]]:
    """Return the fields of records by name, as selected or in order of first appearance; and the nested ones."""
    selected = shape.record_columns()
    nested: set[str] = set()
    fields = _collect_fields(records, shape, selected, nested)
    if fields is None:
        flat = [_flatten_record(record, shape) for record in records]
        fields = _collect_fields(flat, shape, selected, None) or {}
    if selected is not None:
        missing = missing_chunk(len(records))
        chunks = {
            name: _chunk_at(records, source, shape.sep)
            if has_positions(source, shape.sep)
            else fields[source][1]
            if source in fields
            else missing
            for source, name in selected.items()
        }
        return chunks, frozenset()
    order: list[str] = []
    for first in sorted({first for first, _ in fields.values()}):
        order.extend(name for name in _flatten_record(records[first], shape) if fields[name][0] == first)
    return {name: fields[name][1] for name in order}, frozenset(nested)


def _flatten_record(record: Record, shape: Shape) -> Record:
    """Return one record without nesting, nested fields last; of fields with one name the last counts."""
    flat: Record = {}
    stack = [(key, cell, 0) for key, cell in reversed(record.items())]
    stack.sort(key=lambda item: not shape.flattens(item[1], 0))  # stable: nested ones are popped last
    while stack:
        name, cell, level = stack.pop()
        if shape.flattens(cell, level):
            prefix = shape.name_prefix(name, level + 1)
            stack.extend((prefix + key, inner, level + 1) for key, inner in reversed(cell.items()))
        else:
            flat[name] = cell
    return flat


def _collect_fields(
    records: list[Record], shape: Shape, selected: Mapping[str, str] | None, nested: set[str] | None
) -> dict[str, tuple[int, Chunk]] | None:
    """Return each field's first record and cells, None if two paths lead to one name; `nested` takes the objects."""
    fields: dict[str, tuple[int, Chunk]] = {}
    collides = False
    stack = [("", 0, _Group(records, np.arange(len(records)), len(records)))]
    while stack:
        parent, level, group = stack.pop()
        prefix = shape.name_prefix(parent, level)
        flattens = nested is not None and shape.flattens({}, level)
        keys = None if selected is None else _selected_keys(selected, prefix, shape.sep)
        for key, cells in _transpose(group.dicts, keys):
            name = prefix + key
            types = set(map(type, cells))
            dict_types = {kind for kind in types if flattens and issubclass(kind, dict)}
            if dict_types and nested is not None:
                nested.add(name)
                stack.append((name, level + 1, group.select_dicts(cells, all_dicts=dict_types == types)))
            if types == dict_types or (selected is not None and name not in selected):
                continue
            field = group.make_field(key, cells, types, dict_types)
            collides |= field is not None and name in fields
            if field is not None:
                fields[name] = field
    return None if collides else fields


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


def _selected_keys(selected: Iterable[str], prefix: str, sep: str) -> set[str]:
    """Return the keys below a prefix that are, or may lead to, selected names.

    The empty key always may: json_normalize drops it from names.
    """
    rests = [name[len(prefix) :] for name in selected if name.startswith(prefix)]
    heads = {rest[:at] for rest in rests for at in range(len(rest)) if rest.startswith(sep, at)}
    return heads.union(rests, [""])


class _Group(NamedTuple):
    """The dicts at one path.

    Attributes
    ----------
    dicts : list of dict
        One per record that has a dict at the path.
    at : array of int, shape (dicts,)
        Their records' positions in the block.
    size : int
        How many records the block has.
    """

    dicts: list[Record]
    at: NDArray[np.intp]
    size: int

    def select_dicts(self, cells: list[Any], *, all_dicts: bool) -> _Group:
        """Return the dicts among some cells, which are one per dict of this group."""
        if all_dicts:
            return self._replace(dicts=cells)
        where = [i for i, cell in enumerate(cells) if isinstance(cell, dict)]
        return _Group([cells[i] for i in where], self.at[where], self.size)

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
        group_state[[i for i in gaps if cells[i] is None and key in self.dicts[i]]] = NULL
        state = np.full(self.size, MISSING, np.uint8)
        state[self.at] = group_state
        first = int(np.argmin(state == MISSING))
        if state[first] == MISSING:
            return None
        values = list(compress(cells, mask)) if has_gaps else cells
        return first, make_chunk(values, types - dict_types, state if state.any() else None)

"""Payloads → columns: the names, order and values of `pandas.json_normalize`, column by column.

Where json_normalize rounds (an integer column with a gap becomes float), fails (a list of scalars,
an object where a list is expected) or loses a field (``{"x": {"a": 1, "x.a": 2}}`` with ``max_level``),
this does not; `columns` states the types. A null in place of an object (``[{"x": {"a": 1}}, {"x": null}]``) adds no
column ``x`` beside ``x.a``.
"""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.columns.blocks import Block, Chunk, chunk_of_cells, missing_chunk
from pandas_async_io._core.table.columns.infinite import find_infinite_columns
from pandas_async_io._core.table.columns.object_group import ObjectGroup
from pandas_async_io._core.table.orient.table_records import TableRecords
from pandas_async_io._core.table.records.list_cells import explode_records, find_cells, has_positions
from pandas_async_io._core.table.records.missing_columns import Selection
from pandas_async_io._core.table.records.missing_paths import (
    PathSearch,
    begin_searches,
    find_xml_paths,
    note_explode,
    note_payload,
)
from pandas_async_io._core.table.records.records import NOT_FOUND, extract_tables, extract_with_meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pandas_async_io._core.table.orient.table import Record
    from pandas_async_io._core.table.records.shape import Shape


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
    >>> from pandas_async_io._core.table.records.shape import Shape
    >>> block = flatten([{"a": 1, "b": {"c": 2}}, [{"a": 3}], []], Shape())
    >>> {name: chunk.cells.tolist() for name, chunk in block.columns.items()}
    {'a': [1, 3], 'b.c': [2]}
    >>> block.counts.tolist()
    [1, 1, 0]
    """
    overwritten: set[str] = set()
    is_plain = not (shape.explode or shape.is_tabular)
    if shape.record_path is None and is_plain and set(map(type, payloads)) == {dict}:
        columns, nested = _flatten_records(list(payloads), shape, overwritten)
        selection = _find_selection(columns, payloads[0], shape, ())
        counts_of_one = np.ones(len(payloads), np.int64)
        return _make_block(columns, {}, counts_of_one, {}, selection, nested=nested, overwritten=overwritten)
    # explode= needs objects, which a table is made into then.
    keeps_tables = shape.is_tabular and not shape.explode
    extract: Callable[..., list[tuple[list[Any], Any]]] = extract_tables if keeps_tables else extract_with_meta
    parts: list[Any] = []
    counts: list[int] = []
    meta: list[tuple[list[Any], int]] = []
    failures: dict[int, ParseError] = {}
    searches, exploded = begin_searches(shape)
    for at, payload in enumerate(payloads):
        lists: list[tuple[list[Any], Any]] = []
        try:
            lists = extract(payload, shape)
            if shape.explode:
                note_explode(exploded, lists, shape.sep)
                lists = [(fields, explode_records(items, shape.explode, shape.sep)) for fields, items in lists]
        except ParseError as error:
            lists = []
            failures[at] = error.with_traceback(None)  # its frames hold the payload
        else:
            has_records = any(items for _, items in lists)
            if searches:
                note_payload(searches, payload, lists, has_records=has_records)
            if shape.keeps_meta and lists and not has_records:
                lists = [(lists[0][0], TableRecords.blank() if keeps_tables else [{}])]
            parts.extend(items for _, items in lists)
            meta.extend((fields, len(items)) for fields, items in lists)
        counts.append(sum(len(items) for _, items in lists))
    records = TableRecords(parts) if keeps_tables else list(chain.from_iterable(parts))
    columns, nested = _flatten_records(records, shape, overwritten)
    meta_columns = _meta_columns(meta, shape)
    first = next(filter(None, records), None)
    selection = None if first is None else _find_selection(columns, first, shape, payloads)
    counted, searches = np.array(counts, np.int64), searches + exploded
    documents = () if shape.record_path else payloads
    return _make_block(
        *(columns, meta_columns, counted, failures, selection),
        nested=nested,
        overwritten=overwritten,
        searches=searches,
        documents=documents,
    )


def _make_block(
    columns: dict[str, Chunk],
    meta: dict[str, Chunk],
    counts: NDArray[np.int64],
    failures: dict[int, ParseError],
    selection: Selection | None,
    *,
    nested: frozenset[str],
    overwritten: set[str],
    searches: tuple[PathSearch, ...] = (),
    documents: Sequence[Any] = (),
) -> Block:
    infinite = find_infinite_columns(columns) | find_infinite_columns(meta)
    return Block(
        *(columns, meta, counts, failures, infinite, selection, searches, nested),
        xml_paths=find_xml_paths(documents),
        overwritten=frozenset(overwritten),
    )


def _find_selection(
    columns: dict[str, Chunk], first: Record, shape: Shape, payloads: Sequence[Any]
) -> Selection | None:
    """Return the names of the first record, and around it, if no record has one of the selected columns."""
    selected = shape.record_columns()
    if selected is None or not any(chunk.is_missing for chunk in columns.values()):
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


def _meta_columns(meta: list[tuple[list[Any], int]], shape: Shape) -> dict[str, Chunk]:
    """Return the ``meta`` fields of each list of records, repeated for each of its records."""
    columns = {}
    lengths = [length for _, length in meta]
    for at, source in enumerate(shape.meta_names()):
        name = source if shape.columns is None else shape.columns.get(source, source)
        cells = list(chain.from_iterable(map(repeat, (fields[at] for fields, _ in meta), lengths)))
        columns[name] = chunk_of_cells(cells, NOT_FOUND)
    return columns


def _chunk_at(records: Iterable[Record], source: str, sep: str) -> Chunk:
    return chunk_of_cells(find_cells(records, source, sep, NOT_FOUND), NOT_FOUND)


def _flatten_records(
    records: Sequence[Record], shape: Shape, overwritten: set[str]
) -> tuple[dict[str, Chunk], frozenset[str]]:
    """Return the fields of records by name, as selected or in order of first appearance; and the nested ones.

    `overwritten` takes the names under which a record has two values.
    """
    selected = shape.record_columns()
    nested: set[str] = set()
    fields = _collect_fields(_root_groups(records), shape, selected, nested)
    if fields is None:
        flat = [_flatten_record(record, shape, overwritten) for record in records]
        overwritten &= set(selected or overwritten)
        fields = _collect_fields(_root_groups(flat), shape, selected, None) or {}
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
    columns = {name: fields[name][1] for name in order}
    if isinstance(records, TableRecords):  # the columns of tables without records
        empty = (name for name in records.names(with_records=False) if name not in columns)
        columns |= dict.fromkeys(empty, missing_chunk(len(records)))
    return columns, frozenset(nested)


def _root_groups(records: Sequence[Record]) -> list[ObjectGroup]:
    size = len(records)
    if not isinstance(records, TableRecords):
        return [ObjectGroup(list(records), np.arange(size), size)]
    groups = [ObjectGroup([], at, size, columns) for columns, at in records.columns() if size]
    objects, at = records.objects()
    return [*groups, ObjectGroup(objects, at, size)] if objects else groups


def _flatten_record(record: Record, shape: Shape, overwritten: set[str] | None = None) -> Record:
    """Return one record without nesting, nested fields last.

    Of fields with one name the last counts; `overwritten` takes the name if another value is lost.
    """
    flat: Record = {}
    stack = [(key, cell, 0) for key, cell in reversed(record.items())]
    stack.sort(key=lambda item: not shape.flattens(item[1], 0))  # stable: nested ones are popped last
    while stack:
        name, cell, level = stack.pop()
        if shape.flattens(cell, level):
            prefix = shape.name_prefix(name, level + 1)
            stack.extend((prefix + key, inner, level + 1) for key, inner in reversed(cell.items()))
        else:
            if overwritten is not None and flat.get(name, cell) not in (cell, None):
                overwritten.add(name)
            flat[name] = cell
    return flat


def _collect_fields(
    groups: Iterable[ObjectGroup], shape: Shape, selected: Mapping[str, str] | None, nested: set[str] | None
) -> dict[str, tuple[int, Chunk]] | None:
    """Return each field's first record and cells, None if two paths lead to one name; `nested` takes the objects."""
    fields: dict[str, tuple[int, Chunk]] = {}
    collides = False
    stack = [("", 0, group) for group in groups]
    while stack:
        parent, level, group = stack.pop()
        prefix = shape.name_prefix(parent, level)
        flattens = nested is not None and shape.flattens({}, level)
        keys = None if selected is None else _selected_keys(selected, prefix, shape.sep)
        for key, cells in group.transpose(keys):
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


def _selected_keys(selected: Iterable[str], prefix: str, sep: str) -> set[str]:
    """Return the keys below a prefix that are, or may lead to, selected names.

    The empty key always may: json_normalize drops it from names.
    """
    rests = [name[len(prefix) :] for name in selected if name.startswith(prefix)]
    heads = {rest[:at] for rest in rests for at in range(len(rest)) if rest.startswith(sep, at)}
    return heads.union(rests, [""])

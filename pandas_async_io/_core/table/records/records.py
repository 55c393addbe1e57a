"""One payload → its records or tables, and the ``meta`` fields around them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.body.xml.document import XmlDocument, XmlText
from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.json_path import find_children, find_values, names_element
from pandas_async_io._core.security.secrets import redact_line
from pandas_async_io._core.server_message import find_error_message
from pandas_async_io._core.table.orient.table import VALUE_COLUMN, Names, Record, Table, read_tables
from pandas_async_io._core.table.orient.table_records import TableRecords

if TYPE_CHECKING:
    from pandas_async_io._core.table.records.shape import Path, Shape

Trail = tuple[Any, ...]

NOT_FOUND: Any = object()
"""Stands for the value at a path that leads nowhere."""


def extract_records(payload: Any, shape: Shape) -> list[Record]:
    """Return the records of one payload.

    An object is one record, a list has one per element, null has none. A scalar or a list in a list of records
    becomes ``{"value": it}``; a null among objects becomes a record without fields.

    Raises
    ------
    ParseError
        The record path leads to something else than a list, an object or null, or it is missing in an error object.

    Examples
    --------
    >>> from pandas_async_io._core.table.records.shape import Shape
    >>> extract_records({"data": [{"a": 1}, {"a": 2}]}, Shape(("data",)))
    [{'a': 1}, {'a': 2}]
    >>> extract_records({"total": 0}, Shape(("data",)))
    []
    >>> extract_records(["x", None], Shape())
    [{'value': 'x'}, {'value': None}]
    >>> extract_records({"a": [1, 2]}, Shape(orient="columns"))
    [{'a': 1}, {'a': 2}]
    """
    return list(chain.from_iterable(items for _, items in extract_with_meta(payload, shape)))


def extract_with_meta(payload: Any, shape: Shape) -> list[tuple[list[Any], list[Record]]]:
    """Return each list of records in a payload, with its ``meta`` fields; `NOT_FOUND` for one that is missing.

    Raises
    ------
    ParseError
        As in `extract_records`.

    Examples
    --------
    >>> from pandas_async_io._core.table.records.shape import Shape
    >>> extract_with_meta({"data": [{"a": 1}], "page": 7}, Shape(("data",), (("page",),)))
    [([7], [{'a': 1}])]
    """
    if shape.is_tabular:
        return [(fields, list(TableRecords([table]))) for fields, table in extract_tables(payload, shape)]
    path = shape.record_path
    if path is None:
        path = payload.record_path if isinstance(payload, XmlDocument) else None
    if path is None:
        return [([], _as_records(_as_list(payload)))]
    return [
        ([_meta_field(trail, keys, path) for keys in shape.meta], _as_records(_child_list(value, path), path))
        for trail, value in _find_places(payload, path)
    ]


def extract_tables(payload: Any, shape: Shape) -> list[tuple[list[Any], Table]]:
    """Return each table in a payload, with its ``meta`` fields.

    Raises
    ------
    ParseError
        As in `extract_records` and `read_tables`, or the names are missing.

    Examples
    --------
    >>> from pandas_async_io._core.table.records.shape import Shape
    >>> shape = Shape(("rows",), (("page",),), orient="values", names_path=("cols",))
    >>> extract_tables({"rows": [[1, 2], [3, 4]], "cols": ["a", "b"], "page": 7}, shape)
    [([7], Table(size=2, columns={'a': [1, 3], 'b': [2, 4]}, objects=None))]
    """
    path = shape.record_path or ()
    tables = []
    for trail, value in _find_places(payload, path) if path else [((payload,), payload)]:
        meta = [_meta_field(trail, keys, path) for keys in shape.meta] if path else []
        is_null = value is None or value is NOT_FOUND
        names: Names = shape.names
        if shape.names_path is not None and not is_null:
            names = _find_names(trail, shape.names_path, path, are_needed=bool(value))
        found = read_tables(None if is_null else value, shape.orient, names, sep=shape.sep)
        tables += [(meta, table) for table in found]
    return tables


def _find_places(payload: Any, path: Path) -> list[tuple[Trail, Any]]:
    """Return the values at a record path; an error object without it raises what it says."""
    found = walk_path(payload, path)
    if found and all(value is NOT_FOUND for _, value in found) and (message := find_error_message(payload)):
        raise ParseError(f"record_path {list(path)} is not in the answer, which says: {message}")
    return found


def _find_names(trail: Trail, keys: Path, path: Path, *, are_needed: bool) -> list[Any] | None:
    """Return the names beside a table: a list, or a field of each element of a list on the way.

    None if an answer without rows has no names.
    """
    depth = _shared_depth(trail, keys, path)
    try:
        found = [value for _, value in walk_path(trail[depth], keys[depth:])]
    except ParseError:
        found = []
    if not found or NOT_FOUND in found or found == [None]:
        if are_needed:
            raise ParseError(f"names {list(keys)} is not in the answer")
        return None
    return found[0] if len(found) == 1 and isinstance(found[0], list) else found


def walk_path(payload: Any, path: Path) -> list[tuple[Trail, Any]]:
    """Return the values at a path, each with its parents: one for each key that was followed, the root first.

    Where a parent lacks its key, or is null, the value is `NOT_FOUND`. A list is entered, unless the key is a position.

    Raises
    ------
    ParseError
        A parent is neither an object nor a list nor null.
    """
    ends: list[tuple[Trail, Any]] = []
    reached: list[tuple[Trail, Any]] = [((), payload)]
    for depth, key in enumerate(path):
        following: list[tuple[Trail, Any]] = []
        for trail, value in reached:
            enters = isinstance(value, list) and not names_element(value, key)
            for parent in value if enters else (value,):
                here = (*trail, parent)
                if not isinstance(parent, dict | list) and parent is not None:
                    raise _no_parent(path, depth, parent)
                children = find_children(parent, key)
                following.extend((here, child) for child in children)
                if not children:
                    ends.append((here, NOT_FOUND))
        reached = following
    return reached + ends


def _as_list(payload: Any) -> list[Any]:
    if isinstance(payload, list):
        return payload
    return [] if payload is None else [payload]


def _child_list(value: Any, path: Path) -> list[Any]:
    """Return the records at the end of a record path."""
    if value is NOT_FOUND:
        return []
    if isinstance(value, dict | list | XmlText) or value is None or path[-1] == "*":
        return _as_list(value)  # another answer may have the element of an XML text several times
    raise _no_parent(path, len(path), value)


def _no_parent(path: Path, depth: int, value: Any) -> ParseError:
    """Return the error of a value on a record path that has no keys: a text may be a message."""
    place = f"{path[depth - 1]!r}" if depth else "the answer"
    kind = "str" if isinstance(value, str) else type(value).__name__
    text = f"record_path {list(path)}: {place} holds {kind}, not a list or an object"
    return ParseError(f"{text}: {redact_line(value)}" if isinstance(value, str) else text)


def _meta_field(trail: Trail, keys: Path, path: Path) -> Any:
    """Return a ``meta`` field from the list elements that contain the records."""
    depth = _shared_depth(trail, keys, path)
    values = find_values(trail[depth], keys[depth:]) if trail else []
    if not values and trail and isinstance(trail[0], XmlDocument):  # an attribute is beside the text of its element
        values = find_values(trail[depth], ".".join(map(str, keys[depth:])))
    if "*" in keys[depth:]:
        return values or NOT_FOUND
    return values[0] if values else NOT_FOUND


def _shared_depth(trail: Trail, keys: Path, path: Path) -> int:
    """Return how many keys lead to the last parent of a trail that is on both paths."""
    depth = 0
    while depth < min(len(keys), len(path), len(trail)) - 1 and keys[depth] == path[depth]:
        depth += 1
    return depth


def _as_records(items: list[Any], path: Path = ()) -> list[Record]:
    kinds = set(map(type, items))
    if kinds <= {dict}:
        return items
    name = str(path[-1]) if path and XmlText in kinds else VALUE_COLUMN
    blank: Record = {} if dict in kinds else {name: None}
    return [item if isinstance(item, dict) else blank if item is None else {name: item} for item in items]

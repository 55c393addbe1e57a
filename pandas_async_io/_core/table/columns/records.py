"""One payload → its records, and the ``meta`` fields around them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.columns.nearest_path import find_nearest_path

if TYPE_CHECKING:
    from pandas_async_io._core.table.columns.shape import Path, Shape

Record = dict[str, Any]

VALUE_COLUMN = "value"
"""The column of records that are not objects."""


def extract_records(payload: Any, shape: Shape) -> list[Record]:
    """Return the records of one payload.

    An object is one record, a list has one per element, null has none. A scalar or a list in a list of records
    becomes ``{"value": it}``; a null among objects becomes a record without fields.

    Raises
    ------
    ParseError
        The record path does not lead to a list, an object or null.

    Examples
    --------
    >>> from pandas_async_io._core.table.columns.shape import Shape
    >>> extract_records({"data": [{"a": 1}, {"a": 2}]}, Shape(("data",)))
    [{'a': 1}, {'a': 2}]
    >>> extract_records(["x", None], Shape())
    [{'value': 'x'}, {'value': None}]
    """
    if shape.record_path is None:
        return _as_records(_as_list(payload))
    last = len(shape.record_path) - 1
    lists = (_child_list(trail, shape.record_path, last) for trail in _walk(payload, shape.record_path))
    return list(chain.from_iterable(map(_as_records, lists)))


def extract_with_meta(payload: Any, shape: Shape) -> list[tuple[list[Any], list[Record]]]:
    """Return each list of records in a payload, with its ``meta`` fields.

    Raises
    ------
    ParseError
        The record path does not lead to a list, an object or null, or a ``meta`` field is missing.

    Examples
    --------
    >>> from pandas_async_io._core.table.columns.shape import Shape
    >>> extract_with_meta({"data": [{"a": 1}], "page": 7}, Shape(("data",), (("page",),)))
    [([7], [{'a': 1}])]
    """
    path = shape.record_path
    if path is None:
        return [([], extract_records(payload, shape))]
    last = len(path) - 1
    return [
        ([_meta_field(trail, keys, path) for keys in shape.meta], _as_records(_child_list(trail, path, last)))
        for trail in _walk(payload, path)
    ]


def _walk(payload: Any, path: Path) -> list[tuple[Any, ...]]:
    """Return the objects that lead to records: each tuple starts at the root and has one object per key."""
    trails: list[tuple[Any, ...]] = [(root,) for root in _as_list(payload)]
    for depth in range(len(path) - 1):
        trails = [(*trail, child) for trail in trails for child in _child_list(trail, path, depth)]
    return trails


def _as_list(payload: Any) -> list[Any]:
    if isinstance(payload, list):
        return payload
    return [] if payload is None else [payload]


def _child_list(trail: tuple[Any, ...], path: Path, depth: int) -> list[Any]:
    """Return the children of the last object of a trail, which begins at the root."""
    child = _get(trail[-1], path[depth], "record_path", path, root=trail[0])
    if isinstance(child, dict | list) or child is None:
        return _as_list(child)
    raise ParseError(f"record_path {list(path)}: {path[depth]!r} holds {_type_name(child)}, not a list or an object")


def _meta_field(trail: tuple[Any, ...], keys: Path, path: Path) -> Any:
    """Return a ``meta`` field from the list elements that contain the records."""
    depth = 0
    while depth < min(len(keys), len(path)) - 1 and keys[depth] == path[depth]:
        depth += 1
    value = trail[depth]
    for key in keys[depth:]:
        value = _get(value, key, "meta", keys)
    return value


def _get(parent: Any, key: str, option: str, path: Path, *, root: Any = None) -> Any:
    """Return the value of a key; the error names the nearest path below `root`, if there is one."""
    if isinstance(parent, dict) and key in parent:
        return parent[key]
    nearest = find_nearest_path(root, path)
    missing = f"{option} {list(path)}: no key {key!r}" + (f"; nearest: {option}={nearest}" if nearest else "")
    if not isinstance(parent, dict):
        raise ParseError(f"{missing}: its parent is {_type_name(parent)}, not an object")
    known = ", ".join(map(repr, list(parent)[:10])) or "none"
    raise ParseError(f"{missing}; the keys are {known}")


def _type_name(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def _as_records(items: list[Any]) -> list[Record]:
    kinds = set(map(type, items))
    if kinds <= {dict}:
        return items
    blank: Record = {} if dict in kinds else {VALUE_COLUMN: None}
    return [item if isinstance(item, dict) else blank if item is None else {VALUE_COLUMN: item} for item in items]

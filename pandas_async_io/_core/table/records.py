"""One payload → its records and the fields of the envelope around them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError

if TYPE_CHECKING:
    from pandas_async_io._core.table.shape import Path, Shape

Record = dict[str, Any]

VALUE_COLUMN = "value"
"""The one column of records that are no objects."""


def extract_records(payload: Any, shape: Shape) -> list[Record]:
    """Return the records of one payload.

    An object is one record, a list has one per element, null has none. A scalar or a list in the
    place of an object is ``{"value": it}``; a null among objects is a record without fields.

    Raises
    ------
    ParseError
        If the path does not lead to a list, an object or null.

    Examples
    --------
    >>> from pandas_async_io._core.table.shape import Shape
    >>> extract_records({"data": [{"a": 1}, {"a": 2}]}, Shape(path=("data",)))
    [{'a': 1}, {'a': 2}]
    >>> extract_records(["x", None], Shape())
    [{'value': 'x'}, {'value': None}]
    """
    if shape.path is None:
        return _wrapped(_elements(payload))
    last = len(shape.path) - 1
    found = (_child(trail[-1], shape.path, last) for trail in _trails(payload, shape.path))
    return list(chain.from_iterable(map(_wrapped, found)))


def extract_with_meta(payload: Any, shape: Shape) -> list[tuple[list[Any], list[Record]]]:
    """Return the fields of each envelope in a payload with the records in it.

    Raises
    ------
    ParseError
        If the path does not lead to a list, an object or null, or a field of ``meta`` is missing.

    Examples
    --------
    >>> from pandas_async_io._core.table.shape import Shape
    >>> extract_with_meta({"data": [{"a": 1}], "page": 7}, Shape(path=("data",), meta=(("page",),)))
    [([7], [{'a': 1}])]
    """
    if shape.path is None:
        return [([], extract_records(payload, shape))]
    last = len(shape.path) - 1
    return [
        (
            [_field(trail, keys, shape.path) for keys in shape.meta],
            _wrapped(_child(trail[-1], shape.path, last)),
        )
        for trail in _trails(payload, shape.path)
    ]


def _trails(payload: Any, path: Path) -> list[tuple[Any, ...]]:
    """Return the objects that lead to records: each tuple starts at the root, one per key of the path."""
    trails: list[tuple[Any, ...]] = [(root,) for root in _elements(payload)]
    for depth in range(len(path) - 1):
        trails = [(*trail, child) for trail in trails for child in _child(trail[-1], path, depth)]
    return trails


def _elements(payload: Any) -> list[Any]:
    if isinstance(payload, list):
        return payload
    return [] if payload is None else [payload]


def _child(parent: Any, path: Path, depth: int) -> list[Any]:
    child = _get(parent, path[depth], f"record_path {list(path)}")
    if isinstance(child, dict | list) or child is None:
        return _elements(child)
    raise ParseError(f"record_path {list(path)}: {path[depth]!r} holds {_kind(child)}, no list or object")


def _field(trail: tuple[Any, ...], keys: Path, path: Path) -> Any:
    """Return a field of the envelope, from the element of each list that the records are in."""
    depth = 0
    while depth < min(len(keys), len(path)) - 1 and keys[depth] == path[depth]:
        depth += 1
    value = trail[depth]
    for key in keys[depth:]:
        value = _get(value, key, f"meta {list(keys)}")
    return value


def _get(parent: Any, key: str, option: str) -> Any:
    if not isinstance(parent, dict):
        raise ParseError(f"{option}: no object to look for {key!r} in, but {_kind(parent)}")
    if key not in parent:
        held = ", ".join(map(repr, list(parent)[:10])) or "none"
        raise ParseError(f"{option}: no key {key!r}; the keys are {held}")
    return parent[key]


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def _wrapped(items: list[Any]) -> list[Record]:
    kinds = set(map(type, items))
    if kinds <= {dict}:
        return items
    blank: Record = {} if dict in kinds else {VALUE_COLUMN: None}
    return [item if isinstance(item, dict) else blank if item is None else {VALUE_COLUMN: item} for item in items]

"""Where the table of a payload is, and the options that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pandas_async_io._core.body.xml.document import XmlDocument
from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.report.look.table_form import TableForm, find_form
from pandas_async_io._core.table.columns.collectors import PayloadCollector
from pandas_async_io._core.table.records.shape import compile_shape
from pandas_async_io._core.workflow.paging.envelope import find_record_path, is_single_record, page_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pandas_async_io._core.json_path import Key
    from pandas_async_io._core.table.columns.columns import Columns

_MAX_DEPTH = 4
"""Keys of the longest path to a table."""

_MAX_FIELDS = 200
"""Fields of an object whose values are looked at: one with more holds records by key."""

_NAME_FIELDS = ("name", "fieldName", "field", "label", "displayName", "title", "key", "id")
"""Where the description of a column has its name."""


class ShapeOptions(NamedTuple):
    """The options that read a payload as a table.

    Attributes
    ----------
    options : mapping
        ``record_path``, ``orient`` and ``names``, as far as they differ from the defaults.
    description : str
        What the payload looks like.
    is_sure : bool
        Whether it is hardly something else.
    """

    options: Mapping[str, Any]
    description: str
    is_sure: bool


def suggest_shape(payload: Any) -> ShapeOptions | None:
    """Return the options that read a payload as a table, None if it needs none.

    Examples
    --------
    >>> suggest_shape({"latitude": 52.5, "hourly": {"time": ["00:00", "01:00"], "t": [1.5, 1.7]}}).options
    {'record_path': 'hourly', 'orient': 'columns'}
    >>> suggest_shape([{"page": 1, "pages": 4}, [{"id": 1}]]).options
    {'record_path': [1]}
    >>> suggest_shape({"columns": [{"name": "id"}, {"name": "n"}], "rows": [[1, 2], [3, 4]]}).options
    {'record_path': 'rows', 'orient': 'values', 'names': 'columns.name'}
    >>> suggest_shape([{"id": 1}])
    """
    if isinstance(payload, list):
        return _pair(payload) or _at_path(payload, (), find_form(payload))
    if not isinstance(payload, dict):
        return None
    if isinstance(payload, XmlDocument):  # it is read there without a record_path too
        path = payload.record_path
        return None if path is None else ShapeOptions({"record_path": _spell(path)}, "repeated elements", is_sure=False)
    found = [(path, form) for path, value in _walk(payload, ()) if (form := find_form(value)) is not None]
    records = _record_list(payload)
    others = [each for each in found if each[1].orient != "records"]
    best = max(others, key=lambda each: each[1].cells, default=None)
    if records is not None and (best is None or best[1].cells <= records[1].cells):
        best = records
    return None if best is None else _at_path(payload, *best)


def build_columns(payload: Any, options: Mapping[str, Any]) -> Columns | None:
    """Return the columns of a payload as options read it, None if they do not.

    Examples
    --------
    >>> build_columns({"items": [{"a": 1}]}, {"record_path": "items"}).arrays["a"].tolist()
    [1]
    """
    try:
        collector = PayloadCollector(1, compile_shape(**options))
        collector.add(0, payload)
        columns = collector.build_columns(nullable=False)
    except (PlanError, ParseError):
        return None
    return None if columns.failures else columns


def _record_list(payload: dict[str, Any]) -> tuple[tuple[Key, ...], TableForm] | None:
    """Return the list of records of a page, as paging finds it; an object with an id is a record itself."""
    try:
        path = find_record_path(payload)
    except PlanError:
        return None
    is_record = not path or ("id" in payload and is_single_record(payload, path))
    form = None if is_record else find_form(page_records(payload, path))
    return None if form is None or form.orient != "records" else (path, form)


def _pair(payload: list[Any]) -> ShapeOptions | None:
    """Return the options for a list of two: what describes the page, and the records."""
    if len(payload) != 2 or not isinstance(payload[0], dict) or not isinstance(payload[1], list):
        return None
    if not payload[1] or not all(isinstance(each, dict) for each in payload[1]):
        return None
    return ShapeOptions({"record_path": [1]}, "a description of the page and a list of objects", is_sure=True)


def _walk(value: Any, path: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], Any]]:
    yield path, value
    if isinstance(value, dict) and len(path) < _MAX_DEPTH and len(value) <= _MAX_FIELDS:
        for key, child in value.items():
            yield from _walk(child, (*path, key))


def _at_path(payload: Any, path: tuple[Key, ...], form: TableForm | None) -> ShapeOptions | None:
    """Return the options that read the value at a path in a form."""
    if form is None or (form.orient == "records" and not path):
        return None
    options: dict[str, Any] = {} if not path else {"record_path": _spell(path)}
    is_sure = form.is_sure
    if form.orient != "records":
        options["orient"] = form.orient
    if form.orient == "values":
        names = 0 if form.header is not None else _names_path(payload, path)
        if names is not None:
            options["names"] = names
        is_sure = is_sure and (not path or names is not None)  # the coordinates of a shape are lists of lists too
    return ShapeOptions(options, form.description, is_sure)


def _spell(path: tuple[Key, ...]) -> str | list[Key]:
    """Return a path as a user writes it."""
    is_plain = all(
        isinstance(key, str) and key not in {"", "*"} and "." not in key and not key.isdecimal() for key in path
    )
    return ".".join(map(str, path)) if is_plain else list(path)


def _names_path(payload: Any, path: tuple[Key, ...]) -> str | None:
    """Return the path of a list beside the rows that has a name for each column."""
    width = len(find_value(payload, path)[0])
    for depth in range(len(path)):
        parent = find_value(payload, path[:depth])
        for key, value in parent.items() if isinstance(parent, dict) else ():
            if not isinstance(value, list) or len(value) != width or key == path[depth]:
                continue
            where = _spell((*path[:depth], key))
            if not isinstance(where, str):
                continue
            if all(isinstance(each, str) for each in value):
                return where
            name = next((name for name in _NAME_FIELDS if all(_has_name(each, name) for each in value)), None)
            if name is not None:
                return f"{where}.{name}"
    return None


def _has_name(value: Any, name: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get(name), str)

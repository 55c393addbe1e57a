"""Which form of a table a value of a payload has, in the words of ``orient``."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_MAX_SAMPLED = 1_000
"""Elements and fields of a value that are looked at."""

_DATA_KEY = re.compile(r"\d{4}-\d\d(?:-\d\d.*)?|-?\d+(?:\.\d+)?|[A-Z]{3,5}")
"""A key that is data, not the name of a field: a date, a number, a code."""

_MIN_KEYED_RECORDS = 3
_MIN_KEYED_SCALARS = 10
"""Objects and scalars of an object from which on they are records, where their keys may be names of fields."""


class TableForm(NamedTuple):
    """A form that a value has.

    Attributes
    ----------
    orient : str
        As in the option.
    description : str
        What the value looks like.
    cells : int
        How many cells it has.
    is_sure : bool
        Whether it is hardly something else, as a record with fields of its own.
    header : list or None
        The first row, if it holds the names.
    """

    orient: str
    description: str
    cells: int
    is_sure: bool
    header: list[Any] | None = None


def find_form(value: Any) -> TableForm | None:
    """Return the form of a table that a value has, None if it has none.

    Examples
    --------
    >>> find_form({"time": ["00:00", "01:00"], "t": [1.5, 1.7]}).orient, find_form([["id", "n"], [1, 2]]).header
    ('columns', ['id', 'n'])
    >>> days = {"2024-01-02": {"open": 1, "close": 2}, "2024-01-03": {"open": 2, "close": 3}}
    >>> find_form(days).is_sure, find_form({"home": {"lat": 1}, "work": {"lat": 2}}).is_sure
    (True, False)
    >>> find_form({"columns": ["a"], "data": [[1], [2]]}).orient, find_form([{"a": 1}]).orient, find_form({"a": 1})
    ('split', 'records', None)
    """
    if isinstance(value, list) and value:
        return _form_of_list(value)
    if isinstance(value, dict) and len(value) > 1:
        return _form_of_object(value)
    return None


def _form_of_list(value: list[Any]) -> TableForm | None:
    sampled = value[:_MAX_SAMPLED]
    if all(isinstance(each, dict) for each in sampled):
        return TableForm("records", "a list of objects", len(value) * max(map(len, sampled)), is_sure=False)
    if len(value) < 2 or not all(isinstance(each, list) for each in sampled):
        return None
    width = len(sampled[0])
    if not width or not _are_equal_lists(sampled):
        return None
    header = value[0] if _is_header(value[0], sampled[1:]) else None
    text = "a list of equally long lists" + (", the first one holds the names" if header else "")
    return TableForm("values", text, len(value) * width, width > 1, header)


def _is_header(row: list[Any], others: list[list[Any]]) -> bool:
    """Whether a row of different texts stands above a column of numbers, also of numbers in texts."""
    if not all(isinstance(cell, str) and cell and not _is_number(cell) for cell in row) or len(set(row)) < len(row):
        return False
    return any(all(_is_number(other[at]) for other in others) for at in range(len(row)))


def _form_of_object(value: dict[str, Any]) -> TableForm | None:
    if (rows := _split_rows(value)) is not None:
        text = "names in 'columns' and rows in 'data'"
        return TableForm("split", text, len(rows) * len(value["columns"]), is_sure=True)
    sampled = list(value.values())[:_MAX_SAMPLED]
    keys_are_data = all(_DATA_KEY.fullmatch(str(key)) for key in list(value)[:_MAX_SAMPLED])
    if _are_equal_lists(sampled) and len(sampled[0]) > 1:
        text = "an object of equally long lists" + (", one for each key" if keys_are_data else "")
        orient = "index" if keys_are_data else "columns"
        return TableForm(orient, text, len(value) * len(sampled[0]), is_sure=True)
    if all(isinstance(each, dict) and each and each.keys() == sampled[0].keys() for each in sampled):
        is_sure = keys_are_data or len(value) >= _MIN_KEYED_RECORDS
        text = "an object of objects with the same fields"
        return TableForm("index", text, len(value) * len(sampled[0]), is_sure)
    if keys_are_data and all(map(_is_plain_number, sampled)):
        is_sure = len(value) >= _MIN_KEYED_SCALARS
        return TableForm("index", "an object of numbers by key", 2 * len(value), is_sure)
    return None


def _split_rows(value: dict[str, Any]) -> list[list[Any]] | None:
    """Return the rows of an object as ``to_json(orient="split")`` writes it."""
    names, rows = value.get("columns"), value.get("data")
    if not (isinstance(names, list) and isinstance(rows, list) and rows and set(value) <= {"columns", "data", "index"}):
        return None
    widths = {len(row) if isinstance(row, list) else -1 for row in rows[:_MAX_SAMPLED]}
    return rows if widths == {len(names)} and all(isinstance(each, str) for each in names) else None


def _are_equal_lists(values: list[Any]) -> bool:
    """Whether all values are lists of scalars of one length."""
    return all(
        isinstance(each, list) and len(each) == len(values[0]) and not any(map(_is_container, each)) for each in values
    )


def _is_container(value: Any) -> bool:
    return isinstance(value, dict | list)


def _is_plain_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_plain_number(value) or (isinstance(value, str) and bool(re.fullmatch(r"-?\d+(?:\.\d+)?", value)))

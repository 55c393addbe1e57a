"""Which form of a table a value has."""

from __future__ import annotations

import pytest

from pandas_async_io._core.report.look.table_form import find_form

DAYS = ("2024-01-02", "2024-01-03")


@pytest.mark.parametrize(
    ("value", "orient", "is_sure"),
    [
        ([{"a": 1}], "records", False),
        ([[1, 2], [3, 4]], "values", True),
        ([["a"], ["b"]], "values", False),
        ({"t": [1, 2], "v": [3, None]}, "columns", True),
        ({day: [1, 2] for day in DAYS}, "index", True),
        ({day: {"open": 1} for day in DAYS}, "index", True),
        ({name: {"usd": 1} for name in ("bitcoin", "ethereum", "solana")}, "index", True),
        ({name: {"usd": 1} for name in ("bitcoin", "ethereum")}, "index", False),
        ({"EUR": 1, "USD": 1.1}, "index", False),
        ({f"2024-01-{day}": day for day in range(10, 21)}, "index", True),
        ({"columns": ["a", "b"], "index": [0], "data": [[1, 2]]}, "split", True),
    ],
)
def test_a_table_has_one_of_pandas_forms(value, orient, is_sure):
    """As `to_json` writes it. Unsure is what may as well be a record with fields of its own."""
    found = find_form(value)
    assert (found.orient, found.is_sure) == (orient, is_sure)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, "a", [], {}, ["a", "b"], [1, [2]], [[1, 2], [3]], [[], []], [[{"a": 1}], [{"a": 2}]]),
        {"a": 1},
        {"id": 1, "name": "x"},
        {"id": 1, "tags": ["a", "b"]},
        {"a": [1, 2], "b": [1]},
        {"a": [1], "b": [2]},
        {"a": [{"x": 1}, {}], "b": [{}, {}]},
        {"user": {"id": 1}, "owner": {"name": "x"}},
        {"lat": 1.5, "lon": 2.5},
        {"a": {}, "b": {}},
        {"columns": ["a"], "data": [[1, 2]]},
    ],
)
def test_records_and_scalars_are_no_table(value):
    """Lists of different lengths, objects with different fields, and scalars."""
    assert find_form(value) is None


@pytest.mark.parametrize(
    ("rows", "has_header"),
    [
        ([["NAME", "P1"], ["Alabama", "5024279"]], True),
        ([["id", "n"], [1, 2]], True),
        ([["a", "b"], ["c", "d"]], False),
        ([["a", "a"], [1, 2]], False),
        ([[1, 2], [3, 4]], False),
        ([["2019", "2020"], ["1", "2"]], False),
    ],
)
def test_a_first_row_of_names_stands_above_numbers(rows, has_header):
    """Numbers may be written as texts; equal names are none."""
    assert (find_form(rows).header is not None) == has_header

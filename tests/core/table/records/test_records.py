"""The records of a payload."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.records.records import extract_records
from pandas_async_io._core.table.records.shape import compile_shape
from tests.core.table.payload_columns import flatten_columns, to_cells


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (None, []),
        ([], []),
        ({}, [{}]),
        ({"a": 1}, [{"a": 1}]),
        ([{"a": 1}, None], [{"a": 1}, {}]),
        ([{"a": 1}, 5], [{"a": 1}, {"value": 5}]),
        (5, [{"value": 5}]),
        ("x", [{"value": "x"}]),
        ([1, None], [{"value": 1}, {"value": None}]),
        ([[1, 2], [3]], [{"value": [1, 2]}, {"value": [3]}]),
    ],
)
def test_fault_28_every_payload_has_records(payload, expected):
    """An object, a list, a scalar or null."""
    assert extract_records(payload, compile_shape()) == expected
    if isinstance(payload, list | dict | None):
        assert extract_records({"data": payload}, compile_shape(record_path="data")) == expected


def test_fault_26_null_and_an_empty_list_have_no_records():
    """The others keep their position."""
    result = flatten_columns([None, {"a": 1}, [], [{"a": 2}, {"a": 3}]])
    assert result.counts.tolist() == [0, 1, 0, 2]
    assert to_cells(result.arrays["a"]) == [1, 2, 3]


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("data.items", {"data": {"items": [{"x": 1}]}}),
        (["data", "items"], {"data": {"items": [{"x": 1}]}}),
        (["a.b"], {"a.b": [{"x": 1}]}),
        ("data.items", {"data": [{"items": [{"x": 1}]}, {"items": None}]}),
        ("items", [{"items": {"x": 1}}]),
        ("a.b", {"a": {"b": {"x": 1}}}),
    ],
)
def test_a_record_path_is_dotted_or_a_list_of_keys(path, payload):
    """Lists along the path are entered."""
    assert extract_records(payload, compile_shape(record_path=path)) == [{"x": 1}]


@pytest.mark.parametrize("payload", [None, [], {"data": None}, {"data": {"items": None}}, {"data": []}])
def test_null_along_the_path_has_no_records(payload):
    """It may stand for a list or an object."""
    assert extract_records(payload, compile_shape(record_path="data.items")) == []


@pytest.mark.parametrize(
    ("path", "payload", "expected"),
    [
        ([1], [{"page": 1, "pages": 7}, [{"x": 1}, {"x": 2}]], [{"x": 1}, {"x": 2}]),
        ("1", [{"page": 1}, [{"x": 1}]], [{"x": 1}]),
        ([-1], [{"page": 1}, [{"x": 1}]], [{"x": 1}]),
        ("result.0.series", {"result": [{"series": [{"x": 1}]}, {"series": [{"x": 2}]}]}, [{"x": 1}]),
        ("a.0", [{"a": {"0": [{"x": 1}]}}], [{"x": 1}]),
        ("0", [{"0": [{"x": 1}]}, {"0": [{"x": 2}]}], [{"x": 1}, {"x": 2}]),
        ("data.*", {"data": {"k": {"x": 1}, "l": {"x": 2}, "m": None}}, [{"x": 1}, {"x": 2}]),
        (
            "data.*.rows",
            {"data": {"k": {"rows": [{"x": 1}]}, "l": {}, "m": {"rows": [{"x": 2}]}}},
            [{"x": 1}, {"x": 2}],
        ),
        ("data.*.rows", {"data": [{"rows": [{"x": 1}]}, {"rows": [{"x": 2}]}]}, [{"x": 1}, {"x": 2}]),
        ("*", {"k": [{"x": 1}], "l": [{"x": 2}]}, [{"x": 1}, {"x": 2}]),
        ("rates.*", {"rates": {"USD": 1.1, "CHF": 0.9}}, [{"value": 1.1}, {"value": 0.9}]),
        ("a.5", {"a": [{"x": 1}]}, []),
    ],
)
def test_a_record_path_has_positions_and_stars(path, payload, expected):
    """A number is a position in a list, unless its elements have such a key; a star is every value."""
    assert extract_records(payload, compile_shape(record_path=path)) == expected


@pytest.mark.parametrize(
    ("path", "meta", "payload", "expected"),
    [
        ([1], [[0, "total"]], [{"total": 9}, [{"x": 1}]], {"0.total": [9]}),
        (
            "data.*.rows",
            "data.*.id",
            {"data": {"k": {"id": 1, "rows": [{}, {}]}, "l": {"id": 2, "rows": [{}]}}},
            [1, 1, 2],
        ),
        ("rows", "hosts.0.name", {"hosts": [{"name": "a"}], "rows": [{"x": 1}]}, ["a"]),
        ("rows", "hosts.*.name", {"hosts": [{"name": "a"}, {"name": "b"}], "rows": [{"x": 1}]}, [["a", "b"]]),
    ],
)
def test_a_meta_field_has_positions_and_stars(path, meta, payload, expected):
    """A star beside the record path gives the list of all values."""
    arrays = flatten_columns([payload], record_path=path, meta=meta).arrays
    (name,) = set(arrays) - {"x"}
    assert to_cells(arrays[name]) == (expected[name] if isinstance(expected, dict) else expected)


@pytest.mark.parametrize("answer", [{"rows": []}, {"rows": [], "names": None}, {"rows": None}, {}])
def test_an_answer_without_rows_needs_no_names(answer):
    """APIs leave the names out where they found nothing."""
    shape = compile_shape(record_path="rows", orient="values", names="names")
    assert extract_records(answer, shape) == []


@pytest.mark.parametrize("names", [{}, {"names": None}])
def test_rows_without_their_names_are_no_records(names):
    shape = compile_shape(record_path="rows", orient="values", names="names")
    with pytest.raises(ParseError, match="names"):
        extract_records({"rows": [[1]], **names}, shape)


@pytest.mark.parametrize(("path", "values"), [("c.-1", [2]), ("c.0", [1]), ("c.-3", [])])
def test_a_negative_position_counts_from_the_end(path, values):
    records = extract_records({"c": [{"a": 1}, {"a": 2}]}, compile_shape(record_path=path))
    assert [record["a"] for record in records] == values

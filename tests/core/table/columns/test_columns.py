"""Blocks to columns: exact dtypes, gaps, drift and names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.table.columns.columns import concat_blocks
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.records.shape import compile_shape
from tests.core.table.payload_columns import (
    BEYOND_FLOAT,
    STRING_DTYPE,
    flatten_columns,
    is_missing,
    objects_of,
    plain_keys,
    to_cells,
)


def make_array(*cells, nullable=False):
    """Return the array of one column with these cells."""
    return flatten_columns([{"a": cell} for cell in cells], nullable=nullable).arrays["a"]


@given(st.lists(objects_of(plain_keys), min_size=1, max_size=6), st.sets(st.integers(0, 6)), st.booleans())
def test_the_columns_do_not_depend_on_the_blocks(payloads, cuts, nullable):
    """Names, dtypes and cells are those of one block."""
    whole = flatten_columns(payloads, nullable=nullable)
    parts = flatten_columns(payloads, nullable=nullable, cuts={cut for cut in cuts if cut < len(payloads)})
    assert list(parts.arrays) == list(whole.arrays)
    assert parts.drifted == whole.drifted
    for name, array in whole.arrays.items():
        assert parts.arrays[name].dtype == array.dtype
        assert repr(to_cells(parts.arrays[name])) == repr(to_cells(array))


@pytest.mark.parametrize(
    ("cells", "dtype", "nullable_dtype"),
    [
        ((1, 2), "int64", "Int64"),
        ((1, None), "Int64", "Int64"),
        ((2**63, 1), "uint64", "UInt64"),
        ((2**64 - 1, None), "UInt64", "UInt64"),
        ((2**63, -1), "object", "object"),
        ((2**64, 1), "object", "object"),
        ((True, False), "bool", "boolean"),
        ((True, None), "boolean", "boolean"),
        ((0.5, 1.5), "float64", "float64"),
        ((0.5, None), "float64", "float64"),
        ((0.5, 2**53), "float64", "float64"),
        ((0.5, BEYOND_FLOAT), "object", "object"),
        (("a", "b"), STRING_DTYPE, STRING_DTYPE),
        (("a", None), STRING_DTYPE, STRING_DTYPE),
        ((1, "a"), "object", "object"),
        ((1, True), "object", "object"),
        (([1], [2]), "object", "object"),
        ((None, None), "object", "object"),
    ],
)
@pytest.mark.parametrize("cuts", [(), (1,)], ids=["one block", "two blocks"])
def test_fault_23_a_dtype_holds_every_cell_exactly(cells, dtype, nullable_dtype, cuts):
    """Each cell keeps its value and, except for integers that floats hold, its type."""
    payloads = [{"a": cell} for cell in cells]
    for nullable, expected in ((False, dtype), (True, nullable_dtype)):
        array = flatten_columns(payloads, nullable=nullable, cuts=cuts).arrays["a"]
        assert array.dtype == expected
        for mine, cell in zip(to_cells(array), cells, strict=True):
            assert mine == cell or (cell is None and is_missing(mine))
            assert type(mine) is type(cell) or cell is None or array.dtype == "float64"


def test_fault_23_an_integer_beside_a_gap_is_exact():
    """2**53 + 1 survives a record without the field; json_normalize rounds it."""
    payloads = [{"a": BEYOND_FLOAT}, {}]
    assert int(flatten_columns(payloads).arrays["a"][0]) == BEYOND_FLOAT
    assert int(pd.json_normalize(payloads)["a"][0]) != BEYOND_FLOAT


def test_fault_28_mixed_kinds_are_kept_and_reported():
    """An int in one response and a string in another stay what they are."""
    result = flatten_columns([{"a": 1, "b": 1}, {"a": "x", "b": 0.5}, {"a": None}], cuts=(1, 2))
    assert to_cells(result.arrays["a"]) == [1, "x", None]
    assert result.drifted == {"a": ("int", "str")}


def test_null_and_missing_differ_in_object_columns():
    """A JSON null is None, a missing key NaN."""
    array = flatten_columns([{"a": [1]}, {"a": None}, {}], cuts=(2,)).arrays["a"]
    assert array[1] is None
    assert np.isnan(array[2])


def test_a_lone_surrogate_makes_its_column_object():
    """Arrow cannot hold such a string."""
    assert to_cells(make_array("a", "\ud800", None)) == ["a", "\ud800", None]


def test_the_types_of_a_parser_are_inferred():
    """Timestamps become a datetime column."""
    assert make_array(pd.Timestamp("2024-01-01"), None).dtype.kind == "M"


def test_meta_never_overwrites_a_field():
    """A meta field whose name is taken gets a suffix; json_normalize raises."""
    result = flatten_columns([{"id": 7, "items": [{"id": 1}]}], record_path="items", meta="id")
    assert {name: to_cells(array) for name, array in result.arrays.items()} == {"id": [1], "id_meta": [7]}


def test_concat_blocks_empties_the_blocks():
    """The peak of memory is the result and one column."""
    block = flatten([{"a": 1}], compile_shape())
    assert list(concat_blocks([block], nullable=True).arrays) == ["a"]
    assert block.columns == {}


def test_without_blocks_there_are_no_columns():
    """There are no records either."""
    result = concat_blocks([], nullable=True)
    assert (result.arrays, result.counts.tolist()) == ({}, [])


@pytest.mark.parametrize("cuts", [set(), {1}, {1, 2}])
@pytest.mark.parametrize(
    ("payloads", "names"),
    [
        ([{"id": 1, "a": {"x": 1}}, {"id": 2, "a": None}, {"id": 3}], ["id", "a.x"]),
        ([{"id": 1, "a": None}, {"id": 2, "a": {"x": 1}}], ["id", "a.x"]),
        ([{"id": 1, "a": {}}, {"id": 2, "a": None}], ["id"]),
        ([{"id": 1, "a": {"b": {"x": 1}}}, {"id": 2, "a": {"b": None}}, {"id": 3, "a": None}], ["id", "a.b.x"]),
        ([{"id": 1, "a": {"x": 1}}, {"id": 2, "a": 5}, {"id": 3, "a": None}], ["id", "a.x", "a"]),
        ([{"id": 1, "a": None}, {"id": 2, "a": None}], ["id", "a"]),
        ([{"id": 1, "a": None}, {"id": 2, "a": [{"x": 1}]}], ["id", "a"]),
        ([{"a": {"x": 1}, "a.x": 2}, {"a": None}], ["a.x"]),
    ],
)
def test_a_null_in_place_of_an_object_adds_no_column(payloads, names, cuts):
    """In whatever block it is; a scalar in its place, and nulls alone, are a column."""
    found = flatten_columns(payloads, nullable=True, cuts={cut for cut in cuts if cut < len(payloads)})
    assert sorted(found.arrays) == sorted(names)


def test_a_column_that_is_selected_exists_although_it_is_an_object():
    """And a meta field of its name, and one beyond ``max_level``."""
    payloads = [{"a": {"x": 1}}, {"a": None}]
    assert list(flatten_columns(payloads, columns=["a", "a.x"], nullable=True).arrays) == ["a", "a.x"]
    assert list(flatten_columns(payloads, max_level=0, nullable=True).arrays) == ["a"]
    pages = [{"a": None, "items": [{"a": {"x": 1}}]}]
    assert list(flatten_columns(pages, record_path="items", meta="a", nullable=True).arrays) == ["a.x", "a"]


@pytest.mark.parametrize(
    ("records", "options", "names"),
    [
        ([{"a.b": 3, "a": {"b": 4}}], {}, "'a.b'"),
        ([{"a.b": 3, "a": {"b": 4}}], {"columns": ["a.b"]}, "'a.b'"),
        ([{"a.b": 3, "a": {"b": 4}, "c": 1}], {"columns": ["c"]}, None),
        ([{"a.b": 3, "a": {"b": 4}}], {"sep": "_"}, None),
        ([{"a.b": 3, "a": {"b": 3}}, {"a.b": None, "a": {"b": 3}}], {}, None),
        ([{"a.b": 3}, {"a": {"b": 4}}], {}, None),
        ([{"a.id": 1, "a": [{"id": 2}]}], {"explode": ["a"]}, "'a.id'"),
    ],
)
def test_a_value_lost_to_another_field_of_its_name_is_a_hint(records, options, names):
    """As in json_normalize the last of them counts; it is said."""
    hints = concat_blocks([flatten([records], compile_shape(**options))], nullable=True).hints
    expected = f"{names}: a record has two fields of this name, and only the last is kept; pass another sep="
    assert hints == ((expected,) if names else ())

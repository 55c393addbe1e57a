"""Columns factorized by text, and rows grouped by equal values."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.request.cell_values.cells import dump_json, render_cell, to_json_value
from pandas_async_io._core.request.cell_values.deduplicate import factorize, factorize_json, group_rows
from pandas_async_io._core.request.cell_values.fields import find_column

MIXED = [True, 1, 1.0, "1", "true", False, 0, -0.0, "0", None, np.nan, pd.NA, np.inf, "", "a", 2.5, "2.5"]
MIXED += [Decimal(1), Decimal("1.0"), dt.date(2024, 1, 1), pd.Timestamp("2024-01-01"), ["a"], ["a", "b"], {"a": "b"}]
CELLS = st.lists(st.sampled_from(MIXED), max_size=12)


def objects(cells):
    """Return an object array of the cells."""
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


def same(codes, values):
    """Whether rows have the same code if and only if they have the same value; null is -1."""
    pairs = list(zip(codes.tolist(), values, strict=True))
    return all((code == -1) == (value is None) for code, value in pairs) and all(
        (a == b) == (x == y) for a, x in pairs for b, y in pairs
    )


@given(CELLS)
def test_fault_55_codes_are_equal_if_and_only_if_texts_are(cells):
    """So True, 1, 1.0 and "1" in one column are distinguished only by their texts."""
    key = factorize(objects(cells))
    texts = [render_cell(cell) for cell in cells]
    assert same(key.codes, texts)
    assert key.render_rows(np.arange(len(cells))) == texts


@given(CELLS)
def test_json_codes_are_equal_if_and_only_if_json_is(cells):
    """In a JSON body 1 and "1" differ, and so do 1 and true."""
    values = [to_json_value(cell) for cell in cells]
    assert same(factorize_json(objects(cells)).codes, [None if value is None else dump_json(value) for value in values])


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "Float64", "str", "category", "int64[pyarrow]"])
@given(data=st.data())
def test_fault_56_any_dtype_is_factorized_by_its_texts(dtype, data):
    """Codes and texts do not depend on the dtype."""
    missing = st.nothing() if dtype in {"int64", "float64", "str"} else st.none()
    values = data.draw(st.lists(st.integers(-2, 2) | missing, max_size=9))
    column = pd.Series(values, dtype=dtype if dtype != "category" else object).astype(dtype)
    key = factorize(find_column(column.to_frame("a"), "a"))
    texts = [None if value is None else str(value) for value in values]
    assert same(key.codes, texts)
    assert key.render_rows(np.arange(len(values))) == texts


@pytest.mark.parametrize(
    "values", [np.array([1j]), pd.arrays.IntervalArray.from_breaks([0, 1])], ids=["complex", "interval"]
)
def test_a_dtype_without_texts_raises(values):
    """It raises before the texts of the column are rendered."""
    with pytest.raises(TypeError, match="convert the column to text first"):
        factorize(values)


@given(st.lists(st.tuples(*[st.sampled_from([0, 1, 2, None])] * 3), max_size=15), st.data())
def test_rows_are_grouped_by_all_columns(table, data):
    """Rows are in the same group if and only if all their values are equal. Nulls are equal."""
    rows = np.array(data.draw(st.lists(st.sampled_from(range(len(table))), unique=True)) if table else [], np.int64)
    rows.sort()
    keys = [factorize(pd.array([row[at] for row in table], "Int64")) for at in range(3)]
    seen = {}
    groups = [seen.setdefault(table[row], len(seen)) for row in rows.tolist()]
    first, found = group_rows(keys, rows)
    assert found.tolist() == groups
    assert [table[row] for row in first.tolist()] == list(seen)


def test_the_joint_code_of_many_columns_does_not_overflow():
    """Seven columns of 2**10 values have more combinations than int64 has values."""
    values = np.arange(2**10).repeat(2)
    columns = [np.roll(values, at) for at in range(7)]
    first, groups = group_rows([factorize(column) for column in columns], np.arange(len(values)))
    distinct = set(zip(*(column.tolist() for column in columns), strict=True))
    assert len(first) == len(distinct) == groups.max() + 1


def test_fault_54_two_kinds_of_null_are_one_value():
    """Infinity and NaN in an Arrow column make the same request, which is sent once."""
    column = factorize(pd.array(pa.array([float("inf"), float("nan")]), dtype="double[pyarrow]"))
    assert not column.is_unique()
    assert group_rows([column], np.arange(2))[1].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [object, "string"])
def test_texts_that_differ_behind_a_nul_are_different(dtype):
    """pandas before 3.0 compares texts as C strings: the second row would get the first one's response."""
    column = factorize(pd.array(["a", "a\0b", "a"], dtype=dtype))
    assert column.codes.tolist() == [0, 1, 0]

"""Columns found by name and factorised: equal codes if and only if equal texts."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import UnknownFieldError
from pandas_async_io._core.request.cells import dump_json, render_cell, to_json_value
from pandas_async_io._core.request.deduplicate import factorize, factorize_json, group_rows
from pandas_async_io._core.request.fields import find_column

MIXED = [True, 1, 1.0, "1", "true", False, 0, -0.0, "0", None, np.nan, pd.NA, np.inf, "", "a", 2.5, "2.5"]
MIXED += [Decimal(1), Decimal("1.0"), dt.date(2024, 1, 1), pd.Timestamp("2024-01-01"), ["a"], ["a", "b"], {"a": "b"}]
CELLS = st.lists(st.sampled_from(MIXED), max_size=12)


def objects(cells):
    """Return an object array that keeps each cell as it is."""
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


def same(codes, values):
    """Whether two rows have one code exactly if they have one value; null is -1."""
    pairs = list(zip(codes.tolist(), values, strict=True))
    return all((code == -1) == (value is None) for code, value in pairs) and all(
        (a == b) == (x == y) for a, x in pairs for b, y in pairs
    )


@given(CELLS)
def test_fault_55_equal_codes_are_equal_texts(cells):
    """True, 1, 1.0 and "1" in one column are told apart exactly where their texts differ."""
    key = factorize(objects(cells))
    texts = [render_cell(cell) for cell in cells]
    assert same(key.codes, texts)
    assert key.render_rows(np.arange(len(cells))) == texts


@given(CELLS)
def test_equal_json_codes_are_equal_json(cells):
    """In a JSON body 1 and "1" are two values, and so are 1 and true."""
    values = [to_json_value(cell) for cell in cells]
    assert same(factorize_json(objects(cells)).codes, [None if value is None else dump_json(value) for value in values])


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "Float64", "str", "category", "int64[pyarrow]"])
@given(data=st.data())
def test_fault_56_any_dtype_is_factorised_as_its_texts(dtype, data):
    """Codes and texts do not depend on how pandas keeps the values."""
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
def test_a_dtype_without_meaning_raises_at_once(values):
    """A whole column that means nothing in a request is found before its texts are made."""
    with pytest.raises(TypeError, match="convert the column to text first"):
        factorize(values)


@given(st.lists(st.tuples(*[st.sampled_from([0, 1, 2, None])] * 3), max_size=15), st.data())
def test_groups_are_those_of_a_dict(table, data):
    """Rows are in one group exactly if all their keys are equal; nulls are equal to nulls."""
    rows = np.array(data.draw(st.lists(st.sampled_from(range(len(table))), unique=True)) if table else [], np.int64)
    rows.sort()
    keys = [factorize(pd.array([row[at] for row in table], "Int64")) for at in range(3)]
    seen = {}
    groups = [seen.setdefault(table[row], len(seen)) for row in rows.tolist()]
    first, found = group_rows(keys, rows)
    assert found.tolist() == groups
    assert [table[row] for row in first.tolist()] == list(seen)


def test_many_wide_keys_do_not_overflow():
    """Seven columns of 2**10 values have more combinations than an int64 has numbers."""
    values = np.arange(2**10).repeat(2)
    columns = [np.roll(values, at) for at in range(7)]
    first, groups = group_rows([factorize(column) for column in columns], np.arange(len(values)))
    distinct = set(zip(*(column.tolist() for column in columns), strict=True))
    assert len(first) == len(distinct) == groups.max() + 1


def test_a_field_is_a_column_or_an_index_level():
    """Labels go by their text, tuples with dots, padding left out; a column comes before a level."""
    frame = pd.DataFrame(
        [[1, 2, 3]],
        columns=pd.MultiIndex.from_tuples([("id", ""), ("geo", "lat"), (7, "")]),
        index=pd.MultiIndex.from_tuples([(4, 5)], names=["level", "id"]),
    )
    assert [find_column(frame, name)[0] for name in ("id", "geo.lat", "7", "level")] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("frame", "name", "message"),
    [
        (pd.DataFrame({"User ID": [1], "b": [2]}), "user id", r"nearest: \{User%20ID\}"),
        (pd.DataFrame({"a": [1]}, index=pd.Index([1], name="account")), "acount", r"nearest: \{account\}"),
        (pd.DataFrame(), "a", "the frame has no columns"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a", "2 columns have this name"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "1", "2 columns have this name"),
        (
            pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)], names=["k", "k"])),
            "k",
            "2 index levels have this name",
        ),
    ],
)
def test_fault_57_an_unknown_field_names_the_nearest(frame, name, message):
    """The message gives the spelling that the template needs."""
    with pytest.raises(UnknownFieldError, match=message):
        find_column(frame, name)

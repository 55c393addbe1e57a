"""The text and the JSON value of a cell."""

import datetime as dt
import enum
import json
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.request.cell_values.cells import (
    dump_json,
    render_cell,
    render_column,
    render_scalar,
    to_json_value,
)
from tests.ids import stable

NULLS = [None, float("nan"), float("inf"), -float("inf"), pd.NaT, pd.NA, np.float64("nan"), np.datetime64("NaT", "s")]
NULLS += [np.timedelta64("NaT", "s"), Decimal("NaN"), Decimal("Infinity")]


class Colour(str, enum.Enum):  # noqa: UP042 - the case is an enum whose str() is not its value
    """An enum whose value is a text."""

    RED = "red"


@pytest.mark.parametrize("cell", NULLS, ids=stable)
def test_fault_55_nulls_have_no_text_and_are_null_in_json(cell):
    """All missing values of numpy, pandas and Python are the same null."""
    assert render_scalar(cell) is None
    assert render_cell([cell]) is None
    assert to_json_value(cell) is None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("", ""),
        ("é/ ", "é/ "),
        (np.str_("x"), "x"),
        (True, "true"),
        (np.False_, "false"),
        (1, "1"),
        (2**70, str(2**70)),
        (np.uint64(2**64 - 1), str(2**64 - 1)),
        (1.0, "1"),
        (-0.0, "0"),
        (2.5, "2.5"),
        (np.float32(0.1), "0.1"),
        (np.float16(0.1), "0.1"),
        (Decimal("1.10"), "1.10"),
        (Decimal("1E+3"), "1000"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (dt.date(2024, 5, 1), "2024-05-01"),
        (dt.time(12, 30), "12:30:00"),
        (dt.datetime(2024, 5, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")), "2024-05-01T12:00:00+02:00"),
        (np.datetime64("2024-05-01T00:00:00.5"), "2024-05-01T00:00:00.500000"),
        (dt.timedelta(hours=1), "P0DT1H0M0S"),
        (pd.Period("2024-05"), "2024-05"),
        (Colour.RED, "red"),
        ([1, None, "b"], ["1", "b"]),
        (np.array([1.0, 2.5]), ["1", "2.5"]),
        ({"k": True, "gone": None}, {"k": "true"}),
        ([], None),
        ({}, None),
    ],
    ids=stable,
)
def test_fault_55_a_cell_is_rendered_as_apis_write_it(cell, expected):
    """``true``, not ``True``; ``1``, not ``1.0``; dates in ISO 8601."""
    assert render_cell(cell) == expected


@pytest.mark.parametrize("cell", [b"x", 1j, object(), pd.Interval(0, 1), [[1]], {"a": {}}], ids=stable)
def test_a_cell_of_another_type_raises(cell):
    """The message says what to do."""
    with pytest.raises(TypeError, match="convert the column to text first"):
        render_cell(cell)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([1, 2], np.int8), ["1", "2"]),
        (np.array([1.0, 2.0]), ["1", "2"]),
        (np.array([1.0, 2.5, np.nan, np.inf, 2.0**53]), ["1", "2.5", None, None, str(2.0**53)]),
        (np.array([0.1, 1], np.float32), ["0.1", "1"]),
        (np.array([0.1, 1], np.float16), ["0.1", "1"]),
        (np.array([True, False]), ["true", "false"]),
        (pd.array([1, None], "Int64"), ["1", None]),
        (pd.array([True, None], "boolean"), ["true", None]),
        (pd.array([1.0, None], "Float64"), ["1", None]),
        (pd.array(["a", None], "string"), ["a", None]),
        (pd.Categorical([1.0, None, 2.5]), ["1", None, "2.5"]),
        (pd.Categorical([True, None]), ["true", None]),
        (pd.array([1, None], "int64[pyarrow]"), ["1", None]),
        (pd.array(["a", None], pd.ArrowDtype(pa.string())), ["a", None]),
        (pd.array([[1, 2], None], pd.ArrowDtype(pa.list_(pa.int64()))), [["1", "2"], None]),
        (pd.array([{"k": 1}, None], pd.ArrowDtype(pa.struct([("k", pa.int64())]))), [{"k": "1"}, None]),
        (pd.array([Decimal("1.10"), None], pd.ArrowDtype(pa.decimal128(5, 2))), ["1.10", None]),
        (pd.array([dt.date(2024, 5, 1), None], pd.ArrowDtype(pa.date32())), ["2024-05-01", None]),
        (pd.array(pd.to_datetime(["2024-05-01", None])), ["2024-05-01T00:00:00", None]),
        (pd.array(pd.to_datetime(["2024-05-01", None], utc=True)), ["2024-05-01T00:00:00+00:00", None]),
        (pd.arrays.SparseArray([1.0, np.nan]), ["1", None]),
        (pd.array(pd.period_range("2024-05", periods=1, freq="M")), ["2024-05"]),
        (np.array([True, 1, 1.0, "1", None], object), ["true", "1", "1", "1", None]),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")) or None,
)
def test_fault_56_a_column_of_any_dtype_is_rendered_as_its_cells(array, expected):
    """The dtype does not change the text."""
    assert render_column(array) == expected


@given(st.lists(st.floats(width=32)), st.sampled_from(["f4", "f8"]))
def test_a_float_column_is_rendered_as_its_cells(values, dtype):
    """Rendering a column at once gives the same texts."""
    array = np.array(values, dtype)
    assert render_column(array) == [render_scalar(cell) for cell in array]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (True, True),
        (np.True_, True),
        (1.0, 1.0),
        (np.int8(3), 3),
        ("1", "1"),
        (2**70, 2**70),
        (Colour.RED, "red"),
        ([1, [None, {"a": (2.5,)}]], [1, [None, {"a": [2.5]}]]),
        (np.array([1, 2]), [1, 2]),
        (pd.Timestamp("2024-05-01"), "2024-05-01T00:00:00"),
        (Decimal("1.10"), "1.10"),
    ],
    ids=stable,
)
def test_a_json_leaf_keeps_its_type(cell, expected):
    """Numbers, booleans and lists keep their type; types that JSON does not have become text."""
    value = to_json_value(cell)
    assert value == expected
    assert type(value) is type(expected)
    assert json.loads(dump_json(value)) == expected


def test_values_that_orjson_refuses_are_dumped():
    """Integers beyond 64 bits stay exact, and a lone surrogate is escaped."""
    assert dump_json([2**70]) == b"[1180591620717411303424]"
    assert json.loads(dump_json("\ud800")) == "\ud800"

"""Columns in the dtypes of the first chunk."""

import pandas as pd
import pytest

from pandas_async_io._core.errors import DriftError
from pandas_async_io._core.table.columns.columns import concat_blocks
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.records.shape import Shape
from pandas_async_io._core.table.stream.first_columns import FirstColumns
from pandas_async_io._core.table.types.apply_schema import apply_schema
from pandas_async_io._core.table.types.schema import compile_schema


def make_columns(records, schema):
    """Return the columns of records."""
    columns = concat_blocks([flatten([records], Shape())], nullable=True)
    return apply_schema(columns, schema, backend=None, nullable=True)


def conform(first, later, schema=None):
    """Return the values of column ``a`` of a later chunk."""
    compiled = compile_schema(schema)
    columns = FirstColumns.of(make_columns(first, compiled), compiled).conform(make_columns(later, compiled), 100)
    return columns.arrays["a"]


FITTING = {
    "the same kind": ([{"a": 1}], [{"a": 2}], [2], "Int64"),
    "a null": ([{"a": 1}], [{"a": None}], [None], "Int64"),
    "a key that the first chunk lacks in some": ([{"a": 1}, {"b": 1}], [{"b": 2}], [None], "Int64"),
    "int in a column of floats": ([{"a": 1.5}], [{"a": 2}], [2.0], "float64"),
    "anything in a column of several kinds": ([{"a": 1}, {"a": "x"}], [{"a": True}], [True], "object"),
    "anything after nulls": ([{"a": None}], [{"a": "x"}], ["x"], "object"),
    "a bool": ([{"a": True}], [{"a": False}], [False], "boolean"),
}


@pytest.mark.parametrize("case", FITTING)
def test_what_fits_has_the_first_dtype(case):
    first, later, values, dtype = FITTING[case]
    found = conform(first, later)
    assert str(found.dtype) == dtype
    assert [None if missing else value for value, missing in zip(found.tolist(), pd.isna(found), strict=True)] == values


DRIFTS = {
    "int to str": (
        [{"a": 1}],
        [{"a": 2}, {"a": "x"}],
        r"'a': record 101 has 'x' \(str\).*schema={'a': 'string'}",
    ),
    "int to float": ([{"a": 1}], [{"a": 1.5}], r"column 'a': record 100 has 1.5 .*schema={'a': 'float64'}"),
    "str to int": ([{"a": "x"}], [{"a": 1}], r"record 100 has 1 \(int\)"),
    "str to a list": ([{"a": "x"}], [{"a": [1]}], r"schema={'a': 'object'}"),
    "beyond 64 bits": ([{"a": 1}], [{"a": 2**63}], r"record 100 has 9223372036854775808"),
    "a new key": ([{"a": 1}], [{"a": 1}, {"a": 2, "b": "x"}], r"record 101 has a column 'b'.*schema={'b': 'string'}"),
    "a missing key": (
        [{"a": 1, "b": 1}],
        [{"a": 1}],
        r"'b' has a value in every .* record 100 on.*{'b': 'int64'}",
    ),
}


@pytest.mark.parametrize("case", DRIFTS)
def test_fault_66_a_drift_names_column_record_and_schema(case):
    first, later, message = DRIFTS[case]
    with pytest.raises(DriftError, match=message):
        conform(first, later)


def test_a_column_of_the_schema_does_not_drift():
    assert conform([{"a": 1}], [{"a": "2"}], {"a": "float64"}).tolist() == [2.0]
    assert conform([{"a": 1}], [{"b": 1}], {"a": "int64", "b": "int64"}).isna().all()

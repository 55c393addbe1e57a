"""Integers stay exact: the array that holds them, and the array that holds several of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.table.columns.integers import MAX_SAFE_INTEGER, concat_numbers, integer_array


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([], "int64"),
        ([-(2**63), 2**63 - 1], "int64"),
        ([0, 2**63], "uint64"),
        ([2**64 - 1], "uint64"),
        ([-1, 2**63], "object"),
        ([2**64], "object"),
        ([-(2**63) - 1], "object"),
    ],
    ids=str,
)
def test_integers_are_in_the_narrowest_array_that_holds_them(values, dtype):
    array = integer_array(values)
    assert array.dtype == dtype
    assert [int(value) for value in array] == values


INTEGERS = st.lists(st.integers(-(2**65), 2**65) | st.integers(-9, 9), min_size=1, max_size=4)
FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4)


@given(st.lists(INTEGERS, min_size=1, max_size=3))
def test_concatenated_integers_are_exact_or_refused(parts):
    values = [value for part in parts for value in part]
    result = concat_numbers([integer_array(part) for part in parts], with_floats=False)
    fits = min(values) >= -(2**63) and (max(values) < 2**63 or (min(values) >= 0 and max(values) < 2**64))
    assert (result is not None) == fits
    assert result is None or [int(value) for value in result] == values


@given(INTEGERS, FLOATS)
def test_integers_beside_floats_are_exact_or_refused(integers, floats):
    result = concat_numbers([integer_array(integers), np.array(floats)], with_floats=True)
    assert (result is not None) == all(-MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER for value in integers)
    assert result is None or result.tolist() == [*integers, *floats]

"""Numeric options: Python's and numpy's numbers."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import as_integer, as_number, check_positive_integer, check_positive_seconds

WHOLE = [(3, 3), (np.int64(3), 3), (np.uint8(3), 3), (2**63 - 1, 2**63 - 1), (-2, -2)]
BROKEN = [(0.5, 0.5), (2.0, 2.0), (np.float64(0.5), 0.5), (np.float32(0.5), 0.5), (Fraction(1, 2), 0.5)]
NONE = [True, np.True_, float("nan"), float("inf"), 10**30, 10**400, "3", b"3", None, pd.NA, pd.NaT, [3], Decimal(3)]


@pytest.mark.parametrize(("value", "expected"), [*WHOLE, *BROKEN])
def test_a_number_becomes_a_python_number(value, expected):
    """A numpy number or a fraction becomes an int or a float."""
    found = as_number(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("value", NONE)
def test_other_values_are_not_numbers(value):
    """A bool, a text, NaN, infinity and an int beyond float are not numbers."""
    assert as_number(value) is None


@pytest.mark.parametrize(
    ("value", "expected"), [*WHOLE, *[(each, None) for each, _ in BROKEN], (True, None), ("3", None)]
)
def test_a_float_is_not_an_integer(value, expected):
    """2.0 is refused, too."""
    assert as_integer(value) == expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(1, 1.0), (np.float64(0.5), 0.5), (timedelta(minutes=2), 120.0), (pd.Timedelta(90, "s"), 90.0)],
)
def test_a_duration_may_be_a_timedelta(value, seconds):
    """It is converted to seconds."""
    assert check_positive_seconds("timeout", value) == seconds


@pytest.mark.parametrize("value", [0, -1, pd.Timedelta(0), *NONE])
def test_a_duration_must_be_above_zero(value):
    """The message names the option and the expected value."""
    with pytest.raises(PlanError, match=r"^timeout=.* number of seconds above 0"):
        check_positive_seconds("timeout", value)


@pytest.mark.parametrize("value", [0, -1, 0.5, 2.0, True, "3", None])
def test_a_count_must_be_above_zero(value):
    """The message names the option and the expected value."""
    with pytest.raises(PlanError, match=r"^max_pages=.* whole number above 0"):
        check_positive_integer("max_pages", value)

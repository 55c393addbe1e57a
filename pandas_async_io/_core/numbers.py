"""Numeric options, numpy's numbers included. A bool, NaN, infinity or a text is not a number."""

from __future__ import annotations

import math
import operator
from datetime import timedelta
from numbers import Integral, Real

import numpy as np

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.words import name_type, show_value

_MAX_INTEGER = 2**63 - 1
_MAX_SECONDS = 1e8
"""Some three years: a longer time is a mistake, and a timer of an event loop may not hold it."""


def as_number(value: object) -> float | None:
    """Return a finite number as a Python int or float; None if the value is not one.

    Examples
    --------
    >>> as_number(20), as_number(0.5), as_number("20"), as_number(True), as_number(float("nan"))
    (20, 0.5, None, None, None)
    """
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, Real):
        return None
    if isinstance(value, Integral):
        return as_integer(value)
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_integer(value: object) -> int | None:
    """Return a whole number of 64 bits as a Python int; None if the value is not one, as 2.0.

    Examples
    --------
    >>> as_integer(3), as_integer(2.0), as_integer(True), as_integer(2**64)
    (3, None, None, None)
    """
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, Integral):  # numpy's duration is an Integral
        return None
    number = operator.index(value)
    return number if abs(number) <= _MAX_INTEGER else None


def as_seconds(value: object) -> float | None:
    """Return a duration in seconds: a number, a timedelta, pandas' or numpy's; None if the value is none of them.

    Examples
    --------
    >>> as_seconds(1.5), as_seconds(timedelta(minutes=2)), as_seconds(np.timedelta64(5, "ms")), as_seconds(1e9)
    (1.5, 120.0, 0.005, None)
    """
    if isinstance(value, np.timedelta64):
        seconds = None if np.isnat(value) else float(value / np.timedelta64(1, "s"))
    else:
        seconds = as_number(value.total_seconds() if isinstance(value, timedelta) else value)
    return seconds if seconds is not None and abs(seconds) <= _MAX_SECONDS else None


def describe_wrong_type(value: object) -> str:
    """Return what a message about a number adds for a value that is none.

    Examples
    --------
    >>> describe_wrong_type("30"), describe_wrong_type(-1)
    (', but a str', '')
    """
    return "" if isinstance(value, Real | timedelta | np.timedelta64) else f", but {name_type(value)}"


def check_positive_seconds(name: str, value: object) -> float:
    """Return an option that is a duration, in seconds. A timedelta is one too, also pandas'.

    Raises
    ------
    PlanError
        The value is not a finite number above 0.

    Examples
    --------
    >>> check_positive_seconds("timeout", 1.5), check_positive_seconds("timeout", timedelta(minutes=2))
    (1.5, 120.0)
    >>> check_positive_seconds("timeout", 0)
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: timeout=0 is not a number of seconds above 0, and at most 1e+08
    """
    found = as_seconds(value)
    if found is None or found <= 0:
        limits = f"is not a number of seconds above 0, and at most {_MAX_SECONDS:g}"
        raise PlanError(f"{name}={show_value(value)} {limits}{describe_wrong_type(value)}")
    return float(found)


def check_positive_integer(name: str, value: object) -> int:
    """Return an option that is a count.

    Raises
    ------
    PlanError
        The value is not a whole number above 0.

    Examples
    --------
    >>> check_positive_integer("max_pages", 2.5)
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: max_pages=2.5 is not a whole number above 0
    """
    found = as_integer(value)
    if found is None or found <= 0:
        raise PlanError(f"{name}={show_value(value)} is not a whole number above 0{describe_wrong_type(value)}")
    return found

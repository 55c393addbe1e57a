"""Numeric options, numpy's numbers included. A bool, NaN, infinity or a text is not a number."""

from __future__ import annotations

import math
import operator
from datetime import timedelta
from numbers import Real
from typing import Any

from pandas_async_io._core.errors import PlanError


def as_number(value: object) -> float | None:
    """Return a finite number as a Python int or float; None if the value is not one.

    Examples
    --------
    >>> as_number(20), as_number(0.5), as_number("20"), as_number(True), as_number(float("nan"))
    (20, 0.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    integer = as_integer(value)
    return (number if math.isfinite(number) else None) if integer is None else integer


def as_integer(value: Any) -> int | None:
    """Return a whole number as a Python int; None if the value is not one, as 2.0.

    Examples
    --------
    >>> as_integer(3), as_integer(2.0), as_integer(True)
    (3, None, None)
    """
    try:
        return None if isinstance(value, bool) else int(operator.index(value))
    except TypeError:
        return None


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
    pandas_async_io._core.errors.PlanError: timeout=0 is not a number of seconds above 0
    """
    found = as_number(value.total_seconds() if isinstance(value, timedelta) else value)
    if found is None or found <= 0:
        raise PlanError(f"{name}={value!r} is not a number of seconds above 0")
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
        raise PlanError(f"{name}={value!r} is not a whole number above 0")
    return found

"""One value → the same value of another type, or a `ValueError`: nothing is rounded, cut or guessed.

==============  =====================================================================
into            what fits
==============  =====================================================================
integers        whole numbers in range; ``"42"``; true and false (1 and 0)
floats          numbers that a float holds; ``"4.2"``
booleans        true and false, 1 and 0; ``"true"`` and ``"false"`` in any case
strings         strings; numbers and booleans as JSON writes them; times in ISO 8601
times           ISO 8601; where a time zone is asked for, a time without one is UTC
lists           lists whose elements fit
==============  =====================================================================
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from pandas_async_io._core.security.unsafe_values import has_lone_surrogate

Fit = Callable[[Any], Any]

ISO_8601 = re.compile(r"\d{4}-\d\d(?:-\d\d)?(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?")
"""Dates and times as APIs write them; group 1 is the offset."""

_WHOLE = re.compile(r"[+-]?\d{1,40}(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NUMBERS: Any = (Real, Decimal, np.bool_)
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def whole(low: int, high: int) -> Fit:
    """Fit integers from ``low`` to ``high``.

    Examples
    --------
    >>> whole(0, 255)(3.0), whole(0, 255)("42")
    (3, 42)
    """

    def fit(cell: Any) -> int:
        if isinstance(cell, str) and _WHOLE.fullmatch(cell.strip()):
            cell = int(cell.partition(".")[0])
        if not isinstance(cell, _NUMBERS) or int(cell) != cell or not low <= int(cell) <= high:
            raise ValueError(cell)
        return int(cell)

    return fit


def floating(dtype: np.dtype[Any]) -> Fit:
    """Fit floats. A decimal fraction gets the nearest float, as when it is parsed.

    Examples
    --------
    >>> floating(np.dtype("float64"))(3), floating(np.dtype("float64"))("4.2")
    (3.0, 4.2)
    """

    def fit(cell: Any) -> float:
        if isinstance(cell, str) and _NUMBER.fullmatch(cell.strip()):
            cell = Decimal(cell.strip())
        if not isinstance(cell, _NUMBERS):
            raise ValueError(cell)  # noqa: TRY004 - all misfits are one error
        value = float(cell)
        with np.errstate(over="ignore"):
            held = float(dtype.type(value))
        lost = value != cell if isinstance(cell, Integral) else abs(held) == np.inf != abs(value)
        if lost or (isinstance(cell, Integral) and held != cell):
            raise ValueError(cell)
        return held

    return fit


def truth(cell: Any) -> bool:
    """Fit booleans.

    Examples
    --------
    >>> truth(1), truth("False")
    (True, False)
    """
    known = _TRUTHS.get(cell.strip().lower()) if isinstance(cell, str) else None
    if known is None:
        if isinstance(cell, str) or cell not in (0, 1):
            raise ValueError(cell)
        known = bool(cell)
    return known


def text(cell: Any) -> str:
    """Fit strings.

    Examples
    --------
    >>> text(5), text(0.1), text(True)
    ('5', '0.1', 'true')
    """
    if isinstance(cell, bool | np.bool_):
        return "true" if cell else "false"
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, Integral | Decimal):
        return str(cell)
    if isinstance(cell, Real):
        return repr(float(cell))
    if not isinstance(cell, str) or has_lone_surrogate(cell):
        raise ValueError(cell)
    return cell


def moment(unit: Any, zone: Any) -> Fit:
    """Fit times of a unit; ``zone`` None: without a time zone.

    Examples
    --------
    >>> moment("us", "UTC")("2024-05-01T12:00:00+02:00")
    Timestamp('2024-05-01 10:00:00+0000', tz='UTC')
    """

    def fit(cell: Any) -> pd.Timestamp:
        if not isinstance(cell, dt.date | np.datetime64) and not (isinstance(cell, str) and ISO_8601.fullmatch(cell)):
            raise ValueError(cell)
        stamp = pd.Timestamp(cell)
        if zone is None and stamp.tzinfo is not None:
            raise ValueError(cell)
        if zone is not None:
            stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp
            stamp = stamp.tz_convert(zone)
        return stamp.as_unit(unit, round_ok=False)

    return fit


def iso_times(texts: list[Any], dtype: Any) -> Any:
    """Return texts as times at once; None if one of them may not fit.

    Examples
    --------
    >>> iso_times(["2024-05-01"], np.dtype("datetime64[s]"))[0]
    Timestamp('2024-05-01 00:00:00')
    """
    zone = getattr(dtype, "tz", None)
    matches = [isinstance(each, str) and ISO_8601.fullmatch(each) for each in texts]
    if not all(match and (zone is not None or match[1] is None) for match in matches):
        return None
    try:
        read = pd.DatetimeIndex(pd.to_datetime(texts, format="ISO8601", utc=True))
        unit: Any = np.datetime_data(dtype)[0] if zone is None else dtype.unit
        times = read.as_unit(unit)
    except ValueError:
        return None
    if not (times == read).all():
        return None
    return times.tz_convert(zone).array


def listing(inner: Fit) -> Fit:
    """Fit lists; a null in one stays null.

    Examples
    --------
    >>> listing(text)(["a", 1, None])
    ['a', '1', None]
    """

    def fit(cell: Any) -> list[Any]:
        if not isinstance(cell, list | tuple | np.ndarray):
            raise ValueError(cell)  # noqa: TRY004 - as above
        return [None if each is None else inner(each) for each in cell]

    return fit


def member(categories: pd.Index[Any] | None) -> Fit:
    """Fit what is among the categories, anything if there are none yet."""

    def fit(cell: Any) -> Any:
        if isinstance(cell, list | dict) or (categories is not None and cell not in categories):
            raise ValueError(cell)
        return cell

    return fit

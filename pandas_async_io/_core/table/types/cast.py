"""One value → the same value of another type, or a `ValueError`.

Invariant: no value is rounded, cut or guessed.

==============  =====================================================================
into            what fits
==============  =====================================================================
integers        whole numbers in range; ``"42"``; true and false (1 and 0)
floats          numbers that a float holds; ``"4.2"``, not ``"1e400"``
booleans        true and false, 1 and 0; ``"true"`` and ``"false"`` in any case
strings         strings; numbers and booleans as JSON writes them; times in ISO 8601
times           ISO 8601; with a time zone in the schema, a time without one is UTC; epoch numbers
lists           lists whose elements fit
==============  =====================================================================
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from pandas_async_io._core.security.unsafe_values import has_lone_surrogate
from pandas_async_io._core.table.types.epoch import cast_epoch

Cast = Callable[[Any], Any]

ISO_8601 = re.compile(r"\d{4}-\d\d(?:-\d\d)?(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?")
"""Dates and times as APIs write them; group 1 is the offset."""

_INTEGER_TEXT = re.compile(r"[+-]?\d{1,40}(?:\.0*)?")
_NUMBER_TEXT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NUMBER_TYPES: Any = (Real, Decimal, np.bool_)
_BOOLEAN_TEXTS = {"true": True, "1": True, "false": False, "0": False}


def integer_cast(low: int, high: int) -> Cast:
    """Return a cast to integers from ``low`` to ``high``.

    Examples
    --------
    >>> integer_cast(0, 255)(3.0), integer_cast(0, 255)("42")
    (3, 42)
    """

    def cast(cell: Any) -> int:
        if isinstance(cell, str) and _INTEGER_TEXT.fullmatch(cell.strip()):
            cell = int(cell.partition(".")[0])
        if not isinstance(cell, _NUMBER_TYPES) or int(cell) != cell or not low <= int(cell) <= high:
            raise ValueError(cell)
        return int(cell)

    return cast


def float_cast(dtype: np.dtype[Any]) -> Cast:
    """Return a cast to floats. A decimal fraction becomes the nearest float, as when it is parsed.

    Examples
    --------
    >>> float_cast(np.dtype("float64"))(3), float_cast(np.dtype("float64"))("4.2")
    (3.0, 4.2)
    """

    def cast(cell: Any) -> float:
        if isinstance(cell, str) and _NUMBER_TEXT.fullmatch(cell.strip()):
            cell = Decimal(cell.strip())
        if not isinstance(cell, _NUMBER_TYPES):
            raise ValueError(cell)  # noqa: TRY004 - all misfits are one error
        value = float(cell)
        if isinstance(cell, Decimal) and math.isinf(value) and cell.is_finite():
            raise ValueError(cell)
        with np.errstate(over="ignore"):
            result = float(dtype.type(value))
        lost = value != cell if isinstance(cell, Integral) else abs(result) == np.inf != abs(value)
        if lost or (isinstance(cell, Integral) and result != cell):
            raise ValueError(cell)
        return result

    return cast


def cast_boolean(cell: Any) -> bool:
    """Cast to a boolean.

    Examples
    --------
    >>> cast_boolean(1), cast_boolean("False")
    (True, False)
    """
    value = _BOOLEAN_TEXTS.get(cell.strip().lower()) if isinstance(cell, str) else None
    if value is None:
        if isinstance(cell, str) or cell not in (0, 1):
            raise ValueError(cell)
        value = bool(cell)
    return value


def cast_string(cell: Any) -> str:
    """Cast to a string.

    Examples
    --------
    >>> cast_string(5), cast_string(0.1), cast_string(True)
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


def time_cast(unit: Any, zone: Any, epoch_unit: str | None = None) -> Cast:
    """Return a cast to times of a unit; ``zone`` None: without a time zone.

    Numbers count ``epoch_unit`` since 1970; None: they do not fit.

    Examples
    --------
    >>> time_cast("us", "UTC")("2024-05-01T12:00:00+02:00")
    Timestamp('2024-05-01 10:00:00+0000', tz='UTC')
    """

    def cast(cell: Any) -> pd.Timestamp:
        if not isinstance(cell, dt.date | np.datetime64) and not (isinstance(cell, str) and ISO_8601.fullmatch(cell)):
            if epoch_unit is None:
                raise ValueError(cell)
            cell = cast_epoch(cell, epoch_unit, unit)
        timestamp = pd.Timestamp(cell)
        if zone is None and timestamp.tzinfo is not None:
            raise ValueError(cell)
        if zone is not None:
            timestamp = timestamp.tz_localize("UTC") if timestamp.tzinfo is None else timestamp
            timestamp = timestamp.tz_convert(zone)
        return timestamp.as_unit(unit, round_ok=False)

    return cast


def cast_iso_times(texts: list[Any], dtype: Any) -> Any:
    """Cast texts to times in one step; None if one of them may not fit.

    Examples
    --------
    >>> cast_iso_times(["2024-05-01"], np.dtype("datetime64[s]"))[0]
    Timestamp('2024-05-01 00:00:00')
    """
    zone = getattr(dtype, "tz", None)
    matches = [isinstance(text, str) and ISO_8601.fullmatch(text) for text in texts]
    if not all(match and (zone is not None or match[1] is None) for match in matches):
        return None
    try:
        parsed = pd.DatetimeIndex(pd.to_datetime(texts, format="ISO8601", utc=True))
        unit: Any = np.datetime_data(dtype)[0] if zone is None else dtype.unit
        times = parsed.as_unit(unit)
    except ValueError:
        return None
    if not (times == parsed).all():
        return None
    return times.tz_convert(zone).array


def list_cast(element_cast: Cast) -> Cast:
    """Return a cast to lists; a null in a list stays null.

    Examples
    --------
    >>> list_cast(cast_string)(["a", 1, None])
    ['a', '1', None]
    """

    def cast(cell: Any) -> list[Any]:
        if not isinstance(cell, list | tuple | np.ndarray):
            raise ValueError(cell)  # noqa: TRY004 - as above
        return [None if element is None else element_cast(element) for element in cell]

    return cast


def category_cast(categories: pd.Index[Any] | None) -> Cast:
    """Return a cast to one of the categories; without categories any scalar fits.

    Examples
    --------
    >>> category_cast(pd.Index(["x", "y"]))("y")
    'y'
    """

    def cast(cell: Any) -> Any:
        if isinstance(cell, list | dict) or (categories is not None and cell not in categories):
            raise ValueError(cell)
        return cell

    return cast

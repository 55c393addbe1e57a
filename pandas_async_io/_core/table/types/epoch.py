"""Epoch numbers → times: seconds, milliseconds, microseconds or nanoseconds since 1970.

Invariant: a number becomes exactly the time that it counts, or it does not fit.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXPONENTS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_LIMITS = {"s": 1e11, "ms": 1e14, "us": 1e17}
"""Below these sizes numbers count this unit: each is the year 5138, or 1973 in the next one."""

_EPOCH_TEXT = re.compile(r"-?(?:\d{9,10}|\d{13}|\d{16}|\d{19})(?:\.\d{1,9})?")
"""Numbers of today's lengths. Dates without separators have others: 20260131 (8), 20260131120000 (14 digits)."""

_MAX_TICKS = 2**63 - 1


def find_epoch_unit(cells: Sequence[Any]) -> str | None:
    """Return the unit of epoch numbers by the size of the largest one; None if there are none.

    Examples
    --------
    >>> find_epoch_unit([0, 1767225600]), find_epoch_unit([1767225600000]), find_epoch_unit(["2026-01-01"])
    ('s', 'ms', None)
    """
    sizes = [abs(number) for number in map(_to_number, cells) if number is not None]
    if not sizes:
        return None
    largest = max(sizes)
    return next((unit for unit, limit in _LIMITS.items() if largest < limit), "ns")


def cast_epoch(cell: Any, epoch_unit: str, unit: Any) -> Any:
    """Cast one epoch number to a time of a unit, in UTC.

    Raises
    ------
    ValueError
        The value is not a number, is outside the unit's range, or has a fraction that the unit cannot hold.

    Examples
    --------
    >>> cast_epoch("1503435956.000247", "s", "us"), cast_epoch(1767225600000, "ms", "s")
    (np.datetime64('2017-08-22T21:05:56.000247'), np.datetime64('2026-01-01T00:00:00'))
    """
    number = _to_number(cell)
    ticks = None if number is None else number.scaleb(_EXPONENTS[unit] - _EXPONENTS[epoch_unit])
    if ticks is None or ticks != ticks.to_integral_value() or abs(ticks) > _MAX_TICKS:
        raise ValueError(cell)
    return np.datetime64(int(ticks), unit)


def cast_epochs(cells: list[Any], epoch_unit: str, dtype: Any) -> Any:
    """Cast whole numbers to times in one step; None if one of them may not fit.

    Examples
    --------
    >>> cast_epochs([1767225600000], "ms", np.dtype("datetime64[s]"))[0]
    Timestamp('2026-01-01 00:00:00')
    """
    if not cells or set(map(type, cells)) != {int} or max(map(abs, cells)) > _MAX_TICKS:
        return None
    zone = getattr(dtype, "tz", None)
    unit: Any = np.datetime_data(dtype)[0] if zone is None else dtype.unit
    try:
        parsed = pd.DatetimeIndex(np.array(cells, np.int64).view(f"datetime64[{epoch_unit}]"))
        times = parsed.as_unit("ns" if unit == "generic" else unit)
    except (ValueError, OverflowError):
        return None
    if not (times == parsed).all():
        return None
    return (times if zone is None else times.tz_localize("UTC").tz_convert(zone)).array


def describe_epochs(name: str, given: str | None, found: str | None) -> tuple[list[str], list[str]]:
    """Return the hints and the notes about a column of epoch numbers.

    Parameters
    ----------
    given, found : str or None
        The unit in the type, and the unit by the size of the numbers.

    Examples
    --------
    >>> describe_epochs("created", None, "ms")
    ([], ["column 'created': its numbers are read as ms since 1970, by the size of the largest"])
    >>> describe_epochs("created", "ns", None)
    ([], [])
    """
    if found is None or given == found:
        return [], []
    if given is None:
        return [], [f"column {name!r}: its numbers are read as {found} since 1970, by the size of the largest"]
    remedy = f"by their size they are {found}, as in schema={{{name!r}: 'datetime64[{found}, UTC]'}}"
    return [f"column {name!r}: its numbers are read as {given} since 1970, as its type says; {remedy}"], []


def _to_number(cell: Any) -> Decimal | None:
    """Return an epoch number, None for anything else; a float is the shortest decimal that is this float."""
    if isinstance(cell, bool | np.bool_):
        return None
    if isinstance(cell, int | np.integer):
        return Decimal(int(cell))
    if isinstance(cell, float | np.floating):
        return Decimal(repr(float(cell))) if np.isfinite(cell) else None
    if isinstance(cell, Decimal):
        return cell if cell.is_finite() else None
    return Decimal(cell) if isinstance(cell, str) and _EPOCH_TEXT.fullmatch(cell) else None

"""The types of a schema that the texts and numbers of columns show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.table.types.apply_schema import apply_schema
from pandas_async_io._core.table.types.schema import compile_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._core.table.columns.columns import Columns

_DAY = r"\d{4}-\d\d-\d\d"
_TIME = _DAY + r"[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_NUMBER = r"-?(?:0|[1-9]\d*)"

_TEXT_TYPES = (
    # pattern, type without a missing value, type with one
    (rf"{_TIME}(?:Z|[+-]\d\d:?\d\d)", "datetime64[ns, UTC]", "datetime64[ns, UTC]"),
    (rf"{_DAY}|{_TIME}", "datetime64[ns]", "datetime64[ns]"),
    (_NUMBER, "int64", "Int64"),
    (rf"{_NUMBER}(?:\.\d+)?(?:[eE][+-]?\d+)?", "float64", "float64"),
)
"""Texts with leading zeros are no numbers: postal codes have them."""

_CODE_NAME = re.compile(r".*(?:zip|post|code|phone|fips|sku|isbn|ean|(?:^|[._ ])id$|Id$|ID$).*", re.IGNORECASE)
"""Names of columns whose digits are codes: a later one may begin with 0."""

_TIME_NAME = re.compile(r"(?:.*[._])?(?:.*time(?:stamp)?|date|.*_at|ts|t|.*(?:Time|Date|At))")
"""Names of columns whose whole numbers may be times since the epoch."""

_EPOCH_UNITS = (("s", 10**9, 4 * 10**9), ("ms", 10**12, 4 * 10**12))
"""Units, and the numbers from 2001 to 2096 in them."""

_PLAUSIBLE_YEARS = range(2001, 2097)


def suggest_schema(columns: Columns) -> dict[str, str]:
    """Return a type for each column whose values show one, and which they all fit.

    Examples
    --------
    >>> import numpy as np
    >>> from pandas_async_io._core.table.columns.columns import Columns
    >>> arrays = {
    ...     "day": np.array(["2024-01-01", "2024-01-02"], object),
    ...     "price": np.array(["1.50", "2"], object),
    ...     "zip": np.array(["01067", "10115"], object),
    ... }
    >>> suggest_schema(Columns(arrays, {}, np.array([2]), {}))
    {'day': 'datetime64[ns]', 'price': 'float64'}
    """
    found = ((name, _suggest_type(name, array)) for name, array in columns.arrays.items())
    return {name: spec for name, spec in found if spec is not None and _fits(columns, name, spec)}


def _suggest_type(name: str, array: Any) -> str | None:
    cells = pd.Series(array, copy=False)
    known = cells.dropna()
    if known.empty:
        return None
    if all(isinstance(cell, str) for cell in known):
        has_gaps = len(known) < len(cells)
        types = ((whole, gapped)[has_gaps] for pattern, whole, gapped in _TEXT_TYPES if _all(pattern, known))
        found = next(types, None)
        return None if found is not None and "datetime" not in found and _CODE_NAME.fullmatch(name) else found
    if pd.api.types.is_integer_dtype(known) and _TIME_NAME.fullmatch(name):
        low, high = int(known.min()), int(known.max())
        units = (unit for unit, least, most in _EPOCH_UNITS if least <= low and high <= most)
        unit = next(units, None)
        return None if unit is None else f"datetime64[{unit}, UTC]"
    return None


def _all(pattern: str, texts: Any) -> bool:
    match: Callable[[str], object] = re.compile(pattern).fullmatch
    return all(map(match, texts))


def _fits(columns: Columns, name: str, spec: str) -> bool:
    """Whether all values of a column become the type, times within plausible years."""
    try:
        made = apply_schema(columns, compile_schema({name: spec}), backend=None, nullable=False)
    except PlanError:
        return False
    if made.failures:
        return False
    if not spec.startswith("datetime64["):
        return True
    years = pd.Series(made.arrays[name]).dt.year.dropna()
    return pd.api.types.is_object_dtype(columns.arrays[name]) or bool(years.isin(_PLAUSIBLE_YEARS).all())

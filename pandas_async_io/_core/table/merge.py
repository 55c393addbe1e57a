"""Two outputs of one input → one: the rows that were fine, and those that came when the others were sent again.

The law of this file: what is put together is the run's own output, never the user's frame; rows find
each other by the input row and page that they came from; a column loses no value and no type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype

from pandas_async_io._core.arrays import masked_array

if TYPE_CHECKING:
    from collections.abc import Collection

    from pandas_async_io._core.arrays import Positions

_EXACT = 2**53
"""Whole numbers up to this one are floats, too."""


class Provenance(NamedTuple):
    """Where each row of an output came from.

    Attributes
    ----------
    rows, pages : array of int64
        The position of its input row, and the page, 0 if from none.
    """

    rows: Positions
    pages: Positions


class Merge(NamedTuple):
    """How two outputs become one.

    Attributes
    ----------
    kept, came : array of int64
        The positions of the rows that are taken, in the old output and in the new one.
    order : array of int64
        The order of all of them, the old ones counted before the new ones.
    places : Places
        Where they came from, in that order.
    """

    kept: Positions
    came: Positions
    order: Positions
    places: Provenance


def merge_outputs(old: Provenance, new: Provenance, *, again: Positions, unfinished: Collection[int] = ()) -> Merge:
    """Decide which rows of two outputs make the complete one.

    Parameters
    ----------
    old, new : Places
        Of the run's output, and of that of the rows that were sent again.
    again : array of int64
        The positions of the input rows that were sent again.
    unfinished : collection of int
        Those of them that went on where they had stopped: they keep the pages that they had.

    Examples
    --------
    Row 1 was sent again, and two records came.

    >>> old = Provenance(np.array([0, 1, 2]), np.zeros(3, np.int64))
    >>> merged = merge_outputs(old, Provenance(np.array([1, 1]), np.zeros(2, np.int64)), again=np.array([1]))
    >>> merged.kept.tolist(), merged.came.tolist(), merged.order.tolist(), merged.places.rows.tolist()
    ([0, 2], [0, 1], [0, 2, 3, 1], [0, 1, 1, 2])
    """
    went_on = (old.pages > 0) & np.isin(old.rows, list(unfinished))
    kept = np.flatnonzero(~np.isin(old.rows, again) | went_on)
    # A row that kept pages and got none has its place already.
    came = np.flatnonzero((new.pages > 0) | ~np.isin(new.rows, old.rows[kept]))
    rows = np.concatenate([old.rows[kept], new.rows[came]])
    pages = np.concatenate([old.pages[kept], new.pages[came]])
    order = np.lexsort((pages, rows))
    return Merge(kept, came, order, Provenance(rows[order], pages[order]))


def stack_frames(old: pd.DataFrame, new: pd.DataFrame, order: Positions) -> pd.DataFrame:
    """Put rows under rows, column by column, each in a dtype that holds both parts exactly.

    Parameters
    ----------
    order : array of int64
        The order of the result's rows, the old ones counted before the new ones.

    Examples
    --------
    >>> old, new = pd.DataFrame({"n": [1, 3]}), pd.DataFrame({"n": [2], "more": ["x"]})
    >>> stack_frames(old, new, np.array([0, 2, 1]))
       n more
    0  1  NaN
    1  2    x
    2  3  NaN
    """
    upper, lower = _numbered(old), _numbered(new)
    columns = [
        stack_columns(upper.get(key), lower.get(key), len(old), len(new)).take(order).array
        for key in dict.fromkeys([*upper, *lower])
    ]
    # As series: of an array of objects pandas 3 would think again what they are.
    series = {at: pd.Series(values, dtype=values.dtype) for at, values in enumerate(columns)}
    result = pd.DataFrame(series, index=pd.RangeIndex(len(order)))
    result.columns = _labels(old.columns, [label for label, number in lower if (label, number) not in upper])
    return result


def stack_columns(upper: pd.Series[Any] | None, lower: pd.Series[Any] | None, above: int, below: int) -> pd.Series[Any]:
    """Put one column under another; None is a column of so many missing values.

    Examples
    --------
    >>> stack_columns(pd.Series([1, 2]), pd.Series([3, None], dtype="Int64"), 2, 2).tolist()
    [1, 2, 3, <NA>]
    >>> stack_columns(pd.Series([1, None], dtype="Int64"), pd.Series(["x"]), 2, 1).tolist()
    [1, nan, 'x']
    """
    upper = _missing(above, object) if upper is None else upper
    lower = _missing(below, object) if lower is None else lower
    if upper.dtype != lower.dtype:
        if not upper.notna().any():
            upper = _missing(above, lower.dtype)
        elif not lower.notna().any():
            lower = _missing(below, upper.dtype)
    if upper.dtype != lower.dtype:
        upper, lower = _alike(upper, lower)
    return pd.concat([upper, lower], ignore_index=True)


def _alike(upper: pd.Series[Any], lower: pd.Series[Any]) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return columns of two dtypes as ones that pandas concatenates without changing what a value is.

    Left to itself it makes 1 of True, and floats of whole numbers that no float holds.
    """
    kinds = {upper.dtype.kind, lower.dtype.kind}
    if len(kinds) == 1 and kinds <= set("iufb"):
        return upper, lower
    if kinds <= set("iuf") and "f" in kinds and _floats_hold(upper) and _floats_hold(lower):
        dtype = upper.dtype if upper.dtype.kind == "f" else lower.dtype
        return upper.astype(dtype), lower.astype(dtype)
    return _objects(upper), _objects(lower)


def _floats_hold(numbers: pd.Series[Any]) -> bool:
    return numbers.dtype.kind == "f" or bool(numbers.dropna().between(-_EXACT, _EXACT).all())


def _objects(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as one of objects, whose missing values are NaN, as where a frame is joined."""
    return values if is_object_dtype(values.dtype) else values.astype(object).where(values.notna(), np.nan)


def _missing(length: int, dtype: Any) -> pd.Series[Any]:
    """Return a column of missing values, of a dtype if it can hold them, else of the nullable one beside it."""
    if isinstance(dtype, np.dtype) and dtype.kind in "iub" and length:
        return pd.Series(masked_array(np.zeros(length, dtype), np.ones(length, dtype=bool)))
    try:
        return pd.Series([np.nan if is_object_dtype(dtype) else None] * length, dtype=dtype)
    except (TypeError, ValueError):
        return pd.Series([np.nan] * length, dtype=object)


def _numbered(frame: pd.DataFrame) -> dict[tuple[Any, int], pd.Series[Any]]:
    """Return the columns by label and, for labels that come twice, number."""
    found: dict[tuple[Any, int], pd.Series[Any]] = {}
    for at, label in enumerate(frame.columns):
        number = next(n for n in range(at + 1) if (label, n) not in found)
        found[label, number] = frame.iloc[:, at]
    return found


def _labels(old: pd.Index[Any], more: list[Any]) -> pd.Index[Any]:
    """Return labels with more behind them, under the same names."""
    if not more:
        return old
    if isinstance(old, pd.MultiIndex):
        return old.append(pd.MultiIndex.from_tuples(more, names=old.names))
    return old.append(pd.Index(more, name=old.name, tupleize_cols=False))

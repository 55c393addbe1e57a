"""The output of a run and of its `retry_failed` → one output.

Invariant: what is merged is the run's own output, never the user's frame; rows match by input row and page;
a column loses no value and no type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype

from pandas_async_io._core.arrays import masked_array
from pandas_async_io._core.table.integers import MAX_SAFE_INTEGER

if TYPE_CHECKING:
    from collections.abc import Collection

    from pandas_async_io._core.arrays import Positions


class Provenance(NamedTuple):
    """Where each row of an output comes from.

    Attributes
    ----------
    rows, pages : array of int64
        The position of its input row, and its page; 0: no page.
    """

    rows: Positions
    pages: Positions


class MergePlan(NamedTuple):
    """Which rows of two outputs make the merged one.

    Attributes
    ----------
    kept, added : array of int64
        Positions of the rows to take from the old output, and from the new one.
    order : array of int64
        The order of all of them; the old ones are numbered before the new ones.
    provenance : Provenance
        Where they come from, in that order.
    """

    kept: Positions
    added: Positions
    order: Positions
    provenance: Provenance


def plan_merge(old: Provenance, new: Provenance, *, resent: Positions, resumed: Collection[int] = ()) -> MergePlan:
    """Decide which rows of two outputs make the merged one.

    Parameters
    ----------
    old, new : Provenance
        Of the run's output, and of the output of the rows that were sent again.
    resent : array of int64
        The positions of the input rows that were sent again.
    resumed : collection of int
        Those of them that resumed at the page that was missing: they keep their earlier pages.

    Examples
    --------
    Row 1 was sent again and got two records.

    >>> old = Provenance(np.array([0, 1, 2]), np.zeros(3, np.int64))
    >>> plan = plan_merge(old, Provenance(np.array([1, 1]), np.zeros(2, np.int64)), resent=np.array([1]))
    >>> plan.kept.tolist(), plan.added.tolist(), plan.order.tolist(), plan.provenance.rows.tolist()
    ([0, 2], [0, 1], [0, 2, 3, 1], [0, 1, 1, 2])
    """
    keeps_pages = (old.pages > 0) & np.isin(old.rows, list(resumed))
    kept = np.flatnonzero(~np.isin(old.rows, resent) | keeps_pages)
    # A row that keeps pages and got no new one needs no row without a page.
    added = np.flatnonzero((new.pages > 0) | ~np.isin(new.rows, old.rows[kept]))
    rows = np.concatenate([old.rows[kept], new.rows[added]])
    pages = np.concatenate([old.pages[kept], new.pages[added]])
    order = np.lexsort((pages, rows))
    return MergePlan(kept, added, order, Provenance(rows[order], pages[order]))


def stack_frames(old: pd.DataFrame, new: pd.DataFrame, order: Positions) -> pd.DataFrame:
    """Stack the rows of two frames, each column in a dtype that holds both parts exactly.

    Parameters
    ----------
    order : array of int64
        The order of the result's rows; the old ones are numbered before the new ones.

    Examples
    --------
    >>> old, new = pd.DataFrame({"n": [1, 3]}), pd.DataFrame({"n": [2], "more": ["x"]})
    >>> stack_frames(old, new, np.array([0, 2, 1]))
       n more
    0  1  NaN
    1  2    x
    2  3  NaN
    """
    upper, lower = _columns_by_label(old), _columns_by_label(new)
    columns = [
        stack_columns(upper.get(key), lower.get(key), len(old), len(new)).take(order).array
        for key in dict.fromkeys([*upper, *lower])
    ]
    # As series: pandas 3 would infer the dtype of an array of objects anew.
    series = {at: pd.Series(values, dtype=values.dtype) for at, values in enumerate(columns)}
    result = pd.DataFrame(series, index=pd.RangeIndex(len(order)))
    result.columns = _append_labels(old.columns, [label for label, number in lower if (label, number) not in upper])
    return result


def stack_columns(upper: pd.Series[Any] | None, lower: pd.Series[Any] | None, above: int, below: int) -> pd.Series[Any]:
    """Stack two columns of the lengths ``above`` and ``below``; None is a column of missing values.

    Examples
    --------
    >>> stack_columns(pd.Series([1, 2]), pd.Series([3, None], dtype="Int64"), 2, 2).tolist()
    [1, 2, 3, <NA>]
    >>> stack_columns(pd.Series([1, None], dtype="Int64"), pd.Series(["x"]), 2, 1).tolist()
    [1, nan, 'x']
    """
    upper = _missing_column(above, object) if upper is None else upper
    lower = _missing_column(below, object) if lower is None else lower
    if upper.dtype != lower.dtype:
        if not upper.notna().any():
            upper = _missing_column(above, lower.dtype)
        elif not lower.notna().any():
            lower = _missing_column(below, upper.dtype)
    if upper.dtype != lower.dtype:
        upper, lower = _align_dtypes(upper, lower)
    return pd.concat([upper, lower], ignore_index=True)


def _align_dtypes(upper: pd.Series[Any], lower: pd.Series[Any]) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Convert columns of two dtypes so that pandas concatenates them without changing a value.

    By itself pandas makes 1 of True, and floats of integers that no float holds.
    """
    kinds = {upper.dtype.kind, lower.dtype.kind}
    if len(kinds) == 1 and kinds <= set("iufb"):
        return upper, lower
    if kinds <= set("iuf") and "f" in kinds and _floats_hold(upper) and _floats_hold(lower):
        dtype = upper.dtype if upper.dtype.kind == "f" else lower.dtype
        return upper.astype(dtype), lower.astype(dtype)
    return _to_objects(upper), _to_objects(lower)


def _floats_hold(numbers: pd.Series[Any]) -> bool:
    return numbers.dtype.kind == "f" or bool(numbers.dropna().between(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER).all())


def _to_objects(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of objects whose missing values are NaN, as `join_columns` makes it."""
    return values if is_object_dtype(values.dtype) else values.astype(object).where(values.notna(), np.nan)


def _missing_column(length: int, dtype: Any) -> pd.Series[Any]:
    """Return missing values of a dtype if it can hold them, else of its nullable twin."""
    if isinstance(dtype, np.dtype) and dtype.kind in "iub" and length:
        return pd.Series(masked_array(np.zeros(length, dtype), np.ones(length, dtype=bool)))
    try:
        return pd.Series([np.nan if is_object_dtype(dtype) else None] * length, dtype=dtype)
    except (TypeError, ValueError):
        return pd.Series([np.nan] * length, dtype=object)


def _columns_by_label(frame: pd.DataFrame) -> dict[tuple[Any, int], pd.Series[Any]]:
    """Return the columns by label and a number, which counts the columns of one label."""
    found: dict[tuple[Any, int], pd.Series[Any]] = {}
    for at, label in enumerate(frame.columns):
        number = next(n for n in range(at + 1) if (label, n) not in found)
        found[label, number] = frame.iloc[:, at]
    return found


def _append_labels(old: pd.Index[Any], new: list[Any]) -> pd.Index[Any]:
    """Append labels to an index of columns, whose names stay."""
    if not new:
        return old
    if isinstance(old, pd.MultiIndex):
        return old.append(pd.MultiIndex.from_tuples(new, names=old.names))
    return old.append(pd.Index(new, name=old.name, tupleize_cols=False))

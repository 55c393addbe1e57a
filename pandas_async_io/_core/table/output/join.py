"""Columns → rows of the user's frame: by position, never by label.

Invariant: the index, dtypes and labels of the frame come back unchanged, and a write to the result changes
neither the frame nor the records, nor the other way round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import masked_array
from pandas_async_io._core.table.columns.collisions import resolve_collisions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pandas_async_io._core.arrays import Array

ROW_COLUMN = "row"
"""The leading column of the result of ``join=False``: the position of the input row."""

_MAX_FRAGMENTS = 50
"""Columns above which a frame is made in one piece: pandas warns of a frame in more than 100."""


def align_records(
    requests: NDArray[np.int64], counts: NDArray[np.int64], *, how: Literal["left", "inner"] = "left"
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    """Return the input row and the record of each output row.

    Parameters
    ----------
    requests : array of int64, shape (rows,)
        The request of each row; -1: none.
    counts : array of int64, shape (requests,)
        How many records each request has; records are in the order of the requests.
    how : {"left", "inner"}
        Whether a row without records stays, once, or goes.

    Returns
    -------
    rows : array of int64, shape (output rows,), or None
        Positions in the frame; None: every row once, in order.
    take : array of int64, shape (output rows,)
        Positions among the records; -1: none.

    Examples
    --------
    >>> rows, take = align_records(np.array([1, 0, -1, 1]), np.array([1, 2]))
    >>> rows.tolist(), take.tolist()
    ([0, 0, 1, 2, 3, 3], [1, 2, 0, -1, 1, 2])
    """
    if (counts == 1).all() and (how == "left" or (requests >= 0).all()):
        return None, requests
    # Index -1 takes the appended zero: a row without a request has no records.
    row_counts = np.append(counts, 0)[requests]
    starts = np.append(np.cumsum(counts) - counts, 0)[requests]
    lengths = np.maximum(row_counts, 1) if how == "left" else row_counts
    starts = np.where(row_counts == 0, -1, starts)
    if (lengths == 1).all():
        return None, starts
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(np.arange(len(requests)), lengths), np.repeat(starts, lengths) + offsets


def join_columns(
    frame: pd.DataFrame,
    columns: Mapping[str, Array],
    *,
    rows: NDArray[np.int64] | None,
    take: NDArray[np.int64],
    prefix: str = "",
    suffix: str = "_api",
) -> pd.DataFrame:
    """Put the records beside their rows.

    Parameters
    ----------
    frame : DataFrame
        The user's; it is not changed. Its ``attrs`` are copied, one level deep. Where a row is repeated, the result
        allows duplicate labels.
    columns : mapping of str to array, shape (records,)
        The records.
    rows, take
        As `align_records` returns them.
    prefix : str
        Precedes each new name.
    suffix : str
        Follows a new name that the frame has; then ``<suffix>2``, ``<suffix>3``, …

    Examples
    --------
    >>> frame = pd.DataFrame({"id": [7, 8]}, index=["x", "y"])
    >>> join_columns(frame, {"id": np.array([70]), "n": np.array([1])}, rows=None, take=np.array([0, -1]))
       id  id_api     n
    x   7      70     1
    y   8    <NA>  <NA>
    """
    left = frame if rows is None else _take_rows(frame, rows)
    gaps = take < 0
    arrays = (_take(array, take, gaps) if gaps.any() else array.take(take) for array in columns.values())
    cells = {number: _keep_objects(array, left.index) for number, array in enumerate(arrays)}
    right = pd.DataFrame(cells, index=left.index, copy=len(columns) > _MAX_FRAGMENTS)
    right.columns = resolve_collisions(frame.columns, [prefix + name for name in columns], suffix)
    # A part without columns would change the labels of the other to plain objects.
    parts = [part for part in (left, right) if part.shape[1]] or [left]
    result = pd.concat(parts, axis=1)  # copies on pandas 2, shares until written to on pandas 3
    result.attrs = dict(frame.attrs)
    return result


def records_frame(
    columns: Mapping[str, Array],
    *,
    rows: NDArray[np.int64] | None,
    take: NDArray[np.int64],
    prefix: str = "",
    suffix: str = "_api",
) -> pd.DataFrame:
    """Return the records alone, after a column ``row`` with the position of the input row.

    The parameters are those of `join_columns`.

    Examples
    --------
    >>> records_frame({"n": np.array([5, 6])}, rows=np.array([0, 2]), take=np.array([1, 0]))
       row  n
    0    0  6
    1    2  5
    """
    positions = np.arange(len(take)) if rows is None else rows
    return join_columns(
        pd.DataFrame({ROW_COLUMN: positions}), columns, rows=None, take=take, prefix=prefix, suffix=suffix
    )


def _take_rows(frame: pd.DataFrame, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Take rows by position. A frame that allows no duplicate labels would raise, and the records would be lost."""
    if not frame.flags.allows_duplicate_labels and (rows[1:] == rows[:-1]).any():
        frame = frame.set_flags(allows_duplicate_labels=True)
    return frame.take(rows)


def _keep_objects(array: Array, index: pd.Index[Any]) -> Array | pd.Series[Any]:
    """Return objects as a Series: from an array of objects that are texts, pandas 3 makes a column of texts."""
    return pd.Series(array, index=index, copy=False, dtype=object) if array.dtype == np.dtype(object) else array


def _take(array: Array, take: NDArray[np.int64], gaps: NDArray[np.bool_]) -> Array:
    """Take records by position; a gap is a missing value, and integers stay integers."""
    if isinstance(array, np.ndarray) and array.dtype.kind in "iub":
        values = np.append(array, np.zeros(1, array.dtype)).take(take)  # -1 takes the appended zero
        return masked_array(values, gaps)
    taken: Array = pd.api.extensions.take(array, take, allow_fill=True)
    return taken

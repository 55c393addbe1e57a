"""Frames that a body, or a ``parser=``, gave → blocks of columns, beside those of `flatten`."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.columns.blocks import NULL, Block, Chunk, make_chunk, missing_chunk
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.columns.infinite import READ_FROM_TEXT, find_infinite_columns
from pandas_async_io._core.table.records.missing_columns import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.table.records.shape import Shape

_KINDS_BY_DTYPE_KIND = {"i": "int", "u": "int", "f": "float", "b": "bool", "U": "str"}
_NUMPY_BACKED = (
    pd.arrays.NumpyExtensionArray,
    pd.arrays.IntegerArray,
    pd.arrays.FloatingArray,
    pd.arrays.BooleanArray,
)


def flatten_payloads(payloads: Sequence[Any], shape: Shape) -> Iterator[Block]:
    """Flatten payloads of which some may be frames.

    Examples
    --------
    >>> from pandas_async_io._core.table.records.shape import Shape
    >>> payloads = [{"a": 1}, {"b": 1}, pd.DataFrame({"a": [1, 2]})]
    >>> [list(block.columns) for block in flatten_payloads(payloads, Shape())]
    [['a', 'b'], ['a']]
    """
    for are_frames, group in groupby(payloads, lambda payload: isinstance(payload, pd.DataFrame)):
        if are_frames and shape.explode:
            yield flatten([_to_records(frame) for frame in group], replace(shape, record_path=None, meta=()))
        elif are_frames:
            yield from (frame_to_block(frame, shape) for frame in group)
        else:
            yield flatten(list(group), shape)


def _to_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as records, with lists for its arrays and None for what is missing."""
    columns = {
        name: [cell.tolist() if isinstance(cell, np.ndarray) else cell for cell in frame.iloc[:, at].astype(object)]
        for at, name in enumerate(frame.columns)
    }
    gaps = frame.isna().to_numpy()
    return [
        {str(name): None if gaps[row, at] else columns[name][row] for at, name in enumerate(columns)}
        for row in range(len(frame))
    ]


def frame_to_block(frame: pd.DataFrame, shape: Shape) -> Block:
    """Convert a frame to one block, without its index.

    Of the shape, only ``columns`` and ``sep`` (between the levels of column labels) apply to frames.
    """
    names = [_flat_name(label, shape.sep) for label in frame.columns]
    duplicate = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if duplicate is not None:
        error = ParseError(f"two columns of the table are called {duplicate!r}")
        return Block({}, {}, np.zeros(1, np.int64), {0: error})
    if shape.columns is None:
        columns = {name: _column_to_chunk(frame.iloc[:, at]) for at, name in enumerate(names)}
    else:
        found = {name: at for at, name in enumerate(names) if name in shape.columns}
        columns = {
            name: _column_to_chunk(frame.iloc[:, found[source]]) if source in found else missing_chunk(len(frame))
            for source, name in shape.columns.items()
        }
    lacks_some = shape.columns is not None and len(frame) > 0 and not set(shape.columns) <= set(names)
    selection = Selection(shape.columns or {}, tuple(names)) if lacks_some else None
    # A Parquet file or a parser that has an infinite number means it.
    is_text = frame.attrs.get(READ_FROM_TEXT, False)
    infinite = find_infinite_columns(columns) if is_text else frozenset[str]()
    message = names[0] if is_text and len(names) == 1 and not len(frame) else None
    return Block(columns, {}, np.array([len(frame)]), {}, infinite, selection, message=message)


def _flat_name(label: Any, sep: str) -> str:
    return sep.join(map(str, label)) if isinstance(label, tuple) else str(label)


def _column_to_chunk(column: pd.Series[Any]) -> Chunk:
    """Return the cells of a column that have a value; what pandas calls missing is null."""
    gaps = column.isna().to_numpy()
    state = np.where(gaps, NULL, 0).astype(np.uint8) if gaps.any() else None
    array = column.array if state is None else column.array[~gaps]
    dtype: Any = column.dtype
    if dtype == np.dtype(object) or isinstance(dtype, pd.StringDtype):
        cells = array.tolist()
        return make_chunk(cells, set(map(type, cells)), state)
    if isinstance(array, _NUMPY_BACKED):
        array = array.to_numpy(dtype=getattr(dtype, "numpy_dtype", dtype))
    kind = _KINDS_BY_DTYPE_KIND.get(getattr(dtype, "kind", "O"), dtype.name)
    return Chunk(array, frozenset({kind} if len(array) else ()), state)

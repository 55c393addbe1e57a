"""Frames that a body, or a ``parser=``, gave → blocks of columns, beside those of `flatten`."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.blocks import NULL, Block, Chunk, make_chunk, missing_chunk
from pandas_async_io._core.table.flatten import flatten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.table.shape import Shape

_KINDS = {"i": "int", "u": "int", "f": "float", "b": "bool", "U": "str"}
_PLAIN = (
    pd.arrays.NumpyExtensionArray,
    pd.arrays.IntegerArray,
    pd.arrays.FloatingArray,
    pd.arrays.BooleanArray,
)


def flatten_payloads(payloads: Sequence[Any], shape: Shape) -> Iterator[Block]:
    """Flatten payloads of which some may be frames.

    Examples
    --------
    >>> from pandas_async_io._core.table.shape import Shape
    >>> [list(block.columns) for block in flatten_payloads([{"a": 1}, {"b": 1}, pd.DataFrame({"a": [1, 2]})], Shape())]
    [['a', 'b'], ['a']]
    """
    for tabular, several in groupby(payloads, lambda payload: isinstance(payload, pd.DataFrame)):
        if tabular:
            yield from (frame_to_block(frame, shape) for frame in several)
        else:
            yield flatten(list(several), shape)


def frame_to_block(frame: pd.DataFrame, shape: Shape) -> Block:
    """Return a frame as one block; its index is let go.

    Of the shape only ``columns`` and ``sep`` (between the levels of column labels) are about frames.
    """
    names = [_name(label, shape.sep) for label in frame.columns]
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        error = ParseError(f"two columns of the table are called {twice!r}")
        return Block({}, {}, np.zeros(1, np.int64), {0: error})
    if shape.columns is None:
        columns = {name: _chunk(frame.iloc[:, at]) for at, name in enumerate(names)}
    else:
        found = {name: at for at, name in enumerate(names) if name in shape.columns}
        columns = {
            name: _chunk(frame.iloc[:, found[source]]) if source in found else missing_chunk(len(frame))
            for source, name in shape.columns.items()
        }
    return Block(columns, {}, np.array([len(frame)]), {})


def _name(label: Any, sep: str) -> str:
    return sep.join(map(str, label)) if isinstance(label, tuple) else str(label)


def _chunk(column: pd.Series[Any]) -> Chunk:
    """Return the cells of a column that have a value; what pandas calls missing is null."""
    gaps = column.isna().to_numpy()
    state = np.where(gaps, NULL, 0).astype(np.uint8) if gaps.any() else None
    array = column.array if state is None else column.array[~gaps]
    dtype: Any = column.dtype
    if dtype == np.dtype(object) or isinstance(dtype, pd.StringDtype):
        cells = array.tolist()
        return make_chunk(cells, set(map(type, cells)), state)
    if isinstance(array, _PLAIN):
        array = array.to_numpy(dtype=getattr(dtype, "numpy_dtype", dtype))
    kind = _KINDS.get(getattr(dtype, "kind", "O"), dtype.name)
    return Chunk(array, frozenset({kind} if len(array) else ()), state)

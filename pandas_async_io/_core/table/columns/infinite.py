"""Infinite numbers among the cells of a text: ``Infinity``, or a number such as ``1e400`` that no float holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pandas_async_io._core.table.columns.blocks import Chunk

_KINDS_WITH_NUMBERS = frozenset({"float", "list", "dict"})

READ_FROM_TEXT = "read_from_text"
"""The key in a frame's attrs that says that its numbers were parsed from a text."""


def find_infinite_columns(columns: Mapping[str, Chunk]) -> frozenset[str]:
    """Return the columns that hold an infinite number, nested cells included.

    Examples
    --------
    >>> from pandas_async_io._core.table.columns.blocks import make_chunk
    >>> cells = {"a": [1.0], "b": [1e400], "c": [["x", [-1e400]]]}
    >>> sorted(find_infinite_columns({name: make_chunk(cell, {type(cell[0])}) for name, cell in cells.items()}))
    ['b', 'c']
    """
    return frozenset(name for name, chunk in columns.items() if holds_infinite(chunk))


def holds_infinite(chunk: Chunk) -> bool:
    """Whether a column of a block holds an infinite number."""
    if not chunk.kinds & _KINDS_WITH_NUMBERS:
        return False
    if chunk.cells.dtype != object:
        return bool(np.isinf(np.asarray(chunk.cells, np.float64)).any())
    cells = chunk.cells.tolist()
    try:
        # A quick look: as JSON an infinite number is null.
        if b"null" not in orjson.dumps(cells):
            return False
    except TypeError:  # cells of a parser, an integer beyond 64 bits
        pass
    return _contains_infinite(cells)


def _contains_infinite(values: Iterable[Any]) -> bool:
    stack = list(values)
    while stack:
        value = stack.pop()
        if type(value) is float:
            if math.isinf(value):
                return True
        elif type(value) is list:
            stack.extend(value)
        elif type(value) is dict:
            stack.extend(value.values())
    return False

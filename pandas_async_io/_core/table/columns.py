"""Cells → typed chunks → whole columns, exactly: no integer ever becomes a float that differs from it.

The one widening rule, for the cells of a column that are neither null nor missing:

================================  ============================================================
cells                             column
================================  ============================================================
int                               int64, uint64 above, object beyond 64 bits
int and float                     float64 if every int lies within ±2**53, else object
bool · float · str                bool · float64 · what pandas makes of strings
any other mixture, lists, dicts   object, each cell as it was: the column has *drifted* if mixed
a frame's other dtypes            as they are, if all frames agree
================================  ============================================================

Integers and booleans with gaps are ``Int64``, ``UInt64`` and ``boolean``. Only an object column
tells a JSON null (None) from a missing key (NaN).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionArray

    from pandas_async_io._core.arrays import Array
    from pandas_async_io._core.errors import ParseError


NULL, MISSING = 1, 2
"""The states of a cell without a value: a JSON null, and no such key in the record. Else 0."""

EXACT_FLOAT = 2**53
"""Every integer up to here is a float64 (IEEE 754 binary64 has 53 bits of significand)."""


def objects(values: Collection[Any]) -> NDArray[Any]:
    """Return one cell per value; ``np.array`` would take lists of one length for a matrix.

    Examples
    --------
    >>> objects([[1, 2], [3, 4]]).shape
    (2,)
    """
    return np.fromiter(values, dtype=object, count=len(values))


def unused(name: str, suffix: str, taken: Collection[Any]) -> str:
    """Return the first of ``name + suffix``, ``name + suffix + "2"``, … that is not taken.

    Examples
    --------
    >>> unused("id", "_api", {"id", "id_api"})
    'id_api2'
    """
    endings = chain((suffix,), (f"{suffix}{number}" for number in count(2)))
    return next(name + ending for ending in endings if name + ending not in taken)


def masked(values: NDArray[Any], gaps: NDArray[np.bool_]) -> ExtensionArray:
    """Return integers or booleans with gaps; both arrays are taken over.

    Examples
    --------
    >>> masked(np.array([1, 0]), np.array([False, True])).tolist()
    [1, <NA>]
    """
    cls = pd.arrays.BooleanArray if values.dtype == np.bool_ else pd.arrays.IntegerArray
    return cls(values, gaps)


def chunk(values: list[Any], types: Collection[type], state: NDArray[np.uint8] | None = None) -> Chunk:
    """Type the cells of one column in one block.

    Parameters
    ----------
    values : list
        The cells that have a value, in the order of their records.
    types : collection of type
        What the values are; ``type(None)`` is passed over.
    state : array of uint8, shape (records,), or None
        0 where a record has a value, else ``NULL`` or ``MISSING``; None: each has one.

    Examples
    --------
    >>> chunk([1, 2], {int}).cells
    array([1, 2])
    """
    kinds = frozenset(kind.__name__ for kind in types if kind is not type(None))
    return Chunk(_typed(values, kinds), kinds, state)


def concat(blocks: Sequence[Block], *, nullable: bool) -> Columns:
    """Put the blocks one after the other and use them up: their columns are let go one by one.

    Parameters
    ----------
    blocks : sequence of Block
        In the order of their payloads, which is the order of the columns, too.
    nullable : bool
        True: integers and booleans are always ``Int64``, ``UInt64`` and ``boolean``; False: numpy's
        own wherever every record has a value.

    Returns
    -------
    Columns
        A field of the envelope whose name a record's field has is called ``<name>_meta``.

    Examples
    --------
    >>> block = Block({"a": chunk([1], {int})}, {}, np.array([1]), {})
    >>> concat([block], nullable=True).arrays["a"].dtype
    Int64Dtype()
    """
    arrays: dict[str, Array] = {}
    drifted: dict[str, tuple[str, ...]] = {}
    absent: list[str] = []
    sizes = [int(block.counts.sum()) for block in blocks]
    for parts in ([block.columns for block in blocks], [block.meta for block in blocks]):
        for source in dict.fromkeys(chain.from_iterable(parts)):
            name = unused(source, "_meta", arrays) if source in arrays else source
            chunks = [part.pop(source, None) for part in parts]
            values, kinds = _widen([piece for piece in chunks if piece is not None])
            if len(kinds) > 1 and values.dtype == object:
                drifted[name] = tuple(sorted(kinds))
            states = _states(chunks, sizes)
            arrays[name] = _place(values, states, nullable=nullable)
            if not len(values) and states is not None and len(states) and (states == MISSING).all():
                absent.append(name)
    counts = np.concatenate([np.empty(0, np.int64), *(block.counts for block in blocks)])
    starts = np.cumsum([0, *(len(block.counts) for block in blocks)]).tolist()
    failures = {
        start + at: error for start, block in zip(starts, blocks, strict=False) for at, error in block.failures.items()
    }
    return Columns(arrays, drifted, counts, failures, tuple(absent))


def _typed(values: list[Any], kinds: frozenset[str]) -> Array:
    match sorted(kinds):
        case ["int"]:
            return _integers(values)
        case ["float"]:
            return np.fromiter(values, np.float64, len(values))
        case ["bool"]:
            return np.fromiter(values, np.bool_, len(values))
        case ["str"]:
            return _strings(values)
    return objects(values)


def _integers(values: list[int]) -> NDArray[Any]:
    try:
        return np.fromiter(values, np.int64, len(values))
    except OverflowError:
        fits = min(values) >= 0 and max(values) < 2**64
        return np.fromiter(values, np.uint64, len(values)) if fits else objects(values)


def _strings(values: list[str]) -> Array:
    dtype: Any = pd.Series(["a"]).dtype  # object on pandas 2, str on pandas 3, and an option on both
    cells = objects(values)
    try:
        return cells if dtype.kind == "O" and isinstance(dtype, np.dtype) else pd.array(cells, dtype=dtype)
    except UnicodeEncodeError:  # a lone surrogate, which JSON can spell and Arrow cannot
        return cells


def _widen(chunks: list[Chunk]) -> tuple[Array, frozenset[str]]:
    """Return the values of all chunks as one array, and the kinds they are."""
    kinds = frozenset[str]().union(*(piece.kinds for piece in chunks))
    arrays = [piece.cells for piece in chunks if piece.kinds]
    dtypes = {array.dtype for array in arrays}
    if not arrays:
        typed = {piece.cells.dtype: piece.cells for piece in chunks if piece.cells.dtype != np.dtype(object)}
        return typed.popitem()[1] if len(typed) == 1 else np.empty(0, dtype=object), kinds
    if len(dtypes) == 1 and np.dtype(object) not in dtypes:
        return _joined(arrays), kinds
    if kinds == {"str"} and len(dtypes) > 1:
        return _strings(list(chain.from_iterable(arrays))), kinds
    if kinds <= {"int", "float"}:
        numbers = _numbers([np.asarray(array) for array in arrays], kinds)
        if numbers is not None:
            return numbers, kinds
    cells = np.concatenate([np.asarray(array, dtype=object) for array in arrays])
    if kinds & {"int", "float", "bool", "str", "list", "dict"}:
        return cells, kinds
    inferred = pd.Series(cells).infer_objects().array  # not JSON's: a parser's timestamps
    return inferred.to_numpy() if isinstance(inferred, pd.arrays.NumpyExtensionArray) else inferred, kinds


def _joined(arrays: list[Array]) -> Array:
    if isinstance(arrays[0], np.ndarray):
        return np.concatenate([np.asarray(array) for array in arrays])
    joined: Array = pd.concat([pd.Series(array, copy=False) for array in arrays], ignore_index=True).array
    return joined


def _numbers(arrays: list[NDArray[Any]], kinds: frozenset[str]) -> NDArray[Any] | None:
    """Return one numeric array that holds every number exactly, or None."""
    if "float" in kinds:
        exact = all(map(_floats_hold, arrays))
        return np.concatenate([array.astype(np.float64) for array in arrays]) if exact else None
    least, most = min(array.min() for array in arrays), max(array.max() for array in arrays)
    fitting = np.iinfo(np.int64 if most < 2**63 else np.uint64)
    exact = fitting.min <= least and most <= fitting.max
    return np.concatenate([array.astype(fitting.dtype) for array in arrays]) if exact else None


def _floats_hold(array: NDArray[Any]) -> bool:
    if array.dtype == object:
        return all(type(cell) is float or -EXACT_FLOAT <= cell <= EXACT_FLOAT for cell in array)
    return array.dtype.kind == "f" or bool(array.min() >= -EXACT_FLOAT and array.max() <= EXACT_FLOAT)


def _states(chunks: list[Chunk | None], sizes: list[int]) -> NDArray[np.uint8] | None:
    """Return the states of all records, or None if each has a value."""
    if not any(n and (piece is None or piece.state is not None) for piece, n in zip(chunks, sizes, strict=True)):
        return None
    states = (MISSING if piece is None else 0 if piece.state is None else piece.state for piece in chunks)
    return np.concatenate([np.full(n, state, np.uint8) for n, state in zip(sizes, states, strict=True)])


def _place(values: Array, state: NDArray[np.uint8] | None, *, nullable: bool) -> Array:
    """Give every value its record; what has none is missing."""
    if not isinstance(values, np.ndarray):
        at = None if state is None else np.where(state == 0, np.cumsum(state == 0) - 1, -1)
        return values if at is None else values.take(at, allow_fill=True)
    integral = values.dtype.kind in "iub"
    if state is None:
        return masked(values, np.zeros(len(values), np.bool_)) if integral and nullable else values
    full = np.full(len(state), 0 if integral else np.nan, values.dtype)
    full[state == 0] = values
    if integral:
        return masked(full, state != 0)
    if values.dtype == object:
        full[state == NULL] = None
    return full


@dataclass(frozen=True, slots=True)
class Chunk:
    """One column of one block.

    Attributes
    ----------
    cells : array, shape (records that have a value,)
        Exact; object where kinds are mixed.
    kinds : frozenset of str
        The names of the values' types; empty where no record has a value.
    state : array of uint8, shape (records,), or None
        See `chunk`.
    """

    cells: Array
    kinds: frozenset[str]
    state: NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True)
class Block:
    """The columns of some payloads; holds none of the payloads' containers but nested cells.

    Attributes
    ----------
    columns, meta : dict of str to Chunk
        The records' fields and the envelopes', each in order of first appearance.
    counts : array of int64, shape (payloads,)
        How many records each payload had.
    failures : dict of int to ParseError
        Why a payload, by its position, could not be opened; it counts no record.
    """

    columns: dict[str, Chunk]
    meta: dict[str, Chunk]
    counts: NDArray[np.int64]
    failures: dict[int, ParseError]


@dataclass(frozen=True, slots=True)
class Columns:
    """The whole result.

    Attributes
    ----------
    arrays : dict of str to array, shape (records,)
        numpy or pandas arrays, by name, in order.
    drifted : mapping of str to tuple of str
        The columns that are object because their cells are of several kinds, and the kinds.
    counts, failures
        As in `Block`, over all payloads.
    absent : tuple of str
        Columns that not one of the records has, though there are some.
    """

    arrays: dict[str, Array]
    drifted: Mapping[str, tuple[str, ...]]
    counts: NDArray[np.int64]
    failures: Mapping[int, ParseError]
    absent: tuple[str, ...] = ()

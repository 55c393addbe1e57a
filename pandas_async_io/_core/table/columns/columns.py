"""Blocks → whole columns, exactly: no integer becomes a float that differs from it.

The one widening rule, for the cells of a column that are neither null nor missing:

================================  ============================================================
cells                             column
================================  ============================================================
int                               int64, uint64 above, object beyond 64 bits
int and float                     float64 if every int lies within ±2**53, else object
bool · float · str                bool · float64 · pandas' default for strings
any other mixture, lists, dicts   object, each cell as it was: the column has *drifted* if mixed
a frame's other dtypes            as they are, if all frames agree
================================  ============================================================

A column that holds nulls only, where other records have an object of fields, is left out.
Integers and booleans with gaps are ``Int64``, ``UInt64`` and ``boolean``. Only an object column
distinguishes a JSON null (None) from a missing key (NaN).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import masked_array
from pandas_async_io._core.table.columns.blocks import MISSING, NULL, Block, Chunk, describe_overwritten, string_array
from pandas_async_io._core.table.columns.collisions import unused_name
from pandas_async_io._core.table.columns.infinite import holds_infinite
from pandas_async_io._core.table.columns.integers import concat_numbers
from pandas_async_io._core.table.columns.messages import remove_messages
from pandas_async_io._core.table.columns.xml_texts import hold_xml_texts, type_xml_texts
from pandas_async_io._core.table.records.missing_columns import describe_missing_columns
from pandas_async_io._core.table.records.missing_paths import (
    NO_MISSING_PATHS,
    MissingPaths,
    describe_missing_paths,
    describe_xml_paths,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from pandas_async_io._core.arrays import Array
    from pandas_async_io._core.errors import ParseError

_JSON_KINDS = frozenset({"int", "float", "bool", "str", "list", "dict"})


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of all payloads.

    Attributes
    ----------
    arrays : dict of str to array, shape (records,)
        numpy or pandas arrays, by name, in order.
    drifted : mapping of str to tuple of str
        The columns that are object because their cells are of several kinds, and the kinds.
    counts, failures
        As in `Block`, over all payloads.
    missing_columns : tuple of str
        What to say about selected columns that no record has, if there are records.
    infinite : tuple of str
        Columns that hold an infinite number of a JSON, CSV or XML text.
    missing_paths : MissingPaths
        What to say about paths that answers leave out.
    kinds : mapping of str to frozenset of str
        The names of the types of each column's values; empty if no record has a value.
    hints, notes : tuple of str
        What else the user must know of the columns, and what the report says of them.
    """

    arrays: dict[str, Array]
    drifted: Mapping[str, tuple[str, ...]]
    counts: NDArray[np.int64]
    failures: Mapping[int, ParseError]
    missing_columns: tuple[str, ...] = ()
    infinite: tuple[str, ...] = ()
    missing_paths: MissingPaths = NO_MISSING_PATHS
    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def concat_blocks(blocks: Sequence[Block], *, nullable: bool, text_columns: Collection[str] = ()) -> Columns:
    """Concatenate blocks; empties them column by column, to save memory.

    Parameters
    ----------
    blocks : sequence of Block
        In the order of their payloads, which is also the order of the columns.
    nullable : bool
        True: integers and booleans are always ``Int64``, ``UInt64`` and ``boolean``; False: numpy's
        own if every record has a value.
    text_columns : collection of str
        Columns whose XML texts stay text, for a schema to convert.

    Returns
    -------
    Columns
        A ``meta`` field with the name of a record's field is called ``<name>_meta``.

    Examples
    --------
    >>> from pandas_async_io._core.table.columns.blocks import make_chunk
    >>> block = Block({"a": make_chunk([1], {int})}, {}, np.array([1]), {})
    >>> concat_blocks([block], nullable=True).arrays["a"].dtype
    Int64Dtype()
    """
    messages, hints = remove_messages(blocks)
    arrays: dict[str, Array] = {}
    drifted: dict[str, tuple[str, ...]] = {}
    missing: list[str] = []
    kinds_by_name: dict[str, frozenset[str]] = {}
    sizes = [int(block.counts.sum()) for block in blocks]
    infinite = frozenset[str]().union(*(block.infinite for block in blocks))
    from_xml = any(map(hold_xml_texts, blocks))
    nested = frozenset[str]().union(*(block.nested for block in blocks))
    parts_of_records, parts_of_meta = [block.columns for block in blocks], [block.meta for block in blocks]
    for parts in (parts_of_records, parts_of_meta):
        for source in dict.fromkeys(chain.from_iterable(parts)):
            name = unused_name(source, "_meta", arrays) if source in arrays else source
            chunks = [part.pop(source, None) for part in parts]
            if from_xml:
                chunks = type_xml_texts(chunks, stay_text=name in text_columns)
                infinite |= {name} if any(map(holds_infinite, filter(None, chunks))) else set()
            values, kinds = _widen([chunk for chunk in chunks if chunk is not None])
            if not kinds and source in nested and parts is parts_of_records:
                continue
            kinds_by_name[name] = kinds
            if len(kinds) > 1 and values.dtype == object:
                drifted[name] = tuple(sorted(kinds))
            state = _concat_states(chunks, sizes)
            arrays[name] = _insert_gaps(values, state, nullable=nullable)
            if not len(values) and state is not None and len(state) and (state == MISSING).all():
                missing.append(name)
    counts = np.concatenate([np.empty(0, np.int64), *(block.counts for block in blocks)])
    starts = np.cumsum([0, *(len(block.counts) for block in blocks)]).tolist()
    failures = {
        start + at: error for start, block in zip(starts, blocks, strict=False) for at, error in block.failures.items()
    }
    failures.update((starts[at], error) for at, error in messages.items())
    selections = [block.selection for block in blocks if block.selection is not None] if missing else []
    return Columns(
        arrays,
        drifted,
        counts,
        failures,
        describe_missing_columns(missing, selections),
        tuple(name for name in arrays if name in infinite),
        describe_missing_paths(chain.from_iterable(block.searches for block in blocks)),
        kinds_by_name,
        hints
        + describe_overwritten(blocks)
        + describe_xml_paths(block.xml_paths for block in blocks if block.xml_paths is not None),
    )


def _widen(chunks: list[Chunk]) -> tuple[Array, frozenset[str]]:
    """Return the values of all chunks as one array, and their kinds."""
    kinds = frozenset[str]().union(*(chunk.kinds for chunk in chunks))
    arrays = [chunk.cells for chunk in chunks if chunk.kinds]
    dtypes = {array.dtype for array in arrays}
    if not arrays:
        typed = {chunk.cells.dtype: chunk.cells for chunk in chunks if chunk.cells.dtype != np.dtype(object)}
        return typed.popitem()[1] if len(typed) == 1 else np.empty(0, dtype=object), kinds
    if len(dtypes) == 1 and np.dtype(object) not in dtypes:
        return _concat_arrays(arrays), kinds
    if kinds == {"str"} and len(dtypes) > 1:
        return string_array(list(chain.from_iterable(arrays))), kinds
    if kinds <= {"int", "float"}:
        numbers = concat_numbers([np.asarray(array) for array in arrays], with_floats="float" in kinds)
        if numbers is not None:
            return numbers, kinds
    cells = np.concatenate([np.asarray(array, dtype=object) for array in arrays])
    if kinds & _JSON_KINDS:
        return cells, kinds
    inferred = pd.Series(cells).infer_objects().array  # what only a parser returns, such as timestamps
    return inferred.to_numpy() if isinstance(inferred, pd.arrays.NumpyExtensionArray) else inferred, kinds


def _concat_arrays(arrays: list[Array]) -> Array:
    if len(arrays) == 1:
        return arrays[0].copy()  # pandas takes 0.2 ms to concatenate one array
    if isinstance(arrays[0], np.ndarray):
        return np.concatenate([np.asarray(array) for array in arrays])
    joined: Array = pd.concat([pd.Series(array, copy=False) for array in arrays], ignore_index=True).array
    return joined


def _concat_states(chunks: list[Chunk | None], sizes: list[int]) -> NDArray[np.uint8] | None:
    """Return the states of all records, or None if each has a value."""
    if not any(n and (chunk is None or chunk.state is not None) for chunk, n in zip(chunks, sizes, strict=True)):
        return None
    states = (MISSING if chunk is None else 0 if chunk.state is None else chunk.state for chunk in chunks)
    return np.concatenate([np.full(n, state, np.uint8) for n, state in zip(sizes, states, strict=True)])


def _insert_gaps(values: Array, state: NDArray[np.uint8] | None, *, nullable: bool) -> Array:
    """Return one cell per record: its value, or a missing one."""
    if not isinstance(values, np.ndarray):
        at = None if state is None else np.where(state == 0, np.cumsum(state == 0) - 1, -1)
        return values if at is None else values.take(at, allow_fill=True)
    integral = values.dtype.kind in "iub"
    if state is None:
        return masked_array(values, np.zeros(len(values), np.bool_)) if integral and nullable else values
    cells = np.full(len(state), 0 if integral else np.nan, values.dtype)
    cells[state == 0] = values
    if integral:
        return masked_array(cells, state != 0)
    if values.dtype == object:
        cells[state == NULL] = None
    return cells

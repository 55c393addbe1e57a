"""The columns of some payloads: typed cells, and which records lack a value.

Invariant: the cells of a chunk are exact; where no numpy type holds them all, they are objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import object_array
from pandas_async_io._core.table.columns.integers import integer_array

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    from pandas_async_io._core.arrays import Array
    from pandas_async_io._core.errors import ParseError
    from pandas_async_io._core.table.records.missing_columns import Selection
    from pandas_async_io._core.table.records.missing_paths import PathSearch, XmlPaths

NULL, MISSING = 1, 2
"""The states of a cell without a value: a JSON null, and no such key in the record. 0: it has a value."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One column of one block.

    Attributes
    ----------
    cells : array, shape (records with a value,)
        Exact; object if kinds are mixed.
    kinds : frozenset of str
        The names of the values' types; empty if no record has a value.
    state : array of uint8, shape (records,), or None
        As in `make_chunk`.
    """

    cells: Array
    kinds: frozenset[str]
    state: NDArray[np.uint8] | None

    @property
    def is_missing(self) -> bool:
        """Whether there are records, and none has the key."""
        return not len(self.cells) and self.state is not None and bool((self.state == MISSING).all())


@dataclass(frozen=True, slots=True)
class Block:
    """The columns of some payloads. Holds no container of the payloads but nested cells.

    Attributes
    ----------
    columns, meta : dict of str to Chunk
        The records' fields and the ``meta`` fields, each in order of first appearance.
    counts : array of int64, shape (payloads,)
        How many records each payload had.
    failures : dict of int to ParseError
        Why the payload at a position has no records.
    infinite : frozenset of str
        The columns that hold an infinite number of a JSON, CSV or XML text.
    selection : Selection or None
        Of a block that lacks a selected column.
    searches : tuple of PathSearch
        What its payloads show about the paths of ``record_path`` and ``meta``.
    nested : frozenset of str
        The fields that are objects of fields in some record, so that a null there is no column.
    message : str or None
        The one field of a table without rows: a message, if other answers are tables.
    xml_paths : XmlPaths or None
        Where its XML documents have their records.
    overwritten : frozenset of str
        The fields that stand twice in a record, as ``{"a.b": 1, "a": {"b": 2}}`` has "a.b"; the last is kept.
    """

    columns: dict[str, Chunk]
    meta: dict[str, Chunk]
    counts: NDArray[np.int64]
    failures: dict[int, ParseError]
    infinite: frozenset[str] = frozenset()
    selection: Selection | None = None
    searches: tuple[PathSearch, ...] = ()
    nested: frozenset[str] = frozenset()
    message: str | None = None
    xml_paths: XmlPaths | None = None
    overwritten: frozenset[str] = frozenset()


def describe_overwritten(blocks: Iterable[Block]) -> tuple[str, ...]:
    """Return what to say about values that were lost because a record has two fields of one name."""
    names = frozenset[str]().union(*(block.overwritten for block in blocks))
    shown = ", ".join(map(repr, sorted(names)))
    return (f"{shown}: a record has two fields of this name, and only the last is kept; pass another sep=",) * bool(
        names
    )


def may_have_failed(block: Block) -> bool:
    """Whether a payload of a block has no records, or may turn out to be a message."""
    return bool(block.failures) or block.message is not None


def make_chunk(values: list[Any], types: Collection[type], state: NDArray[np.uint8] | None = None) -> Chunk:
    """Type the cells of one column in one block.

    Parameters
    ----------
    values : list
        The cells with a value, in the order of their records.
    types : collection of type
        The types of the values; ``type(None)`` is ignored.
    state : array of uint8, shape (records,), or None
        0 where a record has a value, else ``NULL`` or ``MISSING``; None: each has one.

    Examples
    --------
    >>> make_chunk([1, 2], {int}).cells
    array([1, 2])
    """
    kinds = frozenset(kind.__name__ for kind in types if kind is not type(None))
    return Chunk(_typed_array(values, kinds), kinds, state)


def chunk_of_cells(cells: list[Any], missing: object) -> Chunk:
    """Type the cells of one column, of which some are null and some, `missing`, have no key.

    Examples
    --------
    >>> chunk_of_cells([1, None, ...], ...).state.tolist()
    [0, 1, 2]
    """
    state = np.array([NULL if cell is None else MISSING if cell is missing else 0 for cell in cells], np.uint8)
    values = [cell for cell in cells if cell is not None and cell is not missing]
    return make_chunk(values, set(map(type, values)), state if state.any() else None)


def missing_chunk(records: int) -> Chunk:
    """Return a column that no record has.

    Examples
    --------
    >>> missing_chunk(2).state.tolist()
    [2, 2]
    """
    return Chunk(np.empty(0, object), frozenset(), np.full(records, MISSING, np.uint8))


def string_array(values: list[str]) -> Array:
    """Return strings in pandas' default dtype: object on pandas 2, str on pandas 3, and an option on both."""
    dtype: Any = pd.Series(["a"]).dtype
    cells = object_array(values)
    try:
        return cells if dtype.kind == "O" and isinstance(dtype, np.dtype) else pd.array(cells, dtype=dtype)
    except UnicodeEncodeError:  # a lone surrogate, which JSON can spell and Arrow cannot
        return cells


def _typed_array(values: list[Any], kinds: frozenset[str]) -> Array:
    match sorted(kinds):
        case ["int"]:
            return integer_array(values)
        case ["float"]:
            return np.fromiter(values, np.float64, len(values))
        case ["bool"]:
            return np.fromiter(values, np.bool_, len(values))
        case ["str"]:
            return string_array(values)
    return object_array(values)

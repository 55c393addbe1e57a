"""Many keys, one request: blocks of distinct keys.

A frame of keys becomes a frame of blocks, whose cells are lists, and is expanded as any other;
each key then has an answer of its own, as if it had been asked for alone (`matching`).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.cells import render_scalar
from pandas_async_io._core.request.deduplicate import factorize, factorize_json, find_first_rows, group_rows
from pandas_async_io._core.request.fields import FieldColumn, find_column
from pandas_async_io._core.request.url_template import encode_field_name
from pandas_async_io._core.security.unsafe_values import find_dot_segments, has_lone_surrogate, is_forbidden_in_url

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pandas_async_io._core.arrays import Mask, Positions


@dataclass(frozen=True, slots=True)
class Batches:
    """A frame's distinct keys, in blocks.

    Attributes
    ----------
    field : str
        The key's column or index level.
    columns : dict of str to array
        The distinct keys, numbered in the order of their first rows, and what goes beside them.
    row_to_key : array of int64
        For each row its key's number, -1 if it has none.
    unsafe : dict of int to str
        The rows whose keys must not be sent, and why; all others without a key are null.
    blocks : list of array of int64
        The numbers of the keys that go together.
    typed : collection of str
        Columns of the answer that a type was asked for: the key's is one of them, or it is left out.
    """

    field: str
    columns: dict[str, Any]
    row_to_key: Positions
    unsafe: dict[int, str]
    blocks: list[Positions]
    typed: Collection[str] = ()

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        field: str,
        size: int,
        *,
        beside: Sequence[str] = (),
        in_body: bool = False,
        in_path: bool = False,
        wholes: Collection[str] = (),
        typed: Collection[str] = (),
    ) -> Batches:
        """Put a frame's keys into blocks, in the order of their first rows.

        Parameters
        ----------
        frame : DataFrame
            The rows.
        field : str
            The key's column or index level.
        size : int
            Keys in a block at most.
        beside : sequence of str
            Other fields of the request: keys go together only where these agree.
        in_body : bool
            Whether the keys stand in a JSON body alone, where control characters do no harm and 1 is not "1".
        in_path : bool
            Whether they stand in the URL's path, where one may be a segment by itself.
        wholes : collection of str
            Which of ``beside`` are a whole JSON value, whose type counts.
        typed : collection of str
            As below.

        Raises
        ------
        PlanError
            If a key is no single value, or means nothing in a request.

        Examples
        --------
        >>> batches = Batches.of(pd.DataFrame({"id": ["a", "b", None, "a", "c"]}), "id", 2)
        >>> batches.row_to_key.tolist(), [block.tolist() for block in batches.blocks]
        ([0, 1, -1, 0, 2], [[0, 1], [2]])
        >>> batches.requests(batches.blocks)["id"].tolist()
        [['a', 'b'], ['c']]
        """
        count = _check_size(size)
        arrays = {name: find_column(frame, name) for name in (field, *beside)}
        texts = _factorise_field(field, arrays[field], plain=True)
        keys = [_factorise_field(field, _whole_floats_as_integers(arrays[field]), json=True) if in_body else texts]
        keys += [_factorise_field(name, arrays[name], json=name in wholes) for name in beside]
        wrong = texts.rows_matching(has_lone_surrogate if in_body else is_forbidden_in_url)
        unsafe = dict.fromkeys(np.flatnonzero(wrong).tolist(), f"field {{{field}}} holds characters that are not sent")
        if in_path:  # here, and not in its URL, so that it takes no other key with it
            dots = _dot_segment_keys(texts)
            unsafe |= dict.fromkeys(np.flatnonzero(dots).tolist(), f"field {{{field}}} is dots, no segment of a path")
            wrong = wrong | dots
        # In a list in a URL nothing between two commas is no key.
        empty = np.zeros(len(frame), dtype=bool) if in_body else texts.rows_equal_to("")
        usable = np.flatnonzero((texts.codes >= 0) & ~wrong & ~empty)
        first, numbers = group_rows(keys, usable)
        row_to_key = np.full(len(frame), -1, dtype=np.int64)
        row_to_key[usable] = numbers
        _, home = group_rows(keys[1:], first) if beside else (None, np.zeros(len(first), dtype=np.int64))
        order = np.argsort(home, kind="stable")
        bounds = np.flatnonzero(np.diff(home[order])) + 1
        parts = np.split(order, bounds)
        blocks = [part[start : start + count] for part in parts for start in range(0, len(part), count)]
        columns = {name: array.take(first) for name, array in arrays.items()}
        return cls(field, columns, row_to_key, unsafe, blocks, typed)

    def requests(self, blocks: Sequence[Positions]) -> pd.DataFrame:
        """Return a frame with one row per block: a list of keys, and what goes beside them."""
        heads = np.array([block[0] for block in blocks], dtype=np.int64)
        beside = {name: array.take(heads) for name, array in self.columns.items() if name != self.field}
        cells = np.empty(len(blocks), dtype=object)
        cells[:] = [self.keys(block) for block in blocks]
        return pd.DataFrame({self.field: cells, **beside})

    def texts(self, block: Positions) -> list[str]:
        """Return a block's keys as they are written in a request.

        Examples
        --------
        >>> batches = Batches.of(pd.DataFrame({"id": [7.0, 8.5]}), "id", 50)
        >>> batches.texts(batches.blocks[0])
        ['7', '8.5']
        """
        return [render_scalar(key) or "" for key in self.keys(block)]

    def keys(self, block: Positions) -> list[Any]:
        """Return a block's keys as they stand in the frame."""
        keys: list[Any] = self.columns[self.field].take(block).tolist()
        return keys


def _check_size(size: Any) -> int:
    try:
        count = 0 if isinstance(size, bool) else operator.index(size)
    except TypeError:
        count = 0
    if count < 1:
        raise PlanError(f"batch={size!r} is the number of keys in a request, from 1")
    return count


def _factorise_field(name: str, array: Any, *, json: bool = False, plain: bool = False) -> FieldColumn:
    """Factorise a column, which holds single values if it is to be ``plain``."""
    try:
        key = (factorize_json if json else factorize)(array)
    except TypeError as exc:
        raise PlanError(f"batch=: field {{{encode_field_name(name)}}}: {exc}") from None
    if plain and not key.is_scalar():
        raise PlanError(
            f"batch=: field {{{encode_field_name(name)}}} holds lists or mappings, a key is one value: "
            f"df.explode({name!r}) gives each a row of its own"
        )
    return key


def _whole_floats_as_integers(array: Any) -> Any:
    """Return a column of any cells with whole floats as integers: JSON has one kind of number."""
    if array.dtype != object:
        return array
    same = np.empty(len(array), dtype=object)
    same[:] = [int(cell) if isinstance(cell, float | np.floating) and cell.is_integer() else cell for cell in array]
    return same


def _dot_segment_keys(key: FieldColumn) -> Mask:
    """Whether each row's key would be ``.`` or ``..`` in a path, or holds one, encoded or not."""
    texts = key.render_rows(find_first_rows(key.codes))
    urls = [f"http://e.com/{quote(text, safe='') if isinstance(text, str) else ''}" for text in texts]
    return np.isin(key.codes, find_dot_segments(urls))

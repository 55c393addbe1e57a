"""The distinct keys of a frame, in blocks that share a request.

A frame of keys becomes a frame of blocks, whose cells are lists. It is expanded like any other frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import as_integer
from pandas_async_io._core.request.cell_values.cells import dump_json, render_scalar, to_json_value
from pandas_async_io._core.request.cell_values.deduplicate import factorize, factorize_json, find_first_rows, group_rows
from pandas_async_io._core.request.cell_values.fields import FieldColumn, find_column
from pandas_async_io._core.request.template.url_template import write_field_name
from pandas_async_io._core.security.unsafe_values import find_dot_segments, has_lone_surrogate, is_forbidden_in_url
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.arrays import Mask, Positions
    from pandas_async_io._core.workflow.batching.key_field import KeyField


_MAX_EXACT_FLOAT = 2**53
"""Below it each whole number is a float."""


@dataclass(frozen=True, slots=True)
class Batches:
    """A frame's distinct keys, in blocks.

    Attributes
    ----------
    key_name : str
        The key's column or index level.
    columns : dict of str to array
        The distinct keys, in the order of their first rows, and the other fields beside them.
    row_to_key : array of int64
        For each row the number of its key, -1 if it has none.
    unsafe_rows : dict of int to str
        Rows whose key must not be sent, and why; all other rows without a key are null.
    blocks : sequence of array of int64
        For each request the numbers of its keys.
    in_body : bool
        As in `KeyField`.
    group_of_key : array of int64
        For each key which keys it may share a request with: those that agree in all other fields.
    """

    key_name: str
    columns: dict[str, Any]
    row_to_key: Positions
    unsafe_rows: dict[int, str]
    blocks: Sequence[Positions]
    in_body: bool = False
    group_of_key: Positions = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @classmethod
    def build(cls, frame: pd.DataFrame, field: KeyField, size: int) -> Batches:
        """Put the keys of a frame into blocks of at most ``size`` keys, in the order of their first rows.

        Raises
        ------
        PlanError
            ``size`` is not a number from 1, or a key is not a single value that a request can hold.

        Examples
        --------
        >>> from pandas_async_io._core.workflow.batching.key_field import KeyField
        >>> batches = Batches.build(pd.DataFrame({"id": ["a", "b", None, "a", "c"]}), KeyField("id"), 2)
        >>> batches.row_to_key.tolist(), [block.tolist() for block in batches.blocks]
        ([0, 1, -1, 0, 2], [[0, 1], [2]])
        >>> batches.build_rows(batches.blocks)["id"].tolist()
        [['a', 'b'], ['c']]
        """
        size = _check_size(size)
        arrays = {name: find_column(frame, name) for name in (field.name, *field.other_fields)}
        texts = _factorize_keys(field.name, arrays[field.name])
        keys = texts
        if field.in_body:
            keys = _factorize_field(field.name, _floats_to_integers(arrays[field.name]), json=True)
        groups = [_factorize_field(name, arrays[name], json=name in field.json_fields) for name in field.other_fields]
        unsafe_rows = _find_unsafe_rows(texts, field)
        is_usable = texts.codes >= 0
        is_usable[list(unsafe_rows)] = False
        if not field.in_body:
            is_usable &= ~texts.rows_equal_to("")  # in a URL's list an empty text is no key
        usable = np.flatnonzero(is_usable)
        first_rows, numbers = group_rows([keys, *groups], usable)
        row_to_key = np.full(len(frame), -1, dtype=np.int64)
        row_to_key[usable] = numbers
        columns = {name: array.take(first_rows) for name, array in arrays.items()}
        batches = cls(field.name, columns, row_to_key, unsafe_rows, (), field.in_body, _group_keys(groups, first_rows))
        return replace(batches, blocks=batches.cut_blocks(np.arange(len(first_rows)), size))

    def cut_blocks(self, keys: Positions, size: int) -> list[Positions]:
        """Return some keys in blocks of at most ``size`` that agree in all other fields."""
        order = keys[np.argsort(self.group_of_key[keys], kind="stable")]
        bounds = np.flatnonzero(np.diff(self.group_of_key[order])) + 1
        parts = np.split(order, bounds)
        return [part[start : start + size] for part in parts for start in range(0, len(part), size)]

    def build_rows(self, blocks: Sequence[Positions]) -> pd.DataFrame:
        """Return a frame with one row per block: a list of keys, and the other fields beside it.

        Whole floats are integers there: pandas makes floats of integer keys beside a gap, and 1.0 is no key.
        """
        heads = np.array([block[0] for block in blocks], dtype=np.int64)
        others = {name: array.take(heads) for name, array in self.columns.items() if name != self.key_name}
        cells = np.empty(len(blocks), dtype=object)
        cells[:] = [list(map(_float_to_integer, self.get_keys(block))) for block in blocks]
        return pd.DataFrame({self.key_name: cells, **others})

    def render_keys(self, block: Positions) -> list[str]:
        """Return the keys of a block as a request writes them.

        Examples
        --------
        >>> from pandas_async_io._core.workflow.batching.key_field import KeyField
        >>> batches = Batches.build(pd.DataFrame({"id": [7.0, 8.5]}), KeyField("id"), 50)
        >>> batches.render_keys(batches.blocks[0])
        ['7', '8.5']
        """
        return [render_scalar(key) or "" for key in self.get_keys(block)]

    def show_key(self, number: int) -> str:
        """Return a key as a request writes it, for a message: in a JSON body with quotes if it is a text."""
        [key] = self.get_keys(np.array([number]))
        return dump_json(to_json_value(_float_to_integer(key))).decode() if self.in_body else str(render_scalar(key))

    def get_keys(self, block: Positions) -> list[Any]:
        """Return the keys of a block as the frame has them."""
        keys: list[Any] = self.columns[self.key_name].take(block).tolist()
        return keys


def _check_size(size: Any) -> int:
    count = as_integer(size)
    if count is None or count < 1:
        raise PlanError(f"batch={show_value(size)} is not a number of keys per request, from 1")
    return count


def _group_keys(groups: Sequence[FieldColumn], first_rows: Positions) -> Positions:
    """Return the group of each key: keys of a group agree in all other fields."""
    return group_rows(groups, first_rows)[1] if groups else np.zeros(len(first_rows), dtype=np.int64)


def _find_unsafe_rows(texts: FieldColumn, field: KeyField) -> dict[int, str]:
    """Return the rows whose key must not be sent, and why."""
    is_unsafe = texts.rows_matching(has_lone_surrogate if field.in_body else is_forbidden_in_url)
    text = f"field {{{field.name}}} holds characters that are not sent"
    unsafe_rows = dict.fromkeys(np.flatnonzero(is_unsafe).tolist(), text)
    if field.in_path:  # refused here and not with its URL, so that the other keys of its block are sent
        has_dots = _has_dot_segments(texts)
        text = f"field {{{field.name}}} is dots, which must not be a segment of a path"
        unsafe_rows |= dict.fromkeys(np.flatnonzero(has_dots).tolist(), text)
    return unsafe_rows


def _has_dot_segments(texts: FieldColumn) -> Mask:
    """Return for each row whether its key in a path would be or contain ``.`` or ``..``, encoded or not."""
    keys = texts.render_rows(find_first_rows(texts.codes))
    urls = [f"http://e.com/{quote(key, safe='') if isinstance(key, str) else ''}" for key in keys]
    return np.isin(texts.codes, find_dot_segments(urls))


def _factorize_keys(name: str, array: Any) -> FieldColumn:
    """Factorise a column of keys by their texts.

    Raises
    ------
    PlanError
        A cell is a list, a mapping, or of a type that a request cannot hold.
    """
    texts = _factorize_field(name, array)
    if not texts.is_scalar():
        raise PlanError(
            f"batch=: field {{{write_field_name(name)}}} holds lists or mappings, and a key is one value: "
            f"df.explode({name!r}) gives each value a row"
        )
    return texts


def _factorize_field(name: str, array: Any, *, json: bool = False) -> FieldColumn:
    try:
        return (factorize_json if json else factorize)(array)
    except (TypeError, ValueError, OverflowError, RecursionError, NotImplementedError) as exc:
        reason = "a value holds itself" if isinstance(exc, RecursionError) else exc
        raise PlanError(f"batch=: field {{{write_field_name(name)}}}: {reason}") from None


def _floats_to_integers(array: Any) -> Any:
    """Return a column of objects with whole floats as integers, because JSON has one kind of number."""
    if array.dtype != object:
        return array
    cells = np.empty(len(array), dtype=object)
    cells[:] = list(map(_float_to_integer, array))
    return cells


def _float_to_integer(cell: Any) -> Any:
    """Return a whole float as an integer, where a URL has it as one too."""
    if isinstance(cell, float | np.floating) and cell.is_integer() and abs(float(cell)) < _MAX_EXACT_FLOAT:
        return int(cell)
    return cell

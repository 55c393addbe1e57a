"""The columns that decide a request: found by name, factorised to codes, filled into headers and bodies."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import UnknownFieldError
from pandas_async_io._core.models import EMPTY, Request
from pandas_async_io._core.safety import merged_headers
from pandas_async_io._core.template import varname
from pandas_async_io._core.values import Rendered, Text, dump_json, json_value, render

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pandas_async_io._core.recipe import Recipe

Positions = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Key:
    """One column, factorised.

    Attributes
    ----------
    codes : array of int64
        For each row the position of its value in ``uniques``; -1 for null.
    uniques : array
        The distinct values, in order of appearance.
    rendered : list or None
        Their texts; None where they are many, to be rendered in blocks.
    """

    codes: Positions
    uniques: Any
    rendered: list[Rendered] | None

    def texts(self, rows: Positions) -> list[Rendered]:
        """Return the text of some rows' cells."""
        codes = self.codes[rows]
        if self.rendered is None:
            present = codes >= 0
            if present.all():
                return render(self.uniques.take(codes))
            texts = iter(render(self.uniques.take(codes[present])))  # -1 would take the last one
            return [next(texts) if one else None for one in present.tolist()]
        rendered = self.rendered
        return [rendered[code] if code >= 0 else None for code in codes.tolist()]

    def has_text(self, text: str) -> Mask:
        """Whether each row's cell has just this text."""
        return self._rows_of([code for code, unique in enumerate(self._strings()) if unique == text])

    def holding(self, refused: Callable[[str], bool]) -> Mask:
        """Whether each row's cell holds a text that is refused."""
        strings = self._strings()
        if all(type(text) is str for text in strings) and not refused("".join(strings)):  # type: ignore[arg-type] # all are str
            return np.zeros(len(self.codes), dtype=bool)
        return self._rows_of([code for code, text in enumerate(strings) if any(map(refused, _leaves(text)))])

    def plain(self) -> bool:
        """Whether every cell is one text or null: no list, no mapping."""
        return self.rendered is None or all(isinstance(text, str | None) for text in self.rendered)

    def all_distinct(self) -> bool:
        """Whether no two rows have the same value."""
        return len(self.uniques) == len(self.codes)

    def _strings(self) -> Collection[Rendered]:
        """Return the texts that a person wrote: numbers and times hold nothing that surprises."""
        if self.rendered is not None:
            return self.rendered
        return self.uniques.tolist() if pd.api.types.is_string_dtype(self.uniques.dtype) else []

    def _rows_of(self, codes: list[int]) -> Mask:
        return np.isin(self.codes, codes) if codes else np.zeros(len(self.codes), dtype=bool)


def _leaves(text: Rendered) -> list[str]:
    if isinstance(text, str):
        return [text]
    return [*text, *text.values()] if isinstance(text, dict) else text or []


_NOTHING = "the frame has no columns (pd.read_api takes a field's values as over={'name': [...]})"


def resolve(frame: pd.DataFrame, name: str) -> Any:
    """Return the array of the column, or else of the index level, that a field names.

    Examples
    --------
    >>> resolve(pd.DataFrame({"user": [1]}), "usr")
    Traceback (most recent call last):
    pandas_async_io._core.errors.UnknownFieldError: field {usr}: no column or index level has this name; nearest: {user}
    """
    columns = [_spelt(label) for label in frame.columns]
    levels = [None if label is None else _spelt(label) for label in frame.index.names]
    for kind, labels in (("columns", columns), ("index levels", levels)):
        if labels.count(name) > 1:
            raise UnknownFieldError(
                f"field {{{varname(name)}}}: {labels.count(name)} {kind} have this name; rename all but one"
            )
    if name in columns:
        return _array(frame.iloc[:, columns.index(name)])
    if name in levels:
        return _array(frame.index.get_level_values(levels.index(name)))
    known = {spelt.lower(): spelt for spelt in [*columns, *levels] if spelt is not None}
    nearest = get_close_matches(name.lower(), known, n=1, cutoff=0.0)
    hint = f"nearest: {{{varname(known[nearest[0]])}}}" if nearest else _NOTHING
    raise UnknownFieldError(f"field {{{varname(name)}}}: no column or index level has this name; {hint}")


def _array(column: pd.Series[Any] | pd.Index[Any]) -> Any:
    """Return the plain numpy array where there is one that means the same."""
    return column.to_numpy() if isinstance(column.dtype, np.dtype) and column.dtype.kind not in "mM" else column.array


def _spelt(label: Any) -> str:
    """Return a label as a template names it: levels with dots between, without those that only pad."""
    return ".".join(str(level) for level in label if level != "") if isinstance(label, tuple) else str(label)


def factorise(values: Any) -> Key:
    """Give each row the code of its value.

    Parameters
    ----------
    values : array-like
        Any array that pandas holds.

    Raises
    ------
    TypeError
        If a cell has a type that means nothing in a request.

    Examples
    --------
    >>> factorise(pd.array([3.0, None, 3.0, float("inf")])).codes.tolist()
    [0, -1, 0, -1]
    >>> factorise(np.array([1, True, "1"], dtype=object)).rendered
    ['1', 'true']
    """
    if _is_mixed(values):
        return _factorise_by_text(values)
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, np.nan)
    codes, uniques = pd.factorize(values)
    render(uniques[:1])  # a dtype that means nothing in a request raises here, before anything is sent
    rendered = render(uniques) if len(uniques) * 2 <= len(values) or values.dtype.kind == "f" else None
    if rendered is not None and None in rendered:  # an infinity in a nullable column
        codes = np.where(np.isin(codes, [code for code, text in enumerate(rendered) if text is None]), -1, codes)
    return Key(codes.astype(np.int64, copy=False), uniques, rendered)


def factorise_json(values: Any) -> Key:
    """Give each row the code of its JSON: a number and its text are two values, lists may be nested.

    Raises
    ------
    TypeError
        If a cell has a type that means nothing in a request.

    Examples
    --------
    >>> factorise_json(np.array([1, "1", True, [1], [1], None], dtype=object)).codes.tolist()
    [0, 1, 2, 3, 3, -1]
    """
    if not _is_mixed(values):
        return factorise(values)
    cells = list(map(json_value, values))
    texts = np.array([None if cell is None else dump_json(cell).decode() for cell in cells], dtype=object)
    codes, uniques = pd.factorize(texts)
    return Key(codes.astype(np.int64, copy=False), uniques, uniques.tolist())


def _is_mixed(values: Any) -> bool:
    """Whether equal values may have different texts (True, 1, 1.0), or can't be hashed (lists)."""
    if isinstance(values, np.ndarray):
        return values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) != "string"
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _is_mixed(values.categories.to_numpy())
    return isinstance(values.dtype, pd.ArrowDtype) and values.dtype.kind == "O"


def _factorise_by_text(values: Any) -> Key:
    rendered = render(values)
    keys = np.empty(len(rendered), dtype=object)
    keys[:] = [text if isinstance(text, str | None) else (repr(text),) for text in rendered]
    codes, _ = pd.factorize(keys)
    first = first_rows(codes)
    return Key(codes.astype(np.int64, copy=False), values.take(first), [rendered[row] for row in first.tolist()])


def first_rows(codes: np.ndarray[Any, Any]) -> Positions:
    """Return for each code the first row that has it.

    Examples
    --------
    >>> first_rows(np.array([0, 1, 0, -1, 2])).tolist()
    [0, 1, 4]
    """
    first = np.empty(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    rows = np.flatnonzero(codes >= 0)[::-1]
    first[codes[rows]] = rows
    return first


def group(keys: Collection[Key], rows: Positions) -> tuple[Positions, Positions]:
    """Return the first of ``rows`` in each group of equal keys, and each one's group.

    Examples
    --------
    >>> a, b = factorise(np.array([1, 1, 1, 2])), factorise(np.array([5, 6, 5, 5]))
    >>> [part.tolist() for part in group([a, b], np.arange(4))]
    [[0, 1, 3], [0, 1, 0, 2]]
    """
    if any(key.all_distinct() for key in keys):
        return rows, np.arange(len(rows), dtype=np.int64)
    joint = np.zeros(len(rows), dtype=np.int64)
    size = 1
    for key in keys:
        many = len(key.uniques) + 1
        if size * many > 2**62:
            joint, seen = pd.factorize(joint)
            size = len(seen)
        joint = joint * many + key.codes[rows]
        size *= many
    groups, _ = pd.factorize(joint)
    return rows[first_rows(groups)], groups.astype(np.int64, copy=False)


@dataclass(frozen=True, slots=True)
class RowParts:
    """Headers and a body with fields, made when the request is sent.

    Attributes
    ----------
    keys : dict of str to Key
        The columns of all fields.
    rows : array of int64
        For each request the row that it is made of.
    arrays : dict of str to array
        The columns as they are in the frame, for JSON values that keep their type.
    """

    recipe: Recipe
    keys: Mapping[str, Key]
    rows: Positions
    arrays: Mapping[str, Any]

    def request(self, position: int, url: str, method: str, headers: Mapping[str, str]) -> Request:
        """Make one request."""
        row = self.rows[position : position + 1]
        own = {name: text.fill(self._texts(text, row)) for name, text in self.recipe.headers if text.fields}
        return Request(url, method, merged_headers(headers, own) if own else headers, self._body(row))

    def identity(self, position: int, url: str) -> bytes:
        """Return all that tells a request from the others of its run."""
        request = self.request(position, url, "", EMPTY)
        return b"\n".join([url.encode(), *map(str.encode, request.headers.values()), request.body or b""])

    def _texts(self, text: Text, row: Positions) -> dict[str, str]:
        return {name: _one_text(self.keys[name].texts(row)[0]) for name in text.fields}

    def _body(self, row: Positions) -> bytes | None:
        kind, body = self.recipe.body_kind, self.recipe.body
        if kind == "json":
            return dump_json(self._json(body, row))
        if kind == "text":
            return str(body.fill(self._texts(body, row))).encode()
        if kind == "form":
            return urlencode([(name, text.fill(self._texts(text, row))) for name, text in body]).encode()
        return body if kind == "bytes" else None

    def _json(self, value: Any, row: Positions) -> Any:
        if isinstance(value, Text):
            if value.alone is not None:
                return json_value(self.arrays[value.alone][int(row[0])])
            return value.fill(self._texts(value, row))
        if isinstance(value, dict):
            return {key: self._json(item, row) for key, item in value.items()}
        return [self._json(item, row) for item in value] if isinstance(value, list) else value


def _one_text(cell: Any) -> str:
    return cell if isinstance(cell, str) else "" if cell is None else dump_json(cell).decode()

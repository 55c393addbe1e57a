"""The columns that decide a request, factorised: codes instead of values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pandas_async_io._core.safety import forbidden_value
from pandas_async_io._core.values import Text, render

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
    rendered: list[Text] | None

    def texts(self, rows: Positions) -> list[Text]:
        """Return the text of some rows' cells."""
        codes = self.codes[rows]
        if self.rendered is None:
            return render(self.uniques.take(codes))
        rendered = self.rendered
        return [rendered[code] if code >= 0 else None for code in codes.tolist()]

    def has_text(self, text: str) -> Mask:
        """Whether each row's cell has just this text."""
        return self._rows_of([code for code, unique in enumerate(self._strings()) if unique == text])

    def forbidden(self) -> Mask:
        """Whether each row's cell holds what can stand in no URL and no header."""
        strings = self._strings()
        if all(type(text) is str for text in strings) and not forbidden_value("".join(strings)):  # type: ignore[arg-type]
            return np.zeros(len(self.codes), dtype=bool)
        return self._rows_of([code for code, text in enumerate(strings) if _forbidden(text)])

    def all_distinct(self) -> bool:
        """Whether no two rows have the same value."""
        return len(self.uniques) == len(self.codes)

    def _strings(self) -> Collection[Text]:
        """Return the texts that a person wrote: numbers and times hold nothing that surprises."""
        if self.rendered is not None:
            return self.rendered
        return self.uniques.tolist() if pd.api.types.is_string_dtype(self.uniques.dtype) else []

    def _rows_of(self, codes: list[int]) -> Mask:
        return np.isin(self.codes, codes) if codes else np.zeros(len(self.codes), dtype=bool)


def _forbidden(text: Text) -> bool:
    if isinstance(text, str):
        return forbidden_value(text)
    return any(map(forbidden_value, [*text, *text.values()] if isinstance(text, dict) else text or ()))


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
    rendered = render(uniques) if len(uniques) * 2 <= len(values) or values.dtype.kind == "f" else None
    if rendered is not None and None in rendered:  # an infinity in a nullable column
        codes = np.where(
            np.isin(codes, [code for code, text in enumerate(rendered) if text is None]), -1, codes
        )
    return Key(codes.astype(np.int64, copy=False), uniques, rendered)


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
    return Key(
        codes.astype(np.int64, copy=False), values.take(first), [rendered[row] for row in first.tolist()]
    )


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

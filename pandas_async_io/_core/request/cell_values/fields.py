"""The columns that a request's fields name: found by name, and factorized to codes and texts."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import UnknownFieldError
from pandas_async_io._core.request.cell_values.cells import render_column
from pandas_async_io._core.request.template.field_names import format_label
from pandas_async_io._core.request.template.url_template import write_field_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pandas_async_io._core.arrays import Mask, Positions
    from pandas_async_io._core.request.template.expression import Value

_NO_COLUMNS_HINT = "the frame has no columns (pd.read_api takes a field's values as over={'name': [...]})"


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """One column, factorized.

    Attributes
    ----------
    codes : array of int64
        For each row the position of its value in ``uniques``; -1 for null.
    uniques : array
        The distinct values, in order of appearance.
    rendered : list or None
        Their texts; None if there are many, which are rendered in blocks.
    """

    codes: Positions
    uniques: Any
    rendered: list[Value] | None

    def render_rows(self, rows: Positions) -> list[Value]:
        """Return the texts of some rows' cells."""
        codes = self.codes[rows]
        if self.rendered is None:
            present = codes >= 0
            if present.all():
                return render_column(self.uniques.take(codes))
            texts = iter(render_column(self.uniques.take(codes[present])))  # take(-1) would take the last value
            return [next(texts) if is_present else None for is_present in present.tolist()]
        rendered = self.rendered
        return [rendered[code] if code >= 0 else None for code in codes.tolist()]

    def rows_equal_to(self, text: str) -> Mask:
        """Whether each row's cell has exactly this text."""
        return self._rows_with_codes([code for code, unique in enumerate(self._user_texts()) if unique == text])

    def rows_where(self, test: Callable[[Value], bool]) -> Mask:
        """Whether each row's cell has a text, a list or a mapping for which the test is true."""
        return self._rows_with_codes([code for code, unique in enumerate(self._user_texts()) if test(unique)])

    def rows_matching(self, predicate: Callable[[str], bool]) -> Mask:
        """Whether each row's cell holds a text for which the predicate is true.

        A text is tested by itself; where all cells are texts, their concatenation is tested first.
        """
        texts = self._user_texts()
        if all(type(text) is str for text in texts) and not predicate("".join(texts)):  # type: ignore[arg-type] # all are str
            return np.zeros(len(self.codes), dtype=bool)
        return self._rows_with_codes([code for code, text in enumerate(texts) if any(map(predicate, _leaves(text)))])

    def is_scalar(self) -> bool:
        """Whether no cell is a list or a mapping."""
        return self.rendered is None or all(isinstance(text, str | None) for text in self.rendered)

    def is_unique(self) -> bool:
        """Whether no two rows have the same value."""
        return len(self.uniques) == len(self.codes) and bool((self.codes >= 0).all())  # an infinity is a unique null

    def _user_texts(self) -> Collection[Value]:
        """Return the texts that may hold any character. Numbers and times hold none that is refused."""
        if self.rendered is not None:
            return self.rendered
        return self.uniques.tolist() if pd.api.types.is_string_dtype(self.uniques.dtype) else []

    def _rows_with_codes(self, codes: list[int]) -> Mask:
        return np.isin(self.codes, codes) if codes else np.zeros(len(self.codes), dtype=bool)


def _leaves(text: Value) -> list[str]:
    if isinstance(text, str):
        return [text]
    return [*text, *text.values()] if isinstance(text, dict) else text or []


def find_column(frame: pd.DataFrame, name: str) -> Any:
    """Return the array of the column, or else of the index level, that a field names.

    Raises
    ------
    UnknownFieldError
        No column or index level has this name, or several have.

    Examples
    --------
    >>> find_column(pd.DataFrame({"user": [1]}), "usr")
    Traceback (most recent call last):
    pandas_async_io._core.errors.UnknownFieldError: field {usr}: no column or index level has this name; nearest: {user}
    """
    columns = [format_label(label) for label in frame.columns]
    levels = [None if label is None else format_label(label) for label in frame.index.names]
    for kind, labels in (("columns", columns), ("index levels", levels)):
        if labels.count(name) > 1:
            raise UnknownFieldError(
                f"field {{{write_field_name(name)}}}: {labels.count(name)} {kind} have this name; rename all but one"
            )
    if name in columns:
        return _to_array(frame.iloc[:, columns.index(name)])
    if name in levels:
        return _to_array(frame.index.get_level_values(levels.index(name)))
    known = {label.lower(): label for label in [*columns, *levels] if label is not None}
    nearest = get_close_matches(name.lower(), known, n=1, cutoff=0.0)
    hint = f"nearest: {{{write_field_name(known[nearest[0]])}}}" if nearest else _NO_COLUMNS_HINT
    raise UnknownFieldError(f"field {{{write_field_name(name)}}}: no column or index level has this name; {hint}")


def _to_array(column: pd.Series[Any] | pd.Index[Any]) -> Any:
    """Return the numpy array, if it holds the same values, else pandas' own array."""
    return column.to_numpy() if isinstance(column.dtype, np.dtype) and column.dtype.kind not in "mM" else column.array

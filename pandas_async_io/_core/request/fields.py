"""The columns that decide a request: found by name, factorised to codes, filled into headers and bodies."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import UnknownFieldError
from pandas_async_io._core.request.cells import Rendered, render_column
from pandas_async_io._core.request.url_template import encode_field_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pandas_async_io._core.arrays import Mask, Positions


@dataclass(frozen=True, slots=True)
class FieldColumn:
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
                return render_column(self.uniques.take(codes))
            texts = iter(render_column(self.uniques.take(codes[present])))  # -1 would take the last one
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


def find_column(frame: pd.DataFrame, name: str) -> Any:
    """Return the array of the column, or else of the index level, that a field names.

    Examples
    --------
    >>> find_column(pd.DataFrame({"user": [1]}), "usr")
    Traceback (most recent call last):
    pandas_async_io._core.errors.UnknownFieldError: field {usr}: no column or index level has this name; nearest: {user}
    """
    columns = [_spelt(label) for label in frame.columns]
    levels = [None if label is None else _spelt(label) for label in frame.index.names]
    for kind, labels in (("columns", columns), ("index levels", levels)):
        if labels.count(name) > 1:
            raise UnknownFieldError(
                f"field {{{encode_field_name(name)}}}: {labels.count(name)} {kind} have this name; rename all but one"
            )
    if name in columns:
        return _array(frame.iloc[:, columns.index(name)])
    if name in levels:
        return _array(frame.index.get_level_values(levels.index(name)))
    known = {spelt.lower(): spelt for spelt in [*columns, *levels] if spelt is not None}
    nearest = get_close_matches(name.lower(), known, n=1, cutoff=0.0)
    hint = f"nearest: {{{encode_field_name(known[nearest[0]])}}}" if nearest else _NOTHING
    raise UnknownFieldError(f"field {{{encode_field_name(name)}}}: no column or index level has this name; {hint}")


def _array(column: pd.Series[Any] | pd.Index[Any]) -> Any:
    """Return the plain numpy array where there is one that means the same."""
    return column.to_numpy() if isinstance(column.dtype, np.dtype) and column.dtype.kind not in "mM" else column.array


def _spelt(label: Any) -> str:
    """Return a label as a template names it: levels with dots between, without those that only pad."""
    return ".".join(str(level) for level in label if level != "") if isinstance(label, tuple) else str(label)

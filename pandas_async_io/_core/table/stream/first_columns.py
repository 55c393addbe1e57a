"""Columns in the names and dtypes of the first chunk; what does not fit is a drift.

=====================================  ==========================================================
a later chunk                          becomes
=====================================  ==========================================================
the same kinds of values               the first chunk's dtype
no value at all                        missing values of that dtype
int where the first chunk has float    float, if each is exact
a column that the first one lacks      `DriftError`
no such key, where the first chunk     `DriftError`
has it in every record
any other kind                         `DriftError`
=====================================  ==========================================================

A column of ``schema`` has its type in every chunk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import DriftError
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pandas_async_io._core.arrays import Array
    from pandas_async_io._core.table.columns.columns import Columns

_TYPES = {"int": "int64", "float": "float64", "bool": "bool", "str": "string"}
"""What to write in ``schema`` for a kind of values."""


@dataclass(frozen=True, slots=True)
class FirstColumns:
    """The columns of the first chunk.

    Attributes
    ----------
    dtypes : mapping of str to dtype
        By name, in order.
    kinds : mapping of str to frozenset of str
        As in `Columns`; without the columns of ``schema``.
    complete : frozenset of str
        The columns that have a value in every record.
    """

    dtypes: Mapping[str, Any]
    kinds: Mapping[str, frozenset[str]]
    complete: frozenset[str]

    @classmethod
    def of(cls, columns: Columns, schema: Collection[str]) -> FirstColumns:
        """Return what the columns of the first chunk say about the others."""
        dtypes = {name: array.dtype for name, array in columns.arrays.items()}
        complete = (name for name, array in columns.arrays.items() if name not in schema and not pd.isna(array).any())
        kinds = {name: kinds for name, kinds in columns.kinds.items() if name not in schema}
        return cls(dtypes, kinds, frozenset(complete) if len(columns.counts) else frozenset())

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return what `from_json` takes."""
        return {
            name: {
                "dtype": str(dtype),
                "kinds": None if name not in self.kinds else sorted(self.kinds[name]),
                "complete": name in self.complete,
            }
            for name, dtype in self.dtypes.items()
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Mapping[str, Any]]) -> FirstColumns:
        """Return the columns that an earlier process wrote down."""
        dtypes = {name: pd.api.types.pandas_dtype(each["dtype"]) for name, each in content.items()}
        kinds = {name: frozenset(each["kinds"]) for name, each in content.items() if each["kinds"] is not None}
        return cls(dtypes, kinds, frozenset(name for name, each in content.items() if each["complete"]))

    def conform(self, columns: Columns, first_record: int) -> Columns:
        """Return the columns of a later chunk as those of the first one.

        Parameters
        ----------
        columns : Columns
            With the same ``schema`` applied.
        first_record : int
            How many records the chunks before had, for messages.

        Raises
        ------
        DriftError
            The columns do not fit.

        Examples
        --------
        >>> from pandas_async_io._core.table.columns.columns import Columns
        >>> def make(values, kind):
        ...     return Columns({"a": np.array(values)}, {}, np.ones(2, int), {}, kinds={"a": frozenset({kind})})
        >>> first = FirstColumns.of(make([1.5, 2.5], "float"), ())
        >>> first.conform(make([1, 2], "int"), 2).arrays["a"].tolist()
        [1.0, 2.0]
        """
        size = int(columns.counts.sum())
        if not size:
            return replace(columns, arrays={name: _all_missing(0, dtype) for name, dtype in self.dtypes.items()})
        for name, values in columns.arrays.items():
            if name not in self.dtypes:
                raise _describe_new(name, values, columns.kinds.get(name, frozenset()), first_record)
        arrays: dict[str, Array] = {}
        for name, dtype in self.dtypes.items():
            array: Array | None = columns.arrays.get(name)
            kinds = columns.kinds.get(name, frozenset())
            first = self.kinds.get(name, frozenset())
            if array is None and name in self.complete:
                raise DriftError(
                    f"column {name!r} has a value in every record of the first chunk, and the records from record "
                    f"{first_record} on have no such key. Write schema={{{name!r}: {_name_type(first)!r}}} to have "
                    "missing values there"
                )
            fitted = _all_missing(size, dtype) if array is None else self._fit(name, array, kinds)
            if fitted is None:
                raise self._misfit(name, columns.arrays[name], kinds, first_record)
            arrays[name] = fitted
        return replace(columns, arrays=arrays)

    def _fit(self, name: str, array: Array, kinds: frozenset[str]) -> Array | None:
        """Return an array in the first chunk's dtype; None if it does not fit."""
        dtype, first = self.dtypes[name], self.kinds.get(name)
        if first is None:  # of the schema; categories that it does not name are those of each chunk, as in pandas
            is_same = array.dtype == dtype or isinstance(array.dtype, pd.CategoricalDtype)
            return array if is_same else _cast(array, dtype)
        if not kinds:
            return _all_missing(len(array), dtype)
        is_any = dtype == np.dtype(object) and len(first) != 1
        if not (kinds <= first or is_any or (kinds <= {"int", "float"} and "float" in first)):
            return None
        return array if array.dtype == dtype else _cast(array, dtype)

    def _misfit(self, name: str, array: Array, kinds: frozenset[str], first_record: int) -> DriftError:
        first = self.kinds.get(name) or frozenset()
        other = kinds - first or kinds
        cells = enumerate(np.asarray(array, dtype=object).tolist())
        values = ((at, cell) for at, cell in cells if not isinstance(cell, list | dict) and not pd.isna(cell))
        values = ((at, cell) for at, cell in values if len(kinds) == 1 or type(cell).__name__ in other)
        at, cell = next(values, (0, None))
        shown = "a value" if cell is None else show_value(cell)
        was = f"{' or '.join(sorted(first))} ({self.dtypes[name]})" if first else f"no value ({self.dtypes[name]})"
        spec = "float64" if kinds | first <= {"int", "float"} else "string"
        spec = "object" if (kinds | first) & {"list", "dict"} else spec
        return DriftError(
            f"column {name!r}: record {first_record + at} has {shown} ({', '.join(sorted(other)) or 'null'}), and the "
            f"first chunk has {was}. Write schema={{{name!r}: {spec!r}}}, or the type that fits all records"
        )


def _describe_new(name: str, array: Array, kinds: frozenset[str], first_record: int) -> DriftError:
    present = np.flatnonzero(~np.asarray(pd.isna(array)))
    record = first_record + (int(present[0]) if len(present) else 0)
    return DriftError(
        f"record {record} has a column {name!r}, which the first chunk has not. Write "
        f"schema={{{name!r}: {_name_type(kinds)!r}}} to have it from the first chunk on, or columns=[…] to leave it out"
    )


def _name_type(kinds: frozenset[str]) -> str:
    """Return what to write in ``schema`` for a column with some kinds of values."""
    return _TYPES.get(next(iter(kinds), ""), "object") if len(kinds) == 1 else "object"


def _all_missing(size: int, dtype: Any) -> Array:
    """Return an array of missing values; the columns of a stream have dtypes that hold them."""
    array: Array = pd.Series([None] * size, dtype=dtype).array
    return array.to_numpy() if isinstance(array, pd.arrays.NumpyExtensionArray) else array


def _cast(array: Array, dtype: Any) -> Array | None:
    """Return an array in another dtype if every value stays as it is, else None."""
    values = pd.Series(array, dtype=None if array.dtype != np.dtype(object) else object)
    try:
        cast = values.astype(dtype)
        gaps = values.isna()
        same = cast.isna().equals(gaps) and cast[~gaps].astype(object).tolist() == values[~gaps].astype(object).tolist()
    except (TypeError, ValueError, OverflowError):
        return None
    found = cast.array
    if not same:
        return None
    return found.to_numpy() if isinstance(found, pd.arrays.NumpyExtensionArray) else found

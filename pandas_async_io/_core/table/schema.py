"""``schema``: what the types that a user may ask for are, and what fits into each; compiled once per call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import masked_array, object_array
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.table.arrow import import_pyarrow, nullable_dtype_name
from pandas_async_io._core.table.cast import Fit, floating, listing, member, moment, text, truth, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pandas_async_io._core.arrays import Array

_LIST = re.compile(r"(?:large_)?list<(?:\w+: ?)?(.+)>")
_TIMESTAMP = re.compile(r"timestamp\[(\w+)(?:, tz=(.+))?\]")
_ARROW_NAMES = {"double": "float64", "utf8": "string", "large_string": "string"}
_STRINGS: Any = pd.Series(["a"]).dtype
"""What strings are if nothing is asked for: object on pandas 2, where they have no type of their own."""

_UNITS = ("s", "ms", "us", "ns")
_KNOWN = "int64, float64, bool, string, datetime64[ns, UTC], category, object, list<string> and their like"


def compile_schema(schema: Mapping[str, Any] | None, columns: Mapping[str, str] | None = None) -> dict[str, Field]:
    """Check a schema and compile it.

    Parameters
    ----------
    schema : mapping of str to dtype, or None
        Column (as ``columns`` calls it) to type: what pandas takes for a dtype, or ``"list<string>"``.
    columns : mapping of str to str, or None
        The selected columns: source to name.

    Raises
    ------
    PlanError
        A type is not known here, or a column is not selected.

    Examples
    --------
    >>> [field.kind for field in compile_schema({"id": "Int64", "tags": "list<string>"}).values()]
    ['int', 'list']
    """
    if schema is None:
        return {}
    if not isinstance(schema, Mapping) or not all(isinstance(name, str) for name in schema):
        raise PlanError("schema= is a mapping of column names to types: schema={'id': 'int64'}")
    for name in schema:
        if columns is not None and name not in columns.values():
            raise PlanError(f"schema= names {name!r}, which columns= does not select")
    return {name: _field(name, spec) for name, spec in schema.items()}


def text_columns(schema: Mapping[str, Field], columns: Mapping[str, str] | None) -> list[str]:
    """Return the columns that a reader of text leaves as they are written, for ``"007"`` may be a string.

    Examples
    --------
    >>> text_columns(compile_schema({"zip": str, "id": int}), {"ZIP": "zip", "id": "id"})
    ['ZIP']
    """
    sources = {} if columns is None else {name: source for source, name in columns.items()}
    return [sources.get(name, name) for name, field in schema.items() if field.kind in {"str", "category"}]


def _field(name: str, spec: Any) -> Field:
    said = spec.__name__ if isinstance(spec, type) else str(spec)
    words = _ARROW_NAMES.get(spec, spec) if isinstance(spec, str) else spec
    if isinstance(words, str) and (within := _LIST.fullmatch(words)):
        inner = _field(name, within[1])
        return Field(said, "list", np.dtype(object), listing(inner.fit), inner=inner)
    if isinstance(words, str) and (stamp := _TIMESTAMP.fullmatch(words)):
        words = f"datetime64[{stamp[1]}, {stamp[2]}]" if stamp[2] else f"datetime64[{stamp[1]}]"
    try:
        dtype: Any = pd.api.types.pandas_dtype(words)
    except (TypeError, ValueError, ImportError) as error:
        raise PlanError(f"schema[{name!r}]={said!r} is no type ({error}): known are {_KNOWN}") from None
    if isinstance(dtype, pd.ArrowDtype):
        return replace(_field(name, str(dtype.pyarrow_dtype)), spec=said, asked=dtype)
    field = _of_dtype(said, dtype)
    if field is None:
        raise PlanError(f"schema[{name!r}]={said!r}: known are {_KNOWN}")
    return field


def _of_dtype(said: str, dtype: Any) -> Field | None:
    if isinstance(dtype, pd.CategoricalDtype):
        return Field(said, "category", dtype, member(dtype.categories))
    if isinstance(dtype, pd.StringDtype):
        return Field(said, "str", np.dtype(object), text, asked=None if dtype == _STRINGS else dtype)
    if not isinstance(dtype, np.dtype | pd.DatetimeTZDtype) and not hasattr(dtype, "numpy_dtype"):
        return None
    asked = None if isinstance(dtype, np.dtype | pd.DatetimeTZDtype) else dtype
    plain = getattr(dtype, "numpy_dtype", dtype)
    field: Field | None = None
    match dtype.kind:
        case "i" | "u":
            limits = np.iinfo(plain)
            field = Field(said, "int", plain, whole(int(limits.min), int(limits.max)), asked)
        case "f":
            field = Field(said, "float", plain, floating(plain), asked)
        case "b":
            field = Field(said, "bool", plain, truth, asked)
        case "U":
            field = Field(said, "str", np.dtype(object), text)
        case "O":
            field = Field(said, "object", plain, lambda cell: cell)
        case "M" if (unit := _unit(dtype)) in _UNITS:
            zone = getattr(dtype, "tz", None)
            times = np.dtype(f"datetime64[{unit}]") if zone is None else dtype
            field = Field(said, "time", times, moment(unit, zone))
    return field


def _unit(dtype: Any) -> str:
    unit: str = dtype.unit if isinstance(dtype, pd.DatetimeTZDtype) else np.datetime_data(dtype)[0]
    return "ns" if unit == "generic" else unit


@dataclass(frozen=True, slots=True)
class Field:
    """One column's type.

    Attributes
    ----------
    spec : str
        As it was asked for.
    kind : {"int", "float", "bool", "str", "time", "list", "category", "object"}
        What its cells are.
    dtype : dtype
        The plain one: numpy's, of times or of categories; object for strings and lists.
    fit : callable
        Takes a cell; returns its value in this type, or raises ValueError.
    asked : dtype or None
        The extension's type that was asked for by name.
    inner : Field or None
        Of a list's elements.
    """

    spec: str
    kind: str
    dtype: Any
    fit: Fit
    asked: Any = None
    inner: Field | None = None

    @property
    def zone(self) -> Any:
        """The time zone, None without one."""
        return getattr(self.dtype, "tz", None)

    def build(self, cells: Array, gaps: NDArray[np.bool_], *, backend: str | None, nullable: bool) -> Array:
        """Make a column of cells that fit.

        Parameters
        ----------
        cells : array
            What stands in the gaps is not looked at.
        gaps : array of bool
            Where no value is.
        backend, nullable
            As for `conform`.
        """
        base = self._base(cells, gaps, nullable=nullable or backend is not None)
        target = self._target(backend)
        return base if target is None or base.dtype == target else pd.array(base, dtype=target)

    def _base(self, cells: Array, gaps: NDArray[np.bool_], *, nullable: bool) -> Array:
        if self.kind in {"int", "float", "bool"}:
            full = np.full(len(cells), np.nan if self.kind == "float" else 0, self.dtype)
            full[~gaps] = cells[~gaps]
            return masked_array(full, gaps) if self.kind != "float" and (nullable or gaps.any()) else full
        if self.kind == "time" and cells.dtype == self.dtype:
            return cells
        blank = pd.NaT if self.kind == "time" else None
        values = object_array([blank if gap else cell for cell, gap in zip(cells, gaps.tolist(), strict=True)])
        if self.kind in {"time", "category"}:
            timed: Array = pd.array(values, dtype=self.dtype)
            return timed
        built: Array = pd.array(values, dtype=_STRINGS) if self.kind == "str" and self.dtype != _STRINGS else values
        return built

    def _target(self, backend: str | None) -> Any:
        """Return the extension's type that the column ends as, None for the plain one."""
        arrow = self._arrow() if backend == "pyarrow" else None
        if arrow is not None:
            return pd.ArrowDtype(arrow)
        if self.asked is None and backend == "numpy_nullable":
            names = {"float": nullable_dtype_name(str(self.dtype)), "str": "string"}
            return pd.api.types.pandas_dtype(names[self.kind]) if self.kind in names else None
        return self.asked

    def _arrow(self) -> Any:
        """Return Arrow's type, None if there is none."""
        pa = import_pyarrow()
        if isinstance(self.asked, pd.ArrowDtype):
            return self.asked.pyarrow_dtype
        match self.kind:
            case "int" | "float" | "bool":
                return pa.from_numpy_dtype(self.dtype)
            case "str":
                return pa.string()
            case "time":
                return pa.timestamp(_unit(self.dtype), tz=None if self.zone is None else str(self.zone))
            case "list" if self.inner is not None and (inner := self.inner._arrow()) is not None:  # noqa: SLF001 - a field of its own kind
                return pa.list_(inner)
        return None

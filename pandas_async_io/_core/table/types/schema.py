"""``schema``: which types a user may ask for, and how each becomes a column; compiled once per call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import masked_array, object_array
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.option_values import is_text
from pandas_async_io._core.table.readers.arrow import import_pyarrow, nullable_dtype_name
from pandas_async_io._core.table.types.cast import (
    Cast,
    cast_boolean,
    cast_string,
    category_cast,
    float_cast,
    integer_cast,
    list_cast,
    time_cast,
)
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pandas_async_io._core.arrays import Array

_LIST_SPEC = re.compile(r"(?:large_)?list<(?:\w+: ?)?(.+)>")
_TIMESTAMP_SPEC = re.compile(r"timestamp\[(\w+)(?:, tz=(.+))?\]")
_PANDAS_NAMES = {"double": "float64", "utf8": "string", "large_string": "string"}
_DEFAULT_STRING_DTYPE: Any = pd.Series(["a"]).dtype
"""pandas' default for strings: object on pandas 2, where strings have no dtype of their own."""

_MAX_SPEC = 1_000
"""Characters of a type; a longer one is nested deeper than a reader can follow."""

_ZONE_SPEC = re.compile(r"datetime64\[([A-Za-z_]{3,}[\w/+-]*)\]")
"""A time zone without a unit: the size of epoch numbers decides what they count."""

_TIME_UNITS = ("s", "ms", "us", "ns")
_EXAMPLES = "int64, float64, bool, string, datetime64[ns, UTC], category, object, list<string> and the like"


def compile_schema(schema: Mapping[str, Any] | None, columns: Mapping[str, str] | None = None) -> dict[str, Field]:
    """Check a schema and compile it.

    Parameters
    ----------
    schema : mapping of str to dtype, or None
        Column (under its name in ``columns``) to type: what pandas accepts as a dtype, or ``"list<string>"``.
    columns : mapping of str to str, or None
        The selected columns: source to name.

    Raises
    ------
    PlanError
        A type is unknown, or a column is not selected.

    Examples
    --------
    >>> [field.kind for field in compile_schema({"id": "Int64", "tags": "list<string>"}).values()]
    ['int', 'list']
    """
    if schema is None:
        return {}
    if not isinstance(schema, Mapping) or not all(map(is_text, schema)):
        raise PlanError("schema= is a mapping of column names to types: schema={'id': 'int64'}")
    for name in schema:
        if columns is not None and name not in columns.values():
            raise PlanError(f"schema= names {show_value(name)}, which columns= does not select")
    return {name: _compile_field(name, spec) for name, spec in schema.items()}


def text_columns(schema: Mapping[str, Field], columns: Mapping[str, str] | None) -> list[str]:
    """Return the columns that a reader of text must not convert, because ``"007"`` may be a string.

    Examples
    --------
    >>> text_columns(compile_schema({"zip": str, "id": int}), {"ZIP": "zip", "id": "id"})
    ['ZIP']
    """
    sources = {} if columns is None else {name: source for source, name in columns.items()}
    return [sources.get(name, name) for name, field in schema.items() if field.kind in {"str", "category"}]


def _compile_field(name: str, spec: Any) -> Field:
    if not is_text(spec) and not isinstance(spec, type | np.dtype | pd.api.extensions.ExtensionDtype):
        raise PlanError(f"schema[{show_value(name)}]={show_value(spec)} is not a type: known are {_EXAMPLES}")
    shown = spec.__name__ if isinstance(spec, type) else str(spec)
    if len(shown) > _MAX_SPEC:
        raise PlanError(f"schema[{show_value(name)}]={show_value(spec)} is not a type: known are {_EXAMPLES}")
    pandas_spec = _PANDAS_NAMES.get(spec, spec) if isinstance(spec, str) else spec
    if isinstance(pandas_spec, str) and (list_spec := _LIST_SPEC.fullmatch(pandas_spec)):
        element = _compile_field(name, list_spec[1])
        return Field(shown, "list", np.dtype(object), list_cast(element.cast), element=element)
    if isinstance(pandas_spec, str) and (timestamp := _TIMESTAMP_SPEC.fullmatch(pandas_spec)):
        unit, zone = timestamp.groups()
        pandas_spec = f"datetime64[{unit}, {zone}]" if zone else f"datetime64[{unit}]"
    if isinstance(pandas_spec, str) and (zone_spec := _ZONE_SPEC.fullmatch(pandas_spec)):
        return replace(_compile_field(name, f"datetime64[ns, {zone_spec[1]}]"), spec=shown, epoch_unit=None)
    try:
        dtype: Any = pd.api.types.pandas_dtype(pandas_spec)
    except Exception as error:  # noqa: BLE001 - numpy and pandas raise many kinds: a time zone's is a KeyError
        text = f"schema[{show_value(name)}]={show_value(shown)} is not a type"
        raise PlanError(f"{text} ({show_value(error)}): known are {_EXAMPLES}") from None
    if isinstance(dtype, pd.ArrowDtype):
        return replace(_compile_field(name, str(dtype.pyarrow_dtype)), spec=shown, extension_dtype=dtype)
    field = _field_of_dtype(shown, dtype)
    if field is None:
        raise PlanError(f"schema[{show_value(name)}]={show_value(shown)} is not supported: known are {_EXAMPLES}")
    return field


def _field_of_dtype(spec: str, dtype: Any) -> Field | None:
    if isinstance(dtype, pd.CategoricalDtype):
        return Field(spec, "category", dtype, category_cast(dtype.categories))
    if isinstance(dtype, pd.StringDtype):
        extension_dtype = None if dtype == _DEFAULT_STRING_DTYPE else dtype
        return Field(spec, "str", np.dtype(object), cast_string, extension_dtype)
    is_plain = isinstance(dtype, np.dtype | pd.DatetimeTZDtype)
    if not is_plain and not hasattr(dtype, "numpy_dtype"):
        return None
    extension_dtype = None if is_plain else dtype
    plain = getattr(dtype, "numpy_dtype", dtype)
    field: Field | None = None
    match dtype.kind:
        case "i" | "u":
            limits = np.iinfo(plain)
            field = Field(spec, "int", plain, integer_cast(int(limits.min), int(limits.max)), extension_dtype)
        case "f":
            field = Field(spec, "float", plain, float_cast(plain), extension_dtype)
        case "b":
            field = Field(spec, "bool", plain, cast_boolean, extension_dtype)
        case "U":
            field = Field(spec, "str", np.dtype(object), cast_string)
        case "O":
            field = Field(spec, "object", plain, lambda cell: cell)
        case "M" if (unit := _time_unit(dtype)) in _TIME_UNITS:
            zone = getattr(dtype, "tz", None)
            times = np.dtype(f"datetime64[{unit}]") if zone is None else dtype
            is_named = zone is not None or np.datetime_data(dtype)[0] != "generic"
            epoch_unit = unit if is_named else None
            field = Field(spec, "time", times, time_cast(unit, zone, epoch_unit), epoch_unit=epoch_unit)
    return field


def _time_unit(dtype: Any) -> str:
    unit: str = dtype.unit if isinstance(dtype, pd.DatetimeTZDtype) else np.datetime_data(dtype)[0]
    return "ns" if unit == "generic" else unit


@dataclass(frozen=True, slots=True)
class Field:
    """One column's type.

    Attributes
    ----------
    spec : str
        As the user wrote it.
    kind : {"int", "float", "bool", "str", "time", "list", "category", "object"}
        The kind of its cells.
    dtype : dtype
        The plain one: numpy's, of times or of categories; object for strings and lists.
    cast : callable
        Takes a cell; returns its value in this type, or raises ValueError.
    extension_dtype : dtype or None
        The extension dtype, if the user named one.
    element : Field or None
        Of a list's elements.
    epoch_unit : str or None
        What the numbers of a time type count since 1970; None: their size decides.
    """

    spec: str
    kind: str
    dtype: Any
    cast: Cast
    extension_dtype: Any = None
    element: Field | None = None
    epoch_unit: str | None = None

    def with_epoch_unit(self, unit: str | None) -> Field:
        """Return a time type whose numbers count another unit."""
        return replace(self, cast=time_cast(_time_unit(self.dtype), self.zone, unit), epoch_unit=unit)

    @property
    def zone(self) -> Any:
        """The time zone, None without one."""
        return getattr(self.dtype, "tz", None)

    def build_array(self, cells: Array, gaps: NDArray[np.bool_], *, backend: str | None, nullable: bool) -> Array:
        """Make a column of cells that are already cast.

        Parameters
        ----------
        cells : array
            The cells in gaps are ignored.
        gaps : array of bool
            Where there is no value.
        backend, nullable
            As for `apply_schema`.
        """
        plain = self._build_plain(cells, gaps, nullable=nullable or backend is not None)
        target = self._target_dtype(backend)
        return plain if target is None or plain.dtype == target else pd.array(plain, dtype=target)

    def _build_plain(self, cells: Array, gaps: NDArray[np.bool_], *, nullable: bool) -> Array:
        if self.kind in {"int", "float", "bool"}:
            values = np.full(len(cells), np.nan if self.kind == "float" else 0, self.dtype)
            values[~gaps] = cells[~gaps]
            return masked_array(values, gaps) if self.kind != "float" and (nullable or gaps.any()) else values
        if self.kind == "time" and cells.dtype == self.dtype:
            return cells
        missing = pd.NaT if self.kind == "time" else None
        objects = object_array([missing if gap else cell for cell, gap in zip(cells, gaps.tolist(), strict=True)])
        dtype = _DEFAULT_STRING_DTYPE if self.kind == "str" else self.dtype
        array: Array = objects if dtype == np.dtype(object) else pd.array(objects, dtype=dtype)
        return array

    def _target_dtype(self, backend: str | None) -> Any:
        """Return the extension dtype of the finished column, None for the plain one."""
        arrow_type = self._arrow_type() if backend == "pyarrow" else None
        if arrow_type is not None:
            return pd.ArrowDtype(arrow_type)
        if self.extension_dtype is None and backend == "numpy_nullable":
            names = {"float": nullable_dtype_name(str(self.dtype)), "str": "string"}
            return pd.api.types.pandas_dtype(names[self.kind]) if self.kind in names else None
        return self.extension_dtype

    def _arrow_type(self) -> Any:
        """Return Arrow's type, None if Arrow has none."""
        pa = import_pyarrow()
        if isinstance(self.extension_dtype, pd.ArrowDtype):
            return self.extension_dtype.pyarrow_dtype
        match self.kind:
            case "int" | "float" | "bool":
                return pa.from_numpy_dtype(self.dtype)
            case "str":
                return pa.string()
            case "time":
                return pa.timestamp(_time_unit(self.dtype), tz=None if self.zone is None else str(self.zone))
            case "list" if self.element is not None and (element := self.element._arrow_type()) is not None:  # noqa: SLF001 - its own class
                return pa.list_(element)
        return None

"""Cells of a frame rendered as text, for URLs, headers and forms, and as JSON values.

=====================================  ==================================
cell                                   text
=====================================  ==================================
None, NaN, NaT, pd.NA, inf, -inf       null: None
1.0, -0.0, 2.5                         ``1``, ``0``, ``2.5``
True, False                            ``true``, ``false``
timestamps, dates, times, timedeltas   ISO 8601
Decimal, UUID, Period, str             as ``str`` writes them
list, tuple, set, array, dict          RFC 6570 lists and associative arrays
=====================================  ==================================
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import orjson
import pandas as pd

if TYPE_CHECKING:
    from pandas_async_io._core.request.template.expression import Value


def render_column(values: Any) -> list[Value]:
    """Return the text of each cell of an array. Most dtypes are rendered by column.

    Parameters
    ----------
    values : array-like
        One-dimensional: any array that pandas holds.

    Raises
    ------
    TypeError
        A cell has a type that has no text.

    Examples
    --------
    >>> render_column(pd.array([1.0, 2.5, None]))
    ['1', '2.5', None]
    >>> render_column(np.array([True, False]))
    ['true', 'false']
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        categories = render_column(values.categories.array)
        return [None if code < 0 else categories[code] for code in values.codes.tolist()]
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        return list(map(str, values.tolist()))
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return _floats(values)
    if isinstance(values, np.ndarray) and values.dtype.kind == "b":
        return ["true" if value else "false" for value in values.tolist()]
    if isinstance(values, np.ndarray) and values.dtype.kind in "mM":
        values = pd.array(values)  # numpy makes integers of nanoseconds
    listed = list(values.astype(object) if values.dtype != object else values)
    if set(map(type, listed)) == {str}:
        return listed
    return [render_cell(cell) for cell in listed]


def _floats(values: np.ndarray) -> list[Value]:
    # A float column usually holds integers and gaps: then all cells are rendered at once.
    wide = values.astype("float64")
    whole = np.isfinite(wide) & (np.abs(wide) < 2**53)
    if whole.all() and (wide == np.trunc(wide)).all():
        return list(map(str, wide.astype("int64").tolist()))
    return [_float(value) for value in values]


def _float(value: Any) -> str | None:
    if not math.isfinite(value):
        return None
    return str(int(value)) if value == int(value) and abs(float(value)) < 2**53 else str(value)


def render_cell(cell: Any) -> Value:
    """Return the text of one cell, or None if it is null.

    Examples
    --------
    >>> render_cell(pd.Timestamp("2024-05-01 12:00", tz="UTC")), render_cell(pd.NaT), render_cell([1, None, "b"])
    ('2024-05-01T12:00:00+00:00', None, ['1', 'b'])
    """
    if isinstance(cell, Mapping):
        pairs = ((render_scalar(key), render_scalar(value)) for key, value in cell.items())
        return {key: value for key, value in pairs if key is not None and value is not None} or None
    if isinstance(cell, _LISTS):
        return [item for item in map(render_scalar, cell) if item is not None] or None
    return render_scalar(cell)


def render_scalar(cell: Any) -> str | None:
    """Return the text of a cell that holds one value, or None if it is null.

    Raises
    ------
    TypeError
        The cell has a type that has no text.

    Examples
    --------
    >>> render_scalar(float("inf")), render_scalar(np.int64(7)), render_scalar(Decimal("1.10"))
    (None, '7', '1.10')
    """
    if isinstance(cell, Enum):
        return render_scalar(cell.value)
    if isinstance(cell, str):
        return str(cell)
    write = next((write for kind, write in _WRITERS if isinstance(cell, kind)), None)
    if write is not None:
        return write(cell)
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return None
    if isinstance(cell, np.generic):
        return render_scalar(cell.item())
    raise TypeError(
        f"a value of type {type(cell).__name__} has no meaning in a request: convert the column to text first"
    )


_LISTS = (list, tuple, set, frozenset, np.ndarray, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)


def _iso(cell: Any) -> str | None:
    return None if cell is pd.NaT else str(cell.isoformat())


_WRITERS: Iterable[tuple[type | tuple[type, ...], Callable[[Any], str | None]]] = (
    ((bool, np.bool_), lambda cell: "true" if cell else "false"),
    (np.timedelta64, lambda cell: _iso(pd.Timedelta(cell))),  # a subclass of np.integer, so it comes first
    ((int, np.integer), lambda cell: str(int(cell))),
    ((float, np.floating), _float),
    ((pd.Timedelta, pd.Timestamp), _iso),
    ((dt.datetime, dt.date, dt.time), _iso),
    (dt.timedelta, lambda cell: _iso(pd.Timedelta(cell))),
    (np.datetime64, lambda cell: _iso(pd.Timestamp(cell))),
    (Decimal, lambda cell: format(cell, "f") if cell.is_finite() else None),
    ((UUID, pd.Period), str),
)


def to_json_value(cell: Any) -> Any:
    """Return a cell as a JSON value: it keeps its type, and a null is ``null``.

    Raises
    ------
    TypeError
        The cell has a type that JSON cannot hold, or a mapping has a null among its names.

    Examples
    --------
    >>> to_json_value([np.int64(3), float("nan"), pd.Timestamp("2024-05-01"), 1.5])
    [3, None, '2024-05-01T00:00:00', 1.5]
    """
    if isinstance(cell, Enum):
        cell = cell.value
    if cell is None or isinstance(cell, str | bool | int):
        return cell
    if isinstance(cell, np.bool_ | np.integer) and cell.dtype.kind != "m":  # np.timedelta64 is an np.integer
        return cell.item()
    if isinstance(cell, float | np.floating):
        return float(str(cell)) if math.isfinite(cell) else None  # np.float32(0.1) is 0.1 here as in a URL
    if isinstance(cell, Mapping):
        return {_json_name(key): to_json_value(value) for key, value in cell.items()}
    if isinstance(cell, _LISTS):
        return [to_json_value(item) for item in cell]
    return render_scalar(cell)


def _json_name(key: Any) -> str:
    name = render_scalar(key)
    if name is None:
        raise TypeError("a mapping has a null among its names: remove it, or give it a name")
    return name


def dump_json(value: Any) -> bytes:
    """Return a value of `to_json_value` as JSON text.

    Examples
    --------
    >>> dump_json({"id": 2**70}), dump_json("ü").decode()
    (b'{"id":1180591620717411303424}', '"ü"')
    """
    try:
        return orjson.dumps(value)
    except TypeError:  # orjson refuses integers beyond 64 bits and lone surrogates
        return json.dumps(value, separators=(",", ":")).encode()

"""Equal requests once: values factorized to codes, and rows grouped by the codes of all fields."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import object_array
from pandas_async_io._core.request.cell_values.cells import dump_json, render_column, to_json_value
from pandas_async_io._core.request.cell_values.fields import FieldColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pandas_async_io._core.arrays import Positions

_MAX_JOINT_CODE = 2**62
"""Joint codes of several fields are factorized before they may exceed int64."""

_MAX_FLOAT_BYTES = 8
"""pandas compares longer floats as float64, and takes some that differ for equal."""

_NUMBER_ARRAYS = (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)


_COMPARES_C_STRINGS = int(pd.__version__.partition(".")[0]) < 3


def factorize(values: Any) -> FieldColumn:
    """Factorize an array so that rows have the same code if and only if their texts are equal.

    Parameters
    ----------
    values : array-like
        Any array that pandas holds.

    Raises
    ------
    TypeError
        A cell has a type that has no text.

    Examples
    --------
    >>> factorize(pd.array([3.0, None, 3.0, float("inf")])).codes.tolist()
    [0, -1, 0, -1]
    >>> factorize(np.array([1, True, "1"], dtype=object)).rendered
    ['1', 'true']
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _factorize_categories(values, factorize)
    if isinstance(values.dtype, pd.SparseDtype):
        values = np.asarray(values)
    if not _has_equal_texts(values):
        return _factorize_texts(values)
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, np.nan)
    codes, uniques = _factorize_exactly(values)
    is_rendered = len(uniques) * 2 <= len(values) or values.dtype.kind == "f" or _has_other_texts(uniques)
    rendered = render_column(uniques) if is_rendered else None
    if rendered is not None and None in rendered:  # an infinity in a nullable column
        codes = np.where(np.isin(codes, [code for code, text in enumerate(rendered) if text is None]), -1, codes)
    return FieldColumn(codes.astype(np.int64, copy=False), uniques, rendered)


def factorize_json(values: Any) -> FieldColumn:
    """Factorize an array by the JSON of its cells: 1 and "1" differ, and lists may be nested.

    Raises
    ------
    TypeError
        A cell has a type that JSON cannot hold.

    Examples
    --------
    >>> factorize_json(np.array([1, "1", True, [1], [1], None], dtype=object)).codes.tolist()
    [0, 1, 2, 3, 3, -1]
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _factorize_categories(values, factorize_json)
    if isinstance(values.dtype, pd.SparseDtype) or _has_equal_texts(values):
        return factorize(values)
    cells = list(map(to_json_value, values))
    texts = np.array([None if cell is None else dump_json(cell).decode() for cell in cells], dtype=object)
    codes, uniques = pd.factorize(texts)
    return FieldColumn(codes.astype(np.int64, copy=False), uniques, uniques.tolist())


def write_lists_as_json(column: FieldColumn, values: Any) -> FieldColumn:
    """Return a factorized array whose lists and mappings have JSON as their text, in which 1 and "1" differ.

    Parameters
    ----------
    column : FieldColumn
        What `factorize` returns for the array.

    Raises
    ------
    TypeError
        A mapping has a null among its names.

    Examples
    --------
    >>> values = np.array([[1, None], ["1"], "a"], dtype=object)
    >>> write_lists_as_json(factorize(values), values).rendered
    ['[1,null]', '["1"]', 'a']
    """
    if column.is_scalar():
        return column
    plain = column.render_rows(np.arange(len(values)))
    texts = object_array(plain)
    for row, text in enumerate(plain):
        if isinstance(text, list | dict):
            texts[row] = dump_json(to_json_value(values[row])).decode()
    codes, uniques = _factorize_exactly(texts)
    return FieldColumn(codes.astype(np.int64, copy=False), uniques, uniques.tolist())


def _factorize_categories(values: Any, how: Callable[[Any], FieldColumn]) -> FieldColumn:
    """Factorize the categories that a row has, and give each row the code of its category."""
    present = values.codes >= 0
    used, category_numbers = pd.factorize(values.codes[present])
    column = how(values.categories.take(category_numbers).array)
    codes = np.full(len(values), -1, dtype=np.int64)
    codes[present] = column.codes[used]
    return replace(column, codes=codes)


def _has_equal_texts(values: Any) -> bool:
    """Whether equal values of an array have equal texts, and only its strings may hold odd characters.

    This holds for the dtypes listed here. Every other column is rendered before its cells are compared: equal
    objects may have different texts (True, 1, 1.0), lists cannot be hashed, an extension dtype may hold anything.
    """
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            return pd.api.types.infer_dtype(values, skipna=True) == "string"
        return dtype.kind in "iubMm" or (dtype.kind == "f" and dtype.itemsize <= _MAX_FLOAT_BYTES)
    if isinstance(dtype, pd.ArrowDtype):
        return dtype.kind in "iubfMmU"
    return isinstance(values, _NUMBER_ARRAYS) or isinstance(dtype, pd.StringDtype | pd.DatetimeTZDtype | pd.PeriodDtype)


def _has_other_texts(uniques: Any) -> bool:
    """Whether objects that are texts have other texts in a request, as an enum has its value."""
    return isinstance(uniques, np.ndarray) and uniques.dtype.kind == "O" and not set(map(type, uniques)) <= {str}


def _factorize_exactly(values: Any) -> tuple[Any, Any]:
    r"""Return the codes and the distinct values of an array, as `pandas.factorize` does.

    pandas before 3.0 compares texts as C strings, so "a" and "a\0b" are equal. With a None among them it does not.
    """
    if _COMPARES_C_STRINGS and (values.dtype == object or isinstance(values.dtype, pd.StringDtype)):
        cells = np.concatenate([np.asarray(values, dtype=object), np.array([None], dtype=object)])
        codes, uniques = pd.factorize(cells)
        return codes[:-1], uniques
    return pd.factorize(values)


def _factorize_texts(values: Any) -> FieldColumn:
    rendered = render_column(values)
    keys = np.empty(len(rendered), dtype=object)
    keys[:] = [text if isinstance(text, str | None) else (repr(text),) for text in rendered]
    codes, _ = _factorize_exactly(keys)
    first = find_first_rows(codes)
    return FieldColumn(
        codes.astype(np.int64, copy=False), values.take(first), [rendered[row] for row in first.tolist()]
    )


def find_first_rows(codes: np.ndarray[Any, Any]) -> Positions:
    """Return for each code the first row that has it.

    Examples
    --------
    >>> find_first_rows(np.array([0, 1, 0, -1, 2])).tolist()
    [0, 1, 4]
    """
    first = np.empty(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    rows = np.flatnonzero(codes >= 0)[::-1]
    first[codes[rows]] = rows
    return first


def group_rows(columns: Collection[FieldColumn], rows: Positions) -> tuple[Positions, Positions]:
    """Group rows whose values are equal in every column.

    Returns
    -------
    first : array of int64
        The first row of each group.
    groups : array of int64
        The group of each of ``rows``.

    Examples
    --------
    >>> a, b = factorize(np.array([1, 1, 1, 2])), factorize(np.array([5, 6, 5, 5]))
    >>> [part.tolist() for part in group_rows([a, b], np.arange(4))]
    [[0, 1, 3], [0, 1, 0, 2]]
    """
    if any(column.is_unique() for column in columns):
        return rows, np.arange(len(rows), dtype=np.int64)
    joint = np.zeros(len(rows), dtype=np.int64)
    size = 1
    for column in columns:
        values = len(column.uniques) + 1
        if size * values > _MAX_JOINT_CODE:
            joint, distinct = pd.factorize(joint)
            size = len(distinct)
        joint = joint * values + column.codes[rows]
        size *= values
    groups, _ = pd.factorize(joint)
    return rows[find_first_rows(groups)], groups.astype(np.int64, copy=False)

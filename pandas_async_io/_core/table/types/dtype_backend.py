"""``dtype_backend``: columns of numpy's dtypes → nullable or Arrow's, as in pandas' readers.

Invariant: no value changes; an object column that Arrow cannot hold exactly stays an object column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import masked_array
from pandas_async_io._core.option_values import check_choice
from pandas_async_io._core.table.readers.arrow import import_pyarrow

if TYPE_CHECKING:
    from pandas_async_io._core.arrays import Array

BACKENDS = ("numpy_nullable", "pyarrow")


def check_dtype_backend(backend: str | None) -> None:
    """Check that a backend exists and is installed.

    Raises
    ------
    PlanError
        It is unknown, or pyarrow is missing.
    """
    if backend is None:
        return
    check_choice("dtype_backend", backend, BACKENDS)
    if backend == "pyarrow":
        import_pyarrow()


def to_backend(array: Array, backend: str | None, *, drifted: bool = False) -> Array:
    """Convert one column to the backend's dtype.

    Parameters
    ----------
    array : array
        The column.
    backend : {"numpy_nullable", "pyarrow"} or None
        None: no conversion.
    drifted : bool
        Whether its cells are of several kinds: it then stays an object column.

    Examples
    --------
    >>> to_backend(np.array([0.5, np.nan]), "numpy_nullable").dtype
    Float64Dtype()
    >>> to_backend(np.array([1, 2]), "pyarrow").dtype
    int64[pyarrow]
    """
    if backend is None or drifted:
        return array
    return _to_nullable(array) if backend == "numpy_nullable" else _to_arrow(array)


def _to_nullable(array: Array) -> Array:
    kind = array.dtype.kind
    if isinstance(array, np.ndarray) and kind in "iub":
        return masked_array(array, np.zeros(len(array), np.bool_))
    if isinstance(array, np.ndarray) and kind == "f":
        return pd.arrays.FloatingArray(array, np.isnan(array))
    if isinstance(array.dtype, pd.StringDtype) or _holds_only_strings(array):
        strings: Array = pd.Series(array, dtype="string", copy=False).array
        return strings
    return array


def _holds_only_strings(array: Array) -> bool:
    return array.dtype == np.dtype(object) and pd.api.types.infer_dtype(array, skipna=True) == "string"


def _to_arrow(array: Array) -> Array:
    pa = import_pyarrow()
    if isinstance(array.dtype, pd.CategoricalDtype | pd.ArrowDtype):
        return array
    is_typed = array.dtype != np.dtype(object)
    try:
        converted = pa.array(pd.Series(array, copy=False), from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return array
    if pa.types.is_large_string(converted.type):
        converted = converted.cast(pa.string())
    if not is_typed and not _equals(converted.to_pylist(), array):
        return array
    return pd.arrays.ArrowExtensionArray(converted)


def _equals(converted: list[Any], array: Array) -> bool:
    """Whether a round trip preserves the cells: Arrow unites the keys of dicts and the types in lists."""
    pairs = zip(converted, array, pd.isna(array), strict=True)
    return all(gap or (type(after) is type(before) and repr(after) == repr(before)) for after, before, gap in pairs)

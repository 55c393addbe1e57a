"""``dtype_backend``: columns of numpy's types → nullable or Arrow's, as pandas' readers have it.

Only types change: an object column that Arrow can't hold exactly stays one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import masked_array
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.table.arrow import import_pyarrow

if TYPE_CHECKING:
    from pandas_async_io._core.arrays import Array

BACKENDS = ("numpy_nullable", "pyarrow")


def check_dtype_backend(backend: str | None) -> None:
    """Refuse a backend that pandas does not have, or that is not installed.

    Raises
    ------
    PlanError
        It can't be used.
    """
    if backend is not None and backend not in BACKENDS:
        raise PlanError(f"dtype_backend={backend!r}: choose one of {', '.join(map(repr, BACKENDS))}")
    if backend == "pyarrow":
        import_pyarrow()


def to_backend(array: Array, backend: str | None, *, drifted: bool = False) -> Array:
    """Return an array of the backend's type, or as it is.

    Parameters
    ----------
    array : array
        Of one column.
    backend : {"numpy_nullable", "pyarrow"} or None
        None leaves it as it is.
    drifted : bool
        Whether its cells are of several kinds: then it stays an object column.

    Examples
    --------
    >>> to_backend(np.array([0.5, np.nan]), "numpy_nullable").dtype
    Float64Dtype()
    >>> to_backend(np.array([1, 2]), "pyarrow").dtype
    int64[pyarrow]
    """
    if backend is None or drifted:
        return array
    return _nullable(array) if backend == "numpy_nullable" else _arrow(array)


def _nullable(array: Array) -> Array:
    kind = array.dtype.kind
    if isinstance(array, np.ndarray) and kind in "iub":
        return masked_array(array, np.zeros(len(array), np.bool_))
    if isinstance(array, np.ndarray) and kind == "f":
        return pd.arrays.FloatingArray(array, np.isnan(array))
    if isinstance(array.dtype, pd.StringDtype) or _strings_alone(array):
        strings: Array = pd.Series(array, dtype="string", copy=False).array
        return strings
    return array


def _strings_alone(array: Array) -> bool:
    return array.dtype == np.dtype(object) and pd.api.types.infer_dtype(array, skipna=True) == "string"


def _arrow(array: Array) -> Array:
    pa = import_pyarrow()
    if isinstance(array.dtype, pd.CategoricalDtype | pd.ArrowDtype):
        return array
    exact = array.dtype != np.dtype(object)
    try:
        made = pa.array(pd.Series(array, copy=False), from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return array
    if pa.types.is_large_string(made.type):
        made = made.cast(pa.string())
    if not exact and not _same(made.to_pylist(), array):
        return array
    return pd.arrays.ArrowExtensionArray(made)


def _same(cells: list[Any], array: Array) -> bool:
    """Whether a round trip gave the cells back: Arrow unites the keys of dicts and the types in lists."""
    pairs = zip(cells, array, pd.isna(array), strict=True)
    return all(gap or (type(mine) is type(cell) and repr(mine) == repr(cell)) for mine, cell, gap in pairs)

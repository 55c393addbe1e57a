"""How whole numbers stay exact: the array that holds them without rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.arrays import object_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_SAFE_INTEGER = 2**53
"""Every integer up to here is a float64 (IEEE 754 binary64 has 53 bits of significand)."""


def integer_array(values: list[int]) -> NDArray[Any]:
    """Return int64, uint64 if that holds them, object beyond.

    Examples
    --------
    >>> [integer_array([value]).dtype.name for value in (1, 2**63, 2**64)]
    ['int64', 'uint64', 'object']
    """
    try:
        return np.fromiter(values, np.int64, len(values))
    except OverflowError:
        is_uint64 = min(values) >= 0 and max(values) < 2**64
        return np.fromiter(values, np.uint64, len(values)) if is_uint64 else object_array(values)


def concat_numbers(arrays: list[NDArray[Any]], *, with_floats: bool) -> NDArray[Any] | None:
    """Return one numeric array that holds every number exactly, or None.

    Parameters
    ----------
    arrays : list of array
        Of integers and floats; object where integers exceed 64 bits or both are mixed.
    with_floats : bool
        Whether a float is among them.

    Examples
    --------
    >>> concat_numbers([np.array([1]), np.array([0.5])], with_floats=True)
    array([1. , 0.5])
    >>> concat_numbers([np.array([2**53 + 1]), np.array([0.5])], with_floats=True)
    """
    if with_floats:
        exact = all(map(_floats_hold, arrays))
        return np.concatenate([array.astype(np.float64) for array in arrays]) if exact else None
    least, most = min(array.min() for array in arrays), max(array.max() for array in arrays)
    limits = np.iinfo(np.int64 if most < 2**63 else np.uint64)
    exact = limits.min <= least and most <= limits.max
    return np.concatenate([array.astype(limits.dtype) for array in arrays]) if exact else None


def _floats_hold(array: NDArray[Any]) -> bool:
    if array.dtype == object:
        return all(type(cell) is float or -MAX_SAFE_INTEGER <= cell <= MAX_SAFE_INTEGER for cell in array)
    return array.dtype.kind == "f" or bool(array.min() >= -MAX_SAFE_INTEGER and array.max() <= MAX_SAFE_INTEGER)

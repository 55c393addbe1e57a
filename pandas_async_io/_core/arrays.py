"""Array types, and the two constructors of arrays that several packages share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

if TYPE_CHECKING:
    from collections.abc import Collection

Positions = np.ndarray[Any, np.dtype[np.int64]]
"""Row positions."""

Mask = np.ndarray[Any, np.dtype[np.bool_]]
"""One truth value per row."""

Array = NDArray[Any] | ExtensionArray
"""One column, as numpy or pandas holds it."""


def object_array(values: Collection[Any]) -> NDArray[Any]:
    """Return one cell per value; ``np.array`` would make a matrix of lists of one length.

    Examples
    --------
    >>> object_array([[1, 2], [3, 4]]).shape
    (2,)
    """
    return np.fromiter(values, dtype=object, count=len(values))


def masked_array(values: NDArray[Any], gaps: NDArray[np.bool_]) -> ExtensionArray:
    """Return nullable integers or booleans; both arrays are taken over.

    Examples
    --------
    >>> masked_array(np.array([1, 0]), np.array([False, True])).tolist()
    [1, <NA>]
    """
    cls = pd.arrays.BooleanArray if values.dtype == np.bool_ else pd.arrays.IntegerArray
    return cls(values, gaps)

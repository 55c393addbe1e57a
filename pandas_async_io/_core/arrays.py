"""The array types that several packages share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

Positions = np.ndarray[Any, np.dtype[np.int64]]
"""Row positions."""

Mask = np.ndarray[Any, np.dtype[np.bool_]]
"""One truth value per row."""

Array = NDArray[Any] | ExtensionArray
"""One column, as numpy or pandas holds it."""

"""The text by which keys and records are compared, and the type where two keys have one text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.request.cell_values.cells import render_scalar

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUOTED_KEYS = 3
"""Keys that a message names."""

_MAX_QUOTED_CHARACTERS = 40


def key_text(key: Any) -> str | None:
    """Return a key as a request writes it; None if it cannot be a key.

    Examples
    --------
    >>> key_text(8.0), key_text(b"a"), key_text(None), key_text([1])
    ('8', 'a', None, None)
    """
    if isinstance(key, bytes):  # a Parquet file or a parser may return bytes
        return key.decode(errors="replace")
    try:
        return render_scalar(key)
    except TypeError:
        return None


def index_by_key_text(payload: Any) -> dict[str | None, Any]:
    """Return the values of an object by the texts of their names; empty if it is not an object.

    Examples
    --------
    >>> index_by_key_text({7: "x"}), index_by_key_text(["x"])
    ({'7': 'x'}, {})
    """
    return {key_text(name): value for name, value in payload.items()} if isinstance(payload, dict) else {}


def json_type(key: Any) -> type:
    """Return the type of a key as JSON has it: bool, float for any number, str for the rest.

    Examples
    --------
    >>> json_type(1), json_type("1"), json_type(True)
    (<class 'float'>, <class 'str'>, <class 'bool'>)
    """
    if isinstance(key, bool | np.bool_):
        return bool
    return float if isinstance(key, int | float | np.number | Decimal) else str


def quote_keys(keys: Iterable[Any]) -> str:
    """Return the first distinct keys as a message names them.

    Examples
    --------
    >>> quote_keys([7, "a", 7, "b", "c"])
    "7, 'a', 'b', …"
    """
    quoted = list(dict.fromkeys(repr(key)[:_MAX_QUOTED_CHARACTERS] for key in keys))
    return ", ".join(quoted[:MAX_QUOTED_KEYS]) + (", …" if len(quoted) > MAX_QUOTED_KEYS else "")

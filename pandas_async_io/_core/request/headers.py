"""TODO."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.security.unsafe_values import is_forbidden_header

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return headers that may be sent.

    Raises
    ------
    PlanError
        If a name is no token, or a value is no text or holds control characters.

    Examples
    --------
    >>> check_headers({"Accept": "application/json"})
    {'Accept': 'application/json'}
    """
    for name, value in (headers or {}).items():
        if not isinstance(name, str) or not isinstance(value, str) or is_forbidden_header(name, value):
            raise PlanError(f"header {name!r}: a name is a token, a value is text without line breaks")
    return dict(headers or {})


def merge_headers(*several: Mapping[str, str]) -> dict[str, str]:
    """Return headers together: the same name in any case is one header, and the last one holds.

    Examples
    --------
    >>> merge_headers({"Accept": "a", "X": "1"}, {"accept": "b"})
    {'X': '1', 'accept': 'b'}
    """
    merged: dict[str, tuple[str, str]] = {}
    for headers in several:
        for name, value in headers.items():
            merged.pop(name.lower(), None)
            merged[name.lower()] = name, value
    return dict(merged.values())

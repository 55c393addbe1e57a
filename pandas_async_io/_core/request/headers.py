"""Header mappings: checked and merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.security.unsafe_values import is_forbidden_header

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return a copy of the headers, checked.

    Raises
    ------
    PlanError
        A name is not a token, or a value is not a text or holds control characters.

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
    """Merge headers. Names are compared without case, and the last value of a name is kept.

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

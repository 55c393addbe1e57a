"""Header mappings: checked and merged."""

from __future__ import annotations

from collections.abc import Mapping

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.credentials import refuse_fields
from pandas_async_io._core.security.unsafe_values import is_forbidden_header
from pandas_async_io._core.words import name_type, show_value


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
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise PlanError(f"headers={show_value(headers)}: pass a mapping of names to values")
    for name, value in headers.items():
        if isinstance(name, str) and not isinstance(value, str):
            raise PlanError(f"headers: {show_value(name)}: its value is {name_type(value)}, and must be a str")
        if not isinstance(name, str) or is_forbidden_header(name, value):
            raise PlanError(f"headers: {show_value(name)}: a name is a token, a value is text without line breaks")
    return dict(headers)


def check_client_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return a copy of the headers of a client, which are the same for all rows, checked.

    Raises
    ------
    PlanError
        As `check_headers`; or a value holds a field. ``{{name}}`` stands for ``{name}``.

    Examples
    --------
    >>> check_client_headers({"X-Team": "{{blue}}"})
    {'X-Team': '{blue}'}
    """
    checked = check_headers(headers)
    return {name: refuse_fields(f"Client(headers={{{name!r}: …}})", value) for name, value in checked.items()}


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

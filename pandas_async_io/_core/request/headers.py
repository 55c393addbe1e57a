"""Header mappings: checked, compiled and merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.option_values import check_mapping
from pandas_async_io._core.request.cell_values.values import render_option
from pandas_async_io._core.request.credentials import refuse_fields
from pandas_async_io._core.request.template.text_template import TextTemplate
from pandas_async_io._core.security.unsafe_values import is_forbidden_header
from pandas_async_io._core.words import name_type, show_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.request.template.field_names import FieldNames


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
    check_mapping("headers", headers, {"Accept": "text/csv"})
    given = dict(headers or {})
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, str) or is_forbidden_header(name, value):
            raise _wrong_header(name, value)
    return given


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


def compile_headers(headers: Mapping[str, Any] | None, names: FieldNames) -> list[tuple[str, TextTemplate]]:
    """Return the names and the compiled values of the headers of a call, which may hold fields.

    Raises
    ------
    PlanError
        As `check_headers`; but a value may be a number or a time.

    Examples
    --------
    >>> from pandas_async_io._core.request.template.field_names import NO_FIELD_NAMES
    >>> [(name, text.parts) for name, text in compile_headers({"X-Version": 2}, NO_FIELD_NAMES)]
    [('X-Version', ('2',))]
    """
    check_mapping("headers", headers, {"Accept": "text/csv"})
    return [(name, TextTemplate.compile(_render_value(name, value), names)) for name, value in (headers or {}).items()]


def _render_value(name: Any, value: Any) -> str:
    text = value if isinstance(value, str) else render_option(f"headers[{show_value(name)}]", value)
    if not isinstance(name, str) or text is None or is_forbidden_header(name, text):
        raise _wrong_header(name, value)
    return text


def _wrong_header(name: object, value: object) -> PlanError:
    if isinstance(name, str) and not isinstance(value, str):
        return PlanError(f"headers: {show_value(name)}: its value is {name_type(value)}, and must be a str")
    return PlanError(f"headers: {show_value(name)}: a name is a token, a value is text without line breaks")


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

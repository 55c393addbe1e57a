"""The values in ``params``, ``headers``, ``json`` and ``data``: checked and compiled.

Invariant: a value that has no text in a request raises before the first one, and a null is left out or ``null``, never
the word None or nan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import as_integer
from pandas_async_io._core.option_values import check_mapping, is_text
from pandas_async_io._core.request.cell_values.cells import render_scalar, to_json_value
from pandas_async_io._core.request.template.field_names import NO_FIELD_NAMES, FieldNames
from pandas_async_io._core.request.template.text_template import TextTemplate
from pandas_async_io._core.words import show_value

_MAX_JSON_DEPTH = 200
"""Levels of a JSON body; orjson writes at most 254."""

_MAX_INTEGER_BITS = 10_000
"""Of an integer in a JSON body: Python writes at most 4 300 digits."""

_CONTAINERS = (Mapping, list, tuple, set, frozenset, np.ndarray)


def check_params(params: Any) -> dict[str, Any]:
    """Return a copy of the option ``params`` of a client, checked.

    Raises
    ------
    PlanError
        It is not a mapping, or a name or a value has no text.

    Examples
    --------
    >>> check_params({"page": 1, "tag": ["a", "b"]}), check_params(None)
    ({'page': 1, 'tag': ['a', 'b']}, {})
    """
    check_mapping("params", params, {"page": 1})
    given = dict(params or {})
    for name, value in given.items():
        compile_values("params", name, value)
    return given


def compile_values(option: str, name: Any, value: Any, names: FieldNames = NO_FIELD_NAMES) -> list[TextTemplate]:
    """Compile the value of a parameter or a form field: several if it is a list, without nulls.

    Raises
    ------
    PlanError
        The name is not a text, or a value has no text.

    Examples
    --------
    >>> [text.parts for text in compile_values("params", "tag", ["a", None, 2])]
    [('a',), ('2',)]
    """
    where = f"{option}[{show_value(name)}]"
    if not is_text(name):
        raise PlanError(f"{where}: a name must be a str that UTF-8 can encode")
    texts = [_compile_value(where, each, names) for each in (value if isinstance(value, list | tuple) else [value])]
    return [text for text in texts if text is not None]


def _compile_value(where: str, value: Any, names: FieldNames) -> TextTemplate | None:
    if isinstance(value, TextTemplate):
        return value
    text = render_option(where, value)
    if text is None:
        return None
    return TextTemplate.compile(text, names) if isinstance(value, str) else TextTemplate((text,))


def render_option(where: str, value: Any) -> str | None:
    """Return the text of one value, None if it is a null.

    Raises
    ------
    PlanError
        It has no text.

    Examples
    --------
    >>> render_option("params['page']", 2.0), render_option("params['page']", float("nan"))
    ('2', None)
    """
    try:
        text = render_scalar(value)
    except (TypeError, ValueError, OverflowError):
        text = None
    else:
        if text is None or is_text(text):
            return text
    raise PlanError(f"{where}={show_value(value)}: pass a text, a number or a time")


def check_nesting(json: Any, parents: tuple[int, ...] = ()) -> None:
    """Check that a JSON body ends: that it does not hold itself.

    Raises
    ------
    PlanError
        It does, or it has more levels than a body may have.

    Examples
    --------
    >>> check_nesting({"ids": [1, 2]})
    """
    if not isinstance(json, _CONTAINERS):
        return
    if id(json) in parents or len(parents) >= _MAX_JSON_DEPTH:
        raise PlanError(f"json= holds itself, or has more than {_MAX_JSON_DEPTH} levels")
    if isinstance(json, np.ndarray) and json.dtype != object:
        return
    for item in json.values() if isinstance(json, Mapping) else json:
        check_nesting(item, (*parents, id(json)))


def compile_body(json: Any, data: Any, names: FieldNames = NO_FIELD_NAMES) -> tuple[str, Any, str | None]:
    """Return the kind of body, the compiled body and its content type.

    Raises
    ------
    PlanError
        A value has no place in such a body.

    Examples
    --------
    >>> compile_body(None, "a=1")
    ('text', TextTemplate(parts=('a=1',)), 'text/plain; charset=utf-8')
    """
    if json is not None:
        check_nesting(json)
        return "json", _compile_json(json, names), "application/json"
    if data is None:
        return "none", None, None
    if isinstance(data, bytes):
        return "bytes", data, "application/octet-stream"
    if isinstance(data, str):
        if not is_text(data):
            raise PlanError(f"data={show_value(data)}: UTF-8 cannot encode it")
        return "text", TextTemplate.compile(data, names), "text/plain; charset=utf-8"
    if isinstance(data, Mapping):
        pairs = [(name, text) for name, value in data.items() for text in compile_values("data", name, value, names)]
        return "form", pairs, "application/x-www-form-urlencoded"
    raise PlanError(f"data={show_value(data)}: pass a str, bytes or a mapping of form fields")


def _compile_json(value: Any, names: FieldNames) -> Any:
    """Compile the string leaves of a JSON value. Keys stay as they are."""
    if isinstance(value, TextTemplate):
        return value
    if isinstance(value, str):
        if not is_text(value):
            raise PlanError(f"json= holds {show_value(value)}: UTF-8 cannot encode it")
        return TextTemplate.compile(value, names)
    if isinstance(value, Mapping):
        return {_json_key(key): _compile_json(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_compile_json(item, names) for item in value]
    if isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
        raise PlanError(f"json= holds an integer of {value.bit_length()} bits: pass a text")
    try:
        return to_json_value(value)
    except (TypeError, ValueError, OverflowError):
        raise PlanError(
            f"json= holds {show_value(value)}, which is not a JSON value: convert it to text first"
        ) from None


def _json_key(key: Any) -> str:
    if is_text(key) or (as_integer(key) is not None):
        return str(key)
    raise PlanError(f"json= holds the key {show_value(key)}: a key is a text")

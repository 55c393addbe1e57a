"""A payload as a tree of text: keys, types, first values; long lists and texts are cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.security.secrets import redact_line
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_LINES = 60
_MAX_DEPTH = 6
_MAX_FIELDS = 20
"""Fields of an object that are shown."""

_MAX_TEXT = 48
"""Characters of a value."""


def draw_tree(payload: Any) -> list[str]:
    r"""Return the lines of a tree; of a list the first element stands for all.

    Examples
    --------
    >>> print(*draw_tree({"page": 1, "items": [{"id": 7, "tags": ["a"]}, {"id": 8}]}), sep="\n")
    object of 2 fields
    ├─ page: 1
    └─ items: list of 2 objects
       └─ [0]
          ├─ id: 7
          └─ tags: list of 1 text ["a"]
    """
    if isinstance(payload, pd.DataFrame):
        lines = [f"table of {format_count(len(payload), 'row')}"]
        lines += _branches([f"{name}: {dtype}" for name, dtype in payload.dtypes.items()])
    else:
        lines = [_describe(payload), *_children(payload, 1)]
    more = len(lines) - _MAX_LINES
    return lines if more <= 0 else [*lines[:_MAX_LINES], f"… {format_count(more, 'line')} more"]


def _children(value: Any, depth: int) -> list[str]:
    """Return the lines below a value."""
    if depth > _MAX_DEPTH:
        return []
    if isinstance(value, dict):
        shown = list(value.items())[:_MAX_FIELDS]
        parts = [[f"{_one_line(str(key))}: {_describe(child)}", *_children(child, depth + 1)] for key, child in shown]
        if len(value) > len(shown):
            parts.append([f"… {format_count(len(value) - len(shown), 'field')} more"])
        return list(_join(parts))
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        # A list of two kinds, as a description and its records, shows both.
        kinds: dict[type, int] = {}
        for at, each in enumerate(value):
            kinds.setdefault(type(each), at)
        return list(_join([[f"[{at}]{_label(value[at])}", *_children(value[at], depth + 1)] for at in kinds.values()]))
    return []


def _label(value: Any) -> str:
    return "" if isinstance(value, dict) else f": {_describe(value)}"


def _join(parts: list[list[str]]) -> Iterator[str]:
    for number, (head, *rest) in enumerate(parts, 1):
        is_last = number == len(parts)
        yield ("└─ " if is_last else "├─ ") + head
        for line in rest:
            yield ("   " if is_last else "│  ") + line


def _branches(texts: list[str]) -> list[str]:
    return list(_join([[_one_line(text)] for text in texts]))


def _describe(value: Any) -> str:
    if isinstance(value, dict):
        return f"object of {format_count(len(value), 'field')}"
    if isinstance(value, list):
        return _describe_list(value)
    if isinstance(value, bytes):
        return format_count(len(value), "byte")
    return _show(value)


def _describe_list(value: list[Any]) -> str:
    if not value:
        return "empty list"
    kinds = {_KINDS.get(type(each), "value") for each in value}
    noun = kinds.pop() if len(kinds) == 1 else "value"
    text = f"list of {format_count(len(value), noun)}"
    return text if isinstance(value[0], dict | list) else f"{text} {_show(value)}"


_KINDS = {dict: "object", list: "list", str: "text", int: "number", float: "number", bool: "bool", type(None): "null"}


def _show(value: Any) -> str:
    """Return a scalar, or the beginning of a list of them, as JSON on one line, without secrets."""
    sample = value[:10] if isinstance(value, list) else value[: 2 * _MAX_TEXT] if isinstance(value, str) else value
    try:
        text = json.dumps(sample, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        text = str(sample)
    return _one_line(text)


def _one_line(text: str) -> str:
    text = redact_line("".join(each if each.isprintable() else "�" for each in text))
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"

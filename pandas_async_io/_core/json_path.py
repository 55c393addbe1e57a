"""Values at a path of a payload, and counts at a path or in a header.

A path is ``"meta.next_cursor"``. A key that holds dots is found too (``"@odata.nextLink"``). In a list, a number is a
position (``"choices.0.text"``, ``[0, "pages"]``); ``*`` stands for every value of an object or a list.
A sequence of keys is taken literally.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.numbers import as_integer
from pandas_async_io._core.option_values import is_text

if TYPE_CHECKING:
    from pandas_async_io._core.models import Page

Key = str | int
Path = str | Sequence[Key]

_COUNT = re.compile(r"\s*(?:(?:(?!bytes)[\w-]+ +)?(?:[0-9]+-[0-9]+|\*)/)?([0-9]{1,15})\s*", re.IGNORECASE)
_POSITION = re.compile("-?[0-9]{1,9}")


def as_key(value: Any) -> Key | None:
    """Return a key of a path, numpy's whole numbers as Python's; None if it is none.

    Examples
    --------
    >>> as_key("items"), as_key(1), as_key(""), as_key(True), as_key(1.5)
    ('items', 1, None, None, None)
    """
    if isinstance(value, str):
        return value if value and is_text(value) else None
    return as_integer(value)


def as_path(value: Any) -> Path | None:
    """Return a path as an option gives it; None if it is none.

    Examples
    --------
    >>> as_path("meta.total"), as_path([0, "pages"]), as_path(0), as_path([]), as_path(["a", None])
    ('meta.total', (0, 'pages'), None, None, None)
    """
    if isinstance(value, str):
        return value if as_key(value) is not None else None
    keys = [as_key(key) for key in value] if isinstance(value, list | tuple) else []
    given = tuple(key for key in keys if key is not None)
    return given if keys and len(given) == len(keys) else None


def as_position(key: Key) -> int | None:
    """Return the position in a list that a key may be.

    Examples
    --------
    >>> as_position("0"), as_position("-1"), as_position("a")
    (0, -1, None)
    """
    if isinstance(key, int):
        return key
    return int(key) if _POSITION.fullmatch(key) else None


def names_element(values: list[Any], key: Key) -> bool:
    """Whether a key leads to an element of a list, not to a field of each element, as a key along ``record_path``.

    Examples
    --------
    >>> names_element([{"a": 1}], "0"), names_element([{"0": 1}], "0"), names_element([{"a": 1}], "a")
    (True, False, False)
    """
    if isinstance(key, str) and key != "*" and not _POSITION.fullmatch(key):
        return False
    return isinstance(key, int) or not any(isinstance(value, dict) and key in value for value in values)


def find_children(value: Any, key: Key) -> list[Any]:
    """Return the values at a key of an object, or at a position of a list; all for ``*``, none if there are none.

    Examples
    --------
    >>> find_children({"a": 1, "b": 2}, "*"), find_children(["x", "y"], -1), find_children({"0": "x"}, 0)
    ([1, 2], ['y'], ['x'])
    """
    if isinstance(value, dict):
        name = key if key in value else str(key)
        if name in value:
            return [value[name]]
        return list(value.values()) if key == "*" else []
    if not isinstance(value, list):
        return []
    if key == "*":
        return value
    at = as_position(key)
    return [value[at]] if at is not None and -len(value) <= at < len(value) else []


def find_values(payload: Any, path: Path, sep: str = ".") -> list[Any]:
    """Return every value at a path; more than one only with ``*``.

    Parameters
    ----------
    sep : str
        What separates the keys of a text.

    Examples
    --------
    >>> find_values({"items": [{"id": 1}, {"id": 2}]}, "items.*.id"), find_values({"a": [5, 6]}, ["a", 1])
    ([1, 2], [6])
    """
    if isinstance(path, str):
        return _find_dotted(payload, path, sep)
    values = [payload]
    for key in path:
        values = [child for value in values for child in find_children(value, key)]
    return values


def _find_dotted(payload: Any, path: str, sep: str) -> list[Any]:
    if isinstance(payload, dict) and path in payload:
        return [payload[path]]
    keys = path.split(sep)
    for cut in range(len(keys) - 1, 0, -1) if isinstance(payload, dict) else ():
        if (head := sep.join(keys[:cut])) in payload:
            return _find_dotted(payload[head], sep.join(keys[cut:]), sep)
    children = find_children(payload, keys[0])
    if len(keys) == 1:
        return children
    rest = sep.join(keys[1:])
    return [value for child in children for value in _find_dotted(child, rest, sep)]


def find_value(payload: Any, path: Path) -> Any:
    """Return the value at a path, the first one that is not null; None if the path leads nowhere.

    Examples
    --------
    >>> find_value({"meta": {"next": 7}}, "meta.next"), find_value({"@odata.nextLink": "/2"}, "@odata.nextLink")
    (7, '/2')
    >>> find_value([{"pages": 3}, []], [0, "pages"]), find_value({"items": [{"id": 5}]}, "items.0.id")
    (3, 5)
    """
    if isinstance(path, str) and isinstance(payload, dict) and path in payload:
        return payload[path]
    return next((value for value in find_values(payload, path) if value is not None), None)


def has_path(payload: Any, path: str) -> bool:
    """Whether a path leads to a value, null included.

    Examples
    --------
    >>> has_path({"meta": {"next": None}}, "meta.next"), has_path({"meta": None}, "meta.next")
    (True, False)
    """
    return bool(find_values(payload, path))


def find_count(page: Page, path: Path | None) -> int | None:
    """Return the whole number at a path of the payload, or in the header of that name; None if there is none.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {"X-Total": "95"}, b"", ""), {"pages": 10})
    >>> find_count(page, "pages"), find_count(page, "X-Total"), find_count(page, "size")
    (10, 95, None)
    """
    if path is None:
        return None
    value = find_value(page.payload, path)
    if value is None and isinstance(path, str):
        value = page.response.header(path)
    return parse_count(value)


def parse_count(value: Any) -> int | None:
    """Return a non-negative whole number, also from a text and from a range of records; None if it is none.

    Examples
    --------
    >>> [parse_count(value) for value in (35, " 35", "0-9/35", "items */35", "bytes 0-9/35", "0-9/*", True, -1, 3.5)]
    [35, 35, 35, 35, None, None, None, None, None]
    """
    if isinstance(value, str):
        match = _COUNT.fullmatch(value)
        return int(match[1]) if match else None
    return value if type(value) is int and value >= 0 else None


def is_false_text(flag: Any) -> bool:
    """Whether a flag is a text that means false, although Python takes it for true.

    Examples
    --------
    >>> [is_false_text(flag) for flag in ("False", "0", "no", "true", "x", True)]
    [True, True, True, False, False, False]
    """
    return isinstance(flag, str) and flag.strip().lower() in {"false", "0", "no"}

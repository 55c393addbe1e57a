"""The path that was meant by a ``record_path`` that leads nowhere."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.security.secrets import redact_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas_async_io._core.table.records.shape import Path

_MAX_PATHS = 100
"""Paths of a payload that are compared: each failed row searches its own payload."""

_MAX_DEPTH = 5
_MAX_KEY_CHARACTERS = 100
"""A longer key is no name."""


def find_nearest_path(payload: Any, path: Path, *, to_scalars: bool = False) -> str | None:
    """Return the path to a list or an object that is nearest to another path, as it is written; None if none is near.

    The same keys further inside or outside come first, then keys in another case, then a similar spelling.

    Examples
    --------
    >>> find_nearest_path({"data": {"items": [{"a": 1}], "page": 1}}, ("items",))
    "'data.items'"
    >>> find_nearest_path([{"Items": []}], ("data", "items")), find_nearest_path({"value.x": []}, ("value-x",))
    ("'Items'", "['value.x']")
    >>> find_nearest_path({"error": "no such user"}, ("items",))
    """
    found = {_fold(each): each for each in reversed(list(_list_paths(payload, to_scalars=to_scalars))) if each != path}
    wanted = _fold(path)
    for near in sorted(found, key=len):
        if near[-len(wanted) :] == wanted or wanted[-len(near) :] == near:
            return write_path(found[near])
    from difflib import get_close_matches  # noqa: PLC0415 - keeps the import of this package fast

    dotted = {".".join(each): each for each in found}
    last = {each[-1]: each for each in sorted(found, key=len, reverse=True)}
    for name, names in ((".".join(wanted), dotted), (wanted[-1], last)):
        if similar := get_close_matches(name, names, n=1):
            return write_path(found[names[similar[0]]])
    return None


def _list_paths(payload: Any, *, to_scalars: bool) -> Iterator[Path]:
    """Yield the paths to lists and objects, or to all values, the shortest first; of a list its first object's."""
    waiting: deque[tuple[Path, Any]] = deque([((), payload)])
    yielded = 0
    while waiting:
        path, value = waiting.popleft()
        if isinstance(value, list):
            value = value[0] if value else None
        for key, child in value.items() if isinstance(value, dict) else ():
            if not isinstance(key, str) or len(key) > _MAX_KEY_CHARACTERS:
                continue
            if not to_scalars and not isinstance(child, dict | list):
                continue
            if len(path) == _MAX_DEPTH or yielded == _MAX_PATHS:
                return
            yielded += 1
            yield (*path, key)
            waiting.append(((*path, key), child))


def _fold(path: Path) -> tuple[str, ...]:
    return tuple(str(key).casefold() for key in path)


def write_path(path: Path) -> str:
    """Return a path as it is written in an option.

    Examples
    --------
    >>> write_path(("data", "items")), write_path((0, "pages")), write_path(("a.b",))
    ("'data.items'", "[0, 'pages']", "['a.b']")
    """
    is_dotted = all(isinstance(key, str) and key and "." not in key for key in path)
    return redact_line(repr(".".join(map(str, path))) if is_dotted else repr(list(path)))

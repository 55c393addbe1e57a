"""Values at a path of a payload, and counts at a path or in a header.

A path is ``"meta.next_cursor"``. A key that holds dots is found too (``"@odata.nextLink"``).
A sequence of keys is taken literally.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas_async_io._core.models import Page

Path = str | Sequence[str]

_COUNT = re.compile(r"\s*(?:(?:(?!bytes)[\w-]+ +)?(?:[0-9]+-[0-9]+|\*)/)?([0-9]{1,15})\s*", re.IGNORECASE)


def find_value(payload: Any, path: Path) -> Any:
    """Return the value at a path of objects; None if the path leads nowhere.

    Examples
    --------
    >>> find_value({"meta": {"next": 7}}, "meta.next"), find_value({"@odata.nextLink": "/2"}, "@odata.nextLink")
    (7, '/2')
    """
    if not isinstance(path, str):
        for key in path:
            payload = payload.get(key) if isinstance(payload, dict) else None
        return payload
    if not isinstance(payload, dict) or path in payload:
        return payload[path] if isinstance(payload, dict) else None
    keys = path.split(".")
    for cut in range(len(keys) - 1, 0, -1):
        if (head := ".".join(keys[:cut])) in payload:
            return find_value(payload[head], ".".join(keys[cut:]))
    return None


def has_path(payload: Any, path: str) -> bool:
    """Whether a path leads to a value, null included.

    Examples
    --------
    >>> has_path({"meta": {"next": None}}, "meta.next"), has_path({"meta": None}, "meta.next")
    (True, False)
    """
    if not isinstance(payload, dict):
        return False
    head, _, rest = path.partition(".")
    return path in payload or (bool(rest) and has_path(payload.get(head), rest))


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

"""Where things lie in a page: in the payload, or in a header.

A path is ``"meta.next_cursor"``; a key that itself holds dots is found too
(``"@odata.nextLink"``), and a sequence of keys is taken literally.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas_async_io._core.models import Page


Path = str | Sequence[str]

_WHOLE = re.compile(r"\s*(?:(?:(?!bytes)[\w-]+ +)?(?:[0-9]+-[0-9]+|\*)/)?([0-9]{1,15})\s*", re.IGNORECASE)


def find_value(payload: Any, path: Path) -> Any:
    """Return what lies at a path of objects; None where it does not lead anywhere.

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
    """Whether a path leads to something, if only to null.

    Examples
    --------
    >>> has_path({"meta": {"next": None}}, "meta.next"), has_path({"meta": None}, "meta.next")
    (True, False)
    """
    if not isinstance(payload, dict):
        return False
    head, _, rest = path.partition(".")
    return path in payload or (bool(rest) and has_path(payload.get(head), rest))


def find_count(page: Page, where: Path | None) -> int | None:
    """Return the whole number that lies at a path of the payload or in a header; None if there is none.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {"X-Total": "95"}, b"", ""), {"pages": 10})
    >>> find_count(page, "pages"), find_count(page, "X-Total"), find_count(page, "size")
    (10, 95, None)
    """
    if where is None:
        return None
    value = find_value(page.payload, where)
    if value is None and isinstance(where, str):
        value = page.response.header(where)
    return parse_count(value)


def parse_count(value: Any) -> int | None:
    """Return a whole number that is not negative, also from a text and from a range of records; None of all else.

    Examples
    --------
    >>> [parse_count(value) for value in (35, " 35", "0-9/35", "items */35", "bytes 0-9/35", "0-9/*", True, -1, 3.5)]
    [35, 35, 35, 35, None, None, None, None, None]
    """
    if isinstance(value, str):
        told = _WHOLE.fullmatch(value)
        return int(told[1]) if told else None
    return value if type(value) is int and value >= 0 else None


def is_false_text(flag: Any) -> bool:
    """Whether a flag is a text that means no, and would count as true.

    Examples
    --------
    >>> [is_false_text(flag) for flag in ("False", "0", "no", "true", "x", True)]
    [True, True, True, False, False, False]
    """
    return isinstance(flag, str) and flag.strip().lower() in {"false", "0", "no"}

"""Keys that an object of a JSON text holds twice: parsers keep the last value and say nothing."""

from __future__ import annotations

import json
from typing import Any

import orjson


def may_have_duplicate_keys(body: bytes, value: Any) -> bool:
    r"""Whether a JSON text may hold a key twice in one object: True if it does, seldom if it does not.

    A parser drops such a key, and at least its two quotation marks. So the text of the parsed value has as many as the
    body, unless strings spell them ``\u0022``.

    Examples
    --------
    >>> body = b'{"a": 1, "a": 2}'
    >>> may_have_duplicate_keys(body, orjson.loads(body)), may_have_duplicate_keys(b'{"a": 1}', {"a": 1})
    (True, False)
    """
    try:
        written = orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits, a lone surrogate
        return True
    return body.count(b'"') != written.count(b'"') or b"\\u0022" in body


def find_duplicate_key(text: str) -> str | None:
    """Return the first key that an object of a JSON document holds twice, or None.

    Examples
    --------
    >>> find_duplicate_key('[{"id": 1, "n": {"x": 1, "x": 2}}]')
    'x'
    """
    found: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> None:
        if (name := duplicate_key(pairs)) is not None:
            found.append(name)

    json.loads(text, object_pairs_hook=collect)
    return found[0] if found else None


def duplicate_key(pairs: list[tuple[str, Any]]) -> str | None:
    """Return the first key that some pairs hold twice, or None.

    Examples
    --------
    >>> duplicate_key([("a", 1), ("b", 2), ("a", 3)])
    'a'
    """
    if len(dict(pairs)) == len(pairs):
        return None
    names = [name for name, _ in pairs]
    return next(name for at, name in enumerate(names) if name in names[:at])

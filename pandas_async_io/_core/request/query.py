"""Parameters of a request, in its query or at a path of its JSON body: read and replaced."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote_plus

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.models import Request
from pandas_async_io._core.request.cell_values.cells import dump_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PLACEHOLDER = "~~~"
"""Unreserved characters, which are not percent-encoded."""


def get_param(request: Request, name: str, *, body: bool = False) -> Any:
    """Return a parameter of a request: a text from the query, or any value from the JSON body; None if it has none.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> get_param(Request("http://e.com/?q=a+b&page=3"), "page")
    '3'
    """
    if body:
        return find_value(parse_json_body(request), name)
    pairs = (pair.partition("=") for pair in request.url.partition("?")[2].split("&"))
    return next((unquote_plus(value) for key, _, value in pairs if unquote_plus(key) == name), None)


def set_params(request: Request, values: Mapping[str, Any], *, body: bool = False) -> Request:
    """Return a request with other values for some parameters. All other parts stay as they are written.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> set_params(Request("http://e.com/?q=%41&page=3"), {"page": 4, "size": 10}).url
    'http://e.com/?q=%41&page=4&size=10'
    >>> set_params(Request("http://e.com/", "POST", body=b'{"a": 1}'), {"b.c": {"k": 2}}, body=True).body
    b'{"a":1,"b":{"c":{"k":2}}}'
    """
    if body:
        content = parse_json_body(request)
        for name, value in values.items():
            content = _set_path(content, name.split("."), value)
        return replace(request, body=dump_json(content))
    remaining = dict(values)
    address, _, query = request.url.partition("?")
    pairs = []
    for pair in filter(None, query.split("&")):
        name = unquote_plus(pair.partition("=")[0])
        if name in remaining:
            pairs.append(_pair(name, remaining.pop(name)))
        elif name not in values:
            pairs.append(pair)
    pairs += [_pair(name, value) for name, value in remaining.items()]
    return replace(request, url=f"{address}?{'&'.join(pairs)}")


def make_numbered_requests(request: Request, name: str, numbers: Iterable[int], *, body: bool = False) -> list[Request]:
    """Return one request for each value of a numeric parameter.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> [each.url for each in make_numbered_requests(Request("http://e.com/?page=1&q=a"), "page", range(2, 4))]
    ['http://e.com/?page=2&q=a', 'http://e.com/?page=3&q=a']
    """
    if body:
        return [set_params(request, {name: number}, body=True) for number in numbers]
    prefix = f"{quote(name, safe='')}="
    head, _, tail = set_params(request, {name: _PLACEHOLDER}).url.partition(prefix + _PLACEHOLDER)
    return [
        Request(f"{head}{prefix}{number}{tail}", request.method, request.headers, request.body) for number in numbers
    ]


def refresh_params(request: Request, stale: Request, fresh: Request) -> Request:
    """Return a request with the query parameters that changed from ``stale`` to ``fresh``, such as an API key.

    A parameter is replaced only where the request has the stale value.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> stale, fresh = Request("http://e.com/?key=a"), Request("http://e.com/?key=b")
    >>> refresh_params(Request("http://e.com/?key=a&page=2"), stale, fresh).url
    'http://e.com/?key=b&page=2'
    """
    names = dict(parse_qsl(fresh.url.partition("?")[2], keep_blank_values=True))
    changed = {name: text for name in names if (text := get_param(fresh, name)) != get_param(stale, name)}
    shared = {name: text for name, text in changed.items() if get_param(request, name) == get_param(stale, name)}
    return set_params(request, shared) if shared else request


def _pair(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else dump_json(value).decode()
    return f"{quote(name, safe='')}={quote(text, safe='')}"


def parse_json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    Raises
    ------
    ParseError
        The body is not a JSON object.
    """
    try:
        content = json.loads(request.body or b"")  # unlike orjson it keeps integers of any size
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ParseError("the page's parameter belongs in a JSON body, but the body is not a JSON object: pass json=")
    return content


def _set_path(content: dict[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    """Return a copy with a value at a path. A value on the way that is not an object is replaced by one."""
    head, *rest = keys
    inner = content.get(head)
    return {**content, head: _set_path(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}

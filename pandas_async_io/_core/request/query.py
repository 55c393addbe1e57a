"""A request's parameters: in its query, or at a path of its JSON body."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote_plus

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.models import Request
from pandas_async_io._core.request.cells import dump_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PLACE = "~~~"


def get_param(request: Request, name: str, *, body: bool = False) -> Any:
    """Return a parameter of a request: text from the query, a value of any type from the JSON body.

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
    """Return a request with other values for some parameters; all else stays as it was written.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> set_params(Request("http://e.com/?q=%41&page=3"), {"page": 4, "size": 10}).url
    'http://e.com/?q=%41&page=4&size=10'
    >>> set_params(Request("http://e.com/", "POST", body=b'{"a": 1}'), {"b.c": {"k": 2}}, body=True).body
    b'{"a":1,"b":{"c":{"k":2}}}'
    """
    if body:
        whole = parse_json_body(request)
        for name, value in values.items():
            whole = _put(whole, name.split("."), value)
        return replace(request, body=dump_json(whole))
    left = dict(values)
    address, _, query = request.url.partition("?")
    pairs = []
    for pair in filter(None, query.split("&")):
        name = unquote_plus(pair.partition("=")[0])
        if name in left:
            pairs.append(_pair(name, left.pop(name)))
        elif name not in values:
            pairs.append(pair)
    pairs += [_pair(name, value) for name, value in left.items()]
    return replace(request, url=f"{address}?{'&'.join(pairs)}")


def make_numbered_requests(request: Request, name: str, numbers: Iterable[int], *, body: bool = False) -> list[Request]:
    """Return a request for each number that a parameter takes.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> [each.url for each in make_numbered_requests(Request("http://e.com/?page=1&q=a"), "page", range(2, 4))]
    ['http://e.com/?page=2&q=a', 'http://e.com/?page=3&q=a']
    """
    if body:
        return [set_params(request, {name: number}, body=True) for number in numbers]
    place = f"{quote(name, safe='')}="
    head, _, tail = set_params(request, {name: _PLACE}).url.partition(place + _PLACE)  # once for all of them
    return [
        Request(f"{head}{place}{number}{tail}", request.method, request.headers, request.body) for number in numbers
    ]


def refresh_params(request: Request, stale: Request, fresh: Request) -> Request:
    """Return a request with what is fresh in another's query, where it has what is stale: a key may be there.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> stale, fresh = Request("http://e.com/?key=a"), Request("http://e.com/?key=b")
    >>> refresh_params(Request("http://e.com/?key=a&page=2"), stale, fresh).url
    'http://e.com/?key=b&page=2'
    """
    names = dict(parse_qsl(fresh.url.partition("?")[2], keep_blank_values=True))
    changed = {name: text for name in names if (text := get_param(fresh, name)) != get_param(stale, name)}
    mine = {name: text for name, text in changed.items() if get_param(request, name) == get_param(stale, name)}
    return set_params(request, mine) if mine else request


def _pair(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else dump_json(value).decode()
    return f"{quote(name, safe='')}={quote(text, safe='')}"


def parse_json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries.

    Raises
    ------
    ParseError
        If it carries none.
    """
    try:
        whole = json.loads(request.body or b"")  # unlike orjson it keeps integers of any size
    except ValueError:
        whole = None
    if not isinstance(whole, dict):
        raise ParseError(
            "the page's parameter belongs into a JSON body, and the request has no JSON object: pass json="
        )
    return whole


def _put(whole: dict[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    head, *rest = keys
    inner = whole.get(head)
    return {**whole, head: _put(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}

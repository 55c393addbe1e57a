"""TODO."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from pandas_async_io._core.request.query import make_numbered_requests

if TYPE_CHECKING:
    from pandas_async_io._core.models import Request

_SIZE = re.compile(r"_?limit|per_?page|page_?size|page\[size\]|size|count|maxResults", re.IGNORECASE)
_NUMBER = re.compile(r"pg?|(?!.*(?:size|token|per_?page)).*page.*", re.IGNORECASE)
_OFFSET = re.compile(r"[_$]?(?:offset|start|skip)|startAt|from", re.IGNORECASE)


class UrlSequence(NamedTuple):
    """The one number by which the URL of the next page differs from this page's."""

    name: str
    value: int
    step: int


def find_sequence(url: str, following: str) -> UrlSequence | None:
    """Return how a page number or an offset goes on in the links; None if anything else changes too.

    Examples
    --------
    >>> find_sequence("http://e.com/?a=1", "http://e.com/?a=1&page=2")
    UrlSequence(name='page', value=2, step=1)
    >>> find_sequence("http://e.com/?offset=10", "http://e.com/?offset=20")
    UrlSequence(name='offset', value=20, step=10)
    >>> find_sequence("http://e.com/", "http://e.com/?cursor=2")
    """
    old, new = _query(url), _query(following)
    changed = {name: text for name, text in new.items() if old.get(name) != text}
    known = {name: text for name, text in changed.items() if name in old or _SIZE.fullmatch(name) is None}
    if len(known) != 1 or old.keys() - new.keys():
        return None
    (name, text), *_ = known.items()
    if not re.fullmatch("[0-9]{1,15}", text) or not re.fullmatch("[0-9]{1,15}", old.get(name, "0")):
        return None
    value, page = int(text), _NUMBER.fullmatch(name)
    if not page and not _OFFSET.fullmatch(name):
        return None
    step = value - int(old[name]) if name in old else value if not page else 1 if value <= 2 else 0
    return UrlSequence(name, value, step) if step > 0 else None


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))


def last_value(following: str, last: str, way: UrlSequence) -> int | None:
    """Return the number of the last page, if its URL is that of the next one but for the number.

    Examples
    --------
    >>> last_value("http://e.com/?page=2", "http://e.com/?page=9", UrlSequence("page", 2, 1))
    9
    """
    old, new = _query(following), _query(last)
    text = new.get(way.name, "")
    same = {**old, way.name: text} == new and following.partition("?")[0] == last.partition("?")[0]
    return int(text) if same and re.fullmatch("[0-9]{1,15}", text) else None


def sequence_requests(request: Request, way: UrlSequence, count: int) -> list[Request]:
    """Return so many requests from the next page on.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> [each.url for each in sequence_requests(Request("http://e.com/?page=2"), UrlSequence("page", 2, 1), 2)]
    ['http://e.com/?page=2', 'http://e.com/?page=3']
    """
    return make_numbered_requests(request, way.name, (way.value + at * way.step for at in range(max(count, 0))))

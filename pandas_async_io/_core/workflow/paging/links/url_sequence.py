"""Numbered URLs: a page number or an offset that grows from one link to the next."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from pandas_async_io._core.request.query import make_numbered_requests

if TYPE_CHECKING:
    from pandas_async_io._core.models import Request

_SIZE_PARAM = re.compile(r"_?limit|per_?page|page_?size|page\[size\]|size|count|maxResults", re.IGNORECASE)
_PAGE_PARAM = re.compile(r"pg?|(?!.*(?:size|token|per_?page)).*page.*", re.IGNORECASE)
_OFFSET_PARAM = re.compile(r"[_$]?(?:offset|start|skip)|startAt|from", re.IGNORECASE)
_NUMBER = re.compile("[0-9]{1,15}")


class UrlSequence(NamedTuple):
    """The one parameter in which the next page's URL differs from this page's.

    Attributes
    ----------
    param : str
        The query parameter.
    value : int
        Its value in the next page's URL.
    step : int
        By how much it grows from page to page.
    """

    param: str
    value: int
    step: int


def find_sequence(url: str, following: str) -> UrlSequence | None:
    """Return the number that grows from a URL to the next page's; None if anything else changes too.

    Examples
    --------
    >>> find_sequence("http://e.com/?a=1", "http://e.com/?a=1&page=2")
    UrlSequence(param='page', value=2, step=1)
    >>> find_sequence("http://e.com/?offset=10", "http://e.com/?offset=20")
    UrlSequence(param='offset', value=20, step=10)
    >>> find_sequence("http://e.com/", "http://e.com/?cursor=2")
    """
    old, new = _query(url), _query(following)
    changed = {name: text for name, text in new.items() if old.get(name) != text}
    # An API may add its default page size to its links.
    changed = {name: text for name, text in changed.items() if name in old or _SIZE_PARAM.fullmatch(name) is None}
    if len(changed) != 1 or old.keys() - new.keys():
        return None
    (name, text), *_ = changed.items()
    if not _NUMBER.fullmatch(text) or not _NUMBER.fullmatch(old.get(name, "0")):
        return None
    value, is_page = int(text), _PAGE_PARAM.fullmatch(name)
    if not is_page and not _OFFSET_PARAM.fullmatch(name):
        return None
    if name in old:
        step = value - int(old[name])
    elif is_page:
        step = 1 if value <= 2 else 0
    else:
        step = value
    return UrlSequence(name, value, step) if step > 0 else None


def find_last_value(following: str, last: str, sequence: UrlSequence) -> int | None:
    """Return the number in the last page's URL; None if that differs in anything else from the next page's.

    Examples
    --------
    >>> find_last_value("http://e.com/?page=2", "http://e.com/?page=9", UrlSequence("page", 2, 1))
    9
    """
    old, new = _query(following), _query(last)
    text = new.get(sequence.param, "")
    same = {**old, sequence.param: text} == new and following.partition("?")[0] == last.partition("?")[0]
    return int(text) if same and _NUMBER.fullmatch(text) else None


def requests_from(request: Request, sequence: UrlSequence, count: int) -> list[Request]:
    """Return `count` requests, the next page's first.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> [each.url for each in requests_from(Request("http://e.com/?page=2"), UrlSequence("page", 2, 1), 2)]
    ['http://e.com/?page=2', 'http://e.com/?page=3']
    """
    values = (sequence.value + at * sequence.step for at in range(max(count, 0)))
    return make_numbered_requests(request, sequence.param, values)


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))

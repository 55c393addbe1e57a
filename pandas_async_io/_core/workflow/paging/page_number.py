"""Pages that have a number: which page, or the n-th record."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.json_path import Path, find_count
from pandas_async_io._core.request.query import get_param, make_numbered_requests, set_params
from pandas_async_io._core.workflow.paging.extracted_page import MAX_PAGES_AT_ONCE, ExtractedPage
from pandas_async_io._core.workflow.paging.paginator_fields import check_fields, repr_fields

if TYPE_CHECKING:
    from pandas_async_io._core.models import Request


@dataclass(frozen=True, slots=True)
class PageNumber:
    """Numbered pages.

    Parameters
    ----------
    param : str
        The query parameter of the number; with ``body`` a path in the JSON body.
    start : int
        The first page's number.
    size : (str, int), optional
        The parameter of the page's size, and the size to ask for.
    total, count : path or header, optional
        Where the number of pages, or of records, is. Without either, an empty page is the end.
    """

    param: str = "page"
    start: int = 1
    size: tuple[str, int] | None = None
    total: Path | None = None
    count: Path | None = None
    body: bool = False
    __repr__ = repr_fields

    def __post_init__(self) -> None:
        check_fields(self)

    def next(self, opened: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        number = _position(self, opened)
        total, count = find_count(opened.page, self.total), find_count(opened.page, self.count)
        # A count that was overrun is a lie: the end is where the records end.
        told = number + 1 - self.start < (total or 0)
        more = told if total is not None else bool(opened.records) and opened.seen != count
        return set_params(opened.page.request, {self.param: number + 1}, body=self.body) if more else None

    def rest(self, opened: ExtractedPage) -> list[Request] | None:
        """Return all other requests, if the number of pages can be told."""
        total, count = find_count(opened.page, self.total), find_count(opened.page, self.count)
        number = _position(self, opened)
        if total is None and count is not None and opened.records and number == self.start:
            total = math.ceil(count / len(opened.records))  # the size that came, not the one asked for
        if total is None:
            return None
        return _numbered(self, opened, number + 1, 1, self.start + total - 1 - number)


@dataclass(frozen=True, slots=True)
class Offset:
    """Pages that begin at the n-th record: ``offset`` and ``limit``, ``startAt`` and ``maxResults``.

    Parameters
    ----------
    param : str
        The query parameter of the offset; with ``body`` a path in the JSON body.
    size : (str, int), optional
        The parameter of the page's size, and the size to ask for.
    count : path or header, optional
        Where the number of records is. Without it, an empty page is the end.
    start : int
        The first record's number.
    """

    param: str = "offset"
    size: tuple[str, int] | None = None
    count: Path | None = None
    start: int = 0
    body: bool = False
    __repr__ = repr_fields

    def __post_init__(self) -> None:
        check_fields(self)

    def next(self, opened: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        reached = _position(self, opened) + len(opened.records)
        if not opened.records or reached - self.start == find_count(opened.page, self.count):
            return None
        return set_params(opened.page.request, {self.param: reached}, body=self.body)

    def rest(self, opened: ExtractedPage) -> list[Request] | None:
        """Return all other requests, if there is a count."""
        count, length = find_count(opened.page, self.count), len(opened.records)
        if count is None or not length:
            return None
        reached = _position(self, opened) + length
        return _numbered(self, opened, reached, length, math.ceil((count + self.start - reached) / length))


def _position(paginator: PageNumber | Offset, opened: ExtractedPage) -> int:
    value = get_param(opened.page.request, paginator.param, body=paginator.body)
    if value is not None and not re.fullmatch("[0-9]{1,15}", str(value)):
        raise ParseError(f"{paginator}: {paginator.param} is {value!r} in the request, which is no whole number")
    return paginator.start if value is None else int(value)


def _numbered(
    paginator: PageNumber | Offset, opened: ExtractedPage, begin: int, step: int, count: int
) -> list[Request] | None:
    if count > MAX_PAGES_AT_ONCE:
        return None
    page, name, body = opened.page, paginator.param, paginator.body
    return make_numbered_requests(page.request, name, (begin + at * step for at in range(max(count, 0))), body=body)

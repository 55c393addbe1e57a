"""Paginators that count: `PageNumber` by the page's number, `Offset` by the first record's number."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Path, find_count
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.request.query import get_param, make_numbered_requests, set_params
from pandas_async_io._core.workflow.paging.paginators.extracted_page import MAX_PAGES_AT_ONCE, ExtractedPage
from pandas_async_io._core.workflow.paging.paginators.paginator_fields import (
    check_fields,
    reject_old_names,
    repr_fields,
)
from pandas_async_io._core.workflow.paging.paging_vocabulary import PAGE_TOTAL_HEADERS, RECORD_TOTAL_HEADERS

if TYPE_CHECKING:
    from pandas_async_io._core.models import Request


@reject_old_names(
    total="total_pages= for the number of pages, total_records= for the number of records", count="total_records="
)
@explains_names
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
    total_pages : path or header, optional
        Where the number of pages is, as ``"meta.total_pages"`` or ``"X-Total-Pages"``.
    total_records : path or header, optional
        Where the number of records is, as ``"meta.total"`` or ``"X-Total-Count"``. Without
        either total, paging ends with an empty page.
    body : bool
        Whether the parameters are in the JSON body.
    """

    param: str = "page"
    start: int = 1
    size: tuple[str, int] | None = None
    total_pages: Path | None = None
    total_records: Path | None = None
    body: bool = False
    __repr__ = repr_fields

    def __post_init__(self) -> None:
        check_fields(self)
        if _names_header(self.total_pages, RECORD_TOTAL_HEADERS):
            text = f"PageNumber(total_pages={self.total_pages!r}): this header holds the number of records"
            raise PlanError(f"{text}: pass total_records={self.total_pages!r}")
        if _names_header(self.total_records, PAGE_TOTAL_HEADERS):
            text = f"PageNumber(total_records={self.total_records!r}): this header holds the number of pages"
            raise PlanError(f"{text}: pass total_pages={self.total_records!r}")

    def next(self, extracted: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        page, number = extracted.page, _number_in_request(self, extracted)
        total_pages = find_count(page, self.total_pages)
        if total_pages is not None:
            more = number + 1 - self.start < total_pages
        else:
            # Not "<": a total below the records that came is wrong, so only an empty page ends the paging then.
            more = bool(extracted.records) and extracted.records_so_far != find_count(page, self.total_records)
        return set_params(page.request, {self.param: number + 1}, body=self.body) if more else None

    def rest(self, extracted: ExtractedPage) -> list[Request] | None:
        """Return the requests of all other pages; None if the number of pages is unknown."""
        page, number = extracted.page, _number_in_request(self, extracted)
        total_pages, total_records = find_count(page, self.total_pages), find_count(page, self.total_records)
        if total_pages is None and total_records is not None and extracted.records and number == self.start:
            total_pages = math.ceil(total_records / len(extracted.records))  # the server may ignore the size asked for
        if total_pages is None:
            return None
        return _requests_from(self, extracted, number + 1, 1, self.start + total_pages - 1 - number)


@reject_old_names(count="total_records=", total="total_records=")
@explains_names
@dataclass(frozen=True, slots=True)
class Offset:
    """Pages that begin at the n-th record: ``offset`` and ``limit``, ``startAt`` and ``maxResults``.

    Parameters
    ----------
    param : str
        The query parameter of the offset; with ``body`` a path in the JSON body.
    size : (str, int), optional
        The parameter of the page's size, and the size to ask for.
    total_records : path or header, optional
        Where the number of records is, as ``"meta.total"`` or ``"X-Total-Count"``. Without it,
        paging ends with an empty page.
    start : int
        The first record's number.
    body : bool
        Whether the parameters are in the JSON body.
    """

    param: str = "offset"
    size: tuple[str, int] | None = None
    total_records: Path | None = None
    start: int = 0
    body: bool = False
    __repr__ = repr_fields

    def __post_init__(self) -> None:
        check_fields(self)
        if _names_header(self.total_records, PAGE_TOTAL_HEADERS):
            text = f"Offset(total_records={self.total_records!r}): this header holds the number of pages"
            raise PlanError(f"{text}: pass a header or path that holds the number of records, or none")

    def next(self, extracted: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        reached = _number_in_request(self, extracted) + len(extracted.records)
        total_records = find_count(extracted.page, self.total_records)
        if not extracted.records or reached - self.start == total_records:
            return None
        return set_params(extracted.page.request, {self.param: reached}, body=self.body)

    def rest(self, extracted: ExtractedPage) -> list[Request] | None:
        """Return the requests of all other pages; None if the number of records is unknown."""
        total_records, length = find_count(extracted.page, self.total_records), len(extracted.records)
        if total_records is None or not length:
            return None
        reached = _number_in_request(self, extracted) + length
        count = math.ceil((total_records + self.start - reached) / length)
        return _requests_from(self, extracted, reached, length, count)


def _names_header(where: Path | None, headers: tuple[str, ...]) -> bool:
    return isinstance(where, str) and where.lower() in map(str.lower, headers)


def _number_in_request(paginator: PageNumber | Offset, extracted: ExtractedPage) -> int:
    value = get_param(extracted.page.request, paginator.param, body=paginator.body)
    if value is not None and not re.fullmatch("[0-9]{1,15}", str(value)):
        raise ParseError(f"{paginator}: {paginator.param} is {value!r} in the request, which is no whole number")
    return paginator.start if value is None else int(value)


def _requests_from(
    paginator: PageNumber | Offset, extracted: ExtractedPage, first: int, step: int, count: int
) -> list[Request] | None:
    if count > MAX_PAGES_AT_ONCE:
        return None
    numbers = (first + at * step for at in range(max(count, 0)))
    return make_numbered_requests(extracted.page.request, paginator.param, numbers, body=paginator.body)

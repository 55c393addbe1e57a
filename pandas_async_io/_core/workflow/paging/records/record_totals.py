"""The number of records that the pages announce, compared with the number that came."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from pandas_async_io._core.json_path import Key, Path, find_count
from pandas_async_io._core.words import format_count
from pandas_async_io._core.workflow.paging.envelope import find_total_path
from pandas_async_io._core.workflow.paging.paginators.paginators import record_total_path

if TYPE_CHECKING:
    from pandas_async_io._core.models import Page
    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator


class RecordTotals:
    """The totals of a chain's pages.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), {"total": 2, "data": [{"id": 1}]})
    >>> totals = RecordTotals()
    >>> totals.add(1, page, 1, record_path=("data",))
    >>> totals.findings(records=1, pages=1, is_complete=True)
    ['the API says 2 records, 1 came']
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._totals: dict[int, int] = {}
        self._equal_page_lengths = True

    def add(
        self, number: int, page: Page, length: int, *, record_path: tuple[Key, ...], paginator: Paginator | None = None
    ) -> None:
        """Note the total of a page, at the paginator's path or else under a usual name."""
        if self._path is None:
            known_path = record_total_path(paginator)
            has_known = find_count(page, known_path) is not None
            self._path = known_path if has_known else find_total_path(page, record_path)
        total = find_count(page, self._path)
        if total is not None:
            self._totals[number] = total
            self._equal_page_lengths &= total == length

    def findings(self, *, records: int, pages: int, is_complete: bool) -> list[str]:
        """Return what the totals say against the records that came."""
        # A "total" that equals the length of every page counts the page.
        if not self._totals or (self._equal_page_lengths and pages > 1):
            return []
        first, last = self._totals[min(self._totals)], self._totals[max(self._totals)]
        if first != last:
            return [f"the API's total moved from {first} to {last}: records may be missing or come twice"]
        if not is_complete or last == records:
            return []
        return [f"the API says {format_count(last, 'record')}, {records} came"]

    def copy(self) -> RecordTotals:
        """Return an independent copy."""
        other = copy(self)
        other._totals = dict(self._totals)  # noqa: SLF001 - an object of this class
        return other

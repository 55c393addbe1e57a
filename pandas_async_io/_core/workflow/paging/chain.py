"""The pages of one row: which requests follow each page, and whether all pages came.

Invariant: a chain ends complete, or with an error or a finding. It never requests a page twice, and it
leaves its origin only for an allowed host.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, ParseError
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.workflow.paging import page_failure
from pandas_async_io._core.workflow.paging.detect.detect import choose_paginator
from pandas_async_io._core.workflow.paging.links.links import complete_link, refresh_credentials
from pandas_async_io._core.workflow.paging.paginators import paginators
from pandas_async_io._core.workflow.paging.paginators.extracted_page import ExtractedPage
from pandas_async_io._core.workflow.paging.paging_options import PagingOptions
from pandas_async_io._core.workflow.paging.records.duplicates import DuplicateTracker
from pandas_async_io._core.workflow.paging.records.parsed_page import describe_difference
from pandas_async_io._core.workflow.paging.records.record_locator import RecordLocator
from pandas_async_io._core.workflow.paging.records.record_totals import RecordTotals
from pandas_async_io._core.workflow.paging.requested_pages import RequestedPages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.json_path import Key
    from pandas_async_io._core.models import Page, Request
    from pandas_async_io._core.workflow.paging.detect.detect import Detection
    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator
    from pandas_async_io._core.workflow.paging.records.parsed_page import ParsedPage

MAX_EMPTY_PAGES = 1_000
"""Consecutive empty pages after which paging stops as a loop."""

_MAX_NOTES = 2
"""Most pages of a chain whose parser's records are noted as others than those of the envelope."""


class Chain:
    """The pages of one row.

    Send `first`, give each page to `add_page` and send the requests that it returns. Pages that are
    requested together may come in any order. The chain is `done` when no request is `pending`; a
    request that failed stays pending, to be sent again.

    Parameters
    ----------
    paginator : Paginator or None
        None is ``pages="auto"``: the first page decides.
    request : Request
        The row's request.
    record_path : sequence of str or int, optional
        The path of the records; found on the first page by default.
    options : PagingOptions
        Where links may lead, and how many pages are read.

    Attributes
    ----------
    locator : RecordLocator
        Where the records are.
    pending : dict of int to Request
        Requests whose page has not come, by the page's number.
    detected : Detection or None
        What the first page showed, for ``pages="auto"``.
    page_count : int
        Pages that came.
    record_count : int
        Their records.
    last_sound_page : int
        The page that came last and passed the checks.
    requested : RequestedPages
        The requests that were made.
    is_broken : bool
        Whether a page that came failed the checks. It is not pending, so the chain cannot be resumed.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> from pandas_async_io._core.workflow.paging.paginators.next_url import NextUrl
    >>> chain = Chain(NextUrl("next"), Request("http://e.com/"))
    >>> page = Page(chain.first, Response(200, {}, b"", ""), {"items": [{"id": 1}], "next": "?page=2"})
    >>> [(number, request.url) for number, request in chain.add_page(1, page)]
    [(2, 'http://e.com/?page=2')]
    """

    def __init__(
        self,
        paginator: Paginator | None,
        request: Request,
        *,
        record_path: Sequence[Key] | None = None,
        options: PagingOptions | None = None,
    ) -> None:
        self.paginator = paginator
        self.detected: Detection | None = None
        self.first = request if paginator is None else paginators.first_request(paginator, request)
        self.locator = RecordLocator(record_path, None if options is None else options.tables)
        self.pending, self.requested = {1: self.first}, RequestedPages(1, self.first)
        self.page_count = self.record_count = self.last_sound_page = self._empty_pages = 0
        self.is_broken = False
        self._options = options or PagingOptions()
        self._max_pages = self._options.max_pages or float("inf")
        self._has_more = self._is_bounded = False
        self._end, self._opening_page = float("inf"), 1
        self._last: tuple[int, Page, Sequence[Any]] | None = None
        self._totals = RecordTotals()
        self._duplicates = DuplicateTracker(self._options.max_keys)
        self._notes: list[str] = []

    @property
    def last_page(self) -> ExtractedPage | None:
        """The last page, by its number, of those that came."""
        return None if self._last is None else ExtractedPage(*self._last[1:], self.record_count)

    @property
    def done(self) -> bool:
        """Whether every page that was requested has come."""
        return not self.pending

    @property
    def record_path(self) -> tuple[Key, ...] | None:
        """The path of the records, once it is known."""
        return self.locator.path

    def extract_records(self, payload: Any) -> Any:
        """Return the records of a page that came.

        Raises
        ------
        ParseError
            The page has no records at the path; the chain is broken.
        """
        try:
            return self.locator.extract(payload)
        except ParseError:
            self.is_broken = True
            raise

    def add_page(self, number: int, page: Page, parsed: ParsedPage | None = None) -> list[tuple[int, Request]]:
        """Add a page and return the numbers and requests to send now.

        Parameters
        ----------
        parsed : ParsedPage, optional
            The page as the user's parser read it.

        Raises
        ------
        ParseError
            The chain loops, or a page says that there is more, but not where.
        UnsafeUrlError
            The next page must not be requested.
        PlanError
            The first page does not show the paginator or the records. The message says what to pass.
        """
        if self.paginator is None and self.detected is None:
            known = None
            if parsed is not None:
                known = self.locator.find_parsed_records(parsed, None)
            elif self.record_path is not None:
                known = self.locator.find_records(page.payload, has_paginator=True)
            self.detected = choose_paginator(page, self.record_path, known)
            self.paginator = self.detected.paginator
        if parsed is not None:
            records = self.locator.find_parsed_records(parsed, self.paginator)
        else:
            records = self.locator.find_records(page.payload, has_paginator=self.paginator is not None)
        if number == 1:
            self.locator.note_first_page(page.payload)
        del self.pending[number]
        self.page_count += 1
        self.record_count += len(records)
        if self._last is None or number > self._last[0]:
            self._last = number, page, records
        try:
            if parsed is None:
                self.locator.check_kind(number, page.payload)
            self._check_page(number, page, records)
            self.last_sound_page = number
            following = self._request_pages(number, self._following_requests(number, page, records))
        except AttemptError as error:
            self._has_more = self.is_broken = True
            raise type(error)(page_failure.describe_page_failure(number, str(error))) from error.__cause__
        if parsed is not None:
            ended = not (following or self.pending)
            note = describe_difference(
                number, self.paginator, records, page.payload, self.record_path or (), ended=ended
            )
            self._notes += [note] if note and len(self._notes) < _MAX_NOTES else []
        return following

    def end(self, number: int) -> None:
        """Add a page that is the end of the chain: pages that were requested with it still count, none is requested."""
        del self.pending[number]
        self._end = min(self._end, number)

    def continue_at(self, number: int, request: Request, records: int) -> None:
        """Begin with a later page; an earlier process had those before it, and so many records."""
        self.pending, self.page_count, self.record_count = {number: request}, number - 1, records
        self.last_sound_page, self._opening_page = number - 1, number
        self.requested = RequestedPages(number, request)

    @property
    def is_continued(self) -> bool:
        """Whether an earlier process had the pages before the one it began with."""
        return self._opening_page > 1

    def resume(self, request: Request) -> Chain:
        """Return a chain that requests the pending pages with the credentials of a new first request."""
        chain = copy(self)
        chain.locator = copy(self.locator)
        chain.requested = self.requested.copy()
        chain._totals, chain._duplicates = self._totals.copy(), self._duplicates.copy()  # noqa: SLF001 - an object of this class
        chain._notes = list(self._notes)  # noqa: SLF001 - as above
        chain.first = refresh_credentials(self.first, self.first, request)
        chain.pending = {
            number: refresh_credentials(pending, self.first, request) for number, pending in self.pending.items()
        }
        return chain

    def findings(self) -> list[str]:
        """Return what shows that the chain may be incomplete, in words.

        Examples
        --------
        >>> from pandas_async_io._core.models import Page, Request, Response
        >>> from pandas_async_io._core.workflow.paging.paginators.next_url import LinkHeader
        >>> chain = Chain(LinkHeader(), Request("http://e.com/"))
        >>> page = Page(chain.first, Response(200, {"X-Total-Count": "2"}, b"", ""), [{"id": 1}])
        >>> chain.add_page(1, page), chain.findings()
        ([], ['the API says 2 records, 1 came'])
        """
        found = [page_failure.describe_missing_pages(self.pending)] if self.pending else []
        if self._has_more and not self.pending and self.page_count >= self._max_pages:
            found.append(f"max_pages={self.page_count} was reached, and there are more")
        if self._last is not None and self._last[0] > self._end and self._last[2]:
            found.append(f"page {self._end:.0f} was taken for the end, and page {self._last[0]} came too")
        is_complete = not (self.pending or self._has_more)
        totals = self._totals.findings(records=self.record_count, pages=self.page_count, is_complete=is_complete)
        return [*found, *self._notes, *self._duplicates.findings(), *totals]

    def _check_page(self, number: int, page: Page, records: Sequence[Any]) -> None:
        """Look for a loop, and note the total."""
        self._totals.add(number, page, len(records), record_path=self.record_path or (), paginator=self.paginator)
        self._empty_pages = 0 if records else self._empty_pages + 1
        if self._empty_pages >= MAX_EMPTY_PAGES:
            raise ParseError(f"page loop: {MAX_EMPTY_PAGES} consecutive pages without a record")
        if records:
            self._duplicates.add(number, records, page.response.body, is_bounded=self._is_bounded)

    def _following_requests(self, number: int, page: Page, records: Sequence[Any]) -> list[Request]:
        if self.paginator is None or self._end < float("inf"):
            return []
        if number == self._opening_page:
            others = paginators.other_requests(self.paginator, ExtractedPage(page, records, self.record_count))
            if others:
                self._is_bounded = True
                return others
        if self.pending or self._last is None:
            return []
        # The last of the pages that were requested together shows whether there are more.
        _, page, records = self._last
        following = paginators.next_request(self.paginator, ExtractedPage(page, records, self.record_count))
        return [] if following is None else [following]

    def _request_pages(self, number: int, requests: list[Request]) -> list[tuple[int, Request]]:
        """Return the requests that follow a page with their numbers, and note them as pending."""
        sent = []
        for request in requests:
            new_number = self.requested.next_number
            if new_number > self._max_pages:
                self._has_more = True
                break
            allowed = complete_link(self.first, request, self._options.allow_hosts, self._options.credential_params)
            if (earlier := self.requested.add(allowed)) != new_number:
                url = redact_url(allowed.url)
                raise ParseError(f"page loop: the page after page {number} is page {earlier} again, {url}")
            self.pending[new_number] = allowed
            sent.append((new_number, allowed))
        return sent

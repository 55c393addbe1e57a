"""The pages of one row, from the first request to the last: what to ask for next, and whether all came.

The law of this file: a chain ends complete or loud. It never asks for the same
page twice, never leaves its origin unasked, and what a total, a repeated record
or a missing page says against it is found and told.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, ParseError, PlanError
from pandas_async_io._core.json_path import find_count
from pandas_async_io._core.request.query import refresh_params
from pandas_async_io._core.security.origins import is_same_origin, parse_origin
from pandas_async_io._core.security.secrets import redact_line, redact_url
from pandas_async_io._core.server_message import find_message
from pandas_async_io._core.words import format_count
from pandas_async_io._core.workflow.paging.detect.detect import choose_paginator
from pandas_async_io._core.workflow.paging.duplicates import DuplicateTracker
from pandas_async_io._core.workflow.paging.envelope import (
    find_record_path,
    find_total_path,
    is_single_record,
    page_records,
)
from pandas_async_io._core.workflow.paging.extracted_page import ExtractedPage, is_end
from pandas_async_io._core.workflow.paging.links import add_credential_params, restrict_to_origin
from pandas_async_io._core.workflow.paging.paginators import first_request, next_request, other_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.json_path import Path
    from pandas_async_io._core.models import Page, Request
    from pandas_async_io._core.workflow.paging.detect.detect import Detection
    from pandas_async_io._core.workflow.paging.paginators import Paginator

from pandas_async_io._core.workflow.paging.page_failure import describe_page_failure

MAX_EMPTY_PAGES = 1_000
"""So many pages without a record, one behind the other, are a loop."""

_NOT = object()


class Chain:
    """The pages of one row.

    Send `first`, give each page to `take` and send what it returns. Pages that
    are asked for at once may come in any order. The chain is `done` when nothing
    is `pending`; what failed stays there, to be sent again.

    Parameters
    ----------
    paginator : Paginator or None
        None is ``pages="auto"``: the first page decides.
    request : Request
        The row's.
    record_path : sequence of str, optional
        Of the records; found on the first page by default.
    allow_hosts : sequence of str
        Where links may lead besides the request's own origin; headers and body stay behind.
    max_pages : int, optional
        Pages to ask for at most.
    keys : sequence of str
        The query's parameters that hold credentials.

    Attributes
    ----------
    pending : dict of int to Request
        What was asked for and has not come, by the page's number.
    detected : Detected or None
        What the first page decided.
    pages : int
        Pages that came.
    seen : int
        Their records.
    columns : sequence of str
        Of the first page, if it is a table.
    sound : int
        The last page that came and repeats no other.
    broken : bool
        Whether a page came that is none, or leads nowhere: it is not pending, and no other makes up for it.

    Examples
    --------
    >>> from pandas_async_io._core.models import Page, Request, Response
    >>> from pandas_async_io._core.workflow.paging.next_url import NextUrl
    >>> chain = Chain(NextUrl("next"), Request("http://e.com/"))
    >>> page = Page(chain.first, Response(200, {}, b"", ""), {"items": [{"id": 1}], "next": "?page=2"})
    >>> [(number, request.url) for number, request in chain.take(1, page)]
    [(2, 'http://e.com/?page=2')]
    """

    def __init__(
        self,
        paginator: Paginator | None,
        request: Request,
        *,
        record_path: Sequence[str] | None = None,
        allow_hosts: Sequence[str] = (),
        max_pages: int | None = None,
        keys: Sequence[str] = (),
    ) -> None:
        self.paginator = paginator
        self.detected: Detection | None = None
        self.first = request if paginator is None else first_request(paginator, request)
        self.record_path = None if record_path is None else tuple(record_path)
        self.pending = {1: self.first}
        self.pages = self.seen = self.sound = 0
        self.columns: Sequence[str] = ()
        self._allow_hosts = allow_hosts
        self._keys = keys
        self._max_pages = max_pages or float("inf")
        self._more = self.broken = self._bounded = False
        self._asked = {_identity(self.first): 1}
        self._empty = 0
        self._totals: dict[int, int] = {}
        self._counted: Path | None = None
        self._page_counts = True
        self._last: tuple[int, Page, Sequence[Any]] | None = None
        self._said: dict[str, Any] = {}
        self._listed = False
        self._seen = DuplicateTracker()

    @property
    def done(self) -> bool:
        """Whether every page that was asked for has come."""
        return not self.pending

    def take(self, number: int, page: Page, parsed: Any = _NOT) -> list[tuple[int, Request]]:
        """Take one page and return the numbers and requests to send now.

        Parameters
        ----------
        parsed : object, optional
            What a function of the user's made of it: its records are counted only where the page's own cannot be.

        Raises
        ------
        ParseError
            If the chain runs in circles, or a page says that there is more and not where.
        UnsafeUrlError
            If the next page must not be asked for.
        PlanError
            If the scheme or the records are not found on the first page; it says what to pass.
        """
        if self.paginator is None and self.detected is None:
            self.detected = choose_paginator(page)
            self.paginator = self.detected.paginator
        records = self._records(page, parsed)
        if number == 1:
            self._listed = isinstance(page.payload, list)
            if isinstance(page.payload, dict):
                self._said = {name: said for name, said in page.payload.items() if not isinstance(said, dict | list)}
        del self.pending[number]
        self.pages += 1
        self.seen += len(records)
        if self._last is None or number > self._last[0]:
            self._last = number, page, records
        try:
            if self._listed and isinstance(page.payload, dict):
                said = redact_line(find_message(page.payload)) or "an object"
                raise ParseError(f"it is no list, as page 1 is: {said}")
            self._watch(number, page, records)
            self.sound = number
            return self._ask(number, self._following(number, page, records))
        except AttemptError as error:
            self._more = self.broken = True
            raise type(error)(describe_page_failure(number, str(error))) from error.__cause__

    def omits(self, number: int, held: Any) -> bool:
        """Whether a page leaves its empty list out: then it says nothing that the first page did not say."""
        if not isinstance(held, dict) or not held:
            return isinstance(held, dict)
        first = self._said if number > 1 else {}
        lacks = bool(self.record_path and self.record_path[0] not in held)
        return lacks and all(name in first and (is_end(text) or first[name] == text) for name, text in held.items())

    def _records(self, page: Page, parsed: Any) -> Sequence[Any]:
        if self.record_path is None:
            self.record_path = self._opened(page.payload, parsed=parsed is not _NOT)
        if parsed is not _NOT and (page.payload is None or self.record_path is None):
            return page_records(parsed, ())
        return page_records(page.payload, self.record_path or ())

    def _opened(self, payload: Any, *, parsed: bool) -> tuple[str, ...] | None:
        """Return where the records are, None if that can't be told; what is no page of many is a record itself."""
        try:
            path = find_record_path(payload)
        except PlanError:
            if parsed or self.paginator is None:
                return None if parsed else ()
            raise
        return () if self.paginator is None and is_single_record(payload, path) else path

    def again(self, request: Request) -> Chain:
        """Return a chain that asks for what is pending, with the credentials of another request for the first page."""
        chain = copy(self)
        chain._asked, chain._totals = dict(self._asked), dict(self._totals)  # noqa: SLF001 - it is one of us
        chain._seen = self._seen.twin()  # noqa: SLF001 - as above
        chain.first = replace(refresh_params(self.first, self.first, request), headers=request.headers)
        stale, home = self.first.headers, parse_origin(self.first.url)
        chain.pending = {}
        for number, asked in self.pending.items():
            own = {name: text for name, text in asked.headers.items() if stale.get(name) != text}
            fresh = replace(refresh_params(asked, self.first, request), headers={**request.headers, **own})
            # On another origin it has to go without.
            chain.pending[number] = fresh if is_same_origin(home, parse_origin(asked.url)) else asked
        return chain

    def findings(self) -> list[str]:
        """Return what speaks against the chain's being complete, in words.

        Examples
        --------
        >>> from pandas_async_io._core.models import Page, Request, Response
        >>> from pandas_async_io._core.workflow.paging.next_url import LinkHeader
        >>> chain = Chain(LinkHeader(), Request("http://e.com/"))
        >>> page = Page(chain.first, Response(200, {"X-Total-Count": "2"}, b"", ""), [{"id": 1}])
        >>> chain.take(1, page), chain.findings()
        ([], ['the API says 2 records, 1 came'])
        """
        found = []
        if self.pending:
            missing = sorted(self.pending)
            shown = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
            found.append(f"{'pages' if len(missing) > 1 else 'page'} {shown} did not come")
        if self._more and not self.pending and self.pages >= self._max_pages:
            found.append(f"max_pages={self.pages} was reached, and there are more")
        return [*found, *self._seen.findings(), *self._against_total()]

    def _against_total(self) -> list[str]:
        if not self._totals or (self._page_counts and self.pages > 1):
            return []  # what equals the length of each page counts that page
        first, last = self._totals[min(self._totals)], self._totals[max(self._totals)]
        if first != last:
            return [f"the API's total moved from {first} to {last}: records may be missing or come twice"]
        if self.pending or self._more or last == self.seen:
            return []
        return [f"the API says {format_count(last, 'record')}, {self.seen} came"]

    def _following(self, number: int, page: Page, records: Sequence[Any]) -> list[Request]:
        if self.paginator is None:
            return []
        if number == 1 and (others := other_requests(self.paginator, ExtractedPage(page, records, self.seen))):
            self._bounded = True
            return others
        if self.pending or self._last is None:
            return []
        _, page, records = self._last  # of those that were asked for at once, the last one says whether there are more
        following = next_request(self.paginator, ExtractedPage(page, records, self.seen))
        return [] if following is None else [following]

    def _ask(self, number: int, requests: list[Request]) -> list[tuple[int, Request]]:
        asked = []
        for request in requests:
            at = len(self._asked) + 1
            if at > self._max_pages:
                self._more = True
                break
            sent = add_credential_params(
                self.first, restrict_to_origin(self.first, request, self._allow_hosts), self._keys
            )
            before = self._asked.setdefault(_identity(sent), at)
            if before != at:
                url = redact_url(sent.url)
                raise ParseError(f"page loop: the page behind page {number} is page {before} again, {url}")
            self.pending[at] = sent
            asked.append((at, sent))
        return asked

    def _watch(self, number: int, page: Page, records: Sequence[Any]) -> None:
        """Look for what was there before, and note the totals."""
        if self._counted is None:
            own: Path | None = getattr(self.paginator, "count", None)
            self._counted = find_total_path(page, self.record_path or ()) if find_count(page, own) is None else own
        total = find_count(page, self._counted)
        if total is not None:
            self._totals[number] = total
            self._page_counts &= total == len(records)
        self._empty = 0 if records else self._empty + 1
        if self._empty >= MAX_EMPTY_PAGES:
            raise ParseError(f"page loop: {MAX_EMPTY_PAGES} pages without a record, one behind the other")
        if records:
            self._seen.add(number, records, page.response.body, bounded=self._bounded)


def _identity(request: Request) -> tuple[str, str, bytes | None, Any]:
    return request.method, request.url, request.body, frozenset(request.headers.items())

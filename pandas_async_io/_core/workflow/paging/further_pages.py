"""Whether the answers of a call without ``pages=`` have further pages, for a hint."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.security.secrets import redact_text
from pandas_async_io._core.workflow.paging.detect.detect import find_further_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._core.workflow.paging.records.record_locator import RecordLocator

_CHECKED_ANSWERS = 10
"""First answers that are looked at: those of one API are alike, and looking at one takes about 0.5 ms."""

_COMPARED_REQUESTS = 50
"""Requests that show whether the rows themselves choose the page."""


class FurtherPages:
    """Looks for further pages in the first answers of a call; the first one found is the last.

    Parameters
    ----------
    request_at : callable
        Takes a position and returns its request, without the client's headers.
    requests : int
        How many positions there are.
    locator : RecordLocator, optional
        Where the call's records are.

    Examples
    --------
    >>> requests = [Request("http://e.com/?q=a"), Request("http://e.com/?q=b")]
    >>> hint = FurtherPages(requests.__getitem__, 2)
    >>> hint.describe(0, Response(200, {}, b"", ""), {"items": [{"id": 1}], "next": "/?q=a&page=2"})
    "the answer has further pages ('next' holds a URL): pages='auto' reads them, pages=None keeps the first alone"
    >>> hint.is_done
    True
    """

    __slots__ = ("_answers_left", "_locator", "_request_at", "_requests")

    def __init__(
        self, request_at: Callable[[int], Request], requests: int, locator: RecordLocator | None = None
    ) -> None:
        self._request_at, self._requests, self._locator = request_at, requests, locator
        self._answers_left = _CHECKED_ANSWERS

    @property
    def is_done(self) -> bool:
        """Whether no other answer needs to be looked at."""
        return self._answers_left <= 0

    def describe(self, position: int, response: Response, payload: Any) -> str | None:
        """Return what to say about an answer that has further pages; None if it has none, or the rows choose them."""
        self._answers_left -= 1
        request = self._request_at(position)
        path, records = None, None
        if self._locator is not None and self._locator.path is not None:
            path = self._locator.path
            with suppress(ParseError):  # another answer may have other names, which is no error without pages
                records = self._locator.find_records(payload, has_paginator=True)
        found = find_further_page(Page(request, response, payload), path, records)
        if found is None:
            return None
        self._answers_left = 0
        if self._rows_choose_page(request, found.request):
            return None
        return (
            f"the answer has further pages ({redact_text(found.reason)}): pages='auto' reads them, "
            "pages=None keeps the first alone"
        )

    def _rows_choose_page(self, request: Request, following: Request) -> bool:
        """Whether the parameters that lead to the next page differ between the requests, as with ``{page}``."""
        own, after = _params(request), _params(following)
        names = [name for name, value in after.items() if own.get(name) != value]
        compared = [_params(self._request_at(at)) for at in range(min(self._requests, _COMPARED_REQUESTS))]
        return any(each.get(name) != compared[0].get(name) for name in names for each in compared)


def _params(request: Request) -> dict[Any, Any]:
    """Return the parameters of a request: those of the query, and the fields of a JSON body."""
    try:
        body = parse_json_body(request)
    except ParseError:
        body = None
    return {**dict(parse_qsl(request.url.partition("?")[2], keep_blank_values=True)), **(body or {})}

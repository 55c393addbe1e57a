"""Pages for the tests of paginators."""

from __future__ import annotations

from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.workflow.paging.paginators.extracted_page import ExtractedPage
from pandas_async_io._core.workflow.paging.paginators.paginators import next_request

URL = "http://e.com/u?a=1"
TEN = [{"id": number} for number in range(1, 11)]


def extracted(payload=None, *, headers=None, records=TEN, url=URL, body=None):
    """Return a page of ten records, the first ten of its chain."""
    request = Request(url, "GET" if body is None else "POST", body=body)
    return ExtractedPage(Page(request, Response(200, headers or {}, b"", url), payload), records, 10)


def next_url(paginator, page):
    """Return the URL of the next request, None at the end."""
    request = next_request(paginator, page)
    return None if request is None else request.url

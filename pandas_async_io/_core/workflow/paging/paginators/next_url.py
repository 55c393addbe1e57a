"""Paginators that follow a link to the next page: `LinkHeader` and `NextUrl`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Path, find_count
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.request.cell_values.cells import dump_json
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.workflow.paging.links import links
from pandas_async_io._core.workflow.paging.links.link_header import link_targets
from pandas_async_io._core.workflow.paging.links.url_sequence import (
    UrlSequence,
    find_last_value,
    find_sequence,
    requests_from,
)
from pandas_async_io._core.workflow.paging.paginators.extracted_page import MAX_PAGES_AT_ONCE, ExtractedPage, is_end
from pandas_async_io._core.workflow.paging.paginators.paginator_fields import check_fields, repr_fields

if TYPE_CHECKING:
    from pandas_async_io._core.models import Request


@explains_names
@dataclass(frozen=True, slots=True)
class LinkHeader:
    """The ``Link`` header's ``rel=next`` (RFC 8288): GitHub, Shopify, WordPress, json-server."""

    __repr__ = repr_fields

    def next(self, extracted: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        target = link_targets(extracted.page.response).get("next", "")
        return None if is_end(target) else links.follow_link(extracted.page, target)

    def rest(self, extracted: ExtractedPage) -> list[Request] | None:
        """Return the requests of all other pages; None if ``rel=last`` does not show how many there are."""
        targets = link_targets(extracted.page.response)
        if is_end(targets.get("next")) or not targets.get("last"):
            return None
        following = links.follow_link(extracted.page, targets["next"])
        last = links.follow_link(extracted.page, targets["last"])
        sequence = find_sequence(extracted.page.request.url, following.url)
        end = None if sequence is None else find_last_value(following.url, last.url, sequence)
        if sequence is None or end is None:
            return None
        return _bounded_requests(following, sequence, (end - sequence.value) // sequence.step + 1)


@explains_names
@dataclass(frozen=True, slots=True)
class NextUrl:
    """The next page's URL in the payload or in a header, absolute or relative: OData, DRF, HAL, STAC, Kinto.

    Parameters
    ----------
    path : path
        Where the URL is: a text, an object with ``href`` or ``url``, or a list of links with ``rel``.
    header : str, optional
        The header that holds the URL, in place of ``path``.
    count : path or header, optional
        Where the number of records is. Numbered pages are then requested at once.
    """

    path: Path | None = "next"
    header: str | None = None
    count: Path | None = None
    __repr__ = repr_fields

    def __post_init__(self) -> None:
        check_fields(self)
        if self.path is None and self.header is None:
            raise PlanError("NextUrl: pass path= or header=: it says where the URL is")

    def next(self, extracted: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        page = extracted.page
        link = page.response.header(self.header) if self.header else links.find_next_link(page.payload, self.path or ())
        target = links.link_url(link)
        if is_end(target):
            return None
        if not isinstance(target, str):
            raise ParseError(f"{self}: expected a URL, found {type(target).__name__}")
        request = links.follow_link(page, target)
        return _apply_link_method(request, link) if isinstance(link, dict) else request

    def rest(self, extracted: ExtractedPage) -> list[Request] | None:
        """Return the requests of all other pages; None without a count or make_numbered_requests pages."""
        count, following = find_count(extracted.page, self.count), self.next(extracted)
        if count is None or following is None or not extracted.records:
            return None
        sequence = find_sequence(extracted.page.request.url, following.url)
        length = len(extracted.records)
        if sequence is None or sequence.value != (2 if sequence.step == 1 else length):
            return None
        return _bounded_requests(following, sequence, math.ceil(count / length) - 1)


def _apply_link_method(request: Request, link: dict[str, Any]) -> Request:
    """Apply the ``method``, ``body`` and ``merge`` of a STAC search link. A link never turns a GET into a POST."""
    if request.method != "POST" or link.get("method") == "GET":
        return replace(request, method="GET", body=None) if request.method == "POST" else request
    body = link.get("body")
    if not isinstance(body, dict):
        return request
    return replace(request, body=dump_json({**parse_json_body(request), **body} if link.get("merge") else body))


def _bounded_requests(following: Request, sequence: UrlSequence, count: int) -> list[Request] | None:
    return requests_from(following, sequence, count) if count <= MAX_PAGES_AT_ONCE else None

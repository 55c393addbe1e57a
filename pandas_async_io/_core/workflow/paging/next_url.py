"""TODO."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Path, find_count
from pandas_async_io._core.request.cells import dump_json
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.workflow.paging.extracted_page import MAX_PAGES_AT_ONCE, ExtractedPage, is_end
from pandas_async_io._core.workflow.paging.link_header import link_targets
from pandas_async_io._core.workflow.paging.links import find_next_link, follow_link, link_url
from pandas_async_io._core.workflow.paging.paginator_fields import check_fields, repr_fields
from pandas_async_io._core.workflow.paging.url_sequence import UrlSequence, find_sequence, last_value, sequence_requests

if TYPE_CHECKING:
    from pandas_async_io._core.models import Request


@dataclass(frozen=True, slots=True)
class LinkHeader:
    """The ``Link`` header's ``rel=next`` (RFC 8288): GitHub, Shopify, WordPress, json-server."""

    __repr__ = repr_fields

    def next(self, opened: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        target = link_targets(opened.page.response).get("next", "")
        return None if is_end(target) else follow_link(opened.page, target)

    def rest(self, opened: ExtractedPage) -> list[Request] | None:
        """Return all other requests, if ``rel=last`` says how many there are."""
        links = link_targets(opened.page.response)
        if is_end(links.get("next")) or not links.get("last"):
            return None
        following, last = follow_link(opened.page, links["next"]), follow_link(opened.page, links["last"])
        way = find_sequence(opened.page.request.url, following.url)
        end = last_value(following.url, last.url, way) if way else None
        return _climb(following, way, (end - way.value) // way.step + 1) if way and end is not None else None


@dataclass(frozen=True, slots=True)
class NextUrl:
    """The next page's URL in the body or in a header, absolute or relative: OData, DRF, HAL, STAC, Kinto.

    Parameters
    ----------
    path : path
        Of the URL, of an object with ``href`` or ``url``, or of a list of links with ``rel``.
    header : str, optional
        Its header, in place of ``path``.
    count : path or header, optional
        Where the number of records is: pages that are numbered can then be asked for at once.
    """

    path: Path | None = "next"
    header: str | None = None
    count: Path | None = None
    __repr__ = repr_fields

    def __post_init__(self) -> None:
        check_fields(self)
        if self.path is None and self.header is None:
            raise PlanError("NextUrl: pass path= or header=, which says where the URL is")

    def next(self, opened: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        page = opened.page
        link = page.response.header(self.header) if self.header else find_next_link(page.payload, self.path or ())
        target = link_url(link)
        if is_end(target):
            return None
        if not isinstance(target, str):
            raise ParseError(f"{self}: there is no URL, but {type(target).__name__}")
        return _posted(follow_link(page, target), link) if isinstance(link, dict) else follow_link(page, target)

    def rest(self, opened: ExtractedPage) -> list[Request] | None:
        """Return all other requests, if there is a count and the pages are numbered."""
        count, following = find_count(opened.page, self.count), self.next(opened)
        if count is None or following is None or not opened.records:
            return None
        way = find_sequence(opened.page.request.url, following.url)
        length = len(opened.records)
        if way is None or way.value != (2 if way.step == 1 else length):
            return None
        return _climb(following, way, math.ceil(count / length) - 1)


def _posted(request: Request, link: dict[str, Any]) -> Request:
    """Heed what a link of a STAC search says of the next POST; no link turns a GET into one."""
    if request.method != "POST" or link.get("method") == "GET":
        return replace(request, method="GET", body=None) if request.method == "POST" else request
    body = link.get("body")
    if not isinstance(body, dict):
        return request
    return replace(request, body=dump_json({**parse_json_body(request), **body} if link.get("merge") else body))


def _climb(following: Request, way: UrlSequence, count: int) -> list[Request] | None:
    return sequence_requests(following, way, count) if count <= MAX_PAGES_AT_ONCE else None

"""Page → next request or None: one frozen value per way of paging.

The law of this file: a paginator has no memory. All it knows is the page in
its hand and how many records came before; where the reading is, the request
itself says. A server that says "there is more" and does not say where is an error.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Path, find, number_at, says_no
from pandas_async_io._core.models import Page, Request
from pandas_async_io._core.request.cells import dump_json
from pandas_async_io._core.request.query import json_body, param, with_params
from pandas_async_io._core.server_message import raised
from pandas_async_io._core.workflow.paging.links import (
    Steps,
    follow,
    ladder,
    last_of,
    links_of,
    next_link,
    steps,
    target_of,
)
from pandas_async_io._core.workflow.paging.opened import MOST, Opened, ended, shown
from pandas_async_io._core.workflow.paging.page_number import Offset, PageNumber
from pandas_async_io._core.workflow.paging.validate import checked

Own = Callable[[Page], Request | str | None]
"""A function of yours: the next request, its URL (absolute or relative), or None at the end."""


def as_paginator(value: Any, *, posted: bool = True) -> Paginator | None:
    """Return what the option ``pages`` says; None for "auto".

    Parameters
    ----------
    posted : bool
        Whether the requests have a JSON body.

    Raises
    ------
    PlanError
        If that is nothing that pages.

    Examples
    --------
    >>> as_paginator(LinkHeader())
    LinkHeader()
    """
    if isinstance(value, str) and value == "auto":
        return None
    if isinstance(value, type) or not (isinstance(value, KINDS) or callable(value)):
        raise PlanError(f"pages={value!r}: pass 'auto', a paginator as LinkHeader(), or a function of the page")
    if any(map(inspect.iscoroutinefunction, (value, getattr(value, "__call__", None)))):  # noqa: B004 - an object's own
        raise PlanError(f"pages={value!r} is an async function: pass a plain one, which returns the next request")
    if getattr(value, "body", False) and not posted:
        raise PlanError(f"pages={value!r} puts its parameter into a JSON body: pass method='POST' and json=")
    paginator: Paginator = value
    return paginator


def first_request(paginator: Paginator, request: Request) -> Request:
    """Return the request for the first page: the page's number and size are added where they are missing.

    Examples
    --------
    >>> first_request(PageNumber(size=("per_page", 100)), Request("http://e.com/?page=3")).url
    'http://e.com/?page=3&per_page=100'
    """
    if not isinstance(paginator, PageNumber | Offset):
        return request
    wanted = {paginator.param: paginator.start, **dict([paginator.size] if paginator.size else [])}
    missing = {k: v for k, v in wanted.items() if param(request, k, body=paginator.body) is None}
    return with_params(request, missing, body=paginator.body) if missing else request


def next_request(paginator: Paginator, opened: Opened) -> Request | None:
    """Return the request for the page behind this one, None at the end.

    Raises
    ------
    ParseError
        If the page says that there is more and not where.
    UnsafeUrlError
        If it says where, and that is no URL.
    """
    if isinstance(paginator, KINDS):
        return paginator.next(opened)
    try:
        found = paginator(opened.page)
    except Exception as exc:  # noqa: BLE001 - the user's own function; the other rows go on
        raise ParseError(raised("pages=", exc)) from None
    if found is None or isinstance(found, Request):
        return found
    if not isinstance(found, str):
        raise ParseError(f"the function in pages= returned a {type(found).__name__}: a Request, a URL or None is due")
    return None if ended(found) else follow(opened.page, found)


def other_requests(paginator: Paginator, opened: Opened) -> list[Request] | None:
    """Return the requests for all other pages, told by the first one; None if it does not tell.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> page = Page(Request("http://e.com/?page=1"), Response(200, {}, b"", ""), {"pages": 3})
    >>> [each.url for each in other_requests(PageNumber(total="pages"), Opened(page, [{}], 1))]
    ['http://e.com/?page=2', 'http://e.com/?page=3']
    """
    if not isinstance(paginator, LinkHeader | NextUrl | PageNumber | Offset):
        return None
    return paginator.rest(opened)


@dataclass(frozen=True, slots=True)
class LinkHeader:
    """The ``Link`` header's ``rel=next`` (RFC 8288): GitHub, Shopify, WordPress, json-server."""

    __repr__ = shown

    def next(self, opened: Opened) -> Request | None:
        """Return the next page's request."""
        target = links_of(opened.page.response).get("next", "")
        return None if ended(target) else follow(opened.page, target)

    def rest(self, opened: Opened) -> list[Request] | None:
        """Return all other requests, if ``rel=last`` says how many there are."""
        links = links_of(opened.page.response)
        if ended(links.get("next")) or not links.get("last"):
            return None
        following, last = follow(opened.page, links["next"]), follow(opened.page, links["last"])
        way = steps(opened.page.request.url, following.url)
        end = last_of(following.url, last.url, way) if way else None
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
    __repr__ = shown

    def __post_init__(self) -> None:
        checked(self)
        if self.path is None and self.header is None:
            raise PlanError("NextUrl: pass path= or header=, which says where the URL is")

    def next(self, opened: Opened) -> Request | None:
        """Return the next page's request."""
        page = opened.page
        link = page.response.header(self.header) if self.header else next_link(page.payload, self.path or ())
        target = target_of(link)
        if ended(target):
            return None
        if not isinstance(target, str):
            raise ParseError(f"{self}: there is no URL, but {type(target).__name__}")
        return _posted(follow(page, target), link) if isinstance(link, dict) else follow(page, target)

    def rest(self, opened: Opened) -> list[Request] | None:
        """Return all other requests, if there is a count and the pages are numbered."""
        count, following = number_at(opened.page, self.count), self.next(opened)
        if count is None or following is None or not opened.records:
            return None
        way = steps(opened.page.request.url, following.url)
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
    return replace(request, body=dump_json({**json_body(request), **body} if link.get("merge") else body))


@dataclass(frozen=True, slots=True)
class Cursor:
    """A token for the next page: Slack, Notion, Stripe, DynamoDB, Salesforce Bulk.

    Parameters
    ----------
    path : path, optional
        Of the token in the body; it may be an object.
    param : str
        The query parameter that takes it; with ``body`` a path in the JSON body.
    header : str, optional
        The header it is in, in place of ``path``.
    after : path, optional
        In place of ``path``: the field of the page's last record that is the token.
    more : path, optional
        Of the flag that says whether there is more.
    """

    path: Path | None = None
    param: str = "cursor"
    body: bool = False
    header: str | None = None
    after: Path | None = None
    more: Path | None = None
    __repr__ = shown

    def __post_init__(self) -> None:
        checked(self)
        if sum(each is not None for each in (self.path, self.header, self.after)) != 1:
            raise PlanError("Cursor: pass one of path=, header= or after=, which say where the token is")

    def next(self, opened: Opened) -> Request | None:
        """Return the next page's request."""
        page = opened.page
        more = None if self.more is None else find(page.payload, self.more)
        if self.more is not None and more is None and isinstance(page.payload, dict):
            raise ParseError(f"{self}: the page does not say whether there is more")
        if self.more is not None and (ended(more) or says_no(more)):
            return None
        if self.after is not None:
            token = find(opened.records[-1], self.after) if opened.records else None
        else:
            token = page.response.header(self.header) if self.header else find(page.payload, self.path or ())
        if ended(token):
            if more or (self.after is not None and opened.records):
                raise ParseError(f"the page says that there is more, and {self} finds no token on it")
            return None
        return with_params(page.request, {self.param: token}, body=self.body)


def _climb(following: Request, way: Steps, count: int) -> list[Request] | None:
    return ladder(following, way, count) if count <= MOST else None


@dataclass(frozen=True, slots=True)
class GraphQLCursor:
    """A connection's ``pageInfo { hasNextPage endCursor }``.

    Parameters
    ----------
    path : path
        Of the ``pageInfo`` in the answer, as ``"data.users.pageInfo"``.
    variable : str
        The query's variable that takes the cursor, as in ``users(after: $cursor)``.
    """

    path: Path
    variable: str = "cursor"
    __repr__ = shown

    def __post_init__(self) -> None:
        checked(self)

    def next(self, opened: Opened) -> Request | None:
        """Return the next page's request."""
        request = opened.page.request
        keys = self.path.split(".") if isinstance(self.path, str) else list(self.path)
        connection = find(opened.page.payload, keys[:-1])
        if connection is None and opened.seen > len(opened.records):
            raise ParseError(f"{self}: the answer has no connection, and the pages before had one")
        if connection is None:
            return None
        info = find(opened.page.payload, keys)
        if not isinstance(info, dict) or not {"hasNextPage", "endCursor"} <= info.keys():
            raise ParseError(f"{self}: the answer has none: ask for pageInfo {{ hasNextPage endCursor }}")
        if not info["hasNextPage"]:
            return None
        if ended(info["endCursor"]):
            raise ParseError(f"{self}: hasNextPage is true, and there is no endCursor")
        if not re.search(rf"\${re.escape(self.variable)}\b", str(json_body(request).get("query"))):
            raise ParseError(
                f"{self}: the query has no variable ${self.variable}: write users(after: ${self.variable})"
            )
        return with_params(request, {f"variables.{self.variable}": info["endCursor"]}, body=True)


KINDS = (LinkHeader, NextUrl, Cursor, PageNumber, Offset, GraphQLCursor)

Paginator = LinkHeader | NextUrl | Cursor | PageNumber | Offset | GraphQLCursor | Own

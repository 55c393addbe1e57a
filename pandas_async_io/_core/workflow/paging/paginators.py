"""Page → next request or None: one frozen value per way of paging.

The law of this file: a paginator has no memory. All it knows is the page in
its hand and how many records came before; where the reading is, the request
itself says. A server that says "there is more" and does not say where is an error.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import Page, Request
from pandas_async_io._core.request.query import get_param, set_params
from pandas_async_io._core.server_message import describe_exception
from pandas_async_io._core.workflow.paging.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.extracted_page import ExtractedPage, is_end
from pandas_async_io._core.workflow.paging.links import follow_link
from pandas_async_io._core.workflow.paging.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.page_number import Offset, PageNumber

PaginatorFunction = Callable[[Page], Request | str | None]
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
    if isinstance(value, type) or not (isinstance(value, PAGINATOR_TYPES) or callable(value)):
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
    missing = {k: v for k, v in wanted.items() if get_param(request, k, body=paginator.body) is None}
    return set_params(request, missing, body=paginator.body) if missing else request


def next_request(paginator: Paginator, opened: ExtractedPage) -> Request | None:
    """Return the request for the page behind this one, None at the end.

    Raises
    ------
    ParseError
        If the page says that there is more and not where.
    UnsafeUrlError
        If it says where, and that is no URL.
    """
    if isinstance(paginator, PAGINATOR_TYPES):
        return paginator.next(opened)
    try:
        found = paginator(opened.page)
    except Exception as exc:  # noqa: BLE001 - the user's own function; the other rows go on
        raise ParseError(describe_exception("pages=", exc)) from None
    if found is None or isinstance(found, Request):
        return found
    if not isinstance(found, str):
        raise ParseError(f"the function in pages= returned a {type(found).__name__}: a Request, a URL or None is due")
    return None if is_end(found) else follow_link(opened.page, found)


def other_requests(paginator: Paginator, opened: ExtractedPage) -> list[Request] | None:
    """Return the requests for all other pages, told by the first one; None if it does not tell.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> page = Page(Request("http://e.com/?page=1"), Response(200, {}, b"", ""), {"pages": 3})
    >>> [each.url for each in other_requests(PageNumber(total="pages"), ExtractedPage(page, [{}], 1))]
    ['http://e.com/?page=2', 'http://e.com/?page=3']
    """
    if not isinstance(paginator, LinkHeader | NextUrl | PageNumber | Offset):
        return None
    return paginator.rest(opened)


PAGINATOR_TYPES = (LinkHeader, NextUrl, Cursor, PageNumber, Offset, GraphQLCursor)

Paginator = LinkHeader | NextUrl | Cursor | PageNumber | Offset | GraphQLCursor | PaginatorFunction

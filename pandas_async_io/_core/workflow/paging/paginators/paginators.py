"""The option ``pages``: what it accepts, and a page's next request by any paginator.

Invariant: a paginator has no memory. It knows the page, its records and how many records came before;
the page's own request says how far the paging is. A page that announces more without saying where is
an error, never the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import Page, Request
from pandas_async_io._core.option_values import is_plain_function
from pandas_async_io._core.request.query import get_param, set_params
from pandas_async_io._core.server_message import describe_exception
from pandas_async_io._core.words import show_value
from pandas_async_io._core.workflow.paging.links.links import follow_link
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.paginators.extracted_page import ExtractedPage, is_end
from pandas_async_io._core.workflow.paging.paginators.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber

if TYPE_CHECKING:
    from pandas_async_io._core.json_path import Path

PaginatorFunction = Callable[[Page], Request | str | None]
"""A user's function: returns the next request, its URL (absolute or relative), or None at the end."""

PAGINATOR_TYPES = (LinkHeader, NextUrl, Cursor, PageNumber, Offset, GraphQLCursor)

Paginator = LinkHeader | NextUrl | Cursor | PageNumber | Offset | GraphQLCursor | PaginatorFunction


def as_paginator(value: Any, *, posted: bool = True) -> Paginator | None:
    """Return the paginator that the option ``pages`` holds; None for "auto".

    Parameters
    ----------
    posted : bool
        Whether the requests have a JSON body.

    Raises
    ------
    PlanError
        The value is not a paginator.

    Examples
    --------
    >>> as_paginator(LinkHeader())
    LinkHeader()
    """
    if isinstance(value, str) and value == "auto":
        return None
    if isinstance(value, type) or not (isinstance(value, PAGINATOR_TYPES) or callable(value)):
        raise PlanError(
            f"pages={show_value(value)}: pass 'auto', a paginator as LinkHeader(), or a function of the page"
        )
    if not isinstance(value, PAGINATOR_TYPES) and not is_plain_function(value):
        raise PlanError(
            f"pages={show_value(value)} is an async function: pass a plain one, which returns the next request"
        )
    if isinstance(value, PAGINATOR_TYPES) and getattr(value, "body", False) and not posted:
        raise PlanError(f"pages={value!r} puts its parameter into a JSON body: pass json=")
    paginator: Paginator = value
    return paginator


def first_request(paginator: Paginator, request: Request) -> Request:
    """Return the first page's request: the page's number and size are added where they are missing.

    Examples
    --------
    >>> first_request(PageNumber(size=("per_page", 100)), Request("http://e.com/?page=3")).url
    'http://e.com/?page=3&per_page=100'
    """
    if not isinstance(paginator, PageNumber | Offset):
        return request
    params = {paginator.param: paginator.start, **dict([paginator.size] if paginator.size else [])}
    missing = {k: v for k, v in params.items() if get_param(request, k, body=paginator.body) is None}
    return set_params(request, missing, body=paginator.body) if missing else request


def next_request(paginator: Paginator, extracted: ExtractedPage) -> Request | None:
    """Return the next page's request, None at the end.

    Raises
    ------
    ParseError
        The page says that there is more, but not where.
    UnsafeUrlError
        The page's link is not a URL.
    """
    if isinstance(paginator, PAGINATOR_TYPES):
        return paginator.next(extracted)
    try:
        following = paginator(extracted.page)
    except Exception as exc:  # noqa: BLE001 - the user's own function; the other rows go on
        raise ParseError(describe_exception("pages=", exc)) from None
    if following is None or isinstance(following, Request):
        return following
    if not isinstance(following, str):
        raise ParseError(
            f"the function in pages= returned a {type(following).__name__}: return a Request, a URL or None"
        )
    return None if is_end(following) else follow_link(extracted.page, following)


def other_requests(paginator: Paginator, extracted: ExtractedPage) -> list[Request] | None:
    """Return the requests of all other pages; None if the first page does not show them.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> page = Page(Request("http://e.com/?page=1"), Response(200, {}, b"", ""), {"pages": 3})
    >>> [each.url for each in other_requests(PageNumber(total_pages="pages"), ExtractedPage(page, [{}], 1))]
    ['http://e.com/?page=2', 'http://e.com/?page=3']
    """
    if not isinstance(paginator, LinkHeader | NextUrl | PageNumber | Offset):
        return None
    return paginator.rest(extracted)


def record_total_path(paginator: Paginator | None) -> Path | None:
    """Return where a paginator finds the number of records; None if it does not look for one.

    Examples
    --------
    >>> record_total_path(NextUrl(count="count")), record_total_path(Offset(total_records="total"))
    ('count', 'total')
    """
    if isinstance(paginator, PageNumber | Offset):
        return paginator.total_records
    return paginator.count if isinstance(paginator, NextUrl) else None

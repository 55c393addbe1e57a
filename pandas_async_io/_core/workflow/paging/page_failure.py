"""TODO."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.workflow.paging.page_number import Offset, PageNumber

if TYPE_CHECKING:
    from pandas_async_io._core.workflow.paging.paginators import Paginator

_EXPIRED_CURSOR_STATUSES = frozenset({400, 404, 410, 422})


def describe_page_failure(
    number: int, text: str, *, status: int | None = None, paginator: Paginator | None = None
) -> str:
    """Return what became of a page with its number; of a cursor that may have expired, what to do.

    Examples
    --------
    >>> describe_page_failure(3, "HTTP 500 Internal Server Error", status=500)
    'page 3: HTTP 500 Internal Server Error'
    >>> from pandas_async_io._core.workflow.paging.next_url import LinkHeader
    >>> describe_page_failure(3, "HTTP 410 Gone", status=410, paginator=LinkHeader())
    'page 3: HTTP 410 Gone (the cursor may have expired: retry_failed starts again from page 1)'
    """
    mark = f"page {number}: "
    note = " (the cursor may have expired: retry_failed starts again from page 1)"
    return (
        ("" if text.startswith(mark) else mark)
        + text
        + (note if may_be_expired_cursor(number, status, paginator) else "")
    )


def may_be_expired_cursor(number: int, status: int | None, paginator: Paginator | None) -> bool:
    """Whether a page may have failed because its cursor is no longer known; a link may hold one too.

    Examples
    --------
    >>> from pandas_async_io._core.workflow.paging.next_url import NextUrl
    >>> may_be_expired_cursor(3, 410, NextUrl()), may_be_expired_cursor(1, 410, NextUrl())
    (True, False)
    >>> may_be_expired_cursor(3, 410, PageNumber())
    False
    """
    return number > 1 and status in _EXPIRED_CURSOR_STATUSES and not isinstance(paginator, PageNumber | Offset)

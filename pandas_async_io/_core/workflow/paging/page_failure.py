"""The messages of pages that failed or did not come, and whether a cursor may have expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator

_MAX_LISTED_PAGES = 10

_EXPIRED_CURSOR_STATUSES = frozenset({400, 404, 410, 422})


def describe_page_failure(number: int, text: str, *, restart: str | None = None) -> str:
    """Return a failure's text with the page's number, and how to start again if its cursor may have expired.

    Examples
    --------
    >>> describe_page_failure(3, "HTTP 500 Internal Server Error")
    'page 3: HTTP 500 Internal Server Error'
    >>> describe_page_failure(3, "HTTP 410 Gone", restart="retry_failed starts again from page 1")
    'page 3: HTTP 410 Gone (the cursor may have expired: retry_failed starts again from page 1)'
    """
    prefix = "" if text.startswith(f"page {number}: ") else f"page {number}: "
    hint = f" (the cursor may have expired: {restart})" if restart else ""
    return prefix + text + hint


def describe_restart(first_url: str, *, is_kept: bool, is_in_parts: bool) -> str:
    """Return how to read the pages again from page 1, where the same call would find the same cursor.

    Parameters
    ----------
    first_url : str
        The URL of page 1.
    is_kept : bool
        Whether the pages before came from a store.
    is_in_parts : bool
        Whether an earlier process wrote them to a folder of parts.

    Examples
    --------
    >>> describe_restart("http://e.com/posts?q=a", is_kept=True, is_in_parts=False)
    "Store.forget('http://e.com/posts') removes the kept pages, then the same call starts again from page 1"
    """
    if is_in_parts:
        return "a new folder starts again from page 1"
    if is_kept:
        path = first_url.partition("?")[0]
        return f"Store.forget({path!r}) removes the kept pages, then the same call starts again from page 1"
    return "retry_failed starts again from page 1"


def describe_missing_pages(numbers: Iterable[int]) -> str:
    """Return which pages did not come.

    Examples
    --------
    >>> describe_missing_pages([3, 2])
    'pages 2, 3 did not come'
    """
    missing = sorted(numbers)
    listed = ", ".join(map(str, missing[:_MAX_LISTED_PAGES])) + (", …" * (len(missing) > _MAX_LISTED_PAGES))
    return f"{'pages' if len(missing) > 1 else 'page'} {listed} did not come"


def may_be_expired_cursor(number: int, status: int | None, paginator: Paginator | None) -> bool:
    """Whether a page may have failed because the server no longer knows its cursor. A link may hold one too.

    Examples
    --------
    >>> from pandas_async_io._core.workflow.paging.paginators.next_url import NextUrl
    >>> may_be_expired_cursor(3, 410, NextUrl()), may_be_expired_cursor(1, 410, NextUrl())
    (True, False)
    >>> may_be_expired_cursor(3, 410, PageNumber())
    False
    """
    return number > 1 and status in _EXPIRED_CURSOR_STATUSES and not isinstance(paginator, PageNumber | Offset)

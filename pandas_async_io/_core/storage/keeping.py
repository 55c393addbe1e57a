"""Which answers are kept, and for which requests a kept one is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.body.content_type import HTML_MEDIA_TYPES
from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.models import SAFE_METHODS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._core.models import Request, Response

_CHANGING_METHODS = frozenset({"PUT", "PATCH", "DELETE"})
"""Methods that change something, although PUT and DELETE may be repeated (RFC 9110, 9.2.2): a rerun sends them."""

_HTML_STARTS = (b"<!doctype html", b"<html")


def may_answer_from_store(method: str, *, retry_methods: Collection[str], repeatable: bool) -> bool:
    """Whether a kept answer stands for sending a request: it only reads, or the caller says that it may be repeated.

    Parameters
    ----------
    retry_methods : collection of str
        As in `Retry`.
    repeatable : bool
        As in `Policy`.

    Examples
    --------
    >>> methods = {"GET", "PUT", "POST"}
    >>> [may_answer_from_store(each, retry_methods=methods, repeatable=False) for each in ("GET", "POST", "PUT")]
    [True, True, False]
    >>> may_answer_from_store("POST", retry_methods={"GET"}, repeatable=False)
    False
    """
    return method in SAFE_METHODS or repeatable or (method in retry_methods and method not in _CHANGING_METHODS)


def is_worth_keeping(response: Response, error: AttemptError | None) -> bool:
    """Whether an answer that could not be read is kept: other options may read it.

    An answer that `error_when` calls an error is not kept, nor one that was cut, nor a login or error page in HTML.
    """
    if not 200 <= response.status < 300:
        return False
    if error is None:
        return True
    return isinstance(error, ParseError) and not error.transient and not _is_html(response)


def _is_html(response: Response) -> bool:
    media_type = (response.header("Content-Type") or "").partition(";")[0].strip().lower()
    return media_type in HTML_MEDIA_TYPES or response.body[:512].lstrip().lower().startswith(_HTML_STARTS)


def is_polled_again(request: Request, following: Iterable[Request]) -> bool:
    """Whether the same request follows its own answer: a poll of a job that still runs, whose answer is not kept."""
    return any(
        each.url == request.url and each.method == request.method and each.body == request.body for each in following
    )

"""The store of a call as an HTTP cache: which kept answers are taken, and which new ones are kept (RFC 9111)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pandas_async_io._core.models import SAFE_METHODS
from pandas_async_io._core.storage.cache_fields import CacheFields, read_cache_fields
from pandas_async_io._core.storage.freshness import (
    CACHED_METHODS,
    StoredAnswer,
    Use,
    asks_not_to_store,
    find_unmatched_vary,
    is_storable,
    judge_answer,
)
from pandas_async_io._core.storage.revalidation import (
    add_to_age,
    drop_unvalidated_fields,
    is_server_failure,
    is_validated,
    update_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pandas_async_io._core.models import Request, Response
    from pandas_async_io._core.policy.retries.retry import Stop
    from pandas_async_io._core.storage.usage import StoreUsage


class HttpCache:
    """Decides for one call, and counts.

    Parameters
    ----------
    is_ignored : callable
        As in `judge_answer`.
    usage : StoreUsage
        Counts answers that are not kept, validated, or taken although stale.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request, Response
    >>> from pandas_async_io._core.storage.usage import StoreUsage
    >>> cache, request = HttpCache(lambda name: False, StoreUsage("store")), Request("https://e.com")
    >>> response = Response(200, {"Cache-Control": "max-age=60"}, b"[]", request.url)
    >>> cache.may_keep(request, response)
    True
    >>> kept = StoredAnswer(response, fetched_at=0.0)
    >>> cache.judge(request, kept, now=9.0).response.headers["Age"], cache.judge(request, kept, now=60.0).is_fresh
    ('9', False)
    """

    __slots__ = ("_fields", "_headers", "_is_ignored", "_usage")

    def __init__(self, is_ignored: Callable[[str], bool], usage: StoreUsage) -> None:
        self._is_ignored, self._usage = is_ignored, usage
        self._headers: Mapping[str, str] | None = None
        self._fields = CacheFields()

    def may_take(self, method: str) -> bool:
        """Whether answers to a method are kept at all."""
        return method in CACHED_METHODS

    def may_keep(self, request: Request, response: Response) -> bool:
        """Whether a new answer may be kept."""
        fields = read_cache_fields(response.headers)
        self._usage.varying |= find_unmatched_vary(request, fields, self._is_ignored)
        storable = is_storable(request, response.status, fields, is_ignored=self._is_ignored)
        may_keep = storable and not asks_not_to_store(request) and not _is_redirected(request, response)
        self._usage.refused += not may_keep
        return may_keep

    def add_delay(self, response: Response, delay: float) -> Response:
        """Return a new answer as it is kept: its ``Age`` counts the seconds that it took to come (RFC 9111, 4.2.3)."""
        return add_to_age(response, delay)

    def judge(self, request: Request, kept: StoredAnswer, now: float) -> StoredAnswer | None:
        """Return a kept answer with its verdict, a fresh one as it is given; None if it cannot be used."""
        response, fetched_at, _ = kept
        fields, is_ignored = self._read(response.headers), self._is_ignored
        verdict = judge_answer(request, response.status, fields, fetched_at=fetched_at, now=now, is_ignored=is_ignored)
        if verdict.use is Use.NONE or _is_redirected(request, response):
            return None
        if verdict.use is Use.FRESH:
            response = self._give(response, now - fetched_at)
        return StoredAnswer(response, fetched_at, verdict)

    def update(self, stale: StoredAnswer, not_modified: Response, now: float) -> StoredAnswer | None:
        """Return a stale answer as a 304 updates it; None if the 304 is about another one."""
        if not is_validated(stale.response, not_modified):
            return None
        self._usage.validated += 1
        return StoredAnswer(update_answer(stale.response, not_modified), now)

    def take_stale(self, stale: StoredAnswer, stop: Stop, response: Response | None, now: float) -> StoredAnswer | None:
        """Return a stale answer as it is given in place of a failure; None if its server does not allow that."""
        if now >= stale.verdict.stale_until or not is_server_failure(stop, response):
            return None
        self._usage.stale += 1
        return StoredAnswer(self._give(stale.response, now - stale.fetched_at), stale.fetched_at)

    def is_changed(self, request: Request, response: Response) -> bool:
        """Whether a request changed what its URL answers: kept answers do not hold any more (RFC 9111, 4.4)."""
        return request.method not in SAFE_METHODS and response.status < 400

    def _give(self, response: Response, resident: float) -> Response:
        """Return a kept response as it is given without asking the server (RFC 9111, 4 and 5.2.2.4)."""
        headers = drop_unvalidated_fields(response.headers, self._read(response.headers))
        shown = response if headers is response.headers else replace(response, headers=headers)
        return add_to_age(shown, resident)

    def _read(self, headers: Mapping[str, str]) -> CacheFields:
        """Return what header fields say; answers that came in the same second often have the same."""
        if headers is not self._headers:
            self._headers, self._fields = headers, read_cache_fields(headers)
        return self._fields


def _is_redirected(request: Request, response: Response) -> bool:
    """Whether an answer is that of another URL: how long the redirect holds is not known (RFC 9110, 15.4)."""
    return response.url != request.url


def find_varying(request: Request, response: Response, ignored: Collection[str]) -> frozenset[str]:
    """Return the header fields of a request that ``Vary`` names although the store ignores them.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request, Response
    >>> request = Request("https://e.com", headers={"X-User": "ann"})
    >>> find_varying(request, Response(200, {"Vary": "Accept, X-User"}, b"", ""), ["X-USER"])
    frozenset({'x-user'})
    """
    return find_unmatched_vary(
        request, read_cache_fields(response.headers), {name.lower() for name in ignored}.__contains__
    )

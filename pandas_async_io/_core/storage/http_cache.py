"""The store of a call as an HTTP cache: which kept answers are taken, and which new ones are kept (RFC 9111)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pandas_async_io._core.storage.cache_fields import CacheFields, read_cache_fields
from pandas_async_io._core.storage.freshness import (
    CACHED_METHODS,
    StoredAnswer,
    Use,
    asks_not_to_store,
    is_storable,
    judge_answer,
)
from pandas_async_io._core.storage.revalidation import add_to_age, drop_unvalidated_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pandas_async_io._core.models import Request, Response


class HttpCache:
    """Decides for one call.

    Parameters
    ----------
    is_ignored : callable
        As in `judge_answer`.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request, Response
    >>> cache, request = HttpCache(lambda name: False), Request("https://e.com")
    >>> response = Response(200, {"Cache-Control": "max-age=60"}, b"[]", request.url)
    >>> cache.may_keep(request, response)
    True
    >>> kept = StoredAnswer(response, fetched_at=0.0)
    >>> cache.judge(request, kept, now=9.0).response.headers["Age"], cache.judge(request, kept, now=60.0).is_fresh
    ('9', False)
    """

    __slots__ = ("_fields", "_headers", "_is_ignored")

    def __init__(self, is_ignored: Callable[[str], bool]) -> None:
        self._is_ignored = is_ignored
        self._headers: Mapping[str, str] | None = None
        self._fields = CacheFields()

    def may_take(self, method: str) -> bool:
        """Whether answers to a method are kept at all."""
        return method in CACHED_METHODS

    def may_keep(self, request: Request, response: Response) -> bool:
        """Whether a new answer may be kept."""
        fields = read_cache_fields(response.headers)
        storable = is_storable(request, response.status, fields, is_ignored=self._is_ignored)
        return storable and not asks_not_to_store(request)

    def judge(self, request: Request, kept: StoredAnswer, now: float) -> StoredAnswer | None:
        """Return a kept answer as it is given, with what it is good for; None if it is good for nothing."""
        response, fetched_at, _ = kept
        fields = self._read(response.headers)
        verdict = judge_answer(
            request, response.status, fields, fetched_at=fetched_at, now=now, is_ignored=self._is_ignored
        )
        if verdict.use is Use.NONE:
            return None
        return StoredAnswer(
            self.unvalidated(response, now - fetched_at) if verdict.use is Use.FRESH else response, fetched_at, verdict
        )

    def unvalidated(self, response: Response, resident: float) -> Response:
        """Return a kept response as it is given without asking the server (RFC 9111, 4 and 5.2.2.4)."""
        headers = drop_unvalidated_fields(response.headers, self._read(response.headers))
        shown = response if headers is response.headers else replace(response, headers=headers)
        return add_to_age(shown, resident)

    def _read(self, headers: Mapping[str, str]) -> CacheFields:
        """Return what header fields say; answers that came in the same second often have the same."""
        if headers is not self._headers:
            self._headers, self._fields = headers, read_cache_fields(headers)
        return self._fields

"""Asking the server whether a kept answer still holds, and what its 304 changes (RFC 9111, 4.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from multidict import CIMultiDict, CIMultiDictProxy

from pandas_async_io._core.models import Outcome, Response
from pandas_async_io._core.storage.cache_fields import parse_age, read_cache_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.models import Request
    from pandas_async_io._core.policy.retries.retry import Stop
    from pandas_async_io._core.storage.cache_fields import CacheFields

_NOT_UPDATED = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Fields of a 304 that are about its connection, or about a body that was decoded when it came (RFC 9111, 3.1, 3.2)."""

_SERVER_ERRORS = frozenset({500, 502, 503, 504})
_UNANSWERED = frozenset({Outcome.TRANSPORT_ERROR, Outcome.TIMEOUT})


def make_conditional(request: Request, fields: CacheFields) -> Request | None:
    """Return a request that is answered 304 if a kept answer still holds; None if that has no validator.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> fields = read_cache_fields({"ETag": '"v1"'})
    >>> make_conditional(Request("https://e.com", headers={"Accept": "text/csv"}), fields).headers
    {'Accept': 'text/csv', 'If-None-Match': '"v1"'}
    """
    conditions: dict[str, str] = {}
    if fields.etag is not None:
        conditions["If-None-Match"] = fields.etag
    if fields.last_modified is not None and fields.last_modified_text is not None:
        conditions["If-Modified-Since"] = fields.last_modified_text
    return replace(request, headers={**request.headers, **conditions}) if conditions else None


def is_validated(kept: Response, not_modified: Response) -> bool:
    """Whether a 304 is about a kept answer (RFC 9111, 4.3.4): it came from the same URL, with no other validator.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> kept = Response(200, {"ETag": 'W/"1"'}, b"[]", "https://e.com/a")
    >>> [is_validated(kept, Response(304, {"ETag": etag}, b"", kept.url)) for etag in ('W/"1"', '"1"', '"2"')]
    [True, False, False]
    """
    if kept.url != not_modified.url:
        return False
    old, new = read_cache_fields(kept.headers), read_cache_fields(not_modified.headers)
    if new.etag is not None:
        is_strong = not new.etag.startswith("W/")
        return new.etag == old.etag or (not is_strong and old.etag is not None and new.etag[2:] == old.etag)
    return new.last_modified is None or old.last_modified is None or new.last_modified == old.last_modified


def update_answer(kept: Response, not_modified: Response) -> Response:
    """Return a kept answer with the header fields that a 304 brings (RFC 9111, 3.2); its ``Age`` is the 304's.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> kept = Response(200, {"ETag": '"1"', "Age": "9", "X-Kept": "a"}, b"[]", "https://e.com/a")
    >>> new = update_answer(kept, Response(304, {"ETag": '"1"', "Content-Length": "0", "Expires": "0"}, b"", ""))
    >>> new.status, dict(new.headers), new.body
    (200, {'X-Kept': 'a', 'ETag': '"1"', 'Expires': '0'}, b'[]')
    """
    fields = [(name, value) for name, value in not_modified.headers.items() if name.lower() not in _NOT_UPDATED]
    replaced = {name.lower() for name, _ in fields} | {"age"}
    unchanged = [(name, value) for name, value in kept.headers.items() if name.lower() not in replaced]
    return replace(kept, headers=CIMultiDictProxy(CIMultiDict([*unchanged, *fields])))


def add_to_age(response: Response, seconds: float) -> Response:
    """Return a response whose ``Age`` is some seconds higher (RFC 9111, 4.2.3 and 5.1); below a second it is the same.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> add_to_age(Response(200, {"Age": "5"}, b"", ""), 2.9).headers["Age"]
    '7'
    """
    if seconds < 1:
        return response
    headers = CIMultiDict(response.headers)
    headers["Age"] = str(int(parse_age(headers.get("Age", "")) + seconds))
    return Response(response.status, CIMultiDictProxy(headers), response.body, response.url, response.encoding)


def drop_unvalidated_fields(headers: Mapping[str, str], fields: CacheFields) -> Mapping[str, str]:
    """Return header fields without those that need validation: ``no-cache="…"`` (RFC 9111, 5.2.2.4).

    Examples
    --------
    >>> headers = {"Cache-Control": 'max-age=60, no-cache="x-user"', "X-User": "ann"}
    >>> dict(drop_unvalidated_fields(headers, read_cache_fields(headers)))
    {'Cache-Control': 'max-age=60, no-cache="x-user"'}
    """
    names = fields.fields_of("no-cache")
    if not names:
        return headers
    return CIMultiDictProxy(CIMultiDict([each for each in headers.items() if each[0].lower() not in names]))


def is_server_failure(stop: Stop, response: Response | None) -> bool:
    """Whether a stale answer may be given in place of a failure: stale-if-error (RFC 5861, 4).

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> from pandas_async_io._core.policy.retries.retry import Stop
    >>> stop = Stop(Outcome.HTTP_ERROR, "")
    >>> [is_server_failure(stop, Response(status, {}, b"", "")) for status in (503, 404)]
    [True, False]
    >>> is_server_failure(Stop(Outcome.TIMEOUT, ""), None), is_server_failure(Stop(Outcome.CANCELLED, ""), None)
    (True, False)
    """
    if response is not None:
        return stop.outcome is Outcome.HTTP_ERROR and response.status in _SERVER_ERRORS
    return stop.is_outage or stop.outcome in _UNANSWERED

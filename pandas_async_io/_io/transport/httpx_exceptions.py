"""Map exceptions of httpx and httpx2 to errors of this package; neither is imported.

Invariant: a message never quotes httpx, whose messages may repeat what was sent or received.
"""

from __future__ import annotations

import re
import ssl as tls
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.http import HttpProcessingError

from pandas_async_io._core.errors import TransportError, UnsafeUrlError
from pandas_async_io._core.request.head import split_target
from pandas_async_io._core.security.origins import parse_origin
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._io.transport.exceptions import make_proxy_error, map_connect_error, map_exception

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._io.transport.exceptions import SendState

_LIBRARIES = frozenset({"httpx", "httpx2"})
_STATUS = re.compile(r"\d{3}\b")


def map_httpx_exception(exc: Exception, url: str, state: SendState, *, timeout: float) -> AttemptError | None:
    """Return the error for an exception of a caller's httpx client, whatever code raised it."""
    kinds = _name_kinds(exc)
    if "ProxyError" in kinds:
        status = _STATUS.match(str(exc))
        return make_proxy_error(None, int(status[0]) if status else "no connection")
    if "ConnectError" in kinds:
        server = redact_url(split_target(url)[0])
        return map_connect_error(_find_cause(exc), parse_origin(url).host, server)
    if "LocalProtocolError" in kinds:
        return TransportError("the session made a request that is not valid HTTP", received=False)
    if kinds & {"InvalidURL", "UnsupportedProtocol"}:
        return UnsafeUrlError(f"{redact_url(url)!r} can't be sent: httpx refuses the URL")
    if "RemoteProtocolError" in kinds and "in location header" in str(exc):
        return UnsafeUrlError(f"the redirect of {redact_url(url)!r} leads to what is not a URL")
    return map_exception(_translate(exc, kinds), url, state, proxy=None, timeout=timeout, has_session=True)


def _translate(exc: Exception, kinds: set[str]) -> Exception:
    """Return what aiohttp or the operating system raises for the same failure."""
    if "TimeoutException" in kinds:
        return TimeoutError()
    if "NetworkError" in kinds:
        return _translate_loss(_find_cause(exc))
    if "RemoteProtocolError" not in kinds:
        return exc
    text = str(exc)
    if "without sending a response" in text:
        return aiohttp.ServerDisconnectedError()
    if "without sending complete message body" in text or "incomplete chunked read" in text:
        return aiohttp.ClientPayloadError()
    return HttpProcessingError(message=text)


def _translate_loss(cause: OSError) -> OSError:
    if not isinstance(cause, tls.SSLError):
        return cause
    lost = aiohttp.ClientOSError()
    lost.__cause__ = cause
    return lost


def find_response(exc: Exception) -> Any:
    """Return the response of a ``raise_for_status`` in an event hook; None for another exception."""
    return getattr(exc, "response", None) if "HTTPStatusError" in _name_kinds(exc) else None


def is_connection_loss(exc: Exception) -> bool:
    """Whether an exception says that an open connection failed."""
    return "NetworkError" in _name_kinds(exc)


def _name_kinds(exc: Exception) -> set[str]:
    """Return the names of an exception's classes that are httpx's or httpx2's."""
    return {each.__name__ for each in type(exc).__mro__ if each.__module__.partition(".")[0] in _LIBRARIES}


def _find_cause(exc: BaseException) -> OSError:
    """Return the error of the operating system or of TLS behind an exception."""
    causes = [each for each in _walk_causes(exc) if isinstance(each, OSError)]
    return next((each for each in reversed(causes) if each.errno is not None), ConnectionError())


def _walk_causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.exceptions[0] if isinstance(exc, BaseExceptionGroup) else exc.__cause__ or exc.__context__

"""Map exceptions of pyreqwest to errors of this package.

pyreqwest names its classes after the place of the failure, and calls an early close a failed connect; the texts of
the Rust libraries below it say what happened. Invariant: a message quotes these libraries, never the server.
"""

from __future__ import annotations

import errno
import os
import re

from pyreqwest.exceptions import DetailedPyreqwestError, PyreqwestError, RequestTimeoutError

from pandas_async_io._core.errors import (
    AttemptError,
    AttemptTimeoutError,
    DescriptorError,
    ProtocolError,
    StaleConnectionError,
    TransportError,
)
from pandas_async_io._core.request.head import split_target
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._io.transport.exceptions import CONNECT_SECONDS, NO_DESCRIPTOR_ERRNOS, SendState

_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_REFUSED_STREAM = "refused stream"
"""RFC 9113, 8.7: the server has not processed the request."""
_HTTP1_REQUIRED = "requires HTTP/1.1"
_SILENT = "keep-alive timed out"
"""A ping on the connection was not answered: the other side is gone."""
_PROTOCOL_FAULTS = ("error detected", "malformed", "invalid", "frame with")
"""What h2 and hyper say of bytes that are not HTTP."""


_LOSSES = {
    "connection reset": os.strerror(errno.ECONNRESET),
    "stream closed because of a broken pipe": "closed without an answer",
}
"""What h2 says of a connection that ended, in the words used for HTTP/1.1."""


def is_connect_failure(exc: BaseException) -> bool:
    """Whether no connection was made, so that nothing was sent."""
    return any("(Connect)" in cause for cause in _list_causes(exc))


def requires_http1(exc: BaseException) -> bool:
    """Whether the server has not processed the request because it wants it over HTTP/1.1 (RFC 9113, 7)."""
    return any(_HTTP1_REQUIRED in cause for cause in _list_causes(exc))


def map_http2_exception(
    exc: PyreqwestError, url: str, state: SendState, *, proxy: str | None, timeout: float
) -> AttemptError:
    """Return the error for an exception of pyreqwest that ended an attempt.

    Parameters
    ----------
    exc : PyreqwestError
        The exception.
    url : str
        URL of the request.
    state : SendState
        Whether the connection had answered another request before.
    proxy : str or None
        URL of the proxy, if one is used.
    timeout : float
        The attempt's timeout in seconds.
    """
    server = redact_url(split_target(url)[0])
    where = server if proxy is None else f"{server} through the proxy {redact_url(proxy)}"
    if is_connect_failure(exc):
        return _map_connect_failure(exc, where, timeout)
    reason = _describe(exc)
    if _REFUSED_STREAM in reason or _HTTP1_REQUIRED in reason:
        return TransportError(f"{where} refused the request: {reason}", transient=True, received=False)
    if any(each in reason for each in _PROTOCOL_FAULTS):
        return ProtocolError(f"{where} did not answer in HTTP/2: {reason}", transient=True)
    if "error received" in reason:
        return TransportError(f"{where} ended the request: {reason}", transient=True)
    if isinstance(exc, RequestTimeoutError) and _SILENT not in _list_causes(exc):
        return AttemptTimeoutError(f"no complete answer from {where} within {timeout:g} s", transient=True)
    return _map_connection_loss(exc, url, where, state)


def _map_connection_loss(exc: PyreqwestError, url: str, where: str, state: SendState) -> TransportError:
    if any("reading a body" in cause for cause in _list_causes(exc)):
        return TransportError(f"the body from {redact_url(url)} was cut off", transient=True)
    kind = StaleConnectionError if state.reused else TransportError
    return kind(f"the connection to {where} was lost before the answer was complete: {_describe(exc)}", transient=True)


def _map_connect_failure(exc: PyreqwestError, where: str, timeout: float) -> AttemptError:
    if isinstance(exc, RequestTimeoutError):
        seconds = min(CONNECT_SECONDS, timeout)
        return AttemptTimeoutError(f"no connection to {where} within {seconds:g} s", transient=True, received=False)
    reason, number = _describe(exc), _find_errno(exc)
    if "certificate" in reason or "tls" in reason.lower():
        return TransportError(f"no trusted TLS connection to {where}: {reason}", received=False)
    kind = DescriptorError if number in NO_DESCRIPTOR_ERRNOS else TransportError
    return kind(f"no connection to {where}: {reason}", transient=True, received=False)


def _describe(exc: BaseException) -> str:
    """Return the innermost cause, without the debug data of a server in parentheses."""
    number = _find_errno(exc)
    if number:
        return os.strerror(number)
    causes = _list_causes(exc)
    if _SILENT in causes:
        return "it does not answer any more"
    if causes and causes[-1] in _LOSSES:
        return _LOSSES[causes[-1]]
    return causes[-1].partition(" (")[0][:200] if causes else type(exc).__name__


def _find_errno(exc: BaseException) -> int:
    found = [_OS_ERROR.search(cause) for cause in _list_causes(exc)]
    return next((int(each[1]) for each in reversed(found) if each is not None), 0)


def _list_causes(exc: BaseException) -> list[str]:
    causes = exc.details["causes"] if isinstance(exc, DetailedPyreqwestError) else None
    return [str(each["message"]) for each in causes or ()]

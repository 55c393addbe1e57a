"""What aiohttp, asyncio and the operating system raise, as our own errors: one place for all of it.

The law of this file: a message names what, where and what to do. It takes the
words of the operating system and of OpenSSL, never aiohttp's, which repeat
the request with its credentials.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl as tls
from dataclasses import dataclass

import aiohttp
from aiohttp.http import HttpProcessingError

from pandas_async_io._core.errors import (
    AttemptError,
    AttemptTimeoutError,
    DescriptorError,
    ProtocolError,
    TransportError,
    UnsafeUrlError,
)
from pandas_async_io._core.request.head import split_target
from pandas_async_io._core.security.secrets import redact_text, redact_url

CONNECT_SECONDS = 10.0
"""The share of an attempt's timeout that connecting may take: DNS, TCP and TLS."""

_UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_SPENT = {errno.EMFILE, errno.ENFILE}
_QUOTED = re.compile(r":?\s*(?:b?['\"]|\n)")
"""Where the parser's message begins to repeat what the server sent."""


@dataclass(slots=True)
class Sent:
    """Whether anything of a request may have left this machine; turns true once."""

    some: bool = False


class PrivateAddressError(OSError):
    """The address that would be connected to is not a public one."""


def mishap(  # noqa: PLR0911 - one line for each kind is the table that a reader looks for
    exc: Exception, url: str, sent: Sent, *, proxy: str | None, timeout: float
) -> AttemptError | None:
    """Return our error for what ended an attempt, or None if that is no fault of the network's.

    Parameters
    ----------
    exc : Exception
        What was raised.
    url : str
        Of the request.
    sent : Sent
        Whether the server may have received it.
    proxy : str or None
        Through which it went.
    timeout : float
        Seconds that the attempt had.
    """
    server = redact_url(split_target(url)[0])
    if isinstance(exc, TimeoutError):
        where = _through(server, proxy)
        if sent.some:
            return AttemptTimeoutError(f"no complete answer from {where} within {timeout:g} s", transient=True)
        return AttemptTimeoutError(
            f"no connection to {where} within {min(CONNECT_SECONDS, timeout):g} s", transient=True, received=False
        )
    if isinstance(exc, aiohttp.ClientHttpProxyError):
        return proxy_error(proxy, exc.status)
    if isinstance(exc, aiohttp.ClientProxyConnectionError):
        return proxy_error(proxy, _reason(exc))
    if isinstance(exc, aiohttp.ClientConnectorError):
        return _no_connection(exc, server)
    if isinstance(exc, aiohttp.ServerFingerprintMismatch):
        return TransportError(f"{server} shows another certificate than the pinned one", received=False)
    if isinstance(exc, aiohttp.ClientPayloadError):
        return TransportError(f"the body from {redact_url(url)} was cut off", transient=True)
    if isinstance(exc, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError | UnicodeError):
        return UnsafeUrlError(f"{redact_url(url)!r} can't be sent: there can be no such host")
    if not isinstance(exc, aiohttp.ClientError | HttpProcessingError | OSError):
        return None
    return lost(exc, server, sent, proxy)


def lost(exc: Exception, server: str, sent: Sent, proxy: str | None) -> TransportError:
    """Return the error of a connection that was made, and then failed or carried something else than HTTP."""
    if proxy is not None and not sent.some:
        return proxy_error(proxy, _reason(exc))
    where = _through(server, proxy)
    if isinstance(exc, aiohttp.ClientResponseError | HttpProcessingError):
        said = _QUOTED.split(exc.message, maxsplit=1)[0]
        return ProtocolError(f"{where} did not answer in HTTP: {redact_text(said)[:200]}", transient=True)
    if isinstance(exc.__cause__, tls.SSLError):  # an alert that comes after the handshake: TLS 1.3 asks later
        return TransportError(f"{server} ended the TLS connection: {_reason(exc.__cause__)}")
    return TransportError(
        f"the connection to {where} was lost before the answer was complete: {_reason(exc)}", transient=True
    )


def _through(server: str, proxy: str | None) -> str:
    return server if proxy is None else f"{server} through the proxy {redact_url(proxy)}"


def proxy_error(proxy: str | None, reason: str | int) -> TransportError:
    """Return the error of a proxy that does not do its work; a status below 500 says that it never will."""
    name = "of the session" if proxy is None else redact_url(proxy)
    if isinstance(reason, int):
        said = "asks for other credentials (407)" if reason == 407 else f"refuses with status {reason}"
        return TransportError(f"the proxy {name} {said}", transient=reason >= 500, received=False)
    return TransportError(f"the proxy {name} failed: {reason}", transient=True, received=False)


def _no_connection(exc: aiohttp.ClientConnectorError, server: str) -> AttemptError:
    cause = exc.os_error
    if isinstance(cause, PrivateAddressError):
        return UnsafeUrlError(f"{exc.host} is the private address {cause.args[0]}, and block_private is on")
    if isinstance(cause, socket.gaierror):
        known = cause.errno in _UNKNOWN_NAME
        hint = "is the host spelt right?" if known else "the name server did not answer"
        return TransportError(f"{exc.host} does not resolve: {hint}", transient=not known, received=False)
    if isinstance(cause, tls.SSLError):
        return TransportError(f"no trusted TLS connection to {server}: {_reason(exc)}", received=False)
    kind = DescriptorError if cause.errno in _SPENT else TransportError
    return kind(f"no connection to {server}: {_reason(exc)}", transient=True, received=False)


def _reason(exc: BaseException) -> str:
    cause = getattr(exc, "certificate_error", None) or getattr(exc, "os_error", None) or exc
    if isinstance(cause, tls.SSLCertVerificationError):
        return cause.verify_message or "its certificate is not valid"
    if isinstance(cause, tls.SSLError):
        return (cause.reason or "no agreement").lower().replace("_", " ")
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno)
    if isinstance(cause, OSError) and cause.strerror:
        return redact_text(str(cause.strerror))[:200]
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return "closed without an answer"
    return type(cause).__name__

"""Map exceptions of aiohttp, asyncio and the operating system to errors of this package.

Invariant: a message says what happened, where, and what to do. It quotes the operating system and OpenSSL, never
aiohttp, whose messages repeat the request with its credentials.
"""

from __future__ import annotations

import errno
import math
import os
import re
import socket
import ssl as tls
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
from aiohttp.http import HttpProcessingError

from pandas_async_io._core.errors import (
    AttemptError,
    AttemptTimeoutError,
    DescriptorError,
    ProtocolError,
    SessionError,
    StaleConnectionError,
    TransportError,
    UnsafeUrlError,
)
from pandas_async_io._core.request.head import split_target
from pandas_async_io._core.security.secrets import redact_text, redact_url

CONNECT_SECONDS = 10.0
"""Seconds that connecting (DNS, TCP and TLS) may take, within the attempt's timeout."""

_UNKNOWN_AUTHORITY_CODES = frozenset({18, 19, 20, 21})
"""OpenSSL's X509_V_ERR codes for a certificate that no known authority has signed."""

_UNKNOWN_HOST_ERRNOS = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
NO_DESCRIPTOR_ERRNOS = {errno.EMFILE, errno.ENFILE}
"""The process, or the system, can open no more files."""
_PROXY_LIBRARIES = {"python_socks", "aiohttp_socks"}
_ECHOED_INPUT = re.compile(r":?\s*(?:(?:bytearray\()?(?<!\w)b?['\"]|\n)")
"""Where the message of aiohttp's parser begins to quote what the server sent."""

_REASONS_OF_PLAIN_HTTP = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
"""OpenSSL's reasons where a server without TLS answers the first message."""

_FIELD_LIMIT = re.compile(r"Got more than (\d+) bytes")
"""aiohttp's message for a header, or a status line, that is too long."""


@dataclass(slots=True)
class SendState:
    """How far the sending of a request has come.

    Attributes
    ----------
    started : bool
        Whether a part of the request may have left this machine.
    reused : bool
        Whether it was sent on a connection that had served another request, and no answer has begun.
    deadline : float
        When the attempt ends, on the event loop's clock.
    """

    started: bool = False
    reused: bool = False
    deadline: float = math.inf


class PrivateAddressError(OSError):
    """The address to connect to is not public."""


def map_exception(  # noqa: PLR0911 - one branch per kind of exception
    exc: Exception, url: str, state: SendState, *, proxy: str | None, timeout: float, has_session: bool = False
) -> AttemptError | None:
    """Return the error for an exception that ended an attempt; None for a programming error.

    Parameters
    ----------
    exc : Exception
        The exception.
    url : str
        URL of the request.
    state : SendState
        Whether the server may have received the request.
    proxy : str or None
        URL of the proxy, if one was used.
    timeout : float
        The attempt's timeout in seconds.
    has_session : bool
        Whether code of the caller's session may have raised: then no exception is a programming error of ours.
    """
    server = redact_url(split_target(url)[0])
    if isinstance(exc, TimeoutError):
        where = _describe_route(server, proxy)
        if state.started:
            return AttemptTimeoutError(f"no complete answer from {where} within {timeout:g} s", transient=True)
        text = f"no connection to {where} within {min(CONNECT_SECONDS, timeout):g} s"
        hint = "" if proxy is not None or has_session else _describe_unused_proxy(url)
        return AttemptTimeoutError(f"{text}{hint}", transient=True, received=False)
    if isinstance(exc, aiohttp.ClientHttpProxyError):
        return make_proxy_error(proxy, exc.status)
    if isinstance(exc, aiohttp.ClientProxyConnectionError):
        return make_proxy_error(proxy, _describe_cause(exc))
    if isinstance(exc, aiohttp.ClientConnectorError):
        return map_connect_error(exc.os_error, exc.host, server, "" if has_session else _describe_unused_proxy(url))
    if isinstance(exc, aiohttp.ServerFingerprintMismatch):
        return TransportError(f"{server} shows a certificate other than the pinned one", received=False)
    if isinstance(exc, aiohttp.ClientPayloadError):
        return TransportError(f"the body from {redact_url(url)} was cut off", transient=True)
    if isinstance(exc, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError | UnicodeError):
        return UnsafeUrlError(f"{redact_url(url)!r} can't be sent: its host is not valid")
    if not isinstance(exc, aiohttp.ClientError | HttpProcessingError | OSError):
        return _map_session_exception(exc, state) if has_session else None
    return map_connection_loss(exc, server, state, proxy)


def map_connection_loss(exc: Exception, server: str, state: SendState, proxy: str | None) -> TransportError:
    """Return the error for an established connection that failed or did not carry HTTP."""
    if proxy is not None and not state.started:
        return make_proxy_error(proxy, _describe_cause(exc))
    where = _describe_route(server, proxy)
    if isinstance(exc, aiohttp.ClientResponseError | HttpProcessingError):
        if (limit := _FIELD_LIMIT.search(exc.message)) is not None:
            return make_header_size_error(where, limit[1])
        problem = _ECHOED_INPUT.split(exc.message, maxsplit=1)[0]
        return ProtocolError(f"{where} did not answer in HTTP: {redact_text(problem)[:200]}", transient=True)
    if isinstance(exc.__cause__, tls.SSLError):  # TLS 1.3 asks for client certificates after the handshake
        return TransportError(f"{server} ended the TLS connection: {_describe_cause(exc.__cause__)}")
    kind = StaleConnectionError if state.reused and _is_before_first_byte(exc) else TransportError
    return kind(
        f"the connection to {where} was lost before the answer was complete: {_describe_cause(exc)}", transient=True
    )


def _is_before_first_byte(exc: Exception) -> bool:
    """Whether a connection ended before the first byte of an answer; a reset does not tell, and counts as such."""
    if isinstance(exc, aiohttp.ServerDisconnectedError):
        return isinstance(exc.message, str)  # otherwise the part of a head that aiohttp's parser has read
    return isinstance(exc, OSError)


def _map_session_exception(exc: Exception, state: SendState) -> AttemptError:
    """Return the error for an exception that code of the caller's session raised."""
    text = f"{type(exc).__name__}: {redact_text(str(exc))[:200]}".removesuffix(": ")
    if type(exc).__module__.partition(".")[0] in _PROXY_LIBRARIES:
        return TransportError(f"the proxy of the session failed: {text}", received=False)
    return SessionError(f"the session raised {text}", received=state.started)


def _describe_route(server: str, proxy: str | None) -> str:
    return server if proxy is None else f"{server} through the proxy {redact_url(proxy)}"


def make_proxy_error(proxy: str | None, reason: str | int) -> TransportError:
    """Return the error for a proxy that failed; a status below 500 makes the failure permanent."""
    name = "of the session" if proxy is None else redact_url(proxy)
    if isinstance(reason, int):
        answer = "asks for other credentials (407)" if reason == 407 else f"refuses with status {reason}"
        return TransportError(f"the proxy {name} {answer}", transient=reason >= 500, received=False)
    return TransportError(f"the proxy {name} failed: {reason}", transient=True, received=False)


def make_status_error(status: int, proxy: str | None) -> TransportError:
    """Return the error for a status that is no answer: 407 of a proxy, or one below 100 (RFC 9110, 15)."""
    if status == 407:
        return make_proxy_error(proxy, status)
    return ProtocolError(f"the server did not answer in HTTP: it sent the status {status:03}", transient=True)


def make_header_size_error(where: str, limit: int | str) -> ProtocolError:
    """Return the error for a header field, or a status line, that is too long."""
    remedy = "raise Client(max_field_size=...) if you want it"
    return ProtocolError(f"{where} sent a header of more than {limit} bytes: {remedy}", transient=True)


def _describe_unused_proxy(url: str) -> str:
    """Return a hint if the environment names a proxy for a URL: it is not read."""
    parts = urlsplit(url)
    proxies = getproxies_environment()
    scheme = next((each for each in (parts.scheme, "all") if each in proxies), None)
    if scheme is None or proxy_bypass(parts.hostname or ""):
        return ""
    return f" ({scheme.upper()}_PROXY is set, and is not read: pass Client(proxy=...) to use it)"


def map_connect_error(cause: OSError, host: str, server: str, proxy_hint: str = "") -> AttemptError:
    """Return the error for a connection that could not be opened."""
    if isinstance(cause, PrivateAddressError):
        return UnsafeUrlError(f"{host} has the private address {cause.args[0]}, and block_private is on")
    if isinstance(cause, socket.gaierror):
        known = cause.errno in _UNKNOWN_HOST_ERRNOS
        hint = "is the host spelt right?" if known else "the name server did not answer"
        return TransportError(f"{host} does not resolve: {hint}{proxy_hint}", transient=not known, received=False)
    if isinstance(cause, tls.SSLError):
        reason = _describe_cause(cause)
        if getattr(cause, "verify_code", 0) in _UNKNOWN_AUTHORITY_CODES:
            reason += " (if the server has an authority of its own, pass the path of its bundle: Client(ssl='ca.pem'))"
        return TransportError(f"no trusted TLS connection to {server}: {reason}", received=False)
    kind = DescriptorError if cause.errno in NO_DESCRIPTOR_ERRNOS else TransportError
    return kind(f"no connection to {server}: {_describe_cause(cause)}{proxy_hint}", transient=True, received=False)


def _describe_cause(exc: BaseException) -> str:
    cause = getattr(exc, "certificate_error", None) or getattr(exc, "os_error", None) or exc
    if isinstance(cause, tls.SSLCertVerificationError):
        return cause.verify_message or "its certificate is not valid"
    if isinstance(cause, tls.SSLError):
        reason = (cause.reason or "no agreement").lower().replace("_", " ")
        return f"{reason}: does it speak http://?" if cause.reason in _REASONS_OF_PLAIN_HTTP else reason
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno)
    if isinstance(cause, OSError) and cause.strerror:
        return redact_text(str(cause.strerror))[:200]
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return "closed without an answer"
    return type(cause).__name__

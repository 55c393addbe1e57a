"""Send one request and read its whole response. The only file that knows aiohttp's client.

The law of this file: an attempt ends within its timeout, reads at most
``max_body`` decoded bytes, is never repeated behind our back, and fails with
one of our own errors, in which no secret stands.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl as tls
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import aiohttp
from yarl import URL

from pandas_async_io._core.decompress import accept_encoding, decompress
from pandas_async_io._core.errors import (
    AttemptError,
    AttemptTimeoutError,
    BodyTooLargeError,
    ProtocolError,
    TransportError,
    UnsafeUrlError,
)
from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.safety import Origin, is_public, origin_of, redact_text, redact_url, redirect

CONNECT_SECONDS = 10.0
"""The share of an attempt's timeout that connecting may take: DNS, TCP and TLS."""

_USER_AGENT = "pandas-async-io"
_NO_RETRY_DNS = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


@dataclass(frozen=True, slots=True)
class Wire:
    """How a client speaks to the network.

    Attributes
    ----------
    max_body : int
        Decoded bytes of one body.
    follow : {"none", "same_origin", "any"}
        Where redirects may lead.
    allow_hosts : tuple of str
        Hosts beside the first one that redirects may lead to.
    block_private : bool
        Refuse to connect to addresses that are not global.
    proxy : str or None
        URL of a proxy.
    ssl : bool, SSLContext or None
        None and True verify; False does not.
    max_field_size : int
        Bytes of one response header.
    """

    max_body: int = 64 * 2**20
    follow: str = "same_origin"
    allow_hosts: tuple[str, ...] = ()
    block_private: bool = False
    proxy: str | None = None
    ssl: bool | tls.SSLContext | None = None
    max_field_size: int = 8190


class Transport:
    """One aiohttp session: made at first use on the running loop, or the caller's own.

    Parameters
    ----------
    wire : Wire
        How to speak.
    session : aiohttp.ClientSession, optional
        The caller's; it is never closed here.
    """

    def __init__(self, wire: Wire, session: aiohttp.ClientSession | None = None) -> None:
        self.wire = wire
        self._session = session
        self._owned = session is None
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - aiohttp keeps it, cheaper
        """Send a request, follow its redirects and return the answer.

        Parameters
        ----------
        timeout : float
            Seconds from the start of connecting to the last byte of the body.

        Raises
        ------
        AttemptError
            One of its subclasses, whatever went wrong.
        """
        response = await self._exchange(request, timeout)
        if not 300 <= response.status < 400:
            return response
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        wire, hops = self.wire, 0
        while True:
            onward = redirect(
                request,
                response.status,
                response.header("location"),
                follow=wire.follow,
                allow_hosts=wire.allow_hosts,
                hops=hops,
            )
            if onward is None:
                return response
            request, hops = onward, hops + 1
            response = await self._exchange(request, max(deadline - loop.time(), 0.001))

    async def _exchange(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as above
        session = self._session or self._open()
        wire = self.wire
        response: aiohttp.ClientResponse | None = None
        try:
            response = await session._request(  # noqa: SLF001 - session.request only wraps it (5 % of a request's cost)
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                timeout=self._timeout(timeout),
                auto_decompress=False,
                max_field_size=wire.max_field_size,
                middlewares=_ONCE,
                raise_for_status=False,
                **self._tunnel(),
            )
            if response.status == 407 and wire.proxy is not None:
                raise _proxy_error(wire.proxy, "it asks for credentials (407)")
            body = await _read(response, wire.max_body)
        except asyncio.CancelledError:
            _drop(response)
            raise
        except AttemptError:
            _drop(response)
            raise
        except Exception as exc:  # noqa: BLE001 - sorted, and raised again if it is no fault of the network's
            _drop(response)
            _translate(exc, request, timeout, wire)
        return Response(response.status, response.headers, body, request.url)

    def _open(self) -> aiohttp.ClientSession:
        wire = self.wire
        connector = aiohttp.TCPConnector(
            limit=0,  # the gate of `pacing` limits; a wait here would count against the attempt's timeout
            ssl=True if wire.ssl is None else wire.ssl,
            socket_factory=_public_socket if wire.block_private else None,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": accept_encoding(), "User-Agent": _USER_AGENT},
            trust_env=False,
        )
        return self._session

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get(seconds)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(total=seconds, connect=min(CONNECT_SECONDS, seconds))
            if len(self._timeouts) < 64:  # the rest of a redirect's time is a new number each time
                self._timeouts[seconds] = timeout
        return timeout

    def _tunnel(self) -> Mapping[str, Any]:
        return {} if self.wire.proxy is None else {"proxy": self.wire.proxy}

    async def close(self) -> None:
        """Close the session, if it is ours."""
        session = self._session
        if self._owned and session is not None:
            self._session = None
            await session.close()

    def abandon(self) -> None:
        """Let go of a parent process's session in its forked child: its sockets are the parent's."""
        if self._owned and self._session is not None:
            _ABANDONED.append(self._session)
            self._session = None


_ABANDONED: list[aiohttp.ClientSession] = []
"""Sessions of a parent process: closing one here would close it there."""


async def _send_once(
    request: aiohttp.ClientRequest,
    handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a request by itself on a reused connection that died."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise TransportError(_lost(exc, str(request.url)), passing=True) from None


_ONCE = (_send_once,)


async def _read(response: aiohttp.ClientResponse, max_body: int) -> bytes:
    """Read a body of at most ``max_body`` bytes, coded and decoded, and undo its content coding."""
    announced = response.content_length
    if announced is not None and announced > max_body and response.method != "HEAD":
        raise BodyTooLargeError(_too_large(announced, max_body))
    if announced is not None:
        raw = await response.content.read()
    else:
        chunks, size = [], 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > max_body:
                raise BodyTooLargeError(_too_large(size, max_body))
            chunks.append(chunk)
        raw = b"".join(chunks)
    return decompress(raw, response.headers.get("Content-Encoding"), max_body)


def _too_large(size: int, max_body: int) -> str:
    return f"the body holds {size} bytes or more, max_body is {max_body}: raise Client(max_body=...) if you want it"


def _drop(response: aiohttp.ClientResponse | None) -> None:
    """Close the connection of a response that was not read to its end."""
    if response is not None:
        response.close()


def _translate(exc: Exception, request: Request, timeout: float, wire: Wire) -> NoReturn:
    """Raise our error for aiohttp's, whose repr may print Authorization; let a programming error through."""
    where = redact_url(request.url)
    origin = origin_of(request.url)
    if isinstance(exc, aiohttp.ConnectionTimeoutError):
        seconds = min(CONNECT_SECONDS, timeout)
        raise AttemptTimeoutError(
            f"no connection to {origin} within {seconds:g} s", passing=True, received=False
        ) from None
    if isinstance(exc, TimeoutError):
        raise AttemptTimeoutError(f"no complete answer within {timeout:g} s", passing=True) from None
    if isinstance(exc, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError) and wire.proxy:
        raise _proxy_error(wire.proxy, _reason(exc)) from None
    if isinstance(exc, aiohttp.ClientConnectorError):
        raise _no_connection(exc, origin) from None
    if isinstance(exc, aiohttp.ClientResponseError):
        raise ProtocolError(
            f"{origin} did not answer in HTTP: {redact_text(exc.message)[:200]}", passing=True
        ) from None
    if isinstance(exc, aiohttp.ClientPayloadError):
        raise TransportError(f"the body from {where} was cut off", passing=True) from None
    if isinstance(exc, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        raise UnsafeUrlError(f"{where!r} can't be sent") from None
    if isinstance(exc, aiohttp.ClientError | OSError):
        raise TransportError(_lost(exc, where), passing=True) from None
    raise exc


def _no_connection(exc: aiohttp.ClientConnectorError, origin: Origin) -> AttemptError:
    cause = exc.os_error
    if isinstance(cause, _PrivateAddressError):
        return UnsafeUrlError(
            f"{origin.host} is the private address {cause.args[0]}, and block_private is on"
        )
    if isinstance(exc, aiohttp.ClientConnectorDNSError) or isinstance(cause, socket.gaierror):
        known = cause.errno in _NO_RETRY_DNS
        hint = "is the host spelt right?" if known else "the name server did not answer"
        return TransportError(f"{origin.host} does not resolve: {hint}", passing=not known, received=False)
    if isinstance(exc, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return TransportError(f"no trusted TLS connection to {origin}: {_reason(exc)}", received=False)
    if isinstance(exc, aiohttp.ServerFingerprintMismatch):
        return TransportError(f"{origin} shows another certificate than the pinned one", received=False)
    return TransportError(f"{origin} refuses the connection: {_reason(exc)}", passing=True, received=False)


def _proxy_error(proxy: str, reason: str) -> TransportError:
    return TransportError(f"the proxy {redact_url(proxy)} failed: {reason}", received=False)


def _lost(exc: Exception, url: str) -> str:
    return f"the connection to {origin_of(url)} was lost before the answer was complete: {_reason(exc)}"


def _reason(exc: BaseException) -> str:
    """Return what the operating system or OpenSSL says, never aiohttp's own text with its request in it."""
    cause = getattr(exc, "certificate_error", None) or getattr(exc, "os_error", None) or exc
    if isinstance(cause, tls.SSLCertVerificationError):
        return f"{cause.verify_message or 'certificate not valid'}"
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return f"status {cause.status}"
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno)
    if isinstance(cause, OSError) and cause.strerror:
        return redact_text(str(cause.strerror))[:200]
    return type(cause).__name__


class _PrivateAddressError(OSError):
    """The address that would be connected to is not a public one."""


def _public_socket(info: Any) -> socket.socket:
    """Make the socket for one address, unless that very address is private (DNS rebinding can't pass here)."""
    family, kind, proto, _, address = info
    if not is_public(address[0]):
        raise _PrivateAddressError(address[0])
    return socket.socket(family=family, type=kind, proto=proto)

"""Send one request and read its whole response.

Only this file and what it is made of (`connection`, `borrowed`, `mishap`) know
aiohttp's client.

The law of this file: an attempt ends within its timeout, reads at most
``max_body`` decoded bytes, is never repeated behind our back, and fails with
one of our own errors, in which no secret stands.

Our own requests go over aiohttp's connector and parser, without its session:
it would double an attempt's cost, and it hands a connection on that holds an
answer nobody asked for. Only a caller's session is used as it is, for its
cookies, middlewares and traces.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from pandas_async_io._core.body.content_coding import accept_encoding
from pandas_async_io._core.errors import AttemptError, PlanError, ProtocolError
from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.request.head import check_host, split_target, write_fields, write_head
from pandas_async_io._core.security.origins import is_same_origin, parse_origin
from pandas_async_io._core.security.redirects import follow_redirect
from pandas_async_io._io.transport.connection import CONNECT, Wire, drop, is_clean, open_connector, read
from pandas_async_io._io.transport.exceptions import Sent, mishap, proxy_error
from pandas_async_io._io.transport.session import send_through

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.connector import Connection

__all__ = ["Transport", "Wire"]

_DEFAULTS = {"Accept": "*/*", "Accept-Encoding": accept_encoding(), "User-Agent": "pandas-async-io"}
_SERVERS = 1024
"""Servers that are remembered."""

_UNCLEAN = 8
"""Connections in a row that speak unasked before we give up."""


class Transport:
    """The connections of one client: opened at first use on the running loop, or the caller's own session.

    Parameters
    ----------
    wire : Wire
        How to speak.
    session : aiohttp.ClientSession, optional
        The caller's; it is never closed here.

    Raises
    ------
    PlanError
        If private addresses are to be blocked on the caller's connector.
    """

    def __init__(self, wire: Wire, session: aiohttp.ClientSession | None = None) -> None:
        if session is not None and wire.block_private:
            raise PlanError("block_private can't be kept on your own session: its connector opens the connections")
        self.wire = wire
        self._session = session
        self._connector: aiohttp.BaseConnector | None = None
        self._servers: dict[str, _Server] = {}

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - a redirect shares it
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
        wire, session, hops = self.wire, self._session, 0
        sent = Sent()
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if session is None:
                        response = await self._send(request, sent)
                    else:
                        response = await send_through(session, request, wire, sent)
                    if not 300 <= response.status < 400:
                        return response
                    onward = follow_redirect(
                        request,
                        response.status,
                        response.header("location"),
                        follow=wire.follow,
                        allow_hosts=wire.allow_hosts,
                        hops=hops,
                    )
                    if onward is None:
                        return response
                    if session is not None and not is_same_origin(parse_origin(request.url), parse_origin(onward.url)):
                        session = None  # its headers and cookies stay behind; its connector does not
                    request, hops, sent = onward, hops + 1, Sent()
        except AttemptError:
            raise
        except Exception as exc:
            error = mishap(exc, request.url, sent, proxy=wire.proxy, timeout=timeout)
            if error is None:
                raise
        raise error  # outside: the context of an error is printed too, and aiohttp's hold the request's headers

    async def _send(self, request: Request, sent: Sent) -> Response:
        """Send over a connection of our own making."""
        wire = self.wire
        name, target = split_target(request.url)
        server = self._servers.get(name) or self._server(name)
        connection = await self._connect(server.known)
        try:
            head = server.head(request, target)
            protocol: Any = connection.protocol
            transport: asyncio.WriteTransport = protocol.transport
            protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                max_field_size=wire.max_field_size,
            )
            sent.some = True
            transport.write(head if request.body is None else head + request.body)
            message, content = await protocol.read()
            while message.code < 200 and message.code != 101:
                message, content = await protocol.read()
            if message.code == 407 and server.proxied:
                raise proxy_error(wire.proxy, 407)  # noqa: TRY301 - the connection is dropped, as for any error
            body = b"" if message.code == 101 else await read(message.headers, content, wire.max_body)
            if request.body is not None and transport.get_write_buffer_size():
                drop(connection)  # answered before all was sent: the rest would stand before the next request
        except BaseException:
            drop(connection)
            raise
        connection.release()
        return Response(message.code, message.headers, body, request.url)

    async def _connect(self, server: aiohttp.ClientRequest) -> Connection:
        """Return a clean connection; one that is not clean was in the pool too long."""
        connector = self._connector
        if connector is None:
            borrowed = None if self._session is None else self._session.connector
            connector = self._connector = borrowed or open_connector(self.wire)
        for _ in range(_UNCLEAN):
            connection = await connector.connect(server, [], CONNECT)
            if is_clean(connection):
                return connection
            drop(connection)
        raise ProtocolError(f"{server.url.origin()} speaks before it is asked", transient=True, received=False)

    def _server(self, name: str) -> _Server:
        check_host(parse_origin(name).host)
        wire = self.wire
        known = aiohttp.ClientRequest(
            "GET",
            URL(name),
            headers=_DEFAULTS,
            loop=asyncio.get_running_loop(),
            ssl=True if wire.ssl is None else wire.ssl,
            proxy=None if wire.proxy is None else URL(wire.proxy),
        )
        known.url = known.url.with_user(None)  # by now it is a header
        if len(self._servers) >= _SERVERS:
            self._servers.clear()
        server = self._servers[name] = _Server(known)
        return server

    async def close(self) -> None:
        """Close the connections, if they are ours."""
        connector, self._connector = self._connector, None
        if self._session is None and connector is not None:
            await connector.close()


class _Server:
    """What aiohttp's connector wants to know of a server, and what the requests to it have in common."""

    __slots__ = ("_fields", "_headers", "known", "proxied")

    def __init__(self, known: aiohttp.ClientRequest) -> None:
        self.known = known
        self.proxied = known.proxy is not None and not known.is_ssl()
        self._headers: Mapping[str, str] | None = None
        self._fields = ""

    def head(self, request: Request, target: str) -> bytes:
        """Write a request's head; the requests of a call mostly have their headers in common."""
        if request.headers is not self._headers:
            self._fields = write_fields(self.known.headers, request.headers)
            self._headers = request.headers
        if self.proxied:
            target = f"{self.known.url.origin()}{target}"
        return write_head(request.method, target, self._fields, None if request.body is None else len(request.body))

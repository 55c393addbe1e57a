"""Send one request and read its whole response.

Invariant: an attempt ends within its timeout, reads at most ``max_body`` decoded bytes, sends the request once per
redirect, and fails only with an `AttemptError`, which holds no secret.

Own connections use aiohttp's connector and parser without `aiohttp.ClientSession`: the session doubles the cost of an
attempt, repeats some requests itself, and reuses a connection on which a server sent unrequested data. A caller's
session is used as it is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from pandas_async_io._core.body.content_coding import accept_encoding
from pandas_async_io._core.errors import AttemptError, PlanError, ProtocolError
from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.request.head import split_target, write_fields, write_head
from pandas_async_io._core.security.addresses import check_host
from pandas_async_io._core.security.origins import is_same_origin, parse_origin
from pandas_async_io._core.security.redirects import follow_redirect
from pandas_async_io._io.transport.connection import (
    CONNECT_TIMEOUT,
    TransportOptions,
    abort_connection,
    is_clean,
    open_connector,
    read_body,
)
from pandas_async_io._io.transport.exceptions import SendState, make_proxy_error, map_exception
from pandas_async_io._io.transport.session import send_with_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.connector import Connection

_DEFAULT_HEADERS = {"Accept": "*/*", "Accept-Encoding": accept_encoding(), "User-Agent": "pandas-async-io"}

_MAX_ENDPOINTS = 1024
"""Cached endpoints; hosts may come from rows."""

_MAX_UNCLEAN_CONNECTIONS = 8
"""Unclean connections in a row after which the attempt fails."""


class Transport:
    """The connections of one client: its own, opened at first use on the running loop, or a caller's session.

    Parameters
    ----------
    options : TransportOptions
        How to use the network.
    session : aiohttp.ClientSession, optional
        The caller's; never closed here.

    Raises
    ------
    PlanError
        ``block_private`` with a caller's session.
    """

    def __init__(self, options: TransportOptions, session: aiohttp.ClientSession | None = None) -> None:
        if session is not None and options.block_private:
            raise PlanError("block_private can't be kept on your own session: its connector opens the connections")
        self.options = options
        self._session = session
        self._connector: aiohttp.BaseConnector | None = None
        self._endpoints: dict[str, _Endpoint] = {}

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - redirects share it
        """Send a request, follow its redirects and return the response.

        Parameters
        ----------
        timeout : float
            Seconds from the start of connecting to the last byte of the body, redirects included.

        Raises
        ------
        AttemptError
            The attempt failed.
        """
        options, session, hops = self.options, self._session, 0
        state = SendState()
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if session is None:
                        response = await self._send(request, state)
                    else:
                        response = await send_with_session(session, request, options, state)
                    if not 300 <= response.status < 400:
                        return response
                    redirected = follow_redirect(
                        request,
                        response.status,
                        response.header("location"),
                        follow=options.follow,
                        allow_hosts=options.allow_hosts,
                        hops=hops,
                    )
                    if redirected is None:
                        return response
                    origin = parse_origin(redirected.url)
                    if session is not None and not is_same_origin(parse_origin(request.url), origin):
                        session = None  # its headers and cookies must not go there; its connector is still used
                    request, hops, state = redirected, hops + 1, SendState()
        except AttemptError:
            raise
        except Exception as exc:
            error = map_exception(exc, request.url, state, proxy=options.proxy, timeout=timeout)
            if error is None:
                raise
        # Raised outside of `except`: a traceback prints the context too, and aiohttp's exceptions hold the headers.
        raise error

    async def _send(self, request: Request, state: SendState) -> Response:
        """Send over a connection of this transport's connector."""
        options = self.options
        name, target = split_target(request.url)
        endpoint = self._endpoints.get(name) or self._add_endpoint(name)
        connection = await self._connect(endpoint.connect_request)
        try:
            head = endpoint.write_head(request, target)
            protocol: Any = connection.protocol
            transport: asyncio.WriteTransport = protocol.transport
            protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                max_field_size=options.max_field_size,
            )
            state.started = True
            transport.write(head if request.body is None else head + request.body)
            message, content = await protocol.read()
            while message.code < 200 and message.code != 101:
                message, content = await protocol.read()
            if message.code == 407 and endpoint.uses_absolute_form:
                raise make_proxy_error(options.proxy, 407)  # noqa: TRY301 - aborts the connection, as for any error
            body = b"" if message.code == 101 else await read_body(message.headers, content, options.max_body)
            if request.body is not None and transport.get_write_buffer_size():
                abort_connection(connection)  # the unsent rest of the body would precede the next request
        except BaseException:
            abort_connection(connection)
            raise
        connection.release()
        return Response(message.code, message.headers, body, request.url)

    async def _connect(self, connect_request: aiohttp.ClientRequest) -> Connection:
        """Return a clean connection, from the pool or new."""
        connector = self._connector
        if connector is None:
            session_connector = None if self._session is None else self._session.connector
            connector = self._connector = session_connector or open_connector(self.options)
        for _ in range(_MAX_UNCLEAN_CONNECTIONS):
            connection = await connector.connect(connect_request, [], CONNECT_TIMEOUT)
            if is_clean(connection):
                return connection
            abort_connection(connection)
        raise ProtocolError(
            f"{connect_request.url.origin()} sent data before the request", transient=True, received=False
        )

    def _add_endpoint(self, name: str) -> _Endpoint:
        check_host(parse_origin(name).host)
        options = self.options
        connect_request = aiohttp.ClientRequest(
            "GET",
            URL(name),
            headers=_DEFAULT_HEADERS,
            loop=asyncio.get_running_loop(),
            ssl=True if options.ssl is None else options.ssl,
            proxy=None if options.proxy is None else URL(options.proxy),
        )
        connect_request.url = connect_request.url.with_user(None)  # aiohttp has made a header of it
        if len(self._endpoints) >= _MAX_ENDPOINTS:
            self._endpoints.clear()
        endpoint = self._endpoints[name] = _Endpoint(connect_request)
        return endpoint

    async def close(self) -> None:
        """Close the connections; a caller's session stays open."""
        connector, self._connector = self._connector, None
        if self._session is None and connector is not None:
            await connector.close()


class _Endpoint:
    """What requests to one origin and user share: the key of aiohttp's pool and the header lines.

    Attributes
    ----------
    connect_request : aiohttp.ClientRequest
        What aiohttp's connector connects for; never sent.
    uses_absolute_form : bool
        Whether a proxy expects the whole URL in the request line (RFC 9112, 3.2.2).
    """

    __slots__ = ("_field_lines", "_headers", "connect_request", "uses_absolute_form")

    def __init__(self, connect_request: aiohttp.ClientRequest) -> None:
        self.connect_request = connect_request
        self.uses_absolute_form = connect_request.proxy is not None and not connect_request.is_ssl()
        self._headers: Mapping[str, str] | None = None
        self._field_lines = ""

    def write_head(self, request: Request, target: str) -> bytes:
        """Write the head of a request; the header lines are kept while requests share one `headers` object."""
        if request.headers is not self._headers:
            self._field_lines = write_fields(self.connect_request.headers, request.headers)
            self._headers = request.headers
        if self.uses_absolute_form:
            target = f"{self.connect_request.url.origin()}{target}"
        length = None if request.body is None else len(request.body)
        return write_head(request.method, target, self._field_lines, length)

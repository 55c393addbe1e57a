"""Send one request and read its whole response.

Invariant: an attempt ends within its timeout, reads at most ``max_body`` decoded bytes, sends the request once per
redirect, and fails only with an `AttemptError`, which holds no secret.

Own connections use aiohttp's connector and parser without `aiohttp.ClientSession`: the session doubles the cost of an
attempt, repeats some requests itself, and reuses a connection on which a server sent unrequested data. A caller's
session is used as it is.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from pandas_async_io._core.errors import AttemptError, PlanError
from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.request.head import split_target
from pandas_async_io._core.security.origins import is_same_origin, parse_origin
from pandas_async_io._core.security.redirects import follow_redirect
from pandas_async_io._core.words import show_value
from pandas_async_io._io.transport.connection import (
    TransportOptions,
    abort_connection,
    connect,
    open_connector,
    read_body,
)
from pandas_async_io._io.transport.endpoint import Endpoint, open_endpoint
from pandas_async_io._io.transport.exceptions import (
    SendState,
    make_status_error,
    map_exception,
)
from pandas_async_io._io.transport.session import send_with_session

_MAX_ENDPOINTS = 1024
"""Cached endpoints; hosts may come from rows."""


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
        The session is none, or ``block_private`` is given with one or with a proxy, which open their own connections.
    """

    def __init__(self, options: TransportOptions, session: aiohttp.ClientSession | None = None) -> None:
        if session is not None and not isinstance(session, aiohttp.ClientSession):
            raise PlanError(f"session={show_value(session)} is not an aiohttp.ClientSession")
        if session is not None and options.block_private:
            raise PlanError("block_private can't be kept on your own session: its connector opens the connections")
        if options.proxy is not None and options.block_private:
            raise PlanError("block_private can't be kept through a proxy: the proxy opens the connections")
        self.options = options
        self._session = session
        self._connector: aiohttp.BaseConnector | None = None
        self._endpoints: dict[str, Endpoint] = {}

    async def send(
        self,
        request: Request,
        timeout: float,  # noqa: ASYNC109 - redirects share it
        *,
        new_connection: bool = False,
    ) -> Response:
        """Send a request, follow its redirects and return the response.

        Parameters
        ----------
        timeout : float
            Seconds from the start of connecting to the last byte of the body, redirects included.
        new_connection : bool
            Whether the request must not go over a kept connection, which may have ended.

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
                        response = await self._send(request, state, new_connection)
                    else:
                        response = await send_with_session(
                            session, request, options, state, new_connection=new_connection
                        )
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
            error = map_exception(
                exc, request.url, state, proxy=options.proxy, timeout=timeout, has_session=self._session is not None
            )
            if error is None:
                raise
        # Raised outside of `except`: a traceback prints the context too, and aiohttp's exceptions hold the headers.
        raise error

    async def _send(self, request: Request, state: SendState, new_connection: bool) -> Response:
        """Send over a connection of this transport's connector."""
        options = self.options
        name, target = split_target(request.url)
        endpoint = self._endpoints.get(name) or self._add_endpoint(name)
        connector = self._connector or self._open_connector()
        connection = await connect(connector, endpoint.connect_request, state, new=new_connection)
        message: Any = None
        protocol: Any = connection.protocol
        try:
            head = endpoint.write_head(request, target)
            transport: asyncio.WriteTransport = protocol.transport
            protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                max_line_size=options.max_field_size,
                max_field_size=options.max_field_size,
            )
            state.started = True
            transport.write(head if request.body is None else head + request.body)
            message, content = await protocol.read()
            while message.code < 200 and message.code != 101:
                if message.code < 100:
                    raise make_status_error(message.code, options.proxy)  # noqa: TRY301 - as below
                message, content = await protocol.read()
            if message.code == 407 and endpoint.uses_absolute_form:
                raise make_status_error(407, options.proxy)  # noqa: TRY301 - aborts the connection, as for any error
            body = b"" if message.code == 101 else await read_body(message.headers, content, protocol, options.max_body)
            if request.body is not None and transport.get_write_buffer_size():
                abort_connection(connection)  # the unsent rest of the body would precede the next request
        except BaseException:
            if message is not None:
                state.reused = False
            abort_connection(connection)
            raise
        connection.release()
        return Response(message.code, message.headers, body, request.url)

    def _open_connector(self) -> aiohttp.BaseConnector:
        session_connector = None if self._session is None else self._session.connector
        self._connector = session_connector or open_connector(self.options)
        return self._connector

    def _add_endpoint(self, name: str) -> Endpoint:
        endpoint = open_endpoint(name, self.options)
        if len(self._endpoints) >= _MAX_ENDPOINTS:
            self._endpoints.clear()
        self._endpoints[name] = endpoint
        return endpoint

    async def close(self) -> None:
        """Close the connections; a caller's session stays open."""
        connector, self._connector = self._connector, None
        if self._session is None and connector is not None:
            await connector.close()

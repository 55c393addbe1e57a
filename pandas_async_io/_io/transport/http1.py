"""Send a request over own connections: HTTP/1.1 with aiohttp's connector and parser.

`aiohttp.ClientSession` is not used: it doubles the cost of an attempt, repeats some requests itself, and reuses a
connection on which a server sent unrequested data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.request.head import split_target
from pandas_async_io._io.transport.connection import (
    TransportOptions,
    connect,
    open_connector,
    read_body,
)
from pandas_async_io._io.transport.endpoint import Endpoint, open_endpoint
from pandas_async_io._io.transport.exceptions import SendState, make_status_error, map_exception
from pandas_async_io._io.transport.kept_connections import Http1Connection

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiohttp

    from pandas_async_io._core.errors import AttemptError

_MAX_ENDPOINTS = 1024
"""Cached endpoints; hosts may come from rows."""


class Http1Sender:
    """Connections of one client, opened at first use on the running loop.

    Parameters
    ----------
    options : TransportOptions
        How to use the network.
    connector : aiohttp.BaseConnector, optional
        A caller's, which is used and never closed.
    """

    def __init__(self, options: TransportOptions, connector: aiohttp.BaseConnector | None = None) -> None:
        self.options = options
        self._callers_connector = connector
        self._connector: aiohttp.BaseConnector | None = None
        self._endpoints: dict[str, Endpoint] = {}

    def for_other_origin(self) -> Http1Sender:
        """Return itself: it holds no credentials."""
        return self

    def map_exception(self, exc: Exception, url: str, state: SendState, timeout: float) -> AttemptError | None:
        """Return the error for an exception of `send`; None for a programming error."""
        return map_exception(exc, url, state, proxy=self.options.proxy, timeout=timeout)

    async def send(self, request: Request, state: SendState, *, new_connection: bool) -> Response:
        """Send a request once and return its response, which may be a redirect."""
        options = self.options
        name, target = split_target(request.url)
        endpoint = self._endpoints.get(name) or self._add_endpoint(name)
        connector = self._connector or self._open_connector()
        if new_connection:
            endpoint.connections.close_idle()
        connection = endpoint.connections.take()
        if connection is None:
            connected = await connect(connector, endpoint.connect_request, state, new=new_connection)
            connection = Http1Connection(connected, options.max_field_size)
        else:
            state.reused = True
        message: Any = None
        protocol = connection.protocol
        try:
            head = endpoint.write_head(request, target)
            transport = connection.expect_response(skips_body=request.method == "HEAD")
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
                connection.abort()  # the unsent rest of the body would precede the next request
        except BaseException:
            if message is not None:
                state.reused = False
            connection.abort()
            raise
        if self._callers_connector is None:
            endpoint.connections.put(connection)
        else:
            connection.release()
        return Response(message.code, message.headers, body, request.url)

    def _open_connector(self) -> aiohttp.BaseConnector:
        self._connector = self._callers_connector or open_connector(self.options)
        return self._connector

    def _add_endpoint(self, name: str) -> Endpoint:
        endpoint = open_endpoint(name, self.options)
        if len(self._endpoints) >= _MAX_ENDPOINTS:
            _close_endpoints(self._endpoints)
            self._endpoints.clear()
        self._endpoints[name] = endpoint
        return endpoint

    async def close(self) -> None:
        """Close the connections; a caller's connector stays open."""
        connector, self._connector = self._connector, None
        endpoints, self._endpoints = self._endpoints, {}
        if self._callers_connector is None and connector is not None:
            await connector.close()  # closes the connections that are in use too, and waits for it
        _close_endpoints(endpoints)


def _close_endpoints(endpoints: Mapping[str, Endpoint]) -> None:
    for endpoint in endpoints.values():
        endpoint.connections.close()

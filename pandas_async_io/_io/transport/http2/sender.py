"""Send a request over HTTP/2: all requests to an origin share one connection.

Invariant: what HTTP/2 cannot carry unchanged goes over HTTP/1.1, as does all to an origin that does not offer
HTTP/2: a request without TLS, with a header ``Host``, or with a URL that pyreqwest would rewrite.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pyreqwest.exceptions import PyreqwestError
from pyreqwest.http import Url

from pandas_async_io._core.request.head import check_request_line, split_target
from pandas_async_io._core.security.origins import parse_origin
from pandas_async_io._io.transport.connection import open_connector
from pandas_async_io._io.transport.endpoint import open_endpoint
from pandas_async_io._io.transport.http1 import Http1Sender
from pandas_async_io._io.transport.http2.endpoint import Endpoint, Pin, configure_client
from pandas_async_io._io.transport.http2.exceptions import is_connect_failure, map_http2_exception, requires_http1
from pandas_async_io._io.transport.http2.probe import Http2Support, open_alpn_context, probe_origin
from pandas_async_io._io.transport.http2.response import read_response

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp
    from pyreqwest.client import Client
    from pyreqwest.http import HeaderMap
    from pyreqwest.request import StreamRequest

    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._core.models import Request, Response
    from pandas_async_io._core.security.origins import Origin
    from pandas_async_io._io.transport.connection import TransportOptions
    from pandas_async_io._io.transport.exceptions import SendState

_MAX_ENDPOINTS = 1024
"""Cached endpoints; hosts may come from rows."""

_NO_LIMIT = nullcontext()
_LATER_SECONDS = 0.1
"""How much later than the attempt the library's own timeout ends."""


class Http2Sender:
    """The HTTP/2 connections of one client, opened at first use, and HTTP/1.1 where an origin speaks no HTTP/2.

    Parameters
    ----------
    options : TransportOptions
        How to use the network.
    limit_streams : callable
        Learns how many requests an origin allows in flight.
    """

    def __init__(self, options: TransportOptions, limit_streams: Callable[[Origin, int], None]) -> None:
        self.options = options
        self._limit_streams = limit_streams
        self._http1 = Http1Sender(options)
        self._alpn_options: TransportOptions | None = None
        self._connector: aiohttp.BaseConnector | None = None
        self._clients: dict[Pin | None, Client] = {}
        self._endpoints: dict[str, Endpoint | None] = {}
        self._opening: dict[str, asyncio.Task[Endpoint | None]] = {}

    def for_other_origin(self) -> Http2Sender:
        """Return itself: it holds no credentials."""
        return self

    def map_exception(self, exc: Exception, url: str, state: SendState, timeout: float) -> AttemptError | None:
        """Return the error for an exception of `send`; None for a programming error."""
        if isinstance(exc, PyreqwestError):
            return map_http2_exception(exc, url, state, proxy=self.options.proxy, timeout=timeout)
        return self._http1.map_exception(exc, url, state, timeout)

    async def send(self, request: Request, state: SendState, *, new_connection: bool) -> Response:
        """Send a request once and return its response, which may be a redirect.

        `new_connection` holds for HTTP/1.1 only: the library drops an HTTP/2 connection when it ends.
        """
        name, target = split_target(request.url)
        endpoint = None
        if name[:6].lower() == "https:":
            endpoint = self._endpoints[name] if name in self._endpoints else await self._open_once(name)
        fields = None if endpoint is None else endpoint.fields_for(request.headers)
        if endpoint is None or fields is None:
            return await self._http1.send(request, state, new_connection=new_connection)
        check_request_line(request.method, target)
        url = Url(endpoint.url + target)
        if str(url) != endpoint.url + target:
            return await self._http1.send(request, state, new_connection=new_connection)
        try:
            async with endpoint.streams or _NO_LIMIT:
                state.started, state.reused = True, endpoint.has_answered
                async with self._build(endpoint, request, url, fields, state.deadline) as received:
                    state.reused, endpoint.has_answered = False, True
                    return await read_response(request, received, self.options)
        except PyreqwestError as exc:
            if is_connect_failure(exc):
                self._endpoints.pop(name, None)  # the next attempt finds out anew what the origin offers
            elif requires_http1(exc):
                self._endpoints[name] = None
            raise

    def _build(
        self, endpoint: Endpoint, request: Request, url: Url, fields: HeaderMap, deadline: float
    ) -> StreamRequest:
        """Return the request for pyreqwest, which reads nothing of the body by itself.

        It has a timeout of its own: a cancelled request would stay in flight until it is answered. It is in no local
        variable of `send`: the traceback of an error would keep the connection open.
        """
        builder = self._clients[endpoint.pin].request(request.method, url).headers(fields).streamed_read_buffer_limit(0)
        if deadline < math.inf:
            seconds = deadline - asyncio.get_running_loop().time() + _LATER_SECONDS
            builder = builder.timeout(timedelta(seconds=max(seconds, _LATER_SECONDS)))
        return (builder if request.body is None else builder.body_bytes(request.body)).build_streamed()

    async def _open_once(self, name: str) -> Endpoint | None:
        """Return the endpoint of an origin; requests that need it at the same time wait for one connection."""
        task = self._opening.get(name)
        if task is None:
            task = self._opening[name] = asyncio.create_task(self._open(name))
            task.add_done_callback(lambda done: self._forget_opening(name, done))
        await asyncio.wait([task])  # a cancelled request does not cancel it for the others
        return task.result()

    def _forget_opening(self, name: str, done: asyncio.Task[Endpoint | None]) -> None:
        self._opening.pop(name, None)
        if not done.cancelled():
            done.exception()  # asyncio logs one that nobody looks at

    async def _open(self, name: str) -> Endpoint | None:
        """Connect once to find out whether an origin speaks HTTP/2; return None if it does not."""
        if self._alpn_options is None:
            self._alpn_options = replace(self.options, ssl=open_alpn_context(self.options.ssl))
        probe = open_endpoint(name, self._alpn_options).connect_request
        if self._connector is None:
            self._connector = open_connector(self.options)
        support = await probe_origin(self._connector, probe)
        endpoint = None
        if support is not None:
            url = str(Url(str(probe.url.origin()))).removesuffix("/")
            defaults = {name: value for name, value in probe.headers.items() if name.lower() != "host"}
            endpoint = self._open_client(Endpoint(url, self._pin(Url(url), support), defaults))
            if endpoint is not None and support.max_streams is not None:
                endpoint.limit_streams(support.max_streams)
                self._limit_streams(parse_origin(name), support.max_streams)
        if len(self._endpoints) >= _MAX_ENDPOINTS:
            self._endpoints.clear()
        self._endpoints[name] = endpoint
        return endpoint

    def _pin(self, url: Url, support: Http2Support) -> Pin | None:
        """Return the address that a host is tied to with ``block_private``: the one that was found to be public."""
        if not self.options.block_private:
            return None
        return url.host_str or "", url.port_or_known_default or 443, support.address.partition("%")[0]

    def _open_client(self, endpoint: Endpoint) -> Endpoint | None:
        """Open the client of an endpoint, unless there is one; return None in a forked child, where none can run."""
        pin = endpoint.pin
        if pin not in self._clients:
            try:
                self._clients[pin] = configure_client(self.options, pin).build()
            except RuntimeError:  # its thread stayed in the parent process
                return None
        return endpoint

    async def close(self) -> None:
        """Close the connections."""
        connector, self._connector = self._connector, None
        clients, self._clients = self._clients, {}
        opening, self._opening = self._opening, {}
        self._endpoints = {}
        for task in opening.values():
            task.cancel()
        for client in clients.values():
            await client.close()
        if connector is not None:
            await connector.close()
        await self._http1.close()

"""What the requests to one origin share: the key of aiohttp's connection pool and the header lines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from pandas_async_io._core.body.coding.content_coding import accept_encoding
from pandas_async_io._core.request.head import write_fields, write_head
from pandas_async_io._core.security.addresses import check_host
from pandas_async_io._core.security.origins import parse_origin
from pandas_async_io._io.transport.kept_connections import KeptConnections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.models import Request
    from pandas_async_io._io.transport.connection import TransportOptions

_DEFAULT_HEADERS = {"Accept": "*/*", "Accept-Encoding": accept_encoding(), "User-Agent": "pandas-async-io"}


def open_endpoint(name: str, options: TransportOptions) -> Endpoint:
    """Return the endpoint of an origin; `name` is a URL without a path, and may hold a user and password.

    Raises
    ------
    UnsafeUrlError
        The host is not valid.
    """
    check_host(parse_origin(name).host)
    connect_request = aiohttp.ClientRequest(
        "GET",
        URL(name),
        headers=_DEFAULT_HEADERS,
        loop=asyncio.get_running_loop(),
        ssl=options.ssl,
        proxy=None if options.proxy is None else URL(options.proxy),
    )
    connect_request.url = connect_request.url.with_user(None)  # aiohttp has made a header of it
    return Endpoint(connect_request)


class Endpoint:
    """One origin, and the user that the URLs name.

    Attributes
    ----------
    connect_request : aiohttp.ClientRequest
        What aiohttp's connector connects for; never sent.
    connections : KeptConnections
        Its idle connections.
    uses_absolute_form : bool
        Whether a proxy expects the whole URL in the request line (RFC 9112, 3.2.2).
    """

    __slots__ = ("_field_lines", "_headers", "connect_request", "connections", "uses_absolute_form")

    def __init__(self, connect_request: aiohttp.ClientRequest) -> None:
        self.connect_request = connect_request
        self.connections = KeptConnections()
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

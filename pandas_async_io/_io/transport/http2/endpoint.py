"""Origins that speak HTTP/2, and how pyreqwest connects to them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pyreqwest.client import ClientBuilder
from pyreqwest.http import HeaderMap
from pyreqwest.proxy import ProxyBuilder

from pandas_async_io._core.request.head import merge_fields
from pandas_async_io._io.transport.exceptions import CONNECT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._io.transport.connection import TransportOptions

_ASSUMED_STREAMS = 100
"""Requests that pyreqwest sends before it has the server's limit."""

Pin = tuple[str, int, str]
"""A host, a port, and the only address that the host is connected at."""

_STREAM_WINDOW_BYTES = 2**20
_CONNECTION_WINDOW_BYTES = 2**24
"""Bytes that a server may send ahead of the reader, on one stream and on all; the RFC's 64 KiB make bodies slow."""

_FIELD_OVERHEAD_BYTES = 2**15
"""Room for the other header fields beside the longest."""

_PING_SECONDS = 10.0
"""A connection with requests in flight that is silent for so long is tested, and given up after as long again."""


@dataclass(slots=True)
class Endpoint:
    """An origin that speaks HTTP/2, and the user that the URLs name.

    Attributes
    ----------
    url : str
        Of the origin, without a path.
    pin : (str, int, str) or None
        Host, port and the address that the host is tied to; names the client of pyreqwest.
    defaults : mapping of str to str
        Header fields of every request.
    streams : asyncio.Semaphore or None
        Limits the requests in flight where the server allows few.
    has_answered : bool
        Whether a response came over the connection.
    """

    url: str
    pin: Pin | None
    defaults: Mapping[str, str]
    streams: asyncio.Semaphore | None = None
    has_answered: bool = False
    _headers: Mapping[str, str] | None = None
    _fields: HeaderMap | None = None

    def limit_streams(self, limit: int) -> None:
        """Have no more requests in flight than the server allows.

        The gate does the same for requests that have not started. pyreqwest sends 100 on a new connection before it
        knows the limit; a server may end the connection for it.
        """
        if limit < _ASSUMED_STREAMS:
            self.streams = asyncio.Semaphore(limit)

    def fields_for(self, headers: Mapping[str, str]) -> HeaderMap | None:
        """Return the fields to send, kept while requests share one `headers` object; None with a field ``Host``.

        HTTP/2 takes the host from the URL.
        """
        if headers is not self._headers:
            fields = merge_fields(self.defaults, headers)
            self._headers, self._fields = headers, None if "host" in fields else HeaderMap(fields)
        return self._fields


def configure_client(options: TransportOptions, pin: Pin | None) -> ClientBuilder:
    """Return a builder of clients that speak HTTP/2 only, and leave redirects and codings to us."""
    builder = ClientBuilder().http2_prior_knowledge().follow_redirects(False).referer(False)
    builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)
    builder = builder.connect_timeout(timedelta(seconds=CONNECT_SECONDS)).pool_idle_timeout(None)
    builder = builder.http2_initial_stream_window_size(_STREAM_WINDOW_BYTES)
    builder = builder.http2_initial_connection_window_size(_CONNECTION_WINDOW_BYTES)
    builder = builder.http2_max_header_list_size(min(options.max_field_size + _FIELD_OVERHEAD_BYTES, 2**31 - 1))
    builder = builder.http2_keep_alive_interval(timedelta(seconds=_PING_SECONDS))
    builder = builder.http2_keep_alive_timeout(timedelta(seconds=_PING_SECONDS))
    if options.ssl is False:
        builder = builder.danger_accept_invalid_certs(True)
    elif options.ssl is not True:
        for authority in options.ssl.get_ca_certs(binary_form=True):
            builder = builder.add_root_certificate_der(authority)
    if pin is not None:
        host, port, address = pin
        builder = builder.resolve(host, address, port)
    return builder.no_proxy() if options.proxy is None else builder.proxy(ProxyBuilder.all(options.proxy))

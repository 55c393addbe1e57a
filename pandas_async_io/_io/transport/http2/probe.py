"""Find out whether an origin speaks HTTP/2 (ALPN, RFC 7301), and how many streams it allows (RFC 9113, 6.5.2).

pyreqwest tells neither. The connection for it is aiohttp's, so that names, addresses, proxies and certificates are
checked, and their errors told, as for HTTP/1.1. It is closed afterwards.
"""

from __future__ import annotations

import asyncio
import ssl as tls
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._io.transport.connection import CONNECT_TIMEOUT, abort_connection

if TYPE_CHECKING:
    import aiohttp

_CLIENT_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""RFC 9113, 3.4: the magic bytes and an empty SETTINGS frame."""
_SETTINGS_FRAME = 4
_MAX_CONCURRENT_STREAMS = 3
_MAX_FRAME_BYTES = 2**14
_SETTINGS_SECONDS = 5.0
"""How long the server's SETTINGS frame is waited for; without it, its limit of streams stays unknown."""


@dataclass(frozen=True, slots=True)
class Http2Support:
    """What an origin offers.

    Attributes
    ----------
    address : str
        The IP address that answered.
    max_streams : int or None
        Requests in flight that the server allows on one connection; None is no limit.
    """

    address: str
    max_streams: int | None


def open_alpn_context(ssl: bool | tls.SSLContext) -> tls.SSLContext:
    """Return a context that offers HTTP/2 and verifies as a client's option ``ssl`` says."""
    if isinstance(ssl, tls.SSLContext):
        context = tls.create_default_context(cadata=b"".join(ssl.get_ca_certs(binary_form=True)))
    else:
        context = tls.create_default_context()
    if ssl is False:
        context.check_hostname, context.verify_mode = False, tls.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def probe_origin(connector: aiohttp.BaseConnector, connect_request: aiohttp.ClientRequest) -> Http2Support | None:
    """Connect once; return what the origin offers, None if it does not speak HTTP/2.

    Raises
    ------
    aiohttp.ClientError, OSError
        Connecting failed; `map_exception` maps them.
    """
    connection = await connector.connect(connect_request, [], CONNECT_TIMEOUT)
    try:
        transport: Any = connection.transport
        secured = None if transport is None else transport.get_extra_info("ssl_object")
        if secured is None or secured.selected_alpn_protocol() != "h2":
            return None
        address = transport.get_extra_info("peername")[0]
        return Http2Support(address, await _read_max_streams(transport, connection.protocol))
    finally:
        abort_connection(connection)


async def _read_max_streams(transport: Any, protocol: Any) -> int | None:
    """Return the server's limit of streams, which the first frame on a connection holds."""
    reader = asyncio.StreamReader()
    reader.feed_data(protocol._tail)  # noqa: SLF001 - what aiohttp has received without a parser
    transport.set_protocol(asyncio.StreamReaderProtocol(reader))
    transport.write(_CLIENT_PREFACE)
    with suppress(OSError, asyncio.IncompleteReadError):  # a timeout is an OSError
        async with asyncio.timeout(_SETTINGS_SECONDS):
            head = await reader.readexactly(9)
            size = int.from_bytes(head[:3])
            if head[3] == _SETTINGS_FRAME and size <= _MAX_FRAME_BYTES:
                return parse_max_streams(await reader.readexactly(size))
    return None


def parse_max_streams(settings: bytes) -> int | None:
    """Return SETTINGS_MAX_CONCURRENT_STREAMS of the payload of a SETTINGS frame, at least 1; None without it.

    Examples
    --------
    >>> parse_max_streams(bytes([0, 4, 0, 1, 0, 0, 0, 3, 0, 0, 0, 128]))
    128
    """
    found = None
    for start in range(0, len(settings) - 5, 6):
        if int.from_bytes(settings[start : start + 2]) == _MAX_CONCURRENT_STREAMS:
            found = max(1, int.from_bytes(settings[start + 2 : start + 6]))
    return found

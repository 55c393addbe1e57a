"""Options of a client's connections, and how a body is read from one.

Invariant: every byte read is counted against ``max_body``.
"""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from pandas_async_io._core.body.content_coding import decompress
from pandas_async_io._core.errors import BodyTooLargeError, ProtocolError
from pandas_async_io._core.security.addresses import is_public_address
from pandas_async_io._io.transport.exceptions import CONNECT_SECONDS, PrivateAddressError

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import Mapping

    from aiohttp.connector import Connection


CONNECT_TIMEOUT = aiohttp.ClientTimeout(connect=CONNECT_SECONDS, ceil_threshold=math.inf)
"""aiohttp limits connecting only; `asyncio.timeout` limits the attempt. `ceil_threshold`: aiohttp must not round up."""

_MAX_UNCLEAN_CONNECTIONS = 8
"""Unclean connections in a row after which the attempt fails."""


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """How a client uses the network.

    Attributes
    ----------
    max_body : int
        Decoded bytes of one body.
    follow : {"none", "same_origin", "any"}
        Which redirects are followed.
    allow_hosts : tuple of str
        Hosts that redirects may lead to, besides the first one.
    block_private : bool
        Refuse to connect to addresses that are not global.
    proxy : str or None
        URL of a proxy.
    ssl : bool, SSLContext or None
        None and True verify certificates; False does not.
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


def open_connector(options: TransportOptions) -> aiohttp.BaseConnector:
    """Create a client's connection pool; call it on the client's event loop."""
    return aiohttp.TCPConnector(
        limit=0,  # the gate limits concurrency; waiting here would count against the attempt's timeout
        resolver=aiohttp.ThreadedResolver(),  # its errors separate an unknown name from a silent name server
        socket_factory=_create_public_socket if options.block_private else None,
    )


def _create_public_socket(info: Any) -> socket.socket:
    """Create the socket for one resolved address, unless it is private: checked here, DNS rebinding has no effect."""
    family, kind, proto, _, address = info
    if not is_public_address(address[0]):
        raise PrivateAddressError(address[0])
    return socket.socket(family=family, type=kind, proto=proto)


async def connect(connector: aiohttp.BaseConnector, request: aiohttp.ClientRequest) -> Connection:
    """Return a clean connection, from the pool or new.

    Raises
    ------
    ProtocolError
        The server sends data on every connection before a request.
    aiohttp.ClientError, OSError
        Connecting failed; `map_exception` maps them.
    """
    for _ in range(_MAX_UNCLEAN_CONNECTIONS):
        connection = await connector.connect(request, [], CONNECT_TIMEOUT)
        if is_clean(connection):
            return connection
        abort_connection(connection)
    raise ProtocolError(f"{request.url.origin()} sent data before the request", transient=True, received=False)


def is_clean(connection: Connection) -> bool:
    """Whether a connection is open and the server has sent nothing on it before a request.

    Such data would be read as the response to the next request.
    """
    protocol = connection.protocol
    return protocol is not None and protocol.transport is not None and not protocol.should_close


def abort_connection(connection: Connection) -> None:
    """Close a connection at once, without sending what is buffered."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


async def read_body(headers: Mapping[str, str], content: aiohttp.StreamReader, max_body: int) -> bytes:
    """Read a body and undo its content coding.

    Parameters
    ----------
    max_body : int
        Bytes, before and after decoding.

    Raises
    ------
    AttemptError
        The body is larger, or not in the announced coding.
    """
    body = b""
    size = 0 if content.at_eof() else int(headers.get("Content-Length", 0))
    if size <= max_body:
        if content.is_eof():  # the usual case: the body arrived together with the head
            body = content.read_nowait()
            size = len(body)
        else:
            chunks: list[bytes] = []
            size = 0
            while size <= max_body and (chunk := await content.readany()):
                chunks.append(chunk)
                size += len(chunk)
            body = b"".join(chunks)
    if size > max_body:
        raise BodyTooLargeError(
            f"the body holds {size} bytes or more, max_body is {max_body}: raise Client(max_body=...) if you want it"
        )
    return decompress(body, headers.get("Content-Encoding"), max_body)

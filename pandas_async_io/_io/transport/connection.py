"""What every connection of a client is like, and how a body is read from it.

The law of this file: no byte is read that is not counted, and a connection is
given back only when it has nothing more to say.
"""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from pandas_async_io._core.body.content_coding import decompress
from pandas_async_io._core.errors import BodyTooLargeError
from pandas_async_io._core.security.addresses import is_public_address
from pandas_async_io._io.transport.exceptions import CONNECT_SECONDS, PrivateAddressError

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import Mapping

    from aiohttp.connector import Connection


CONNECT = aiohttp.ClientTimeout(connect=CONNECT_SECONDS, ceil_threshold=math.inf)
"""What aiohttp watches over: no more than connecting; the attempt's own deadline is asyncio's."""


def open_connector(wire: Wire) -> aiohttp.BaseConnector:
    """Make the pool of a client's connections; on its event loop."""
    return aiohttp.TCPConnector(
        limit=0,  # the gate of `pacing` limits; a wait here would count against the attempt's timeout
        resolver=aiohttp.ThreadedResolver(),  # tells an unknown name from a name server that is silent
        socket_factory=_public_socket if wire.block_private else None,
    )


def _public_socket(info: Any) -> socket.socket:
    """Make the socket for one address, unless that very address is private (DNS rebinding can't pass here)."""
    family, kind, proto, _, address = info
    if not is_public_address(address[0]):
        raise PrivateAddressError(address[0])
    return socket.socket(family=family, type=kind, proto=proto)


def is_clean(connection: Connection) -> bool:
    """Whether a connection is open and has nothing to say.

    What a server sent while nobody asked would pass for the answer to the next request.
    """
    protocol = connection.protocol
    return protocol is not None and protocol.transport is not None and not protocol.should_close


def drop(connection: Connection) -> None:
    """Close a connection at once: what is not sent yet is not worth waiting for."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


async def read(headers: Mapping[str, str], content: aiohttp.StreamReader, max_body: int) -> bytes:
    """Read a body of at most ``max_body`` bytes, coded and decoded, and undo its content coding.

    Raises
    ------
    AttemptError
        If it is larger, or not in that coding.
    """
    body = b""
    size = 0 if content.at_eof() else int(headers.get("Content-Length", 0))
    if size <= max_body:
        if content.is_eof():  # the usual case: it came whole, together with the head
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

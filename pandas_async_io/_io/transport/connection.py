"""Options of a client's connections, and how a body is read from one.

Invariant: every byte read is counted against ``max_body``.
"""

from __future__ import annotations

import asyncio
import math
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from pandas_async_io._core.body.coding.content_coding import decompress
from pandas_async_io._core.body.coding.transfer_coding import (
    NO_TRANSFER_CODING,
    parse_transfer_codings,
    remove_transfer_codings,
)
from pandas_async_io._core.errors import BodyTooLargeError, ProtocolError
from pandas_async_io._core.security.addresses import is_public_address
from pandas_async_io._io.transport.exceptions import CONNECT_SECONDS, PrivateAddressError, SendState

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import Iterator

    from aiohttp.connector import Connection
    from multidict import MultiMapping


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
    ssl : bool or SSLContext
        True verifies certificates; False does not.
    max_field_size : int
        Bytes of one response header, its name and value.
    http2 : bool
        Use HTTP/2 where the server offers it.
    """

    max_body: int = 64 * 2**20
    follow: str = "same_origin"
    allow_hosts: tuple[str, ...] = ()
    block_private: bool = False
    proxy: str | None = None
    ssl: bool | tls.SSLContext = True
    max_field_size: int = 64 * 2**10
    http2: bool = False


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


async def connect(
    connector: aiohttp.BaseConnector, request: aiohttp.ClientRequest, state: SendState, *, new: bool = False
) -> Connection:
    """Return a clean connection, from the pool or new.

    Parameters
    ----------
    state : SendState
        Learns whether the connection is reused.
    new : bool
        Close connections from the pool until a new one is opened.

    Raises
    ------
    ProtocolError
        The server sends data on every connection before a request.
    aiohttp.ClientError, OSError
        Connecting failed; `map_exception` maps them.
    """
    unclean = 0
    while unclean < _MAX_UNCLEAN_CONNECTIONS:
        connection = await connector.connect(request, [], CONNECT_TIMEOUT)
        state.reused = is_reused(connection.protocol)
        if not (new and state.reused):
            if is_clean(connection):
                return connection
            unclean += 1
        abort_connection(connection)
    raise ProtocolError(f"{request.url.origin()} sent data before the request", transient=True, received=False)


def is_clean(connection: Connection) -> bool:
    """Whether a connection is open and the server has sent nothing on it before a request.

    Such data would be read as the response to the next request.
    """
    protocol = connection.protocol
    return protocol is not None and protocol.transport is not None and not protocol.should_close


def is_reused(protocol: Any) -> bool:
    """Whether an earlier response came over a connection; ask before the request is sent."""
    # aiohttp keeps the last payload, and says nowhere else that it took a connection from the pool
    return getattr(protocol, "_payload", None) is not None


def abort_connection(connection: Connection) -> None:
    """Close a connection at once, without sending what is buffered."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


async def read_body(headers: MultiMapping[str], content: aiohttp.StreamReader, protocol: Any, max_body: int) -> bytes:
    """Read a body and undo its transfer and content codings.

    Parameters
    ----------
    content : aiohttp.StreamReader
        What aiohttp's parser has received of the body.
    protocol : aiohttp's ResponseHandler
        The connection that the body comes from.
    max_body : int
        Bytes, before and after decoding.

    Raises
    ------
    AttemptError
        The body is larger, or not in the announced coding.
    aiohttp.ClientError, aiohttp.http.HttpProcessingError
        The body is cut, or its chunks are malformed; `map_exception` maps them.
    """
    body = b""
    length = headers.get("Content-Length")
    transfer = NO_TRANSFER_CODING
    if length is None and content is not aiohttp.EMPTY_PAYLOAD:
        transfer = parse_transfer_codings(headers.getall("Transfer-Encoding", ()))
    size = 0 if length is None or content.at_eof() else int(length)
    if size <= max_body:
        if content.is_eof():  # the usual case: the body arrived together with the head
            body = _take_body(content, protocol)
        else:
            body = await _read_pieces(content, protocol, max_body)
            if length is None and not transfer.chunked and isinstance(protocol.exception(), OSError):
                raise aiohttp.ClientPayloadError  # the body lasts until the connection ends, and a reset is no end
        size = len(body)
    check_body_size(size, max_body)
    if transfer.codings:
        body = remove_transfer_codings(body, transfer.codings, max_body)
    return decompress(body, headers.get("Content-Encoding"), max_body)


def check_body_size(size: int, max_body: int) -> None:
    """Raise BodyTooLargeError if a body is larger than ``max_body``."""
    if size > max_body:
        raise BodyTooLargeError(
            f"the body holds {size} bytes or more, max_body is {max_body}: raise Client(max_body=...) if you want it"
        )


def _take_body(content: Any, protocol: Any) -> bytes:
    """Return a body that has arrived whole, as `read_nowait` does.

    That resumes the connection, paused or not, which parses nothing and asks the event loop: a thirtieth of a
    request's time.
    """
    is_plain = content is not aiohttp.EMPTY_PAYLOAD and content.exception() is None
    if is_plain and protocol is not None and not protocol._reading_paused and len(content._buffer) == 1:  # noqa: SLF001 - see above
        body: bytes = content._buffer.popleft()  # noqa: SLF001
    else:
        body = content.read_nowait()
    return body


async def _read_pieces(content: aiohttp.StreamReader, protocol: Any, max_body: int) -> bytes:
    """Read a body until its end, or until it is larger than `max_body`."""
    pieces: list[bytes] = []
    size = 0
    with _relay_errors(protocol, content):
        while size <= max_body and (piece := await content.readany()):
            pieces.append(piece)
            size += len(piece)
    return b"".join(pieces)


@contextmanager
def _relay_errors(protocol: Any, content: aiohttp.StreamReader) -> Iterator[None]:
    """Hand an error of the connection on to the reader of a body.

    aiohttp's parser reports a malformed chunk only to whoever awaits the connection's next response. Without this,
    the reader of the body would wait for the attempt's timeout.
    """
    error = protocol.exception()
    if error is not None and content.exception() is None and not content.is_eof():
        raise error
    waiter = None if error is not None else asyncio.get_running_loop().create_future()

    def relay(done: asyncio.Future[Any]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None and content.exception() is None and not content.is_eof():
            content.set_exception(error)

    def stop() -> None:
        if protocol._waiter is waiter:  # noqa: SLF001 - see below
            protocol._waiter = None  # noqa: SLF001

    if waiter is not None:
        waiter.add_done_callback(relay)
        protocol._waiter = waiter  # noqa: SLF001 - what `protocol.read` waits on; a task that calls it costs 20 µs a body
        content.on_eof(stop)  # a session gives the connection to the next request at once
    try:
        yield
    finally:
        stop()

"""Connections to one endpoint that are kept between requests, each with one parser for all its responses.

aiohttp's pool is asked for new connections only: its look-up and return, and a new parser for each response, take an
eighth of a request's time.

Invariant: one request at a time uses a connection. One on which a server sends anything between two requests is closed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pandas_async_io._io.transport.connection import abort_connection, is_clean

if TYPE_CHECKING:
    from aiohttp.connector import Connection

_KEEP_SECONDS = 15.0
"""Seconds after which an idle connection is closed, as by aiohttp's pool."""


class Http1Connection:
    """A connection of aiohttp's connector, and the parser of its responses.

    Parameters
    ----------
    connection : aiohttp's Connection
        The connection.
    max_field_size : int
        As in `TransportOptions`.

    Attributes
    ----------
    protocol : aiohttp's ResponseHandler
        What reads from it.
    idle_since : float
        When its last response ended, on the loop's clock.
    """

    __slots__ = ("_connection", "_max_field_size", "_parser", "_skips_body", "idle_since", "protocol")

    def __init__(self, connection: Connection, max_field_size: int) -> None:
        self._connection, self._max_field_size = connection, max_field_size
        self.protocol: Any = connection.protocol
        self.idle_since = 0.0
        self._parser: Any = None
        self._skips_body = False

    def expect_response(self, *, skips_body: bool) -> asyncio.WriteTransport:
        """Get ready for the response to a request, and return what writes the request.

        Parameters
        ----------
        skips_body : bool
            Whether the response has no body, whatever its head announces.
        """
        protocol = self.protocol
        if self._parser is None or skips_body is not self._skips_body:
            protocol.set_response_params(
                skip_payload=skips_body,
                read_until_eof=True,
                auto_decompress=False,
                max_line_size=self._max_field_size,
                max_field_size=self._max_field_size,
            )
            self._skips_body = skips_body
        else:
            protocol._parser = self._parser  # noqa: SLF001 - see `end_response`
        transport: asyncio.WriteTransport = protocol.transport
        return transport

    def end_response(self) -> bool:
        """Take the parser off the connection, and return whether another request may use both.

        Without a parser, what the server sends before the next request makes the connection unclean.
        """
        protocol = self.protocol
        self._parser, protocol._parser = protocol._parser, None  # noqa: SLF001 - aiohttp would make a new one
        # the parser returns a message from `feed_eof` if another response has begun
        return self.is_clean() and self._parser is not None and self._parser.feed_eof() is None

    def is_clean(self) -> bool:
        """Whether it is open and the server has sent nothing on it before a request."""
        return is_clean(self._connection)

    def release(self) -> None:
        """Give it back to the pool that it is from, which closes it if it is not clean."""
        self._connection.release()

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def abort(self) -> None:
        """Close it at once, without sending what is buffered."""
        abort_connection(self._connection)


class KeptConnections:
    """The idle connections to one endpoint; the one that was used last is used next.

    Examples
    --------
    >>> KeptConnections().take() is None
    True
    """

    __slots__ = ("_closed", "_idle", "_timer")

    def __init__(self) -> None:
        self._idle: list[Http1Connection] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self) -> Http1Connection | None:
        """Return a clean connection, if there is one."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.is_clean():
                return connection
            connection.abort()
        return None

    def put(self, connection: Http1Connection) -> None:
        """Keep a connection whose response has ended, if it can serve another request."""
        if self._closed or not connection.end_response():
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._timer is None:
            self._timer = loop.call_later(_KEEP_SECONDS, self._close_old)

    def close_idle(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def close(self) -> None:
        """Close the idle connections, and keep no other one."""
        self._closed = True
        self.close_idle()
        if self._timer is not None:
            self._timer.cancel()

    def _close_old(self) -> None:
        """Close the connections that have been idle for long; the others follow when their time has come."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - _KEEP_SECONDS
        old = [connection for connection in self._idle if connection.idle_since <= oldest]
        self._idle = self._idle[len(old) :]  # they are in the order in which they became idle
        for connection in old:
            connection.close()
        self._timer = None
        if self._idle:
            self._timer = loop.call_at(self._idle[0].idle_since + _KEEP_SECONDS, self._close_old)

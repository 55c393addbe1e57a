"""Send one request and read its whole response.

Invariant: an attempt ends within its timeout, reads at most ``max_body`` decoded bytes, sends the request once per
redirect, and fails only with an `AttemptError`, which holds no secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp

from pandas_async_io._core.errors import AttemptError, PlanError
from pandas_async_io._core.security.origins import is_same_origin, parse_origin
from pandas_async_io._core.security.redirects import follow_redirect
from pandas_async_io._core.words import show_value
from pandas_async_io._io.transport.deadlines import Deadlines
from pandas_async_io._io.transport.exceptions import SendState
from pandas_async_io._io.transport.http1 import Http1Sender
from pandas_async_io._io.transport.httpx_session import HttpxSession, is_httpx_client
from pandas_async_io._io.transport.session import AiohttpSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._core.models import Request, Response
    from pandas_async_io._core.security.origins import Origin
    from pandas_async_io._io.transport.connection import TransportOptions
    from pandas_async_io._io.transport.sender import CallerSession, Sender


class Transport:
    """The connections of one client: its own, opened at first use on the running loop, or a caller's session.

    Parameters
    ----------
    options : TransportOptions
        How to use the network.
    session : aiohttp.ClientSession or httpx.AsyncClient, optional
        The caller's; never closed here.
    limit_streams : callable, optional
        Learns how many requests an origin allows in flight on its HTTP/2 connection.

    Attributes
    ----------
    session : CallerSession or None
        What sends through the caller's session.

    Raises
    ------
    PlanError
        The session is none, or ``block_private`` is given with one or with a proxy, which open their own connections.
    """

    def __init__(
        self,
        options: TransportOptions,
        session: Any = None,
        limit_streams: Callable[[Origin, int], None] = lambda *_: None,
    ) -> None:
        self.session = None if session is None else adapt_session(session, options)
        if session is not None and options.block_private:
            raise PlanError("block_private can't be kept on your own session: its connector opens the connections")
        if session is not None and options.http2:
            raise PlanError("http2=True can't be kept on your own session: it opens the connections")
        if options.proxy is not None and options.block_private:
            raise PlanError("block_private can't be kept through a proxy: the proxy opens the connections")
        self.options = options
        self._deadlines = Deadlines()
        self._sender: Sender = self.session or _open_sender(options, limit_streams)

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
        options, sender, hops = self.options, self._sender, 0
        state = SendState()
        try:
            with self._deadlines.limit(timeout) as limit:
                while True:
                    state.deadline = limit.at
                    response = await sender.send(request, state, new_connection=new_connection)
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
                    if not is_same_origin(parse_origin(request.url), parse_origin(redirected.url)):
                        sender = sender.for_other_origin()
                    request, hops, state = redirected, hops + 1, SendState()
        except AttemptError:
            raise
        except Exception as exc:
            error = self._sender.map_exception(exc, request.url, state, timeout)
            if error is None:
                raise
        # Raised outside of `except`: a traceback prints the context too, and aiohttp's exceptions hold the headers.
        raise error

    async def close(self) -> None:
        """Close the connections; a caller's session stays open."""
        await self._sender.close()


def adapt_session(session: object, options: TransportOptions) -> CallerSession:
    """Return what sends through a caller's session.

    Raises
    ------
    PlanError
        It is none.
    """
    if isinstance(session, aiohttp.ClientSession):
        return AiohttpSession(session, options)
    if is_httpx_client(session):
        return HttpxSession(session, options)
    hint = ": pass httpx.AsyncClient()" if hasattr(session, "build_request") else ""
    raise PlanError(f"session={show_value(session)} is not an aiohttp.ClientSession or httpx.AsyncClient{hint}")


def _open_sender(options: TransportOptions, limit_streams: Callable[[Origin, int], None]) -> Sender:
    if not options.http2:
        return Http1Sender(options)
    from pandas_async_io._io.transport.http2.sender import Http2Sender  # noqa: PLC0415 - pyreqwest is optional

    return Http2Sender(options, limit_streams)

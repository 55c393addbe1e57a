"""Send a request through the caller's own session: its headers, cookies, middlewares and traces apply.

Invariant: the session sends each request once, follows no redirect and decodes no body.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from pandas_async_io._core.body.coding.content_coding import accept_encoding
from pandas_async_io._core.errors import ProtocolError, SessionClosedError
from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.security.addresses import check_host
from pandas_async_io._core.security.origins import parse_origin
from pandas_async_io._io.transport.connection import CONNECT_TIMEOUT, is_clean, is_reused, read_body
from pandas_async_io._io.transport.exceptions import (
    SendState,
    make_status_error,
    map_connection_loss,
    map_exception,
)
from pandas_async_io._io.transport.http1 import Http1Sender

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from aiohttp.client_middlewares import ClientHandlerType
    from aiohttp.connector import Connection

    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._io.transport.connection import TransportOptions

_MAX_BYTES_IN_ONE_WRITE = 2**20
"""aiohttp warns of larger bodies unless they are a file."""


class AiohttpSession:
    """Sends through a caller's session, which is never closed here.

    Parameters
    ----------
    session : aiohttp.ClientSession
        The caller's.
    options : TransportOptions
        How to use the network.
    """

    base_url = ""

    def __init__(self, session: aiohttp.ClientSession, options: TransportOptions) -> None:
        self._session, self.options = session, options

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that it belongs to."""
        return self._session._loop  # noqa: SLF001 - `session.loop` is deprecated without a successor

    @property
    def headers(self) -> list[Mapping[str, str]]:
        """Header fields that it adds to each request."""
        auth = self._session.auth
        return [self._session.headers, {"Authorization": auth.encode() if auth else ""}]

    @property
    def identity(self) -> str:
        """Its headers, credentials and cookies; "" without any."""
        session = self._session
        headers = sorted((name.lower(), value) for name, value in session.headers.items())
        cookies = sorted((cookie.key, cookie.value) for cookie in session.cookie_jar)
        return repr((headers, session.auth, cookies)) if headers or session.auth or cookies else ""

    def for_other_origin(self) -> Http1Sender:
        """Return what sends over the session's connector, without its headers, cookies and middlewares."""
        return Http1Sender(self.options, self._session.connector)

    def map_exception(self, exc: Exception, url: str, state: SendState, timeout: float) -> AttemptError | None:
        """Return the error for an exception of `send`, whatever code of the session raised it."""
        return map_exception(exc, url, state, proxy=self.options.proxy, timeout=timeout, has_session=True)

    async def close(self) -> None:
        """Leave the session open."""

    async def send(self, request: Request, state: SendState, *, new_connection: bool) -> Response:
        """Send a request once and return its response, which may be a redirect."""
        session, options = self._session, self.options
        if session.closed:
            raise SessionClosedError("the session of the client is closed: open a new one", received=False)
        body = request.body
        check_host(parse_origin(request.url).host)
        url = URL(request.url, encoded=True)
        header_names = {name.lower() for name in (*session.headers, *request.headers)}
        if url.raw_user is not None and "authorization" in header_names:
            url = url.with_user(None)
        coding = {} if "accept-encoding" in header_names else {"Accept-Encoding": accept_encoding()}
        response: aiohttp.ClientResponse | None = None
        try:
            response = await session._request(  # noqa: SLF001 - session.request only wraps it (5 % of a request's cost)
                request.method,
                url,
                headers={**coding, **request.headers},
                data=io.BytesIO(body) if body is not None and len(body) > _MAX_BYTES_IN_ONE_WRITE else body,
                allow_redirects=False,
                timeout=CONNECT_TIMEOUT,
                auto_decompress=False,
                max_line_size=options.max_field_size,
                max_field_size=options.max_field_size,
                middlewares=(_SendOnce(state, new_connection=new_connection), *session._middlewares),  # noqa: SLF001 - this argument replaces them
                raise_for_status=False,
                proxy=options.proxy,
                ssl=options.ssl,
            )
            state.reused = False
            if response.status < 100 or (response.status == 407 and options.proxy is not None):
                raise make_status_error(response.status, options.proxy)
            # without a connection the body is complete: the session has taken the connection back
            protocol = None if response.connection is None else response.connection.protocol
            raw = await read_body(response.headers, response.content, protocol, options.max_body)
            return Response(response.status, response.headers, raw, request.url)
        finally:
            if response is not None and not response.closed:
                response.close()


class _KeptConnectionError(Exception):
    """The session chose a kept connection for a request that needs a new one."""


class _SendOnce:
    """A middleware that stops aiohttp from repeating a request, or sending it over an unclean connection."""

    __slots__ = ("_new_connection", "_state")

    def __init__(self, state: SendState, *, new_connection: bool) -> None:
        self._state, self._new_connection = state, new_connection

    async def __call__(self, request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        send = request.send

        async def send_on(connection: Connection) -> aiohttp.ClientResponse:
            reused = is_reused(connection.protocol)
            if reused and self._new_connection:
                raise _KeptConnectionError  # aiohttp closes the connection
            if not is_clean(connection):
                raise ProtocolError(
                    f"{request.url.origin()} sent data before the request", transient=True, received=False
                )
            self._state.started, self._state.reused = True, reused
            return await send(connection)

        request.send = send_on  # type: ignore[assignment, method-assign]  # only here the connection is visible
        try:
            while True:
                try:
                    return await handler(request)
                except _KeptConnectionError:
                    continue
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
            # aiohttp repeats a GET after these two; our own error it passes on.
            proxy = None if request.proxy is None else str(request.proxy)
            error = map_connection_loss(exc, str(request.url.origin()), self._state, proxy)
        raise error

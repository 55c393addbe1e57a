"""Send through a caller's own session: its headers, cookies, middlewares and traces hold.

The law of this file: what a session does behind its caller's back (send again,
follow redirects, undo codings) it does not do here.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from pandas_async_io._core.body.content_coding import accept_encoding
from pandas_async_io._core.errors import ProtocolError
from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.request.head import check_host
from pandas_async_io._core.security.origins import parse_origin
from pandas_async_io._io.transport.connection import CONNECT, is_clean, read
from pandas_async_io._io.transport.exceptions import Sent, lost, proxy_error

if TYPE_CHECKING:
    from aiohttp.client_middlewares import ClientHandlerType
    from aiohttp.connector import Connection

    from pandas_async_io._io.transport.connection import Wire

_LARGE = 2**20
"""Bytes from which on aiohttp wants a body in pieces."""


async def send_through(session: aiohttp.ClientSession, request: Request, wire: Wire, sent: Sent) -> Response:
    """Send a request and read its answer, which may be a redirect.

    Raises
    ------
    AttemptError, aiohttp.ClientError
        The latter for `mishap` to sort.
    """
    body = request.body
    check_host(parse_origin(request.url).host)
    url = URL(request.url, encoded=True)
    named = {name.lower() for name in (*session.headers, *request.headers)}
    if url.raw_user is not None and "authorization" in named:
        url = url.with_user(None)
    coding = {} if "accept-encoding" in named else {"Accept-Encoding": accept_encoding()}
    response: aiohttp.ClientResponse | None = None
    try:
        response = await session._request(  # noqa: SLF001 - session.request only wraps it (5 % of a request's cost)
            request.method,
            url,
            headers={**coding, **request.headers},
            data=io.BytesIO(body) if body is not None and len(body) > _LARGE else body,
            allow_redirects=False,
            timeout=CONNECT,
            auto_decompress=False,
            max_field_size=wire.max_field_size,
            middlewares=(_Once(sent), *session._middlewares),  # noqa: SLF001 - a request's would replace them
            raise_for_status=False,
            proxy=wire.proxy,
            ssl=True if wire.ssl is None else wire.ssl,
        )
        if response.status == 407 and wire.proxy is not None:
            raise proxy_error(wire.proxy, 407)
        raw = await read(response.headers, response.content, wire.max_body)
        return Response(response.status, response.headers, raw, request.url)
    finally:
        if response is not None and not response.closed:
            response.close()


class _Once:
    """A middleware that keeps a session from sending a request twice, or over a connection that speaks unasked."""

    __slots__ = ("_sent",)

    def __init__(self, sent: Sent) -> None:
        self._sent = sent

    async def __call__(self, request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        send = request.send

        async def send_on(connection: Connection) -> aiohttp.ClientResponse:
            if not is_clean(connection):
                raise ProtocolError(f"{request.url.origin()} speaks before it is asked", transient=True, received=False)
            self._sent.some = True
            return await send(connection)

        request.send = send_on  # type: ignore[assignment, method-assign]  # the one place that sees the connection
        try:
            return await handler(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
            proxy = None if request.proxy is None else str(request.proxy)
            error = lost(exc, str(request.url.origin()), self._sent, proxy)
        raise error

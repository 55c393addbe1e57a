"""Run the sample API beside the caller: a daemon thread, a loop of its own, loopback only."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aiohttp import web

from pandas_async_io.demo.api import application

if TYPE_CHECKING:
    import ssl as _ssl
    from collections.abc import AsyncIterator, Iterator

    from aiohttp.typedefs import Handler, Middleware

_HOST = "127.0.0.1"

_GRACE = 0.05
"""Seconds that requests in flight are given at the end."""


@contextmanager
def serve(
    *, port: int = 0, latency: float = 0.0, seed: int = 0, ssl: _ssl.SSLContext | None = None
) -> Iterator[Served]:
    """Run the sample API while the block runs.

    Several may run at once, also in a notebook. At the end requests in flight are cut.

    Parameters
    ----------
    port : int
        0 takes a free one.
    latency : float
        Seconds added to every response.
    seed : int
        Another seed, another population.
    ssl : ssl.SSLContext, optional
        Serve HTTPS with this context.

    Yields
    ------
    Served
        The base URL, a str without a slash at the end, that also holds what the server saw.

    Raises
    ------
    OSError
        The port is taken.

    Examples
    --------
    >>> from urllib.request import urlopen
    >>> with serve() as base_url:
    ...     body = urlopen(f"{base_url}/broken/1").read()
    >>> body
    b'{"key":"1"}'
    >>> base_url.log[0].path_qs, base_url.log[0].status
    ('/broken/1', 200)
    """
    # The backlog is that of a crowd: beyond it the kernel drops connects, which come back a second later.
    with socket.create_server((_HOST, port), backlog=4096) as listener:
        served = Served(f"{'https' if ssl else 'http'}://{_HOST}:{listener.getsockname()[1]}")
        app = application(seed)
        app.middlewares.insert(0, _watching(served, latency))
        with _loop_in_thread() as loop:
            listening = _listening(app, listener, served, ssl)
            asyncio.run_coroutine_threadsafe(listening.__aenter__(), loop).result()
            try:
                yield served
            finally:
                if not sys.is_finalizing():  # at the script's end the loop's thread runs no more
                    asyncio.run_coroutine_threadsafe(listening.__aexit__(None, None, None), loop).result()


@contextmanager
def _loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()

    def run() -> None:
        # The runner's end cancels what is left and joins the loop's own threads.
        with asyncio.Runner(loop_factory=lambda: loop):
            loop.run_forever()

    thread = threading.Thread(target=run, name="pandas_async_io.demo", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        if not sys.is_finalizing():
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


@asynccontextmanager
async def _listening(
    app: web.Application, listener: socket.socket, served: Served, ssl: _ssl.SSLContext | None
) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_GRACE)
    await runner.setup()

    def connected() -> asyncio.BaseProtocol:
        served.connections += 1
        return protocols()

    protocols = cast("web.Server", runner.server)  # None only before the set-up
    server = await asyncio.get_running_loop().create_server(connected, sock=listener, ssl=ssl, backlog=4096)
    try:
        yield
    finally:
        server.close()
        open_now = [protocol.transport for protocol in protocols.connections]
        await runner.cleanup()
        for transport in filter(None, open_now):
            transport.abort()  # A client that does not read would hold the closing up.
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1)


def _watching(served: Served, latency: float) -> Middleware:
    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen = Seen(time.monotonic(), request.method, request.raw_path)
        served.log.append(seen)
        served.in_flight += 1
        served.peak = max(served.peak, served.in_flight)
        try:
            response = await handler(request)
            await asyncio.sleep(latency)
            seen.status = response.status
            return response
        finally:
            served.in_flight -= 1

    return watch


@dataclass(slots=True)
class Seen:
    """One request as the server saw it; not frozen, because the status comes later.

    Attributes
    ----------
    time : float
        Monotonic seconds of its arrival; comparable within this process.
    method : str
        As sent.
    path_qs : str
        Path and query as they were on the wire.
    status : int or None
        None until it is answered, and for good if the client left before.
    """

    time: float
    method: str
    path_qs: str
    status: int | None = None


class Served(str):
    """The base URL of a running sample API, and what that server saw.

    Attributes
    ----------
    log : list of Seen
        One per request, in the order of arrival; may be read and cleared at any time.
    connections : int
        TCP connections opened so far.
    in_flight : int
        Requests being answered now.
    peak : int
        The largest `in_flight` so far.
    """

    __slots__ = ("connections", "in_flight", "log", "peak")

    def __init__(self, _base_url: str) -> None:
        self.log: list[Seen] = []
        self.connections = self.in_flight = self.peak = 0

    def clear(self) -> None:
        """Forget the log and the peak; connections are counted on."""
        self.log.clear()
        self.peak = self.in_flight

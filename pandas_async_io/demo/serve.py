"""Run the sample API on the loopback address, on an event loop in its own daemon thread."""

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

_SHUTDOWN_SECONDS = 0.05
"""Time that requests in flight get to finish at shutdown."""


@contextmanager
def serve(
    *, port: int = 0, latency: float = 0.0, seed: int = 0, ssl: _ssl.SSLContext | None = None
) -> Iterator[SampleApi]:
    """Run the sample API for the duration of a ``with`` block.

    Several may run at once, also in a notebook. The end of the block aborts requests in flight.

    Parameters
    ----------
    port : int, default 0
        0 selects a free port.
    latency : float, default 0.0
        Seconds added to every response.
    seed : int, default 0
        Selects the generated users and posts.
    ssl : ssl.SSLContext, optional
        Serve HTTPS with this context.

    Yields
    ------
    SampleApi
        The base URL, a str without a trailing slash, with the server's log and counters as attributes.

    Raises
    ------
    OSError
        The port is in use.

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
    # A large backlog: beyond it the kernel drops a SYN, which the client repeats a second later.
    with socket.create_server((_HOST, port), backlog=4096) as listener:
        sample_api = SampleApi(f"{'https' if ssl else 'http'}://{_HOST}:{listener.getsockname()[1]}")
        app = application(seed)
        app.middlewares.insert(0, _logging(sample_api, latency))
        with _loop_in_thread() as loop:
            listening = _listening(app, listener, sample_api, ssl)
            asyncio.run_coroutine_threadsafe(listening.__aenter__(), loop).result()
            try:
                yield sample_api
            finally:
                if not sys.is_finalizing():  # during interpreter shutdown the loop's thread no longer runs
                    asyncio.run_coroutine_threadsafe(listening.__aexit__(None, None, None), loop).result()


@contextmanager
def _loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()

    def run() -> None:
        # Leaving the runner cancels the remaining tasks and joins the executor's threads.
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
    app: web.Application, listener: socket.socket, sample_api: SampleApi, ssl: _ssl.SSLContext | None
) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()

    def connected() -> asyncio.BaseProtocol:
        sample_api.connections += 1
        return new_protocol()

    new_protocol = cast("web.Server", runner.server)  # None only before setup()
    server = await asyncio.get_running_loop().create_server(connected, sock=listener, ssl=ssl, backlog=4096)
    try:
        yield
    finally:
        server.close()
        transports = [protocol.transport for protocol in new_protocol.connections]
        await runner.cleanup()
        for transport in filter(None, transports):
            transport.abort()  # close() would wait for a client that does not read
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1)


def _logging(sample_api: SampleApi, latency: float) -> Middleware:
    @web.middleware
    async def log(request: web.Request, handler: Handler) -> web.StreamResponse:
        logged = LoggedRequest(time.monotonic(), request.method, request.raw_path)
        sample_api.log.append(logged)
        sample_api.in_flight += 1
        sample_api.peak = max(sample_api.peak, sample_api.in_flight)
        try:
            response = await handler(request)
            await asyncio.sleep(latency)
            logged.status = response.status
            return response
        finally:
            sample_api.in_flight -= 1

    return log


@dataclass(slots=True)
class LoggedRequest:
    """One request as the server received it; not frozen, because the status is set later.

    Attributes
    ----------
    time : float
        Monotonic seconds of its arrival; comparable within this process.
    method : str
        As sent.
    path_qs : str
        Path and query, undecoded.
    status : int or None
        None until the response is sent, and for good if the client disconnects before.
    """

    time: float
    method: str
    path_qs: str
    status: int | None = None


class SampleApi(str):
    """The base URL of a running sample API, with the server's log and counters.

    Attributes
    ----------
    log : list of LoggedRequest
        One per request, in order of arrival; may be read and cleared at any time.
    connections : int
        TCP connections opened so far.
    in_flight : int
        Requests that wait for their response now.
    peak : int
        The largest `in_flight` so far.
    """

    __slots__ = ("connections", "in_flight", "log", "peak")

    def __init__(self, _base_url: str) -> None:
        self.log: list[LoggedRequest] = []
        self.connections = self.in_flight = self.peak = 0

    def clear(self) -> None:
        """Clear the log and reset the peak; `connections` keeps counting."""
        self.log.clear()
        self.peak = self.in_flight

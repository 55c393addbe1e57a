"""A loopback server whose status and headers a coroutine chooses, for tests about time and requests in flight."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING

from tests.servers.limiters import LeakyBucket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    Handler = Callable[["ServedRequest"], Awaitable[tuple[int, dict[str, str]]]]


@dataclass(slots=True)
class ServedRequest:
    """One request as the server saw it; times in monotonic seconds, `in_flight` includes it."""

    arrived: float
    path: str
    headers: dict[str, str]
    in_flight: int
    status: int = 0
    finished: float = 0.0


@dataclass(slots=True)
class HandlerServer:
    """A running server and its log, in order of arrival."""

    handler: Handler
    url: str = ""
    log: list[ServedRequest] = field(default_factory=list)
    in_flight: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    writer.write(await self._respond(reader))
        finally:
            self.writers.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _respond(self, reader: asyncio.StreamReader) -> bytes:
        line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
        await reader.readexactly(int(headers.get("content-length", 0)))
        self.in_flight += 1
        request = ServedRequest(time.monotonic(), line.split()[1], headers, self.in_flight)
        self.log.append(request)
        try:
            request.status, response_headers = await self.handler(request)
        finally:
            self.in_flight -= 1
            request.finished = time.monotonic()
        head = "".join(f"{name}: {value}\r\n" for name, value in response_headers.items())
        return f"HTTP/1.1 {request.status} X\r\nContent-Length: 11\r\n{head}\r\n".encode() + b'{"ok":true}'


@contextmanager
def serve_handler(handler: Handler) -> Iterator[HandlerServer]:
    """Run a server on an event loop in its own thread."""
    server, loop, ready = HandlerServer(handler), asyncio.new_event_loop(), Event()
    stop = asyncio.Event()

    async def run() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=4096)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        ready.set()
        await stop.wait()
        listening.close()
        for writer in server.writers:
            writer.transport.abort()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    def main() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = Thread(target=main, daemon=True)
    thread.start()
    try:
        assert ready.wait(10)
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@contextmanager
def serve_rate_limited(directory: Path, rate: int, status: int = 429) -> Iterator[tuple[str, list[tuple[float, int]]]]:
    """Run a server with a rate limit without burst: nginx where it is installed, else a `LeakyBucket`.

    Yields its URL, and a list that holds the time and status of each request once the server has ended.
    """
    log: list[tuple[float, int]] = []
    if NGINX is None:
        with serve_handler(LeakyBucket(rate, status=status)) as server:
            yield server.url, log
        log += [(request.arrived, request.status) for request in server.log]
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with run_nginx(directory, port, rate, status):
        yield f"http://127.0.0.1:{port}", log
    lines = (directory / "access.log").read_text().splitlines()
    log += [(float(seconds), int(status)) for seconds, status in map(str.split, lines)]


NGINX = shutil.which("nginx")

_CONF = """
worker_processes 1; daemon off; pid {directory}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  log_format requests '$msec $status'; access_log {directory}/access.log requests;
  limit_req_status {status}; keepalive_requests 1000000;
  client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
  uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
  limit_req_zone $server_port zone=limited:1m rate={rate}r/s;
  server {{
    listen unix:{directory}/ready; listen 127.0.0.1:{port} backlog=1024; default_type application/json;
    location / {{ limit_req zone=limited; try_files /none @ok; }}
    location @ok {{ return 200 '{{"ok": true}}'; }}
  }}
}}
"""


@contextmanager
def run_nginx(directory: Path, port: int, rate: int, status: int = 429) -> Iterator[None]:
    """Run nginx with a rate limit without burst; its log has a line of time and status per request."""
    (directory / "nginx.conf").write_text(_CONF.format(directory=directory, port=port, rate=rate, status=status))
    command = [str(NGINX), "-p", str(directory), "-c", str(directory / "nginx.conf"), "-e", "stderr"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 10
            while not (directory / "ready").exists():
                assert process.poll() is None, "nginx ended"
                assert time.monotonic() < deadline, "nginx does not start"
                time.sleep(0.01)
            yield
        finally:
            process.terminate()

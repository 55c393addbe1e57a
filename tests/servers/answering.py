"""A server whose answers a coroutine decides, and its log: for what depends on time or on what else is in flight."""

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

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    Answer = Callable[["Seen"], Awaitable[tuple[int, dict[str, str]]]]


@dataclass(slots=True)
class Seen:
    """One request as the server saw it: when it came, in monotonic seconds, and what else was in flight."""

    at: float
    path: str
    headers: dict[str, str]
    in_flight: int
    status: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Answering:
    """A running server."""

    answer: Answer
    url: str = ""
    log: list[Seen] = field(default_factory=list)
    in_flight: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    writer.write(await self._answered(reader))
        finally:
            self.open.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answered(self, reader: asyncio.StreamReader) -> bytes:
        line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
        await reader.readexactly(int(headers.get("content-length", 0)))
        self.in_flight += 1
        seen = Seen(time.monotonic(), line.split()[1], headers, self.in_flight)
        self.log.append(seen)
        try:
            seen.status, own = await self.answer(seen)
        finally:
            self.in_flight -= 1
            seen.until = time.monotonic()
        head = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        return f"HTTP/1.1 {seen.status} X\r\nContent-Length: 11\r\n{head}\r\n".encode() + b'{"ok":true}'


@contextmanager
def answering(answer: Answer) -> Iterator[Answering]:
    """Run a server on a loop in a thread of its own."""
    server, loop, ready = Answering(answer), asyncio.new_event_loop(), Event()
    stop = asyncio.Event()

    async def run() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=4096)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        ready.set()
        await stop.wait()
        listening.close()
        for writer in server.open:
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


class Limiter:
    """An answer that is a leaky bucket without burst: what comes earlier than 1/rate after the last is refused."""

    def __init__(self, rate: float, headers: dict[str, str] | None = None) -> None:
        self.gap, self.headers, self.last = 1 / rate, headers or {}, float("-inf")

    async def __call__(self, seen: Seen) -> tuple[int, dict[str, str]]:
        if seen.at - self.last < self.gap:
            return 429, self.headers
        self.last = seen.at
        return 200, {}


@contextmanager
def strict(home: Path, rate: int) -> Iterator[tuple[str, list[tuple[float, int]]]]:
    """Run a server with a strict limit, nginx where it is installed.

    Yields its URL, and a list that holds the time and status of each request once the server has ended.
    """
    log: list[tuple[float, int]] = []
    if NGINX is None:
        with answering(Limiter(rate)) as server:
            yield server.url, log
        log += [(seen.at, seen.status) for seen in server.log]
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with nginx(home, port, rate):
        yield f"http://127.0.0.1:{port}", log
    lines = (home / "access.log").read_text().splitlines()
    log += [(float(at), int(status)) for at, status in map(str.split, lines)]


NGINX = shutil.which("nginx")

_CONF = """
worker_processes 1; daemon off; pid {home}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  log_format seen '$msec $status'; access_log {home}/access.log seen;
  limit_req_status 429; keepalive_requests 1000000;
  client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c;
  uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;
  limit_req_zone $server_port zone=strict:1m rate={rate}r/s;
  server {{
    listen unix:{home}/ready; listen 127.0.0.1:{port} backlog=1024; default_type application/json;
    location / {{ limit_req zone=strict; try_files /none @ok; }}
    location @ok {{ return 200 '{{"ok": true}}'; }}
  }}
}}
"""


@contextmanager
def nginx(home: Path, port: int, rate: int) -> Iterator[None]:
    """Run nginx with a strict limit, without burst; its log has a line of time and status per request."""
    (home / "nginx.conf").write_text(_CONF.format(home=home, port=port, rate=rate))
    command = [str(NGINX), "-p", str(home), "-c", str(home / "nginx.conf"), "-e", "stderr"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 10
            while not (home / "ready").exists():
                assert process.poll() is None, "nginx ended"
                assert time.monotonic() < deadline, "nginx does not start"
                time.sleep(0.01)
            yield
        finally:
            process.terminate()

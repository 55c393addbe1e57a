"""Loopback servers that send scripted bytes, one script per request, and break HTTP where a test needs it.

Each runs on an event loop in its own thread, so it serves blocking and awaiting clients alike, and records the
requests that it received.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

PATIENCE = 10.0
"""Seconds after which a test fails that waits for an event."""


class Action(Enum):
    """A step of a script that is not sending bytes."""

    CLOSE = "send FIN"
    RESET = "send RST"
    HANG = "send nothing until the client disconnects"
    DRIP = "send a space every 10 ms until the client disconnects"
    TUNNEL = "accept CONNECT and relay bytes to the target"
    PAUSE = "wait for `PAUSE_SECONDS`"
    WAIT = "wait until the test sets `Server.released`"
    SKIP_BODY = "do not read the request's body"


PAUSE_SECONDS = 0.2

Script = bytes | list[bytes | Action]


def http_response(body: bytes = b"{}", *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """Return a response with Content-Length; `length` replaces the true one."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def json_response(payload: object, *headers: str, status: str = "200 OK") -> bytes:
    """Return a response with a payload as JSON; bytes are sent as they are."""
    return http_response(
        payload if isinstance(payload, bytes) else json.dumps(payload).encode(), *headers, status=status
    )


def chunked_response(*chunks: bytes, end: bytes = b"0\r\n\r\n", headers: Sequence[str] = ()) -> bytes:
    """Return a response in chunked transfer coding."""
    head = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers, "", ""])
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it arrived; `connection` counts from 1."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def method(self) -> str:
        return self.line.split()[0]

    @property
    def target(self) -> str:
        return self.line.split()[1]


@dataclass(slots=True)
class Server:
    """A running server.

    Attributes
    ----------
    url : str
        Without a trailing slash.
    scripts : sequence of Script
        The last one is repeated.
    requests : list of ReceivedRequest
        In order of arrival.
    connections : int
        Connections accepted so far.
    in_flight : list of int
        For each request of an HTTP/2 server, how many were in flight on its connection, itself included.
    released : threading.Event
        Ends `Action.WAIT`.
    """

    url: str
    scripts: Sequence[Script]
    requests: list[ReceivedRequest] = field(default_factory=list)
    connections: int = 0
    in_flight: list[int] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _disconnects: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def wait_for_disconnects(self, count: int = 1) -> None:
        """Wait until at least `count` connections have ended."""
        self._wait(lambda: self._disconnects >= count, f"{count} connections to end")

    def wait_for_requests(self, count: int = 1) -> None:
        """Wait until at least `count` requests have arrived."""
        self._wait(lambda: len(self.requests) >= count, f"{count} requests")

    def _wait(self, happened, what):
        with self._changed:
            if not self._changed.wait_for(happened, PATIENCE):
                raise AssertionError(f"waited {PATIENCE:g} s for {what}")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._respond(reader, writer, connection):
                    pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            with self._changed:
                self._disconnects += 1
                self._changed.notify_all()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> bool:
        """Run the script of the next request; return whether the connection stays open."""
        script = self.scripts[min(len(self.requests) + 1, len(self.scripts)) - 1]
        steps = [script] if isinstance(script, bytes) else script
        request = await _read_request(reader, connection, with_body=Action.SKIP_BODY not in steps)
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        for step in steps:
            match step:
                case Action.CLOSE:
                    return False
                case Action.RESET:
                    _reset(writer)
                    return False
                case Action.HANG:
                    await reader.read()
                    return False
                case Action.PAUSE:
                    await asyncio.sleep(PAUSE_SECONDS)
                case Action.WAIT:
                    await asyncio.to_thread(self.released.wait, PATIENCE)
                case Action.SKIP_BODY:
                    pass
                case Action.DRIP:
                    await _drip(writer)
                    return False
                case Action.TUNNEL:
                    await _tunnel(request, reader, writer)
                    return False
                case _:
                    writer.write(step)
                    await writer.drain()
        return True


async def _read_request(reader: asyncio.StreamReader, connection: int, *, with_body: bool) -> ReceivedRequest:
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
    body = await reader.readexactly(int(headers.get("content-length", 0))) if with_body else b""
    return ReceivedRequest(line, headers, body, connection)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: a linger of zero seconds discards unsent data."""
    peer = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _tunnel(request: ReceivedRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, _, port = request.line.split()[1].rpartition(":")
    inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    try:
        await asyncio.gather(_relay(reader, inner_writer), _relay(inner_reader, writer))
    finally:
        inner_writer.close()
        with suppress(OSError):
            await inner_writer.wait_closed()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


serve_instead: list[Callable[..., AbstractContextManager[Server]]] = []
"""What serves scripts in place of HTTP/1.1 without TLS: a fixture's choice of another protocol."""


@contextmanager
def serve_script(*scripts: Script, ssl: tls.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run a server that plays one script per request and repeats the last one."""
    if serve_instead and ssl is None:
        with serve_instead[-1](*scripts) as server:
            yield server
        return
    with socket.create_server((host, 0)) as listener:
        server = Server(f"{'https' if ssl else 'http'}://{host}:{listener.getsockname()[1]}", scripts)
        started, stop = threading.Event(), asyncio.Event()
        loop = asyncio.new_event_loop()

        async def run() -> None:
            writers, tasks = [], []

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writers.append(writer)
                tasks.append(loop.create_task(server._serve(reader, writer)))

            listening = await asyncio.start_server(connected, sock=listener, ssl=ssl)
            started.set()
            await stop.wait()
            await asyncio.sleep(0)  # lets pending accepts start
            this_task = asyncio.current_task()
            while accepts := asyncio.all_tasks() - {this_task, *tasks}:  # a cancelled accept leaves its socket open
                await asyncio.wait(accepts, timeout=1)
                if not any(each.done() for each in accepts):
                    break
            listening.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for writer in writers:  # a task cancelled before its first step has not closed its writer
                writer.transport.abort()

        with run_in_thread(loop, run, started, stop):
            yield server


@contextmanager
def run_in_thread(
    loop: asyncio.AbstractEventLoop, run: Callable[[], Any], started: threading.Event, stop: asyncio.Event
) -> Iterator[None]:
    """Run a server in a thread: `run` sets `started`, and ends once `stop` is set."""

    def main() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=main, name="test server", daemon=True)
    thread.start()
    try:
        assert started.wait(PATIENCE)
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)


class _ComputedScript:
    """A script whose bytes are computed after the request has arrived."""

    def __init__(self, respond: Callable[[ReceivedRequest], bytes]) -> None:
        self.respond = respond

    def __contains__(self, step: object) -> bool:
        return False

    def __iter__(self) -> Iterator[bytes]:
        yield self.respond(self.server.requests[-1])


@contextmanager
def serve_function(respond: Callable[[ReceivedRequest], bytes]) -> Iterator[Server]:
    """Run a server whose responses are a function of the request."""
    script = _ComputedScript(respond)
    with serve_script(script) as script.server:
        yield script.server


@contextmanager
def serve_socket(handle: Callable[[socket.socket], object]) -> Iterator[str]:
    """Run a blocking function per TCP connection, ignoring its OSErrors; yields host and port."""

    def accept() -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                peer, _ = listener.accept()
                with peer, suppress(OSError):
                    peer.settimeout(PATIENCE)
                    handle(peer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, name="socket test server", daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)


@contextmanager
def full_backlog() -> Iterator[str]:
    """Yield the URL of a port whose accept queue is full: the SYN of a new connection is dropped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        queued = [socket.socket() for _ in range(4)]
        try:
            for each in queued:
                each.setblocking(False)
                each.connect_ex(listener.getsockname())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for each in queued:
                each.close()


def refused_url() -> str:
    """Return the URL of a port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

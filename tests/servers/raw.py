"""Servers that misbehave by the book: raw bytes over real loopback sockets, scripted request by request.

Each runs on a loop in a thread of its own, so that it serves blocking and
awaiting clients alike, and counts what reached it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import Callable, Iterator, Sequence

PATIENCE = 10.0
"""Seconds until a test gives up waiting for what should have happened."""


class Then(Enum):
    """What a server does that is not sending bytes."""

    CLOSE = "send FIN"
    RESET = "send RST"
    HANG = "say nothing until the client leaves"
    DRIP = "send a space every few milliseconds until the client leaves"
    TUNNEL = "agree to CONNECT and carry bytes to where the client asked"
    PAUSE = "wait a little"
    GO = "wait until the test sets `Server.go`"
    EARLY = "do not read the request's body"

    @property
    def seconds(self) -> float:
        """How long a pause is."""
        return 0.2


Answer = bytes | list[bytes | Then]


def http(body: bytes = b"{}", *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """Write a response whose length is announced, truly unless `length` says otherwise."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n", headers: Sequence[str] = ()) -> bytes:
    """Write a response in chunks."""
    head = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers, "", ""])
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass(slots=True)
class Server:
    """A running server: where it is, and what it saw.

    Attributes
    ----------
    url : str
        Without a slash at the end.
    asked : list of Asked
        Requests in the order of their arrival.
    connections : int
        Opened so far.
    """

    url: str
    answers: Sequence[Answer]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    go: threading.Event = field(default_factory=threading.Event)
    _left: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def wait_left(self, count: int = 1) -> None:
        """Wait until so many connections have ended."""
        self._wait(lambda: self._left >= count, f"{count} connections to end")

    def wait_asked(self, count: int = 1) -> None:
        """Wait until so many requests have arrived."""
        self._wait(lambda: len(self.asked) >= count, f"{count} requests")

    def _wait(self, happened, what):
        with self._changed:
            if not self._changed.wait_for(happened, PATIENCE):
                raise AssertionError(f"waited in vain for {what}")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._answer(reader, writer, connection):
                    pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            with self._changed:
                self._left += 1
                self._changed.notify_all()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> bool:
        answer = self.answers[min(len(self.asked) + 1, len(self.answers)) - 1]
        steps = [answer] if isinstance(answer, bytes) else answer
        asked = await _request(reader, connection, early=Then.EARLY in steps)
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
        for step in steps:
            match step:
                case Then.CLOSE:
                    return False
                case Then.RESET:
                    _reset(writer)
                    return False
                case Then.HANG:
                    await reader.read()
                    return False
                case Then.PAUSE:
                    await asyncio.sleep(step.seconds)
                case Then.GO:
                    await asyncio.to_thread(self.go.wait, PATIENCE)
                case Then.EARLY:
                    pass
                case Then.DRIP:
                    await _drip(writer)
                    return False
                case Then.TUNNEL:
                    await _tunnel(asked, reader, writer)
                    return False
                case _:
                    writer.write(step)
                    await writer.drain()
        return True


async def _request(reader: asyncio.StreamReader, connection: int, *, early: bool) -> Asked:
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
    body = b"" if early else await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(line, headers, body, connection)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: a linger of no seconds throws away what was not sent."""
    peer = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _tunnel(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, _, port = asked.line.split()[1].rpartition(":")
    inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(_carry(reader, inner_writer), _carry(inner_reader, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextmanager
def serving(*answers: Answer, ssl: tls.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run a server that gives one answer after the other, and the last one again and again."""
    with socket.create_server((host, 0)) as listener:
        server = Server(f"{'https' if ssl else 'http'}://{host}:{listener.getsockname()[1]}", answers)
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
            await asyncio.sleep(0)  # accept what has come
            mine = asyncio.current_task()
            while accepts := asyncio.all_tasks() - {mine, *tasks}:  # cut off, they would leave sockets open
                await asyncio.wait(accepts, timeout=1)
                if not any(each.done() for each in accepts):
                    break
            listening.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for writer in writers:  # a task that was cancelled before its first step closed nothing
                writer.transport.abort()

        def main() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(run())

        thread = threading.Thread(target=main, name="server of a test", daemon=True)
        thread.start()
        try:
            assert started.wait(PATIENCE)
            yield server
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(PATIENCE)


@contextmanager
def accepting(greet: Callable[[socket.socket], object]) -> Iterator[str]:
    """Run a server below HTTP: a blocking function per connection, and its errors ignored; gives the port."""

    def accept() -> None:
        with suppress(OSError):  # closed: the end
            while True:
                peer, _ = listener.accept()
                with peer, suppress(OSError):
                    peer.settimeout(PATIENCE)
                    greet(peer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, name="server of a test", daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)


@contextmanager
def deaf() -> Iterator[str]:
    """Give the URL of a port whose queue is full: a connection to it is never made (its SYN is lost)."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        crowd = [socket.socket() for _ in range(4)]
        try:
            for each in crowd:
                each.setblocking(False)
                each.connect_ex(listener.getsockname())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for each in crowd:
                each.close()


def refusing() -> str:
    """Return the URL of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


class _Reply:
    """An answer that is made when its request has come."""

    def __init__(self, function: Callable[[Asked], bytes]) -> None:
        self.function = function

    def __contains__(self, step: object) -> bool:
        return False

    def __iter__(self) -> Iterator[bytes]:
        yield self.function(self.server.asked[-1])


@contextmanager
def replying(function: Callable[[Asked], bytes]) -> Iterator[Server]:
    """Run a server whose answers a function of the request makes."""
    reply = _Reply(function)
    with serving(reply) as reply.server:
        yield reply.server

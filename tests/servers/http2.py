"""A loopback server that plays the scripts of `scripted` over HTTP/2 and TLS, one script per request.

Bytes of a script are an HTTP/1.1 response: its head becomes a HEADERS frame, its body DATA frames. A body that is
shorter than announced ends when the connection does. What only HTTP/2 has are functions of the stream: `goaway`,
`reset_stream`, `send_frame`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from tests.servers.scripted import PATIENCE, PAUSE_SECONDS, Action, ReceivedRequest, Server, run_in_thread

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import Iterator

_DRIP_SECONDS = 0.01
_HTTP1_FIELDS = {"connection", "transfer-encoding"}


def goaway(code: ErrorCodes = ErrorCodes.NO_ERROR, debug: bytes = b"", last: int | None = None):
    """Announce that the connection takes no more requests; those up to `last`, by default this one, are answered."""

    def send(stream):
        number = stream.number if last is None else last
        head = (8 + len(debug)).to_bytes(3, "big") + bytes([7, 0, 0, 0, 0, 0])
        stream.connection.send(head + struct.pack(">II", number, code) + debug)

    return send


def reset_stream(code: ErrorCodes | None):
    """End one request and keep the connection; None ends it without an error, whatever its body lacks."""
    return lambda stream: stream.reset(code)


def send_frame(frame: bytes):
    """Send bytes that need not be a frame."""
    return lambda stream: stream.connection.send(frame)


def forward_to(base_url: str):
    """Ask a server without TLS, and send its response on."""
    host, _, port = base_url.removeprefix("http://").partition(":")

    async def ask(stream):
        request = stream.received()
        fields = {**request.headers, "host": f"{host}:{port}", "connection": "close"}
        head = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write("\r\n".join([*head, "", ""]).encode() + request.body)
        try:
            await stream.send(await reader.read(-1))
        finally:
            writer.close()

    return ask


class _Stream:
    """One request and its response."""

    def __init__(self, connection: _Connection, number: int, headers: dict[str, str]) -> None:
        self.connection, self.number, self.headers = connection, number, headers
        self.body = bytearray()
        self.ended, self.window = asyncio.Event(), asyncio.Event()
        self._remaining: int | None = None  # bytes of the body; None until they are known
        self._chunked = self._answered = False
        self._buffer = b""

    def received(self) -> ReceivedRequest:
        fields = {name: value for name, value in self.headers.items() if not name.startswith(":")}
        fields["host"] = self.headers[":authority"]
        line = f"{self.headers[':method']} {self.headers[':path']} HTTP/2"
        return ReceivedRequest(line, fields, bytes(self.body), self.connection.number)

    def reset(self, code: ErrorCodes | None) -> None:
        if code is None:
            self.connection.h2.end_stream(self.number)
        else:
            self.connection.h2.reset_stream(self.number, code)
        self.connection.flush()
        self.ended.set()

    async def send(self, data: bytes) -> None:
        """Send a part of an HTTP/1.1 response."""
        self._buffer += data
        while not self._answered and b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            self._send_head(head.decode("latin-1"))
        if self._answered:
            await self._send_body()

    def _send_head(self, head: str) -> None:
        line, *lines = head.split("\r\n")
        fields = [tuple(each.split(": ", 1)) for each in lines]
        status = int(line.split()[1])
        names = {name.lower(): value for name, value in fields}
        self._chunked = names.pop("transfer-encoding", "") == "chunked"
        kept = [(name.lower(), value) for name, value in fields if name.lower() not in _HTTP1_FIELDS]
        if "content-length" in names:
            self._remaining = int(names["content-length"])
        elif status in {204, 304} or status < 200:
            self._remaining = 0
        if self.headers[":method"] == "HEAD" or status == 304:
            self._remaining = 0
        self._answered = status >= 200
        self.connection.h2.send_headers(
            self.number, [(":status", str(status)), *kept], end_stream=self._answered and self._remaining == 0
        )
        self.connection.flush()

    async def _send_body(self) -> None:
        while self._buffer and not self.ended.is_set():
            piece, last = self._take_piece()
            if piece is None:
                return
            while piece:
                h2 = self.connection.h2
                room = min(h2.local_flow_control_window(self.number), h2.max_outbound_frame_size)
                if room <= 0:
                    self.window.clear()
                    await self.window.wait()
                    if self.ended.is_set():
                        return
                    continue
                h2.send_data(self.number, piece[:room])
                piece = piece[room:]
                self.connection.flush()
            if last:
                self.connection.h2.end_stream(self.number)
                self.connection.flush()

    def _take_piece(self) -> tuple[bytes | None, bool]:
        """Return the next part of the body, and whether it is the last."""
        if not self._chunked:
            piece, self._buffer = self._buffer, b""
            if self._remaining is not None:
                self._remaining -= len(piece)
            return piece, self._remaining is not None and self._remaining <= 0
        size, found, rest = self._buffer.partition(b"\r\n")
        if not found or len(rest) < int(size, 16):
            return None, False
        self._buffer = rest[int(size, 16) + 2 :]
        return rest[: int(size, 16)], int(size, 16) == 0


class _Connection(asyncio.Protocol):
    """One connection of an HTTP/2 server."""

    def __init__(self, server: Server, max_streams: int | None) -> None:
        self.server, self.number = server, 0
        self.h2 = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self._max_streams = max_streams
        self._streams: dict[int, _Stream] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.h2.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL] = 0
        if self._max_streams is not None:
            self.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self._max_streams})
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.send(self.h2.data_to_send())

    def send(self, data: bytes) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        try:
            events = self.h2.receive_data(data)
        except ProtocolError:
            self.transport.abort()
            return
        for event in events:
            match event:
                case RequestReceived():
                    headers = dict(event.headers)
                    self._streams[event.stream_id] = _Stream(self, event.stream_id, headers)
                case DataReceived():
                    self._streams[event.stream_id].body += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded():
                    self._begin(self._streams[event.stream_id])
                case StreamReset() if event.stream_id in self._streams:
                    self._streams[event.stream_id].ended.set()
                    self._streams[event.stream_id].window.set()
                case WindowUpdated():
                    for stream in self._streams.values():
                        stream.window.set()
        self.flush()

    def _begin(self, stream: _Stream) -> None:
        server = self.server
        if not self.number:  # the connection that only asks for the protocol has no request
            server.connections += 1
            self.number = server.connections
        script = server.scripts[min(len(server.requests) + 1, len(server.scripts)) - 1]
        with server._changed:
            server.requests.append(stream.received())
            server.in_flight.append(self.h2.open_inbound_streams)
            server._changed.notify_all()
        task = asyncio.get_running_loop().create_task(self._play(stream, script))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _play(self, stream: _Stream, script) -> None:
        with suppress(ProtocolError):
            for step in [script] if isinstance(script, bytes) else script:
                if isinstance(step, bytes):
                    await stream.send(step)
                elif isinstance(step, Action):
                    await self._act(stream, step)
                elif (pending := step(stream)) is not None:
                    await pending
        if stream.ended.is_set():
            self._count_end()

    async def _act(self, stream: _Stream, action: Action) -> None:
        match action:
            case Action.CLOSE:
                self.transport.close()
            case Action.RESET:
                peer = self.transport.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.transport.abort()
            case Action.HANG:
                await stream.ended.wait()
            case Action.PAUSE:
                await asyncio.sleep(PAUSE_SECONDS)
            case Action.WAIT:
                await asyncio.to_thread(self.server.released.wait, PATIENCE)
            case Action.DRIP:
                while not stream.ended.is_set():
                    await stream.send(b" ")
                    await asyncio.sleep(_DRIP_SECONDS)

    def _count_end(self) -> None:
        with self.server._changed:
            self.server._disconnects += 1
            self.server._changed.notify_all()

    def connection_lost(self, _exc) -> None:
        for stream in self._streams.values():
            stream.ended.set()
            stream.window.set()
        if self.number:
            self._count_end()


@contextmanager
def serve_http2(*scripts, context: tls.SSLContext, max_streams: int | None = 100) -> Iterator[Server]:
    """Run a server that plays one script per request and repeats the last one.

    Parameters
    ----------
    context : ssl.SSLContext
        With a certificate; this function adds the protocol.
    max_streams : int or None
        The server's limit of requests in flight on one connection.
    """
    context.set_alpn_protocols(["h2"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(f"https://127.0.0.1:{listener.getsockname()[1]}", scripts)
        started, stop = threading.Event(), asyncio.Event()
        loop = asyncio.new_event_loop()

        async def run() -> None:
            connections = []

            def accept() -> _Connection:
                connections.append(_Connection(server, max_streams))
                return connections[-1]

            listening = await loop.create_server(accept, sock=listener, ssl=context)
            started.set()
            await stop.wait()
            listening.close()
            tasks = [task for each in connections for task in each.tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for each in connections:
                if hasattr(each, "transport"):
                    each.transport.abort()
            await asyncio.sleep(0)

        with run_in_thread(loop, run, started, stop):
            yield server

"""A server in a process of its own, so that the times in its log do not wait for the test's threads.

``/items/7`` is ``{"value": 7}``; ``/refuse/N/S`` lets the N-th request from now on be refused with ``Retry-After: S``;
``/log`` gives and clears the log: the monotonic time, path and status of each other request.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


class CountingServer(str):
    """The server's URL."""

    __slots__ = ()

    def ask(self, path: str) -> Any:
        """Return the JSON at a path."""
        with urllib.request.urlopen(self + path, timeout=10) as response:
            return json.load(response)

    def take_log(self) -> list[tuple[float, str, int]]:
        """Return and clear the log."""
        return [tuple(line) for line in self.ask("/log")]


@contextmanager
def serve_counting(latency: float = 0.02) -> Iterator[CountingServer]:
    """Run the server."""
    command = [sys.executable, "-m", "tests.servers.counting", str(latency)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield CountingServer(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


class _Log:
    def __init__(self, latency: float) -> None:
        self.latency, self.lines, self.refusal = latency, [], None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _read_head(reader):
            path = head.split()[1].decode()
            status, extra, body = await self.answer(path)
            text = json.dumps(body).encode()
            writer.write(b"HTTP/1.1 %d X\r\n%sContent-Type: application/json\r\n" % (status, extra))
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        writer.close()

    async def answer(self, path: str) -> tuple[int, bytes, Any]:
        if path == "/log":
            lines, self.lines = self.lines, []
            return 200, b"", lines
        if path.startswith("/refuse/"):
            self.refusal = tuple(map(int, path.split("/")[2:]))
            return 200, b"", None
        arrived = time.monotonic()
        if self.refusal is not None:
            left, seconds = self.refusal
            self.refusal = (left - 1, seconds) if left > 1 else None
            if left == 1:
                self.lines.append((arrived, path, 429))
                return 429, b"Retry-After: %d\r\n" % seconds, None
        self.lines.append((arrived, path, 200))
        await asyncio.sleep(self.latency)
        return 200, b"", {"value": int(path.rpartition("/")[2].partition("?")[0])}


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def _main(latency: float) -> None:
    listening = await asyncio.start_server(_Log(latency).serve, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{listening.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(float(sys.argv[1])))

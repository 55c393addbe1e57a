"""A server on the running event loop that sends a reply in segments, each of which the client reads by itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_TURNS = 4
"""Turns of the event loop between two segments: the client's side of the socket reads in the next one."""


@dataclass(slots=True)
class SegmentServer:
    """A running server.

    Attributes
    ----------
    url : str
        Without a trailing slash.
    segments : sequence of bytes
        The reply to each request.
    closes : bool
        Whether the connection is closed after the reply. Otherwise it stays open.
    last_byte_at : float
        On the loop's clock.
    """

    url: str
    segments: Sequence[bytes] = ()
    closes: bool = False
    last_byte_at: float = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reply to the requests of one connection."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    for segment in self.segments:
                        writer.write(segment)
                        for _ in range(_TURNS):
                            await asyncio.sleep(0)
                    self.last_byte_at = asyncio.get_running_loop().time()
                    if self.closes:
                        return
        finally:
            writer.close()


@asynccontextmanager
async def serve_segments() -> AsyncIterator[SegmentServer]:
    """Run a server on the running event loop."""
    server = SegmentServer("")
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""A minimal server in its own process: ``/?page=3&pages=10&ms=20`` returns a page of ten records after 20 ms;
``size=1000`` changes the ten."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager, suppress
from urllib.parse import parse_qsl, urlsplit

PAGE_SIZE = 10


async def _serve(reader, writer):
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            line = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
            query = {name: int(text) for name, text in parse_qsl(urlsplit(line).query)}
            await asyncio.sleep(query.get("ms", 0) / 1000)
            page, pages, size = query.get("page", 1), query.get("pages", 10), query.get("size", PAGE_SIZE)
            records = [{"id": number, "name": "n"} for number in range((page - 1) * size, page * size)]
            body = json.dumps({"data": records, "pages": pages, "total": pages * size}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
    writer.close()


async def _main():
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def run_server():
    """Run the server and yield its base URL."""
    with subprocess.Popen([sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_main())

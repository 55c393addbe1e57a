"""P15: P1 over TLS, with HTTP/2 and with HTTP/1.1, against hand-tuned aiohttp on the same nginx; and at 50 ms.

The second part runs through a relay in its own process that holds back what it gets by 25 ms in each direction.
"""

from __future__ import annotations

import asyncio
import ssl
import statistics
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import trustme

import pandas_async_io as paio
from tests.benchmarks.fetch import CONCURRENCY, measure, ours, reference, serve_user

ROWS = 5_000
ROWS_AT_DISTANCE = 2_000
ROUNDS = 5
BUDGET = 0.7
ONE_WAY_SECONDS = 0.025


async def _forward(reader, writer):
    """Send on what arrives, each piece so many seconds later."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue()

    async def send():
        while (item := await queue.get()) is not None:
            due, data = item
            await asyncio.sleep(due - loop.time())
            writer.write(data)
        writer.close()

    sending = asyncio.create_task(send())
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            queue.put_nowait((loop.time() + ONE_WAY_SECONDS, data))
    queue.put_nowait(None)
    await sending


async def _relay(port):
    async def serve(reader, writer):
        await asyncio.sleep(2 * ONE_WAY_SECONDS)  # the handshake of TCP, which the kernel answers at once
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_forward(reader, inner_writer), _forward(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def put_at_distance(base):
    """Run the relay and yield its URL."""
    command = [sys.executable, "-m", __name__, base.rpartition(":")[2]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"https://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def compare(base, bundle, rows, loop_factory):
    """Return the medians of µs per row, wall and CPU, by what sent them."""
    frame, context = pd.DataFrame({"id": range(rows)}), ssl.create_default_context(cafile=bundle)
    found = {"HTTP/2": [], "HTTP/1.1": [], "aiohttp": []}
    with paio.Client(ssl=bundle, http2=True) as two, paio.Client(ssl=bundle) as one:
        for client in (two, one):
            ours(base, frame.head(CONCURRENCY), client)  # warm-up: imports, connections
        for _ in range(ROUNDS):
            found["HTTP/2"].append(measure(ours, base, frame, two)[:2])
            found["HTTP/1.1"].append(measure(ours, base, frame, one)[:2])
            found["aiohttp"].append(measure(reference, base, frame, loop_factory, context)[:2])
    return {
        name: [statistics.median(each[column] for each in rounds) / rows * 1e6 for column in (0, 1)]
        for name, rounds in found.items()
    }


def show(found, budget):
    for name, (wall, cpu) in found.items():
        print(f"      {name:9} wall {wall:6.1f} us/row  CPU {cpu:6.1f} us/row")
    ratios = [found["HTTP/2"][column] / found["aiohttp"][column] for column in (0, 1)]
    verdict = "" if budget is None else f"  budget {budget}  {'ok' if ratios[0] <= budget else 'OVER'}"
    print(f"      HTTP/2 to aiohttp: wall {ratios[0]:.2f}, CPU {ratios[1]:.2f}{verdict}")


def run():
    try:
        from uvloop import new_event_loop
    except ImportError:
        from asyncio import new_event_loop
    authority = trustme.CA()
    with TemporaryDirectory() as directory:
        certificate, bundle = Path(directory, "server.pem"), Path(directory, "ca.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        authority.cert_pem.write_to_path(bundle)
        with serve_user(certificate) as base:
            print(f"P15 frame to frame over TLS, {ROWS} rows, concurrency {CONCURRENCY}, medians of {ROUNDS}")
            show(compare(base, bundle, ROWS, new_event_loop), BUDGET)
            with put_at_distance(base) as far:
                print(f"      at {2000 * ONE_WAY_SECONDS:g} ms round trip, {ROWS_AT_DISTANCE} rows")
                show(compare(far, bundle, ROWS_AT_DISTANCE, new_event_loop), None)


if __name__ == "__main__":
    asyncio.run(_relay(int(sys.argv[1])))

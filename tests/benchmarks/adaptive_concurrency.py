"""``concurrency="auto"`` against the best fixed number, at servers with a hidden knee.

Above five requests in flight, one server slows down so that more requests gain nothing; the other refuses.
"""

from __future__ import annotations

import asyncio
import time

import pandas as pd

import pandas_async_io as paio
from tests.servers.handler import serve_handler

ROWS = 600
KNEE = 5
TRIP = 0.02
FIXED = (1, 2, 4, 5, 6, 8, 16, 32)


def slow_down():
    """Return a server function whose responses take longer above the knee."""

    async def answer(request):
        await asyncio.sleep(TRIP * max(1, (request.in_flight / KNEE) ** 1.5))
        return 200, {}

    return answer


def refuse():
    """Return a server function that refuses requests above the knee."""
    taken = 0

    async def answer(request):
        nonlocal taken
        if taken >= KNEE:
            return 429, {}
        taken += 1
        try:
            await asyncio.sleep(TRIP)
        finally:
            taken -= 1
        return 200, {}

    return answer


def measure_all(server, fixed=FIXED):
    """Return rows per second with each fixed number and with "auto"."""
    found = {}
    with serve_handler(server()) as running:
        for concurrency in (*fixed, "auto"):
            begun = time.perf_counter()
            frame = pd.DataFrame({"id": range(ROWS)})
            out = frame.aio.fetch(running.url + "/{id}", client=paio.Client(), concurrency=concurrency)
            found[concurrency] = ROWS / (time.perf_counter() - begun)
            assert out.aio.report.outcomes == {"ok": ROWS}
    return found


def measure(server, fixed=(4, 5, 6)):
    """Return rows per second with the best fixed number and with "auto"."""
    found = measure_all(server, fixed)
    auto = found.pop("auto")
    return max(found.values()), auto


def run():
    for server, numbers in ((slow_down, FIXED), (refuse, [number for number in FIXED if number <= KNEE])):
        found = measure_all(server, numbers)
        best = max((number for number in found if number != "auto"), key=found.get)
        print(f"{server.__name__} above {KNEE} in flight")
        for name, speed in found.items():
            print(f"    concurrency={name!s:>4}  {speed:6.0f} rows/s")
        print(f"    auto reaches {found['auto'] / found[best]:.0%} of the best fixed number, {best} (goal: 90 %)")

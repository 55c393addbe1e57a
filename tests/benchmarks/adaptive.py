"""``concurrency="auto"`` against the best fixed number, at a server with a hidden knee.

Beyond five in flight it takes longer for each, so that more of them bring nothing.
"""

from __future__ import annotations

import asyncio
import time

import pandas as pd

import pandas_async_io as paio
from tests.io.answering import answering

ROWS = 600
KNEE = 5
TRIP = 0.02
FIXED = (1, 2, 4, 5, 6, 8, 16, 32)


def speeds(fixed=FIXED):
    """Return rows per second for each fixed number, and for "auto"."""

    async def answer(seen):
        await asyncio.sleep(TRIP * max(1, (seen.in_flight / KNEE) ** 1.5))
        return 200, {}

    found = {}
    with answering(answer) as server:
        for concurrency in (*fixed, "auto"):
            begun = time.perf_counter()
            frame = pd.DataFrame({"id": range(ROWS)})
            frame.aio.fetch(server.url + "/{id}", client=paio.Client(), concurrency=concurrency)
            found[concurrency] = ROWS / (time.perf_counter() - begun)
    return found


def measure(fixed=(4, 5, 6)):
    """Return rows per second with the best fixed number and with "auto"."""
    found = speeds(fixed)
    auto = found.pop("auto")
    return max(found.values()), auto


def run():
    found = speeds()
    best = max((number for number in found if number != "auto"), key=found.get)
    for name, speed in found.items():
        print(f"concurrency={name!s:>4}  {speed:6.0f} rows/s")
    print(f"auto reaches {found['auto'] / found[best]:.0%} of the best fixed number, {best} (wanted: 90 %)")

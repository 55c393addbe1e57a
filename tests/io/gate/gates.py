"""What the tests of the gate do with it: enter, and read a budget from headers."""

from __future__ import annotations

import asyncio

from pandas_async_io._core.report.tally import WAIT_CAUSES

NEVER = float("inf")


async def enter(gate, rates=(), max_wait=300.0, until=NEVER):
    """Enter a gate; the defaults wait for 300 s and have no deadline."""
    return await gate.enter(rates, max_wait=max_wait, until=until, waits=dict.fromkeys(WAIT_CAUSES, 0.0))


def announce_budget(gate, headers):
    """Let the gate read the headers of a response that arrives now."""
    gate.obey_headers(headers, now=asyncio.get_running_loop().time(), epoch=0.0)

"""All origins of a call side by side."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from pandas_async_io._io.engine.task_group import task_group
from pandas_async_io._io.gate.slots import descriptor_limit, warn_of_descriptor_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._io.engine.context import CallContext
    from pandas_async_io._io.engine.run import OriginRun


async def run_origins(call: CallContext, runs: Sequence[OriginRun]) -> None:
    """Run several origins at the same time, no more of them than there are file descriptors for."""
    clock = asyncio.get_running_loop().time
    tally = call.tally
    waiting = iter(runs)
    cpu = time.process_time()
    tally.started_at = clock()
    if not call.policy.adaptive:
        warn_of_descriptor_limit(call.policy.concurrency)
    at_once = max(1, descriptor_limit() // call.policy.concurrency)

    async def run_in_turn() -> None:
        for run in waiting:
            await run.run()

    try:
        async with task_group() as group:
            for _ in range(min(at_once, len(runs))):
                group.create_task(run_in_turn())
    finally:
        tally.ended_at = clock()
        tally.waits = {cause: seconds / max(len(runs), 1) for cause, seconds in tally.waits.items()}
        tally.cpu_seconds = time.process_time() - cpu

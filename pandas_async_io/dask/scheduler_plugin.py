"""What runs on the scheduler: it hands out start times, and tells the workers what others of them have learnt.

A plugin with handlers of its own, as the scheduler's semaphores are. It outlives every worker, which an actor does not.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from distributed import SchedulerPlugin

from pandas_async_io._core.policy.throttling.cluster_origin import ClusterOrigin
from pandas_async_io._core.policy.throttling.start_blocks import Spacing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from distributed import Scheduler

PLUGIN_NAME = "pandas_async_io"
_LONGEST_WAIT = 20.0
"""Seconds after which a worker that waits for a block is told to ask again."""
_MAX_CALLS = 1_000
"""Calls whose deadline is kept."""


class SharedLimitsPlugin(SchedulerPlugin):
    """Keeps the limits that the workers share, one `ClusterOrigin` for each client and origin."""

    name = PLUGIN_NAME
    idempotent = True

    def __init__(self) -> None:
        self._origins: defaultdict[str, ClusterOrigin] = defaultdict(ClusterOrigin)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._deadlines: dict[str, float] = {}

    async def start(self, scheduler: Scheduler) -> None:
        """Add the handlers; called when the plugin is registered."""
        operations: dict[str, Callable[..., Any]] = {
            "take": self.take,
            "watch": self.watch,
            "report": self.report,
            "leave": self.leave,
        }
        handlers = {handler_name(name): operation for name, operation in operations.items()}
        scheduler.handlers.update({**handlers, handler_name("deadline"): self.start_call})

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002 - Dask's interface
        """Let a lost worker take part no more; its start times are lost time."""
        for name, origin in self._origins.items():
            if origin.leave(worker):
                self._tell(name)

    async def take(self, origin: str, rates: Sequence[Any], wanted: int, **_: Any) -> list[float]:
        """Return a block of delays, in the order of the questions; none if the worker is to ask again."""
        found, spacings = self._origins[origin], [Spacing(*rate) for rate in rates]
        asked = time.monotonic()
        async with self._turns[origin]:
            while (wait := found.blocks.wait(time.monotonic(), spacings)) > 0:
                left = asked + _LONGEST_WAIT - time.monotonic()
                if left <= 0:
                    return []
                await asyncio.sleep(min(wait, left))
            return found.blocks.take(time.monotonic(), spacings, wanted=wanted, workers=found.workers)

    async def watch(self, origin: str, worker: str, version: int, seconds: float) -> tuple[Any, ...]:
        """Return the state of an origin: at once if the worker does not know it, else with the next news."""
        found = self._origins[origin]
        if found.join(worker):
            self._tell(origin)
        if found.version == version:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news[origin].wait(), seconds)
        return tuple(found.describe(worker, time.monotonic()))

    async def report(self, origin: str, pause: float | None = None, is_down: bool | None = None, **_: Any) -> None:
        """Take what a worker has learnt."""
        found = self._origins[origin]
        news = pause is not None and found.pause(time.monotonic(), pause)
        if is_down is not None and found.set_down(is_down=is_down):
            news = True
        if news:
            self._tell(origin)

    async def leave(self, origin: str, worker: str) -> None:
        """Let a worker take part no more, because its calls are over."""
        if self._origins[origin].leave(worker):
            self._tell(origin)

    async def start_call(self, call: str, seconds: float) -> float:
        """Return what is left of a call's deadline, which runs from its first partition on."""
        if len(self._deadlines) >= _MAX_CALLS:
            del self._deadlines[next(iter(self._deadlines))]
        now = time.monotonic()
        return self._deadlines.setdefault(call, now + seconds) - now

    def _tell(self, origin: str) -> None:
        """Answer all that watch an origin."""
        self._news.pop(origin, asyncio.Event()).set()


def handler_name(operation: str) -> str:
    """Return the name of an operation among the scheduler's handlers.

    Examples
    --------
    >>> handler_name("take")
    'pandas_async_io_take'
    """
    return f"{PLUGIN_NAME}_{operation}"

"""How many requests may be in flight to one origin, and which one is next.

Invariant: a slot goes to the request that waited first, and every wait can be cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import deque
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

from pandas_async_io._core.policy.throttling.cluster_origin import divide
from pandas_async_io._core.policy.throttling.concurrency import AdaptiveConcurrency

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGER = logging.getLogger("pandas_async_io")

_SPARE_DESCRIPTORS = 8
"""Files that the rest of the process may still open: an output, a module that is imported late."""
_ASSUMED_OPEN_FILES = 56
"""Open files where the system does not list them."""
_MAX_CONNECTIONS = 4096
"""Connections where the system sets no limit."""
_DESCRIPTOR_FOLDERS = ("/proc/self/fd", "/dev/fd")
_ADAPTIVE_START = 8
"""Slots that adaptive concurrency begins with."""


def descriptor_limit() -> int:
    """Return how many connections this process may open, by its soft limit of file descriptors and its open files."""
    if sys.platform == "win32":
        return _MAX_CONNECTIONS
    import resource  # noqa: PLC0415 - Windows has none

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 0 or soft == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return max(1, min(soft - _count_other_files() - _SPARE_DESCRIPTORS, _MAX_CONNECTIONS))


@cache
def _count_other_files() -> int:
    """Return how many files were open before the first connection; connections are reused and must not count."""
    for folder in _DESCRIPTOR_FOLDERS:
        with suppress(OSError):
            return len(os.listdir(folder))  # noqa: PTH208 - counted only
    return _ASSUMED_OPEN_FILES


def warn_of_descriptor_limit(concurrency: int) -> None:
    """Say once per process that there are fewer file descriptors than a call asks for requests in flight."""
    limit = descriptor_limit()
    if limit < concurrency and not _warned:
        _warned.append(limit)
        _LOGGER.warning(
            "%d requests in flight instead of %d: this process may open no more files (see `ulimit -n`)",
            limit,
            concurrency,
        )


_warned: list[int] = []
"""The limit of which this process has been warned."""


class Slots:
    """The slots that the calls of one client share at one origin: as many as the most generous call allows.

    The limit holds for all calls together: two calls of 32 have 32 requests in flight.

    Parameters
    ----------
    ceiling : int or None
        The client's own limit; None leaves it to the calls.

    Attributes
    ----------
    in_use : int
        Requests in flight.
    server_limit : int or None
        Requests that the server's budget has left: no more of them may be in flight.
    share : (int, int)
        How many processes share the limits, and the number of this one among them.
    stream_limit : int or None
        Requests that the server allows on one HTTP/2 connection.
    """

    def __init__(self, ceiling: int | None = None) -> None:
        self.in_use = 0
        self.server_limit: int | None = None
        self.share = (1, 0)
        self.stream_limit: int | None = None
        self._ceiling = ceiling
        self._call_limits: list[int] = []
        self._widest = 1
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._adaptive: AdaptiveConcurrency | None = None
        self._adaptive_calls = 0
        self._descriptor_limit: int | None = None

    @contextmanager
    def open_for_call(self, concurrency: int, *, adaptive: bool = False) -> Iterator[None]:
        """Take part for the time of a call, with its own limit, which may adapt below it."""
        if adaptive and self._adaptive is None:
            self._adaptive = AdaptiveConcurrency(start=min(_ADAPTIVE_START, concurrency), high=concurrency)
        if not self._call_limits:
            self._descriptor_limit = None
        self._call_limits.append(concurrency)
        self._adaptive_calls += adaptive
        self._update_widest()
        try:
            yield
        finally:
            self._call_limits.remove(concurrency)
            self._adaptive_calls -= adaptive
            if not self._adaptive_calls:
                self._adaptive = None
            self._update_widest()

    @property
    def calls(self) -> int:
        """How many calls take part."""
        return len(self._call_limits)

    @property
    def limit(self) -> int:
        """How many slots there are now."""
        limit = self._widest
        if self._adaptive is not None:
            limit = min(limit, self._adaptive.limit)
        if self.server_limit is not None:
            limit = min(limit, self.server_limit)
        if self.share[0] > 1:
            limit = divide(limit, *self.share)
        if self.stream_limit is not None:
            limit = min(limit, self.stream_limit)
        return limit if self._descriptor_limit is None else min(limit, self._descriptor_limit)

    @property
    def wait_cause(self) -> str:
        """Which of the report's causes a request waits for that finds no slot."""
        limit = self.limit
        if limit == self.server_limit:
            return "pause"
        if limit == self._descriptor_limit:
            return "files"
        if self._adaptive is None or limit != self._adaptive.limit:
            return "slot"
        return "growth" if self._adaptive.is_growing else "auto"

    def divide_among(self, processes: int, rank: int) -> None:
        """Have this process's share of the slots only."""
        self.share = (processes, rank)
        self._wake_next()

    @property
    def has_free(self) -> bool:
        """Whether a slot is free and no request waits for it."""
        return self.in_use < self.limit and not self._waiting

    def try_take(self) -> bool:
        """Take a slot, if one is free and no request waits for it."""
        free = self.has_free
        self.in_use += free
        return free

    async def take(self) -> None:
        """Wait for a slot."""
        if self.try_take():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()  # the slot came together with the cancellation
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def release(self) -> None:
        """Give a slot back."""
        self.in_use -= 1
        self._wake_next()

    def record_answer(self, started: float, now: float) -> None:
        """Learn from an answer; its slot is still taken."""
        if self._adaptive is not None:
            self._adaptive.record_success(now - started, self.in_use, now)

    def record_refusal(self, now: float, asked: float) -> bool:
        """Learn from a refusal, and return whether fewer slots may be the remedy."""
        return self._adaptive is not None and self._adaptive.record_refusal(now, self.in_use, asked)

    def shrink_to_descriptors(self, now: float) -> None:
        """Have no more slots than there were file descriptors for, while calls are running."""
        if self._adaptive is not None:
            self._adaptive.record_refusal(now, self.in_use)
        if self._descriptor_limit is None:
            _LOGGER.warning("no more file descriptors for connections: fewer requests in flight (see `ulimit -n`)")
        self._descriptor_limit = max(1, min(self.in_use, self.limit - 1))

    def _update_widest(self) -> None:
        widest = max(self._call_limits, default=1)
        self._widest = widest if self._ceiling is None else min(widest, self._ceiling)
        self._wake_next()

    def _wake_next(self) -> None:
        while self._waiting and self.in_use < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_use += 1
                turn.set_result(None)

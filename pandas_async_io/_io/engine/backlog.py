"""What a lane has still to send: requests that wait for their time, and fresh ones.

The law of this file: whoever waits here holds no slot, and fresh requests are
made one by one, when there is room for them. Only while an origin is down some are
passed over: that the next ones fail may be their own fault.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, islice
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pandas_async_io._core.models import Request
    from pandas_async_io._core.policy.retry import FailedAttempt, Stop
    from pandas_async_io._io.gate.gate import Gate

    Over = Callable[[float], Stop | None]


_REACH = 16
_FURTHEST = 4_096
"""Fresh requests of which the last one is the first probe, and any later one at most."""


@dataclass(slots=True)
class Job:
    """A request on its way, with what it has met so far.

    Attributes
    ----------
    sent : int
        Attempts on the wire.
    attempts, refusals : int
        As in `FailedAttempt`; an attempt that the breaker sent is none.
    unsent : int
        Attempts for which this machine had no socket.
    """

    position: int
    number: int
    request: Request
    gate: Gate
    sent: int = 0
    attempts: int = 0
    refusals: int = 0
    unsent: int = 0
    met: FailedAttempt | None = None
    started: float = 0.0
    elapsed: float = 0.0


@dataclass(slots=True)
class Backlog:
    """The jobs of a lane that are not under way.

    Parameters
    ----------
    fresh : iterator of Job
        Those that were never sent.
    """

    fresh: Iterator[Job]
    _delayed: list[tuple[float, int, Job, str]] = field(default_factory=list)
    _passed: deque[Job] = field(default_factory=deque)
    _reach: int = _REACH
    _under_way: int = 0
    _probe_fresh: bool = True
    _order: Iterator[int] = field(default_factory=count)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def ready(self, now: float, *, probing: bool) -> Job | None:
        """Return a job whose delay is over, else a fresh one; None if there is none now.

        Give it back with `put`, if it is to be sent again, and `ended`, always.

        Parameters
        ----------
        now : float
            On the loop's clock.
        probing : bool
            Whether nothing but a probe gets through: then the two kinds take turns, for what failed
            may be to blame itself, and so may be the first attempt.
        """
        self._probe_fresh = probing and not self._probe_fresh
        due = bool(self._delayed) and self._delayed[0][0] <= now
        job = None if due and not self._probe_fresh else self._next(probing=probing)
        if job is None and due:
            job = heappop(self._delayed)[2]
        self._under_way += job is not None
        return job

    def _next(self, *, probing: bool) -> Job | None:
        """Return a fresh job; a probe is one from ever further away, and those between are next again afterwards."""
        if not probing:
            self._reach = _REACH
            return self._passed.popleft() if self._passed else next(self.fresh, None)
        self._passed.extend(islice(self.fresh, self._reach))
        self._reach = min(self._reach * _REACH, _FURTHEST)
        return self._passed.pop() if self._passed else None

    async def take(self, over: Over, until: float, waits: dict[str, float], *, probing: bool) -> Job | None:
        """Wait until a job is ready; None when nothing is left nor under way.

        Parameters
        ----------
        over : callable
            Says whether the run has stopped: then delays are cut short.
        until : float
            When it stops at the latest, on the loop's clock.
        waits : dict of str to float
            Seconds by cause, to which is added how long nothing was under way.
        probing : bool
            As for `ready`.
        """
        clock = asyncio.get_running_loop().time
        while True:
            begun = clock()
            job = self.ready(inf if over(begun) else begun, probing=probing)
            if job is not None:
                return job
            if not self._delayed and not self._under_way:
                return None
            cause = None if self._under_way else self._delayed[0][3]
            await self._wait(min(self._delayed[0][0], until) if self._delayed else until)
            if cause:
                waits[cause] += clock() - begun

    def put(self, job: Job, delay: float, cause: str) -> None:
        """Take a job that is to be sent in so many seconds, and why not now: one of the report's causes."""
        heappush(self._delayed, (asyncio.get_running_loop().time() + delay, next(self._order), job, cause))

    def sent(self) -> list[Job]:
        """Return the jobs that were sent and wait to be sent again."""
        return [job for _, _, job, _ in self._delayed if job.met is not None]

    def ended(self) -> None:
        """Take note that a job is no longer under way."""
        self._under_way -= 1
        self._changed.set()

    async def _wait(self, until: float) -> None:
        """Wait until a job has ended, or a moment has come."""
        self._changed.clear()
        alarm = None
        if until < inf:
            alarm = asyncio.get_running_loop().call_at(until, self._changed.set)
        try:
            await self._changed.wait()
        finally:
            if alarm is not None:
                alarm.cancel()

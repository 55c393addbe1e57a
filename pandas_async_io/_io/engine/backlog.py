"""The requests of a run that are not in flight: those that wait for their time, and fresh ones.

Invariant: a request that waits here holds no slot, and fresh requests are made one by one, when
there is room for them. While the origin is down, probes come from ever further ahead in the rows,
because the failures may be the fault of neighbouring rows.
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

_FIRST_PROBE_STEP = 16
"""Fresh requests of which the last one is the first probe; the step grows by this factor."""
_MAX_PROBE_STEP = 4_096


@dataclass(slots=True)
class PendingRequest:
    """A request without a result, and the record of its attempts.

    Attributes
    ----------
    position, number : int
        Of its row's request, and of its step in the workflow.
    sent : int
        Attempts on the wire.
    attempts, refusals, refusals_in_a_row : int
        As in `FailedAttempt`; a probe is not counted.
    accepted : int
        Requests that the endpoint had accepted at the last refusal.
    without_socket : int
        Attempts for which this process had no socket.
    reconnected : bool
        As in `FailedAttempt`.
    last_failure : FailedAttempt or None
        How the last attempt failed.
    started, elapsed : float
        Start of the last attempt on the loop's clock, and its seconds.
    """

    position: int
    number: int
    request: Request
    gate: Gate
    sent: int = 0
    attempts: int = 0
    refusals: int = 0
    refusals_in_a_row: int = 0
    accepted: int = 0
    without_socket: int = 0
    reconnected: bool = False
    last_failure: FailedAttempt | None = None
    started: float = 0.0
    elapsed: float = 0.0


@dataclass(slots=True)
class Backlog:
    """The requests that a run has still to send.

    Parameters
    ----------
    fresh : iterator of PendingRequest
        Requests that were never sent.
    """

    fresh: Iterator[PendingRequest]
    _delayed: list[tuple[float, int, PendingRequest, str]] = field(default_factory=list)
    _skipped: deque[PendingRequest] = field(default_factory=deque)
    _probe_step: int = _FIRST_PROBE_STEP
    _taken: int = 0
    _probe_fresh: bool = True
    _order: Iterator[int] = field(default_factory=count)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def pop_ready(self, now: float, *, probing: bool) -> PendingRequest | None:
        """Return a request whose delay is over, else a fresh one; None if there is none now.

        Call `put` if it is to be sent again, and `release` in any case.

        Parameters
        ----------
        now : float
            On the loop's clock.
        probing : bool
            Whether nothing but a probe may start. Then repeated and fresh requests take turns: a row that
            failed may be the cause of its failure, and so may a fresh one.
        """
        self._probe_fresh = probing and not self._probe_fresh
        due = bool(self._delayed) and self._delayed[0][0] <= now
        pending = None if due and not self._probe_fresh else self._pop_fresh(probing=probing)
        if pending is None and due:
            pending = heappop(self._delayed)[2]
        self._taken += pending is not None
        return pending

    def _pop_fresh(self, *, probing: bool) -> PendingRequest | None:
        """Return a fresh request. A probe is one from further ahead; the skipped ones come next afterwards."""
        if not probing:
            self._probe_step = _FIRST_PROBE_STEP
            return self._skipped.popleft() if self._skipped else next(self.fresh, None)
        self._skipped.extend(islice(self.fresh, self._probe_step))
        self._probe_step = min(self._probe_step * _FIRST_PROBE_STEP, _MAX_PROBE_STEP)
        return self._skipped.pop() if self._skipped else None

    async def wait_ready(
        self, stop: Callable[[float], Stop | None], until: float, waits: dict[str, float], *, probing: bool
    ) -> PendingRequest | None:
        """Wait until a request is ready; None when nothing is left and nothing is in flight.

        Parameters
        ----------
        stop : callable
            Returns why the run has stopped, or None; once it has, delays are cut short.
        until : float
            The run's deadline on the loop's clock.
        waits : dict of str to float
            Seconds by cause; the time in which nothing was in flight is added here.
        probing : bool
            As in `pop_ready`.
        """
        clock = asyncio.get_running_loop().time
        while True:
            begun = clock()
            pending = self.pop_ready(inf if stop(begun) else begun, probing=probing)
            if pending is not None:
                return pending
            if not self._delayed and not self._taken:
                return None
            cause = None if self._taken else self._delayed[0][3]
            await self._wait(min(self._delayed[0][0], until) if self._delayed else until)
            if cause:
                waits[cause] += clock() - begun

    def put(self, pending: PendingRequest, delay: float, cause: str) -> None:
        """Take a request that is to be sent after some seconds, for one of the report's causes."""
        heappush(self._delayed, (asyncio.get_running_loop().time() + delay, next(self._order), pending, cause))

    def failed(self) -> list[PendingRequest]:
        """Return the requests that failed before and wait to be sent again."""
        return [pending for _, _, pending, _ in self._delayed if pending.last_failure is not None]

    def wake(self) -> None:
        """Let a waiting worker look again whether the run has stopped."""
        self._changed.set()

    def release(self) -> None:
        """Note that a request that was popped is done, or was put back."""
        self._taken -= 1
        self._changed.set()

    async def _wait(self, until: float) -> None:
        """Wait until a request is released, or until a time."""
        self._changed.clear()
        timer = None
        if until < inf:
            timer = asyncio.get_running_loop().call_at(until, self._changed.set)
        try:
            await self._changed.wait()
        finally:
            if timer is not None:
                timer.cancel()

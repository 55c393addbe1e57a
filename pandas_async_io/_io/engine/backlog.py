"""The requests of a run that are not in flight: those that wait for their time, and fresh ones.

Invariant: a request that waits here holds no slot, and fresh requests are made one by one, when
there is room for them. While the origin is down, probes come from ever further ahead in the rows,
because the failures may be the fault of neighbouring rows. Otherwise repeats come behind fresh requests, as far as
the retry budget says, and none is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, islice
from math import inf
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pandas_async_io._core.models import Request
    from pandas_async_io._core.policy.retries.retry import FailedAttempt, Stop
    from pandas_async_io._core.policy.retries.retry_budget import RetryBudget
    from pandas_async_io._core.storage.fingerprint import RequestKey
    from pandas_async_io._core.storage.freshness import StoredAnswer
    from pandas_async_io._io.gate.gate import Gate

_FIRST_PROBE_STEP = 16
"""Fresh requests of which the last one is the first probe; the step grows by this factor."""
_MAX_PROBE_STEP = 4_096
_MAX_COUNTED = 1_000
"""Refused requests that are counted for a progress bar."""


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
    is_repeat : bool
        Whether the present attempt is a repeat that the retry budget counts.
    failing_since : float
        End of its first failed attempt on the loop's clock.
    started, elapsed : float
        Start of the last attempt on the loop's clock, and its seconds.
    key : RequestKey or None
        What its answer is kept under, if it is.
    answer : StoredAnswer or None
        The kept answer that stands for sending it, or that the server validated.
    stale : StoredAnswer or None
        The kept answer of which the server is asked whether it still holds.
    note : str or None
        Why a stale answer was taken.
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
    is_repeat: bool = False
    failing_since: float = inf
    started: float = 0.0
    elapsed: float = 0.0
    key: RequestKey | None = None
    answer: StoredAnswer | None = None
    stale: StoredAnswer | None = None
    note: str | None = None


class Window(Protocol):
    """Holds requests back that were never sent, so that a reader of the results keeps up."""

    def may_start(self, position: int) -> bool:
        """Return whether a request of a position may be sent now."""

    def start(self, position: int) -> None:
        """Note that a request of a position was taken to be sent."""

    def end_step(self, position: int) -> None:
        """Note that a request of a position has its result."""


_Waiting = tuple[float, int, PendingRequest, str]
"""When it may start on the loop's clock, its turn among equals, the request, and why it waits."""


@dataclass(slots=True)
class Backlog:
    """The requests that a run has still to send.

    Parameters
    ----------
    fresh : iterator of PendingRequest
        Requests that were never sent.
    budget : RetryBudget
        When repeats may start.
    concurrency : callable
        Returns how many requests may be in flight.
    window : Window, optional
        Holds back requests that were never sent; call `wake` when it lets more of them start.
    """

    fresh: Iterator[PendingRequest]
    budget: RetryBudget
    concurrency: Callable[[], int]
    window: Window | None = None
    _held: list[tuple[int, int, int, PendingRequest]] = field(default_factory=list)
    _next_fresh: PendingRequest | None = None
    _delayed: list[_Waiting] = field(default_factory=list)
    _repeats: list[_Waiting] = field(default_factory=list)
    _skipped: deque[PendingRequest] = field(default_factory=deque)
    _probe_step: int = _FIRST_PROBE_STEP
    taken: int = 0
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
        pending = None
        if (self._repeats or self._delayed) and not self._probe_fresh:
            pending = self._pop_due(now, probing=probing, fresh_left=True)
        if pending is None:
            pending = (self._held and self._pop_held(now)) or self._pop_fresh(now, probing=probing)
            if pending is None:
                pending = self._pop_due(now, probing=probing, fresh_left=False)
            elif self._repeats:
                self.budget.record_fresh()
        self.taken += pending is not None
        return pending

    def _pop_due(self, now: float, *, probing: bool, fresh_left: bool) -> PendingRequest | None:
        """Return a request whose delay is over. Of those that failed, as many as the retry budget allows.

        It does not hold a probe back, nor the requests of a run that has stopped: they are not sent.
        """
        if self._repeats and self._repeats[0][0] <= now:
            free = probing or now == inf
            if free or self.budget.may_repeat(self.concurrency(), fresh_left=fresh_left):
                pending = heappop(self._repeats)[2]
                pending.is_repeat = True
                self.budget.record_repeat()
                return pending
        if self._delayed and self._delayed[0][0] <= now:
            pending = heappop(self._delayed)[2]
            if self._repeats and pending.last_failure is None:
                self.budget.record_fresh()
            return pending
        return None

    def _pop_held(self, now: float) -> PendingRequest | None:
        """Return a step that follows a result and that the window lets start, of the first position."""
        if self.window is None or not self._may_start(self._held[0][0], now):
            return None
        pending = heappop(self._held)[3]
        self.window.start(pending.position)
        return pending

    def _pop_in_window(self, now: float) -> PendingRequest | None:
        """Return the next fresh request if the window lets it start."""
        pending = self._next_fresh = self._next_fresh or next(self.fresh, None)
        if self.window is None or pending is None or not self._may_start(pending.position, now):
            return None
        self._next_fresh = None
        self.window.start(pending.position)
        return pending

    def _may_start(self, position: int, now: float) -> bool:
        """Whether the window lets a position go on. It does not hold the requests of a run that has stopped."""
        return self.window is None or now == inf or self.window.may_start(position)

    def _pop_fresh(self, now: float, *, probing: bool) -> PendingRequest | None:
        """Return a fresh request. A probe is one from further ahead; the skipped ones come next afterwards."""
        if self.window is not None:
            return self._pop_in_window(now)
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
            head = self._next_waiting(begun)
            if head is None and not self.taken and not self._held and self._next_fresh is None:
                return None
            cause = None if self.taken or head is None else head[3]
            await self._wait(until if head is None else min(head[0], until))
            if cause:
                waits[cause] += clock() - begun

    def _next_waiting(self, now: float) -> _Waiting | None:
        """Return the entry whose delay is over next; a repeat that is due waits for the end of another one."""
        heads = self._delayed[:1]
        if self._repeats and self._repeats[0][0] > now:
            heads.append(self._repeats[0])
        return min(heads, default=None)

    def put(self, pending: PendingRequest, delay: float, cause: str) -> None:
        """Take a request that is to be sent after some seconds, for one of the report's causes."""
        heappush(self._delayed, (asyncio.get_running_loop().time() + delay, next(self._order), pending, cause))

    def put_following(self, pending: PendingRequest) -> None:
        """Take a step that follows a result; the window decides when it starts."""
        heappush(self._held, (pending.position, pending.number, next(self._order), pending))

    def put_repeat(self, pending: PendingRequest, delay: float) -> None:
        """Take a request that failed and is to be sent again after some seconds, when the retry budget allows it."""
        heappush(self._repeats, (asyncio.get_running_loop().time() + delay, next(self._order), pending, "backoff"))

    def failed(self) -> list[PendingRequest]:
        """Return the requests that failed before and wait to be sent again."""
        waiting = [*self._delayed, *self._repeats]
        return [pending for _, _, pending, _ in waiting if pending.last_failure is not None]

    def wait_at(self, now: float) -> tuple[int, _Waiting | None]:
        """Return how many requests failed and wait to be sent again, and which request is next; from any thread."""
        failed = sum(pending.last_failure is not None for _, _, pending, _ in self._delayed[:_MAX_COUNTED])
        return failed + len(self._repeats), self._next_waiting(now)

    def wake(self) -> None:
        """Let a waiting worker look again whether the run has stopped, or the window lets more requests start."""
        self._changed.set()

    def release(self, pending: PendingRequest) -> None:
        """Note that a request that was popped is done, or was put back."""
        self.taken -= 1
        if pending.is_repeat:
            pending.is_repeat = False
            self.budget.record_repeat_end()
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

"""The one loop: pace, send, decode, again or done.

The law of this file: workers share one iterator of requests; there is no task
per request and no queue that grows with the rows. Whoever backs off or waits
for the pace holds no slot. Each request ends as exactly one `Result`, and
every decision about it is taken in `_core`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from pandas_async_io._core.errors import AttemptError
from pandas_async_io._core.limits import Rate
from pandas_async_io._core.models import Outcome, Request, Response, Result
from pandas_async_io._core.retry import Again, Failure, Retry, decide
from pandas_async_io._io.pacing import Gate, descriptor_limit

Send = Callable[[Request, float], Awaitable[Response]]
Decode = Callable[[Response], Any]
Deliver = Callable[[int, Result], None]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a call behaves; the same for all of its requests."""

    concurrency: int
    rates: Sequence[Rate]
    retry: Retry
    timeout: float


@dataclass(slots=True)
class _Job:
    """A request on its way, with what it has met so far."""

    position: int
    request: Request
    attempts: int = 0
    refusals: int = 0


@dataclass(slots=True)
class Lane:
    """The requests of one call to one origin.

    Parameters
    ----------
    requests : iterator of (int, Request)
        Position and request; taken one by one, when there is room for it.
    length : int
        How many they are.
    gate : Gate
        The client's way to the origin.
    send, decode
        How a request becomes a response, and a response a payload; both raise `AttemptError`.
    deliver
        Takes each position's result, exactly once, on the loop.
    """

    requests: Iterator[tuple[int, Request]]
    length: int
    gate: Gate
    policy: Policy
    send: Send
    decode: Decode
    deliver: Deliver
    _delayed: list[tuple[float, int, _Job]] = field(default_factory=list)
    _under_way: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def drive(self) -> None:
        """Send all requests; returns when each has its result."""
        workers = min(self.policy.concurrency, self.length, descriptor_limit())
        with self.gate.open(workers):
            await _together(self._work() for _ in range(workers))

    async def _work(self) -> None:
        gate, rates = self.gate, self.policy.rates
        while True:
            # One worker at a time is the next to go: it alone waits for the pace, so that a slot
            # that comes free late never lets several rate tokens out at once.
            async with self._turn:
                job = await self._next()
                if job is None:
                    return
                self._under_way += 1
                try:
                    await gate.enter(rates)
                except BaseException:
                    self._under_way -= 1
                    raise
            try:
                again_in = await self._attempt(job)
            finally:
                gate.leave()
                self._under_way -= 1
            if again_in is not None:
                heappush(self._delayed, (asyncio.get_running_loop().time() + again_in, job.position, job))
            self._changed.set()

    async def _next(self) -> _Job | None:
        """Return a request whose backoff is over, else a fresh one; None when nothing is left."""
        loop = asyncio.get_running_loop()
        while True:
            if self._delayed and self._delayed[0][0] <= loop.time():
                return heappop(self._delayed)[2]
            fresh = next(self.requests, None)
            if fresh is not None:
                return _Job(*fresh)
            if not self._delayed and not self._under_way:
                return None
            self._changed.clear()
            alarm = loop.call_at(self._delayed[0][0], self._changed.set) if self._delayed else None
            try:
                await self._changed.wait()
            finally:
                if alarm is not None:
                    alarm.cancel()

    async def _attempt(self, job: _Job) -> float | None:
        """Send once. Deliver the result, or return the seconds after which to send again."""
        clock = asyncio.get_running_loop().time
        response: Response | None = None
        error: AttemptError | None = None
        payload = None
        started = clock()
        job.attempts += 1
        try:
            response = await self.send(job.request, self.policy.timeout)
            if 200 <= response.status < 300:
                payload = self.decode(response)
        except AttemptError as exc:
            error = exc
        elapsed = clock() - started
        if (
            error is None
            and response is not None
            and 200 <= response.status < 300
            and self.policy.retry.when is None
        ):
            self._finish(job, response, elapsed, Outcome.OK, payload, None)
            return None
        return self._judge(job, response, error, elapsed, payload)

    def _judge(
        self, job: _Job, response: Response | None, error: AttemptError | None, elapsed: float, payload: Any
    ) -> float | None:
        failure = Failure(job.request, response, error, job.attempts, job.refusals)
        verdict = decide(self.policy.retry, failure, epoch=time.time(), dice=random.random())  # noqa: S311 - jitter
        if verdict is None:
            self._finish(job, response, elapsed, Outcome.OK, payload, None)
        elif isinstance(verdict, Again):
            if verdict.refused:
                job.attempts -= 1
                job.refusals += 1
            if verdict.pause:
                self.gate.pause(verdict.pause)
            return verdict.delay
        else:
            self._finish(job, response, elapsed, verdict.outcome, None, verdict.error)
        return None

    def _finish(
        self,
        job: _Job,
        response: Response | None,
        elapsed: float,
        outcome: Outcome,
        payload: Any,
        error: str | None,
    ) -> None:
        status = url = None
        if response is not None:
            status = response.status
            url = response.url if response.url is not job.request.url else None
        result = Result(
            outcome, payload, status, job.attempts + job.refusals, elapsed, url, error, time.time()
        )
        self.deliver(job.position, result)


async def drive(lanes: Sequence[Lane]) -> None:
    """Drive several lanes at the same time, no more of them than there are descriptors for."""
    waiting = iter(lanes)
    widest = max((lane.policy.concurrency for lane in lanes), default=1)
    at_once = max(1, descriptor_limit() // widest)

    async def drive_in_turn() -> None:
        for lane in waiting:
            await lane.drive()

    await _together(drive_in_turn() for _ in range(min(at_once, len(lanes))))


async def _together(work: Iterator[Any]) -> None:
    """Run coroutines together; the first exception cancels the others and comes out as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None

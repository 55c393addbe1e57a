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
import traceback
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, DescriptorError
from pandas_async_io._core.models import Outcome, Request, Response, Result
from pandas_async_io._core.retry import REFUSALS, Again, Failure, Retry, Stop, decide, ending, refuses
from pandas_async_io._io.pacing import Entry, Gate, descriptor_limit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from pandas_async_io._core.limits import Rate
    from pandas_async_io._core.ration import Ration
    from pandas_async_io._core.report import Tally

    Send = Callable[[Request, float], Awaitable[Response]]
    Decode = Callable[[Response], Any]
    Deliver = Callable[[int, Result], None]

_BREATH = 1_000
"""Results without a request after which the loop lets others run."""

_NO_SOCKET = 0.02
"""Seconds that double with every time that the process has no socket for a request."""

_DOWN = Stop(Outcome.NOT_ATTEMPTED, "not sent: nothing came through to this origin for 30 s")


@dataclass(frozen=True, slots=True)
class Policy:
    """How a call behaves; the same for all of its requests."""

    concurrency: int
    adaptive: bool
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
    met: Failure | None = None
    started: float = 0.0
    elapsed: float = 0.0


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
    ration : Ration
        What the whole call may spend.
    tally : Tally
        What the whole call did.
    send, decode
        How a request becomes a response, and a response a payload; both raise `AttemptError`.
    deliver
        Takes each position's result, exactly once, on the loop.
    """

    requests: Iterator[tuple[int, Request]]
    length: int
    gate: Gate
    policy: Policy
    ration: Ration
    tally: Tally
    send: Send
    decode: Decode
    deliver: Deliver
    _delayed: list[tuple[float, int, _Job]] = field(default_factory=list)
    _under_way: int = 0
    _done: int = 0
    _skipped: int = 0
    _probe_fresh: bool = True
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def drive(self) -> None:
        """Send all requests; returns when each has its result."""
        workers = min(self.policy.concurrency, self.length, descriptor_limit())
        slots = min(self.policy.concurrency, descriptor_limit())  # a short call must not narrow the gate for others
        self.gate.left += self.length
        try:
            with self.gate.open(slots, adaptive=self.policy.adaptive):
                await together(self._work() for _ in range(workers))
        finally:
            self.gate.left -= self.length - self._done

    async def _work(self) -> None:
        while True:
            # One worker at a time is the next to go: it alone waits for the pace, so that a slot
            # that comes free late never lets several rate tokens out at once.
            async with self._turn:
                job = await self._next()
                if job is None:
                    return
                self._under_way += 1
                try:
                    entry = await self._enter(job)
                except BaseException:
                    self._under_way -= 1
                    raise
            try:
                if entry is not None:
                    await self._attempt(job, probe=entry is Entry.PROBE)
            finally:
                self._under_way -= 1
                self._changed.set()

    async def _next(self) -> _Job | None:
        """Return a request whose backoff is over, else a fresh one; None when nothing is left."""
        loop = asyncio.get_running_loop()
        while True:
            # The breaker's probes take turns: what failed may be to blame itself, so may be the first attempt.
            self._probe_fresh = self.gate.shut and not self._probe_fresh
            if self._delayed and self._delayed[0][0] <= loop.time() and not self._probe_fresh:
                return heappop(self._delayed)[2]
            fresh = next(self.requests, None)
            if fresh is not None:
                return _Job(*fresh)
            if self._delayed and self._delayed[0][0] <= loop.time():
                return heappop(self._delayed)[2]
            if not self._delayed and not self._under_way:
                return None
            self._changed.clear()
            due = min(self._delayed[0][0], self.ration.until) if self._delayed else self.ration.until
            alarm = loop.call_at(due, self._changed.set) if due < float("inf") else None
            begun, idle = loop.time(), not self._under_way
            try:
                await self._changed.wait()
            finally:
                if alarm is not None:
                    alarm.cancel()
            if idle:
                self.tally.waits["backoff"] += loop.time() - begun
            if self._delayed and self.ration.stop(loop.time()):
                return heappop(self._delayed)[2]

    async def _enter(self, job: _Job) -> Entry | None:
        """Take a slot, or end the request if it is not to be sent any more."""
        clock = asyncio.get_running_loop().time
        stop = self.ration.stop(clock())
        if stop is None:
            retry = self.policy.retry
            entry = await self.gate.enter(
                self.policy.rates, patience=retry.max_wait, until=self.ration.until, waits=self.tally.waits
            )
            if entry in {Entry.GO, Entry.PROBE}:
                return entry
            stop = self._stop(entry, clock())
        self._give_up(job, stop)
        self._skipped += 1
        if not self._skipped % _BREATH:
            await asyncio.sleep(0)
        return None

    def _stop(self, entry: Entry, now: float) -> Stop:
        if entry is Entry.TOO_LONG:
            longest = self.policy.retry.max_wait
            text = f"not sent: the server asks for a longer pause than max_wait, {longest:g} s"
            return Stop(Outcome.RATE_LIMITED_TOO_LONG, text)
        return self.ration.stop(now) or _DOWN

    def _give_up(self, job: _Job, stop: Stop) -> None:
        """End a request that is not sent again: with its last cause, if it ever was."""
        met = job.met
        if met is None:
            self._finish(job, None, stop.outcome, error=stop.error)
        else:
            last = ending(met, stop.error)
            self._finish(job, met.response, last.outcome, error=last.error)

    async def _attempt(self, job: _Job, *, probe: bool) -> None:
        """Send once; deliver the result, or put the request among the delayed ones."""
        clock = asyncio.get_running_loop().time
        response: Response | None = None
        error: AttemptError | None = None
        payload = None
        self.ration.sent(first=job.met is None)
        self.tally.sent += 1
        self.tally.retried += job.met is not None
        job.attempts += 1
        job.started = now = clock()
        try:
            response = await self.send(job.request, min(self.policy.timeout, self.ration.until - now))
            if 200 <= response.status < 300:
                payload = self.decode(response)
        except AttemptError as exc:
            error = exc
        finally:
            job.elapsed = clock() - job.started
            if response is not None:
                self.gate.heed(response.headers, time.time())
            self._learn(job, response, error, probe=probe)
            self.gate.leave()
        if isinstance(error, DescriptorError) and job.refusals < REFUSALS:
            self._unsent(job)
        elif error is None and self.policy.retry.when is None and response is not None and 200 <= response.status < 300:
            self._finish(job, response, Outcome.OK, payload=payload)
        else:
            self._judge(job, response, error, payload, probe=probe)

    def _learn(self, job: _Job, response: Response | None, error: AttemptError | None, *, probe: bool) -> None:
        """Tell the gate how the origin is; a refusal is told when it has been judged.

        What fails again says more of the request than of the origin, so only its first failure counts.
        """
        now = job.started + job.elapsed
        size = 0 if response is None else len(response.body)
        if isinstance(error, DescriptorError):
            return
        refused = response is not None and refuses(self.policy.retry, response, epoch=time.time())
        self.tally.attempted(job.started, now, size, refused=refused, in_flight=self.gate.in_flight)
        if refused:
            return
        if response is not None and response.status < 500:
            self.ration.answered(response.status)
            self.gate.answered(job.started, now)
        elif error is not None and not error.passing and not error.received:
            self.ration.answered(0)  # no name, no trusted certificate: no row will fare better
        elif job.met is None or probe:
            self.gate.failed(job.started, now)

    def _judge(
        self, job: _Job, response: Response | None, error: AttemptError | None, payload: Any, *, probe: bool
    ) -> None:
        job.met = met = Failure(job.request, response, error, job.attempts, job.refusals)
        try:
            verdict = decide(self.policy.retry, met, epoch=time.time(), dice=random.random())  # noqa: S311 - jitter
        except Exception as exc:  # noqa: BLE001 - the user's own predicate; the other rows go on
            self._finish(job, response, Outcome.PARSE_ERROR, error=_of_user("Retry(when=...)", exc))
            return
        if verdict is None:
            self._finish(job, response, Outcome.OK, payload=payload)
        elif isinstance(verdict, Stop):
            self._finish(job, response, verdict.outcome, error=verdict.error)
        elif verdict.refused:
            self._refused(job, verdict)
        elif probe:
            job.attempts -= 1  # the breaker sent it, and it would not have gone by itself
            self._again(job, verdict.delay)
        elif self.ration.retry():
            self._again(job, verdict.delay)
        else:
            last = ending(met, "not repeated: the run's retries are spent")
            self._finish(job, response, last.outcome, error=last.error)

    def _refused(self, job: _Job, verdict: Again) -> None:
        """Send again what the server turned away, at no cost to the row, and hold the others back."""
        silence = self.gate.refused(job.started, job.started + job.elapsed)
        self.gate.pause(verdict.pause or silence or 0.0)
        job.attempts -= 1
        job.refusals += 1
        self._again(job, verdict.delay)

    def _unsent(self, job: _Job) -> None:
        """Wait for a connection of others to end: this process may open no more."""
        self.gate.narrow(job.started + job.elapsed)
        self.tally.sent -= 1
        self.tally.retried -= job.met is not None
        self.ration.unsent()
        job.attempts -= 1
        job.refusals += 1
        self._again(job, _NO_SOCKET * 2**job.refusals)

    def _again(self, job: _Job, delay: float) -> None:
        heappush(self._delayed, (asyncio.get_running_loop().time() + delay, job.position, job))

    def _finish(
        self, job: _Job, response: Response | None, outcome: Outcome, *, payload: Any = None, error: str | None = None
    ) -> None:
        self._done += 1
        self.gate.left -= 1
        status = url = None
        if response is not None:
            status = response.status
            url = response.url if response.url is not job.request.url else None
        attempts = job.attempts + job.refusals
        fetched_at = time.time() if attempts else None
        self.deliver(job.position, Result(outcome, payload, status, attempts, job.elapsed, url, error, fetched_at))


def _of_user(where: str, exc: Exception) -> str:
    """Say what an exception in the user's own function was, and where it was raised."""
    frames = traceback.extract_tb(exc.__traceback__)
    line = f", line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
    return f"{where} raised {type(exc).__name__}: {exc}{line}"


async def drive(lanes: Sequence[Lane], tally: Tally) -> None:
    """Drive several lanes at the same time, no more of them than there are descriptors for."""
    clock = asyncio.get_running_loop().time
    waiting = iter(lanes)
    cpu = time.process_time()
    tally.began = clock()
    widest = max((lane.policy.concurrency for lane in lanes), default=1)
    at_once = max(1, descriptor_limit() // widest)

    async def drive_in_turn() -> None:
        for lane in waiting:
            await lane.drive()

    try:
        await together(drive_in_turn() for _ in range(min(at_once, len(lanes))))
    finally:
        tally.ended = clock()
        tally.cpu = time.process_time() - cpu


async def together(work: Iterator[Any]) -> None:
    """Run coroutines together; the first exception cancels the others and comes out as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None

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
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, DescriptorError
from pandas_async_io._core.models import Outcome, Request, Response, Result
from pandas_async_io._core.retry import REFUSALS, Again, Failure, Retry, Stop, decide, ending, refusal
from pandas_async_io._io.backlog import Backlog, Job
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
    _done: int = 0
    _skipped: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def drive(self) -> None:
        """Send all requests; returns when each has its result."""
        workers = min(self.policy.concurrency, self.length, descriptor_limit())
        slots = min(self.policy.concurrency, descriptor_limit())  # a short call must not narrow the gate for others
        self.gate.left += self.length
        try:
            with self.gate.open(slots, adaptive=self.policy.adaptive):
                backlog = Backlog(self.requests)
                await together(self._work(backlog) for _ in range(workers))
        finally:
            self.gate.left -= self.length - self._done

    async def _work(self, backlog: Backlog) -> None:
        while True:
            # One worker at a time is the next to go: it alone waits for the pace, so that a slot
            # that comes free late never lets several rate tokens out at once.
            async with self._turn:
                job = await backlog.take(self.ration, self.tally.waits, probing=self.gate.shut)
                if job is None:
                    return
                try:
                    entry = await self._enter(job)
                except BaseException:
                    backlog.ended()
                    raise
            try:
                delay = None if entry is None else await self._attempt(job, probe=entry is Entry.PROBE)
                if delay is not None:
                    backlog.again(job, delay)
            finally:
                backlog.ended()

    async def _enter(self, job: Job) -> Entry | None:
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

    def _give_up(self, job: Job, stop: Stop) -> None:
        """End a request that is not sent again: with its last cause, if it ever was."""
        met = job.met
        if met is None:
            self._finish(job, None, stop.outcome, error=stop.error)
        else:
            last = ending(met, stop.error)
            self._finish(job, met.response, last.outcome, error=last.error)

    async def _attempt(self, job: Job, *, probe: bool) -> float | None:
        """Send once; deliver the result, or return after how many seconds the request is sent again."""
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
            refused = self._learn(job, response, error, probe=probe)
            self.gate.leave()
        if isinstance(error, DescriptorError) and job.refusals < REFUSALS:
            return self._unsent(job)
        if error is None and self.policy.retry.when is None and response is not None and 200 <= response.status < 300:
            self._finish(job, response, Outcome.OK, payload=payload)
            return None
        return self._judge(job, response, error, payload, spared=probe or refused)

    def _learn(self, job: Job, response: Response | None, error: AttemptError | None, *, probe: bool) -> bool:
        """Tell the gate how the origin is, and return whether it refused the request before processing it.

        What fails again says more of the request than of the origin, so only its first failure counts.
        """
        if isinstance(error, DescriptorError):
            return False
        started, now = job.started, job.started + job.elapsed
        asked = size = None
        if response is not None:
            size = len(response.body)
            asked = refusal(self.policy.retry, response, epoch=time.time())
            self.gate.heed(response.headers, time.time())
        refused = asked is not None
        self.tally.attempted(started, now, size or 0, refused=refused, in_flight=self.gate.in_flight)
        if asked is not None:
            self.gate.refused(started, now, asked)
        elif response is not None and response.status < 500:
            self.ration.answered(response.status)
            self.gate.answered(started, now)
        elif error is not None and not error.passing and not error.received:
            self.ration.answered(0)  # no name, no trusted certificate: no row will fare better
        elif job.met is None or probe:
            self.gate.failed(started, now)
        return refused

    def _judge(
        self, job: Job, response: Response | None, error: AttemptError | None, payload: Any, *, spared: bool
    ) -> float | None:
        """Decide what follows; an attempt that the breaker sent, or the server refused, costs the row nothing."""
        job.met = met = Failure(job.request, response, error, job.attempts, job.refusals)
        try:
            verdict = decide(self.policy.retry, met, epoch=time.time(), dice=random.random())  # noqa: S311 - jitter
        except Exception as exc:  # noqa: BLE001 - the user's own predicate; the other rows go on
            self._finish(job, response, Outcome.PARSE_ERROR, error=_of_user("Retry(when=...)", exc))
            return None
        if isinstance(verdict, Again) and (spared or self.ration.retry()):
            job.attempts -= spared
            job.refusals += verdict.refused
            return verdict.delay
        if verdict is None:
            self._finish(job, response, Outcome.OK, payload=payload)
        else:
            last = verdict if isinstance(verdict, Stop) else ending(met, "not repeated: the run's retries are spent")
            self._finish(job, response, last.outcome, error=last.error)
        return None

    def _unsent(self, job: Job) -> float:
        """Wait for a connection of others to end: this process may open no more."""
        self.gate.narrow(job.started + job.elapsed)
        self.tally.sent -= 1
        self.tally.retried -= job.met is not None
        self.ration.unsent()
        job.attempts -= 1
        job.refusals += 1
        return _NO_SOCKET * 2.0**job.refusals

    def _finish(
        self, job: Job, response: Response | None, outcome: Outcome, *, payload: Any = None, error: str | None = None
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

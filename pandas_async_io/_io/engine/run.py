"""The one loop: pace, send, decode, again, next or done.

The law of this file: workers share one iterator of requests; there is no task
per request and no queue that grows with the rows. Whoever backs off, waits for
the pace or for a job of the server's holds no slot. Each request ends as
exactly one `Result`, and every decision about it is taken in `_core`.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, DescriptorError
from pandas_async_io._core.models import Outcome, Page, Request, Response, Result
from pandas_async_io._core.policy.canary import Canary
from pandas_async_io._core.policy.durations import format_seconds
from pandas_async_io._core.policy.origin_signal import OriginSignal, read_origin_signal
from pandas_async_io._core.policy.retry import MAX_REFUSALS, FailedAttempt, Repeat, Stop, decide_retry, stop_row
from pandas_async_io._core.policy.run_budget import describe_cancelled, to_deadline_error
from pandas_async_io._io.engine.backlog import Backlog, Job
from pandas_async_io._io.gate.gate import Entry, Gate
from pandas_async_io._io.gate.origins import Ways
from pandas_async_io._io.gate.slots import descriptor_limit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from pandas_async_io._core.policy.policy import Policy
    from pandas_async_io._core.policy.run_budget import RunBudget
    from pandas_async_io._core.policy.server_budgets import Budget
    from pandas_async_io._core.report.tally import Tally
    from pandas_async_io._core.security.origins import Origin
    from pandas_async_io._core.workflow.base import Deliver, Step, Workflow

    Send = Callable[[Request, float], Awaitable[Response]]
    Decode = Callable[[Response], Any]


_BREATH = 1_000
"""Results without a request after which the loop lets others run."""

_NO_SOCKET = 0.02
"""Seconds that double with every time that the process has no socket for a request."""

_DOWN = Stop(Outcome.NOT_ATTEMPTED, "not sent: nothing came through to this origin for 30 s")
_SPENT = "not repeated: the run's retries are spent, Retry(budget=...) allows more"
_STOPPED = Stop(Outcome.CANCELLED, "not sent: the run was stopped")


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
    gates : callable
        Returns its way to another one, where a page's link may lead.
    ration : Ration
        What the whole call may spend.
    tally : Tally
        What the whole call did.
    send, decode
        How a request becomes a response, and a response a payload; both raise `AttemptError`.
    deliver
        Takes each position's result, exactly once, on the loop.
    course : Workflow, optional
        Says what answers ask for next, and takes what became of each step in place of ``deliver``.
    budget : callable, optional
        Returns what a payload tells of the server's limits.
    """

    requests: Iterator[tuple[int, Request]]
    length: int
    gate: Gate
    gates: Callable[[Origin], Gate]
    policy: Policy
    ration: RunBudget
    tally: Tally
    send: Send
    decode: Decode
    deliver: Deliver
    course: Workflow | None = None
    budget: Callable[[Any], Budget | None] | None = None
    _backlog: Backlog = field(init=False)
    _clock: Callable[[], float] = field(init=False)
    _workers: asyncio.TaskGroup = field(init=False)
    _hired: int = 0
    _ways: Ways = field(init=False)
    _skipped: int = 0
    _canary: Canary = field(default_factory=Canary)
    _pointless: Stop | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def drive(self) -> None:
        """Send all requests, and what their answers ask for; returns when each has its result."""
        self._backlog = Backlog(self._jobs())
        self._clock = asyncio.get_running_loop().time
        slots = min(self.policy.concurrency, descriptor_limit())
        with Ways(self.gates, slots, adaptive=self.policy.adaptive) as self._ways:
            self._ways.expect(self.gate, self.length)
            try:
                async with together() as self._workers:
                    self._hire(self.length)
            except asyncio.CancelledError:
                for job in self._backlog.sent():
                    self._give_up(job, _STOPPED)
                raise

    def _hire(self, count: int) -> None:
        """Have so many more workers, as far as the concurrency allows."""
        count = min(count, self.policy.concurrency - self._hired, descriptor_limit() - self._hired)
        for _ in range(count):
            self._workers.create_task(self._work())
        self._hired += max(count, 0)

    def _jobs(self) -> Iterator[Job]:
        if self.course is None:
            yield from (Job(position, 1, request, self.gate) for position, request in self.requests)
            return
        for position, request in self.requests:
            steps = self.course.begin(position, request)
            self._ways.expect(self.gate, -1)
            self._hire(len(steps) - 1)
            for step in steps:
                yield self._job(position, step)

    def _job(self, position: int, step: Step) -> Job:
        gate = self.gate if step.number == 1 else self._ways.to(step.request.url)
        self._ways.expect(gate, 1)
        return Job(position, step.number, step.request, gate)

    async def _work(self) -> None:
        backlog = self._backlog
        while True:
            # One worker at a time is the next to go: it alone waits for the pace, so that a slot
            # that comes free late never lets several rate tokens out at once.
            async with self._turn:
                job = backlog.ready(self._clock(), probing=self.gate.shut)
                if job is None:
                    waits = self.tally.waits
                    job = await backlog.take(self._over, self.ration.deadline, waits, probing=self.gate.shut)
                if job is None:
                    return
                home = job.gate is self.gate
                entry = Entry.GO if not home or self._goes(job) else await self._enter(job)
            if not home:
                entry = await self._enter_elsewhere(job)
            if entry is not None:
                await self._attempt(job, probe=entry is Entry.PROBE)
            backlog.ended()

    def _over(self, now: float) -> Stop | None:
        """Return how an unsent request ends if nothing more is sent, None if the lane goes on."""
        return self._pointless or self.ration.check(now)

    def _goes(self, job: Job) -> bool:
        """Take a slot, if there is nothing to wait for: what `_enter` does, without its cost."""
        now = self._clock()
        return not self.policy.rates and self._over(now) is None and job.gate.at_once(now)

    async def _enter_elsewhere(self, job: Job) -> Entry | None:
        """Take a slot at another origin, where a page's link leads; while that is silent, nobody waits for it here."""
        now = self._clock()
        silence = job.gate.silence(now)
        if 0 < silence <= self.policy.retry.max_wait and self._over(now) is None:
            self._backlog.put(job, min(silence, self.ration.deadline - now), "pause")
            return None
        return Entry.GO if self._goes(job) else await self._enter(job)

    async def _enter(self, job: Job) -> Entry | None:
        """Take a slot, or end the request if it is not to be sent any more."""
        clock = self._clock
        stop = self._over(clock())
        if stop is None:
            retry = self.policy.retry
            entry = await job.gate.enter(
                self.policy.rates, patience=retry.max_wait, until=self.ration.deadline, waits=self.tally.waits
            )
            if entry is Entry.GO or entry is Entry.PROBE:
                stop = self._over(now := clock())  # while this one waited, others may have spent the last request
                if stop is None:
                    return entry
                job.gate.unheard(now, now)
                job.gate.leave()
            else:
                stop = self._stop(entry, clock())
        self._give_up(job, stop)
        self._skipped += 1
        if not self._skipped % _BREATH:
            await asyncio.sleep(0)
        return None

    def _stop(self, entry: Entry, now: float) -> Stop:
        if entry is Entry.TOO_LONG:
            longest = format_seconds(self.policy.retry.max_wait)
            text = f"not sent: the server asks for a longer pause than max_wait, {longest}"
            return Stop(Outcome.RATE_LIMITED_TOO_LONG, text)
        return self._over(now) or _DOWN

    def _give_up(self, job: Job, stop: Stop) -> None:
        """End a request that is not sent again: with its last cause, if it ever was."""
        met = job.met
        if met is None:
            self._finish(job, None, stop.outcome, error=stop.error)
        else:
            last = stop_row(met, stop.error.replace("not sent", "not sent again", 1))
            self._finish(job, met.response, last.outcome, error=last.error)

    async def _attempt(self, job: Job, *, probe: bool) -> None:
        """Send once; take the answer, or put the request back among those that wait."""
        clock = self._clock
        response: Response | None = None
        error: AttemptError | None = None
        payload = None
        self.ration.count_sent(first=job.met is None)
        self.tally.sent += 1
        self.tally.retried += job.met is not None
        job.sent += 1
        job.attempts += not probe
        job.started = now = clock()
        try:
            response = await self.send(job.request, min(self.policy.timeout, self.ration.deadline - now))
            if 200 <= response.status < 300:
                payload = self._decoded(job, response)
        except asyncio.CancelledError:
            self._finish(job, None, Outcome.CANCELLED, error=describe_cancelled(job.request.method))
            raise
        except AttemptError as exc:
            error = to_deadline_error(exc) if self.ration.is_past_deadline(clock()) else exc
        finally:
            job.elapsed = clock() - job.started
            refused = self._learn(job, response, error, payload, probe=probe)
            job.gate.leave()
        if isinstance(error, DescriptorError) and job.unsent < MAX_REFUSALS:
            self._unsent(job, probe=probe)
        elif error is None and self.policy.retry.when is None and response is not None and 200 <= response.status < 300:
            self._take(job, response, payload)
        else:
            self._judge(job, response, error, payload, probe=probe, refused=refused)

    def _decoded(self, job: Job, response: Response) -> Any:
        return self.decode(response) if self.course is None else self.course.decode(job.position, job.number, response)

    def _learn(
        self, job: Job, response: Response | None, error: AttemptError | None, payload: Any, *, probe: bool
    ) -> bool:
        """Tell the gate how the origin is, and return whether it refused the request before processing it."""
        gate, started, now, epoch = job.gate, job.started, job.started + job.elapsed, time.time()
        told, asked = read_origin_signal(
            self.policy.retry, response, error, epoch=epoch, deadline_passed=self.ration.is_past_deadline(now)
        )
        size = 0
        if response is not None:
            size = len(response.body)
            gate.heed(response.headers, epoch)
            if self.budget is not None and (left := self.budget(payload)) is not None:
                gate.keep(left)
        refused = told is OriginSignal.REFUSED
        if error is not None or response is not None:
            self.tally.count_attempt(started, now, size, refused=refused, in_flight=gate.slots.taken)
        if told is OriginSignal.ANSWERED:
            gate.answered(started, now)
            self._watch(gate, 200 if response is None else response.status)
        elif refused:
            gate.refused(started, now, asked, cap=self.policy.retry.cap)
        elif told is not OriginSignal.FAILED:
            gate.unheard(started, now)
            if told is OriginSignal.UNREACHABLE:
                self._watch(gate, 0)
        elif job.met is None or probe:  # what fails again says more of the request
            gate.failed(started, now)
        return refused

    def _watch(self, gate: Gate, status: int) -> None:
        """Stop the lane when the first answers show that no row will fare better."""
        if gate is self.gate and (stop := self._canary.record(status)) is not None:
            self._pointless = stop

    def _judge(
        self,
        job: Job,
        response: Response | None,
        error: AttemptError | None,
        payload: Any,
        *,
        probe: bool,
        refused: bool,
    ) -> None:
        """Decide what follows; an attempt that the breaker sent, or the server refused, costs the row nothing."""
        repeatable = self.policy.repeatable
        job.met = met = FailedAttempt(job.request, response, error, job.attempts, job.refusals, repeatable)
        verdict = decide_retry(self.policy.retry, met, epoch=time.time(), jitter=random.random())  # noqa: S311 - jitter
        if isinstance(verdict, Repeat) and (probe or refused or self.ration.take_retry()):
            job.attempts -= refused and not probe
            job.refusals += verdict.refused
            self._backlog.put(job, verdict.delay, "pause" if verdict.refused else "backoff")
        elif verdict is None and response is not None:
            self._take(job, response, payload)
        else:
            last = verdict if isinstance(verdict, Stop) else stop_row(met, _SPENT)
            self._fail(job, response, last)

    def _take(self, job: Job, response: Response, payload: Any) -> None:
        """Take an answer, and what it asks for next."""
        if self.course is not None:
            page = Page(job.request, response, payload)
            try:
                steps = self.course.next_steps(job.position, job.number, page, self._clock(), time.time())
            except AttemptError as exc:
                self._finish(job, response, exc.outcome, error=str(exc))
                return
            self._follow(job, steps)
        self._finish(job, response, Outcome.OK, payload=payload)

    def _fail(self, job: Job, response: Response | None, last: Stop) -> None:
        """End a request that failed for good, unless others are sent in its place."""
        if self.course is not None and last.outcome is Outcome.HTTP_ERROR and response is not None:
            self._follow(job, self.course.replacement_steps(job.position, job.number, job.request, response.status))
        self._finish(job, response, last.outcome, error=last.error)

    def _follow(self, job: Job, steps: Sequence[Step]) -> None:
        self._hire(len(steps) - 1)
        for step in steps:
            self._backlog.put(self._job(job.position, step), step.after, "poll")

    def _unsent(self, job: Job, *, probe: bool) -> None:
        """Wait for a connection of others to end: this process may open no more."""
        job.gate.slots.narrow(job.started + job.elapsed)
        self.tally.sent -= 1
        self.tally.retried -= job.met is not None
        self.ration.uncount_sent()
        job.sent -= 1
        job.attempts -= not probe
        job.unsent += 1
        self._backlog.put(job, _NO_SOCKET * 2.0**job.unsent, "slot")

    def _finish(
        self, job: Job, response: Response | None, outcome: Outcome, *, payload: Any = None, error: str | None = None
    ) -> None:
        self._ways.expect(job.gate, -1)
        status = url = None
        if response is not None:
            status = response.status
            url = response.url if response.url is not job.request.url else None
        fetched_at = None if response is None else time.time()
        result = Result(outcome, payload, status, job.sent, job.elapsed, url, error, fetched_at)
        if self.course is None:
            self.deliver(job.position, result)
        else:
            self.course.finish_step(job.position, job.number, result)


async def drive(lanes: Sequence[Lane], tally: Tally) -> None:
    """Drive several lanes at the same time, no more of them than there are descriptors for."""
    clock = asyncio.get_running_loop().time
    waiting = iter(lanes)
    cpu = time.process_time()
    tally.started_at = clock()
    widest = max((lane.policy.concurrency for lane in lanes), default=1)
    at_once = max(1, descriptor_limit() // widest)

    async def drive_in_turn() -> None:
        for lane in waiting:
            await lane.drive()

    try:
        async with together() as group:
            for _ in range(min(at_once, len(lanes))):
                group.create_task(drive_in_turn())
    finally:
        tally.ended_at = clock()
        tally.waits = {cause: seconds / max(len(lanes), 1) for cause, seconds in tally.waits.items()}
        tally.cpu_seconds = time.process_time() - cpu


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks together; the first exception cancels the others and comes out as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None

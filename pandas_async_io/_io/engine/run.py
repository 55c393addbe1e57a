"""The requests of one call to one origin.

Invariant: workers share one iterator of requests. There is no task per request, and no queue that
grows with the rows. A request that backs off or waits for the pace or for a server's job holds no slot.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import ApiError
from pandas_async_io._core.models import Outcome, Request
from pandas_async_io._core.policy.retries.retry import Stop
from pandas_async_io._core.policy.retries.retry_budget import RetryBudget
from pandas_async_io._core.policy.throttling.rate import format_rate
from pandas_async_io._core.report import run_state
from pandas_async_io._io.engine.admission import Admission
from pandas_async_io._io.engine.attempt import is_cancel_requested, send_once
from pandas_async_io._io.engine.backlog import Backlog, PendingRequest
from pandas_async_io._io.engine.follow_up import FollowUp
from pandas_async_io._io.engine.stored_answers import NOT_RECORDED, StoredAnswers
from pandas_async_io._io.engine.task_group import task_group
from pandas_async_io._io.gate.entry import Entry
from pandas_async_io._io.gate.origins import OriginGates
from pandas_async_io._io.gate.slots import descriptor_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.workflow.base import Step
    from pandas_async_io._io.engine.context import CallContext
    from pandas_async_io._io.gate.gate import Gate

_UNSENT_RESULTS_PER_YIELD = 1_000
"""Requests that end unsent, after which the event loop gets a turn."""

_ANSWERS_PER_YIELD = 100
"""Kept answers that are taken, after which the event loop gets a turn."""

_LOST_WORKER = "a worker of the run was cancelled, and nobody asked for it: its request has no result"

_STOPPED = Stop(Outcome.CANCELLED, "not sent: the run was stopped")


class OriginRun:
    """The requests of one call to one origin.

    Parameters
    ----------
    call : CallContext
        What the call shares.
    gate : Gate
        The client's gate of the origin.
    requests : iterator of (int, Request)
        Position and request; taken one by one, when there is room for it.
    length : int
        How many they are.
    """

    _admission: Admission
    _follow_up: FollowUp
    _gates: OriginGates
    _workers: asyncio.TaskGroup

    def __init__(self, call: CallContext, gate: Gate, requests: Iterator[tuple[int, Request]], length: int) -> None:
        self._call, self._gate, self._requests, self._length = call, gate, requests, length
        budget = RetryBudget(call.policy.retry.budget)
        self._stored: StoredAnswers | None = None
        fresh: Iterator[PendingRequest] = self._fresh_requests()
        if call.store is not None:
            fresh = self._stored = StoredAnswers(call.store, fresh)
        self._backlog = Backlog(fresh, budget, lambda: min(call.policy.concurrency, gate.slots.limit), call.window)
        self._turn = asyncio.Lock()
        self._worker_count, self._max_workers = 0, min(call.policy.concurrency, descriptor_limit())
        self._unsent = 0
        self._clock = asyncio.get_running_loop().time

    async def run(self) -> None:
        """Send all requests and those that follow; return when each has its result."""
        call = self._call
        self._admission = Admission(call, self._gate)
        with OriginGates(call.gate_of, self._max_workers, adaptive=call.policy.adaptive) as self._gates:
            self._follow_up = FollowUp(call, self._backlog, self._gates, self._add_steps)
            self._gates.expect(self._gate, self._length)
            call.runs.add(self)
            try:
                async with task_group() as self._workers:
                    self._start_workers(self._length)
                if self._gates.outstanding:
                    raise ApiError(f"{self._gates.outstanding} requests ended without a result")
            except asyncio.CancelledError:
                for pending in self._backlog.failed():
                    self._follow_up.give_up(pending, _STOPPED)
                raise
            finally:
                call.runs.discard(self)

    def wake(self) -> None:
        """End every wait, because the run has stopped."""
        self._backlog.wake()
        self._admission.wake()

    def resume(self) -> None:
        """Look again whether the window lets more requests start."""
        self._backlog.wake()

    def read_state(self) -> run_state.OriginState:
        """Return how far the run is, from any thread."""
        now, rates = self._clock(), self._call.policy.rates
        entering = self._admission.entering
        waiting, head = self._backlog.wait_at(now)
        in_flight = max(self._backlog.taken - entering, 0)
        until, reason = self._gate.held_until(now)
        wait = run_state.describe_wait(
            reason,
            until - now,
            rate=format_rate(rates) if entering and rates else "",
            backoff=head[0] - now if head is not None and not self._backlog.taken else None,
            cause="" if head is None else head[3],
        )
        return run_state.OriginState(in_flight, waiting, wait)

    def _start_workers(self, count: int) -> None:
        """Start up to `count` more workers, within the concurrency limit."""
        count = max(min(count, self._max_workers - self._worker_count), 0)
        for _ in range(count):
            self._workers.create_task(self._work())
        self._worker_count += count

    def _fresh_requests(self) -> Iterator[PendingRequest]:
        workflow, gate = self._call.workflow, self._gate
        if workflow.one_request:
            yield from (PendingRequest(position, 1, request, gate) for position, request in self._requests)
            return
        delivery = self._call.delivery
        for position, request in self._requests:
            with delivery.lock:
                if delivery.closed:
                    return
                steps = workflow.begin(position, request)
            self._gates.settle(gate)
            if len(steps) > 1:
                self._start_workers(len(steps) - 1)
            for step in steps:
                yield self._pend(position, step)

    def _pend(self, position: int, step: Step) -> PendingRequest:
        gate = self._gate if step.number == 1 else self._gates.gate_for(step.request.url)
        self._gates.expect(gate, 1)
        return PendingRequest(position, step.number, step.request, gate)

    def _add_steps(self, position: int, steps: Sequence[Step], *, replacing: bool = False) -> None:
        """Queue the steps that follow at a position, or replace a failed one: these are not taken from the store."""
        if len(steps) > 1:
            self._start_workers(len(steps) - 1)
        call, store = self._call, self._call.store
        replays = store is not None and store.replays
        for step in steps:
            pending = self._pend(position, step)
            if replacing and store is not None and not replays:
                pending.key = store.make_key(pending.request, pending.number)
            if call.events is not None and call.workflow.reads_pages:
                call.events.find_page(position, step.number, step.request)
            after = 0.0 if replays else step.after
            if call.window is not None and not after:
                self._backlog.put_following(pending)
            else:
                self._backlog.put(pending, after, "poll")

    async def _work(self) -> None:
        try:
            await self._take_requests()
        except asyncio.CancelledError:
            if is_cancel_requested():
                raise
            raise ApiError(_LOST_WORKER) from None  # a task group takes no note of a task that was cancelled

    async def _take_requests(self) -> None:
        call, gate = self._call, self._gate
        backlog, admission, follow_up, stored = self._backlog, self._admission, self._follow_up, self._stored
        clock = asyncio.get_running_loop().time
        go: Entry | Stop | None = Entry.GO
        while True:
            pending, entry = self._take_at_once(clock()), go
            if pending is None:
                # One worker at a time takes the next request and waits for the pace, so that a slot that
                # comes free late never lets several rate tokens out at once.
                async with self._turn:
                    pending = await self._take_next()
                    if pending is None:
                        return
                    if pending.gate is gate and not admission.try_enter(pending):
                        entry = await self._enter(pending)
            if pending.gate is not gate:
                entry = await self._enter_other_origin(pending)
            if entry is go or entry is Entry.PROBE:
                try:
                    attempt = await send_once(call, pending, clock, probe=entry is not go)
                except asyncio.CancelledError:
                    follow_up.cancel(pending)
                    raise
                admission.watch(pending, attempt)
                follow_up.settle(pending, attempt)
            elif isinstance(entry, Stop):
                await self._end_unsent(pending, entry)
            backlog.release(pending)
            if stored is not None and stored.is_behind:
                await stored.wait_for_disk()

    def _take_at_once(self, now: float) -> PendingRequest | None:
        """Return a request, with its slot at the run's own origin, if neither it nor another has to wait for a turn."""
        if self._stored is not None or self._turn.locked() or not self._admission.is_open(now):
            return None
        pending = self._backlog.pop_ready(now, probing=False)
        if pending is not None and pending.gate is self._gate:
            self._gate.start(now)
        return pending

    async def _take_next(self) -> PendingRequest | None:
        """Wait for a request, and return it; None if none is left."""
        if self._stored is not None:
            return await self._take_unanswered(self._stored)
        now, probing = asyncio.get_running_loop().time(), self._gate.only_probes
        return self._backlog.pop_ready(now, probing=probing) or await self._wait_ready()

    async def _take_unanswered(self, stored: StoredAnswers) -> PendingRequest | None:
        """Return the next request that no kept answer stands for, after taking the kept answers before it."""
        backlog, gate, follow_up = self._backlog, self._gate, self._follow_up
        clock = asyncio.get_running_loop().time
        for taken in count(1):
            if stored.is_due:
                await stored.look_up()
            pending = backlog.pop_ready(clock(), probing=gate.only_probes) or await self._wait_ready()
            if pending is None:
                return None
            answer = stored.find(pending)
            if answer is None or not follow_up.take_stored(pending, answer):
                if not stored.replays:
                    return pending
                await self._end_unsent(pending, NOT_RECORDED)
            backlog.release(pending)
            if not taken % _ANSWERS_PER_YIELD:
                await asyncio.sleep(0)
        return None

    async def _wait_ready(self) -> PendingRequest | None:
        call = self._call
        return await self._backlog.wait_ready(
            self._admission.stop, call.budget.deadline, call.tally.waits, probing=self._gate.only_probes
        )

    async def _enter_other_origin(self, pending: PendingRequest) -> Entry | Stop | None:
        """Take a slot at an origin that a link leads to; while that is paused, put the request back."""
        delay = self._admission.pause_to_put_back(pending)
        if delay:
            self._backlog.put(pending, delay, "pause")
            return None
        return Entry.GO if self._admission.try_enter(pending) else await self._enter(pending)

    async def _enter(self, pending: PendingRequest) -> Entry | Stop:
        """Wait for a slot; a request that is cancelled meanwhile ends as not sent."""
        try:
            return await self._admission.enter(pending)
        except asyncio.CancelledError:
            self._follow_up.give_up(pending, _STOPPED)
            raise

    async def _end_unsent(self, pending: PendingRequest, stop: Stop) -> None:
        self._follow_up.give_up(pending, stop)
        self._unsent += 1
        if not self._unsent % _UNSENT_RESULTS_PER_YIELD:
            await asyncio.sleep(0)

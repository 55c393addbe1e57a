"""Whether a request may be sent now, and how it ends if it is not sent any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import SessionClosedError
from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.durations import format_seconds
from pandas_async_io._core.policy.outages.canary import Canary
from pandas_async_io._core.policy.outages.origin_signal import OriginSignal
from pandas_async_io._core.policy.retries.retry import Stop
from pandas_async_io._io.gate.entry import Entry

if TYPE_CHECKING:
    from pandas_async_io._io.engine.attempt import Attempt
    from pandas_async_io._io.engine.backlog import PendingRequest
    from pandas_async_io._io.engine.context import CallContext
    from pandas_async_io._io.gate.gate import Gate

_DOWN = Stop(Outcome.NOT_ATTEMPTED, "not sent: nothing came through to this origin for 30 s", is_outage=True)


class Admission:
    """Lets the requests of one origin's run through, until the run stops.

    Parameters
    ----------
    call : CallContext
        What the call shares.
    gate : Gate
        The run's own origin's.
    """

    __slots__ = ("_abort", "_budget", "_call", "_canary", "_clock", "_entering", "_gate", "_woken")

    def __init__(self, call: CallContext, gate: Gate) -> None:
        self._call, self._gate, self._budget = call, gate, call.budget
        self._clock = asyncio.get_running_loop().time
        self._canary = Canary(stops_wrong_requests=not call.workflow.replaces_failed)
        self._abort: Stop | None = None
        self._entering: set[asyncio.Task[Any]] = set()
        self._woken: set[asyncio.Task[Any]] = set()

    def stop(self, now: float) -> Stop | None:
        """Return how an unsent request ends if nothing more is sent; None if the run goes on."""
        return self._abort or self._budget.check(now)

    def watch(self, pending: PendingRequest, attempt: Attempt) -> None:
        """Stop the run when the first answers show that no row will fare better."""
        if pending.gate is not self._gate:
            return
        signal = attempt.signal
        if signal is OriginSignal.ANSWERED:
            status = 200 if attempt.response is None or attempt.is_empty else attempt.response.status
        elif signal is OriginSignal.UNREACHABLE:
            status = 0
        else:
            if isinstance(attempt.error, SessionClosedError):
                self._abort = Stop(Outcome.NOT_ATTEMPTED, f"not sent: {attempt.error}")
            return
        if (stop := self._canary.record(status, attempt.response)) is not None:
            self._abort = stop

    def is_open(self, now: float) -> bool:
        """Whether there is nothing to wait for at the run's own origin, and the run goes on."""
        return not self._call.policy.rates and self._gate.is_open(now) and self.stop(now) is None

    def try_enter(self, pending: PendingRequest) -> bool:
        """Take a slot if there is nothing to wait for: what `enter` does, without its cost."""
        now = self._clock()
        return not self._call.policy.rates and self.stop(now) is None and pending.gate.try_enter(now)

    async def enter(self, pending: PendingRequest) -> Entry | Stop:
        """Wait for a slot; return how it was taken, or how the request ends."""
        clock, call, gate = self._clock, self._call, pending.gate
        stop = self.stop(clock())
        if stop is not None:
            return stop
        max_wait = call.policy.retry.max_wait
        task: Any = asyncio.current_task()
        self._entering.add(task)
        try:
            entry = await gate.enter(
                call.policy.rates, max_wait=max_wait, until=self._budget.deadline, waits=call.tally.waits
            )
        except asyncio.CancelledError:
            if task not in self._woken or task.uncancel():
                raise
            return self.stop(clock()) or _DOWN
        finally:
            self._entering.discard(task)
        now = clock()
        if entry is Entry.GO or entry is Entry.PROBE:
            stop = self.stop(now)  # during the wait, others may have spent the last request
            if stop is None:
                return entry
            gate.record_no_signal(now, now)
            gate.leave()
            return stop
        if entry is Entry.TOO_LONG:
            text = f"not sent: the server asks for a longer pause than max_wait, {format_seconds(max_wait)}"
            return Stop(Outcome.RATE_LIMITED_TOO_LONG, text)
        return self.stop(now) or _DOWN

    @property
    def entering(self) -> int:
        """Requests that wait for a rate, a slot, or the end of a pause."""
        return len(self._entering)

    def wake(self) -> None:
        """End every wait for a slot, because the run has stopped."""
        self._woken |= self._entering
        for task in self._entering:
            task.cancel()

    def pause_to_put_back(self, pending: PendingRequest) -> float:
        """Return the seconds after which to try again at another origin that is paused; 0 if it is to enter now."""
        now = self._clock()
        pause = pending.gate.pause.remaining(now)
        if 0 < pause <= self._call.policy.retry.max_wait and self.stop(now) is None:
            return min(pause, self._budget.deadline - now)
        return 0.0

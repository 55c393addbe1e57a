"""The way to one endpoint of an origin: when the next request may start.

Invariant: a request that waits holds no slot, and every wait can be cancelled. All of it runs on
one event loop, so nothing needs a thread lock.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

from pandas_async_io._core.policy.outages.breaker import Breaker, BreakerState
from pandas_async_io._core.policy.outages.kept_connections import KeptConnections
from pandas_async_io._io.gate.entry import Entry
from pandas_async_io._io.gate.learnt_pace import LearntPace
from pandas_async_io._io.gate.pause import Pause
from pandas_async_io._io.gate.rates import Rates
from pandas_async_io._io.gate.server_budget import ServerBudget
from pandas_async_io._io.gate.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pandas_async_io._core.policy.server_limits.server_budgets import Budget
    from pandas_async_io._core.policy.throttling.rate import Rate
    from pandas_async_io._io.gate.shared_limits import SharedLimits

_NEVER = float("inf")
_LONGEST_SLEEP = 1.0
"""Seconds after which a waiting request looks again: a response may have brought a new budget."""


class Gate:
    """What all calls of one client share on their way to one endpoint: most of it with the origin's other endpoints.

    What an endpoint accepts or refuses says nothing about the pace of another: a pace is learnt for each.

    Parameters
    ----------
    ceiling : int or None
        The client's own limit of requests in flight; None leaves it to the calls.
    beside : Gate, optional
        The gate of another endpoint of the origin. All but the learnt pace is shared with it.

    Attributes
    ----------
    slots, pause
        Requests in flight, and until when no request starts.
    budget, breaker, rates
        What the server says is left, whether the origin is up, and the rates that calls and client set.
    connections
        Whether the origin closes kept connections without announcing it.
    shared
        The limits that the processes of a cluster share; None if this process is alone.
    """

    slots: Slots
    pause: Pause
    budget: ServerBudget
    breaker: Breaker
    rates: Rates
    connections: KeptConnections
    shared: SharedLimits | None = None

    def __init__(self, ceiling: int | None = None, *, beside: Gate | None = None) -> None:
        self._pace = LearntPace()
        if beside is not None:
            self.slots, self.pause, self.budget = beside.slots, beside.pause, beside.budget
            self.breaker, self.rates, self.connections = beside.breaker, beside.rates, beside.connections
            self.shared = beside.shared
            return
        self.slots, self.pause, self.connections = Slots(ceiling), Pause(), KeptConnections()
        self.budget = ServerBudget(self.slots, self.pause)
        self.breaker, self.rates = Breaker(), Rates()

    def share(self, shared: SharedLimits) -> None:
        """Keep limits together with other processes from now on."""
        self.shared, self.rates = shared, shared.rates

    @contextmanager
    def open_for_call(self, concurrency: int, *, adaptive: bool = False) -> Iterator[None]:
        """Take part for the time of a call, with its own limit of requests in flight, which may adapt below it."""
        if self.breaker.state in {BreakerState.GIVEN_UP, BreakerState.CLOSED} and not self.slots.calls:
            self.breaker.reset()  # failures of calls that are over do not count for this one
        self._pace.begin(asyncio.get_running_loop().time())
        together = nullcontext() if self.shared is None else self.shared.open_for_call(self)
        with self.slots.open_for_call(concurrency, adaptive=adaptive), together:
            yield

    @property
    def accepted(self) -> int:
        """Requests that the endpoint answered and did not refuse."""
        return self._pace.accepted

    def has_answered_since(self, begun: float) -> bool:
        """Whether the origin has answered below 500 since a time on the loop's clock."""
        return self.breaker.answered_at >= begun

    @property
    def only_probes(self) -> bool:
        """Whether nothing but a probe may start."""
        return self.breaker.state is not BreakerState.CLOSED

    def held_until(self, now: float) -> tuple[float, str]:
        """Return until when no request starts, at least `now`, and why: a pause's reason, "breaker" or "pace"."""
        if self.only_probes:
            return max(self.breaker.next_probe_at, now), "breaker"
        is_paused = self.pause.until > now or not self._pace.is_limited
        return max(self.pause.until, now), self.pause.reason if is_paused else "pace"

    async def enter(self, rates: Sequence[Rate], *, max_wait: float, until: float, waits: dict[str, float]) -> Entry:
        """Wait for the pause and the breaker, for every rate, then for a slot; `leave` gives it back.

        Parameters
        ----------
        rates : sequence of Rate
            The call's and its client's.
        max_wait : float
            Seconds; the caller does not wait for a longer pause.
        until : float
            The caller's deadline on the loop's clock.
        waits : dict of str to float
            The seconds that it waited, by cause, are added here.

        Returns
        -------
        Entry
            GO and PROBE take a slot, the others do not.
        """
        clock = asyncio.get_running_loop().time
        ready = clock()
        while True:
            now = clock()
            if now >= until:
                return Entry.LATE
            if not rates and self.try_enter(now):
                return Entry.GO
            if self.pause.exceeds(max_wait, now):
                return Entry.TOO_LONG
            wait = self._earliest_start() - now
            if wait > 0:
                await asyncio.sleep(min(wait, until - now, _LONGEST_SLEEP))
                waits["pause"] += self._is_held_back(now) * (clock() - now)
                continue
            slot_since = await self._take_slot(rates, until, waits)
            if slot_since is Entry.LATE:
                return Entry.LATE
            now, earliest = clock(), self._earliest_start()
            if not isinstance(slot_since, float):
                continue
            if max(earliest, self.rates.not_before(rates)) > now:  # others started during the wait
                self.slots.release()
                continue
            entry = self._pass_breaker(now, rates, max(ready, earliest, slot_since))
            if isinstance(entry, Entry):
                return entry
            await asyncio.sleep(min(entry, max(until - now, 0.0)))
            waits["breaker"] += clock() - now

    def try_enter(self, now: float) -> bool:
        """Take a slot if a request without a rate may start right now."""
        if not self.is_open(now):
            return False
        self.start(now)
        return True

    def is_open(self, now: float) -> bool:
        """Whether a request without a rate may start right now: nothing holds starts back, and a slot is free."""
        budget = self.budget
        return (
            self.breaker.state is BreakerState.CLOSED
            and self.pause.until <= now
            and self._pace.next_start <= now
            and budget.last_start + budget.gap <= now
            and self.slots.has_free
        )

    def start(self, now: float) -> None:
        """Take a slot for a request that starts now, while the gate `is_open`."""
        self.slots.in_use += 1
        self.budget.last_start = now
        self._pace.record_start(now, self.slots.in_use)

    def leave(self) -> None:
        """Give the slot back."""
        self.slots.release()

    def record_answer(self, started: float, now: float) -> None:
        """Learn from an attempt that was answered and not refused; its slot is still taken."""
        self.breaker.record_success(now, started=started)
        self._pace.record_answer(started, now)
        self.slots.record_answer(started, now)
        if self.shared is not None:
            self.shared.tell(self, now)

    def record_refusal(
        self, started: float, now: float, asked: float = 0.0, *, cap: float = _NEVER, reason: str = "refused"
    ) -> None:
        """Learn from a refusal, and pause for the seconds that the server asks for, or else by the learnt pace.

        Parameters
        ----------
        asked : float
            Seconds; 0 if the server asks for none.
        cap : float
            Seconds of a pause by the learnt pace, at most.
        reason : str
            The status of the refusal, for the user.
        """
        self.breaker.record_success(now, started=started)
        learnt = 0.0
        # Where the server tells its limit and the time of its reset, there is nothing to learn.
        if not (asked and self.budget.is_spent) and not self.slots.record_refusal(now, asked):
            learnt = self._pace.record_refusal(started, now, asked)
        self.pause.start_after_refusal(now, asked, learnt, cap=cap, reason=reason)
        if self.shared is not None:
            self.shared.tell(self, now)

    def is_limiter(self, started: float, now: float) -> bool:
        """Record a 503 that names no delay, and return whether a limiter refused the request: some others pass."""
        return self._pace.is_limiter(started, now)

    def record_failure(self, started: float, now: float) -> None:
        """Learn from a transport failure or a 5xx."""
        self.breaker.record_failure(now, started=started)
        if self.shared is not None:
            self.shared.tell(self, now)

    def record_no_signal(self, started: float, now: float) -> None:
        """Note that an attempt says nothing about the origin: a probe is to be repeated."""
        self.breaker.record_no_signal(now, started=started)

    def obey_headers(self, headers: Mapping[str, str], *, now: float, epoch: float) -> None:
        """Keep within the budget that a response's headers announce, before it is exceeded."""
        self._pace.has_response = True
        self.budget.read(headers, now=now, epoch=epoch)

    def obey_budget(self, announced: Budget, *, now: float) -> None:
        """Keep within a budget that a payload announces."""
        self.budget.keep(announced, now=now)

    def _earliest_start(self) -> float:
        """Return when the next request may start, as far as the server and the learnt pace decide."""
        budget = self.budget
        return max(self.pause.until, self._pace.next_start, budget.last_start + budget.gap)

    def _is_held_back(self, now: float) -> bool:
        """Whether the server or a learnt pace holds starts back, not the short gaps before the first response."""
        return max(self.pause.until, self.budget.last_start + self.budget.gap) > now or self._pace.is_limited

    def _pass_breaker(self, now: float, rates: Sequence[Rate], ready: float) -> Entry | float:
        """Start with the slot that was taken; or give it back, and return the seconds to wait for the breaker.

        Parameters
        ----------
        ready : float
            Since when nothing but the rates held the request back.
        """
        probe = self.only_probes
        wait = self.breaker.admit(now)
        if wait:
            self.slots.release()
            return Entry.DOWN if wait == _NEVER else wait
        self.budget.last_start = now
        self._pace.record_start(now, self.slots.in_use)
        if rates:
            self.rates.record_start(rates, now, ready=ready)
        return Entry.PROBE if probe else Entry.GO

    async def _take_slot(
        self, rates: Sequence[Rate], until: float, waits: dict[str, float]
    ) -> float | Literal[Entry.LATE] | None:
        """Wait for every rate, then for a slot, and return since when it was free.

        Returns
        -------
        float, Entry.LATE or None
            LATE: the deadline has passed. None: meanwhile the server or the learnt pace allows no start; no
            rate's token is lost.
        """
        clock = asyncio.get_running_loop().time
        cause, begun = "rate", clock()
        try:
            async with asyncio.timeout_at(None if until == _NEVER else until):
                async with self.rates.turn(rates):
                    await self.rates.wait(rates)
                    if self._earliest_start() > clock():
                        return None
                    await self.rates.acquire(rates)
                    waits[cause] += clock() - begun
                    cause, begun = self.slots.wait_cause, clock()
                    if self.slots.try_take():
                        return -_NEVER
                    await self.slots.take()
                    return clock()
        except TimeoutError:
            return Entry.LATE
        finally:
            waits[cause] += clock() - begun

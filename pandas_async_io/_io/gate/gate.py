"""The way to one origin: its pause, its pace, its slots.

The law of this file: whoever waits here holds no slot, and every wait can be
cancelled. All of it runs on one event loop; nothing needs a lock of threads.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING

from pandas_async_io._core.policy.breaker import Breaker, BreakerState
from pandas_async_io._core.policy.pace import Pace
from pandas_async_io._core.policy.server_budgets import compute_spacing, read_budget
from pandas_async_io._io.gate.rates import Rates
from pandas_async_io._io.gate.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pandas_async_io._core.policy.rate import Rate
    from pandas_async_io._core.policy.server_budgets import Budget

_DAY = 86_400.0
_NEVER = float("inf")
_AT_ONCE = 8
_LOOK_UP = 1.0
"""Seconds after which who waits looks again: an answer may have brought a new budget."""
_FEELER = 0.002
"""Seconds between starts beyond that until the first answer: it may be a refusal of all."""
_MADE_UP = 0.05
"""The share of a gap by which the next one may be shorter."""
_BARE = 8
"""Answers without a budget, in a row, after which an origin is taken for one that tells none;"""
_LOOK_AGAIN = 50
"""then it is looked at again after so many."""


class Entry(Enum):
    """Whether a request may go."""

    GO = auto()
    PROBE = auto()
    DOWN = auto()
    """The origin's breaker is dead."""
    TOO_LONG = auto()
    """The origin is paused for longer than the caller's patience."""
    LATE = auto()
    """The caller's time has passed."""


class Gate:
    """What all calls of one client share on their way to one origin.

    Parameters
    ----------
    ceiling : int or None
        The client's own limit of requests in flight; None leaves it to the calls.
    """

    def __init__(self, ceiling: int | None = None) -> None:
        self.slots = Slots(ceiling)
        self.left = 0
        """Requests without a result yet, of the calls that are under way."""
        self._rates = Rates()
        self._resume_at = self._asked_until = 0.0
        self._last_start = self._next_start = 0.0
        self._pace: Pace | None = None
        self._heard = False
        self._breaker = Breaker()
        self._budget_gap = 0.0
        self._look_in = self._bare = 0

    @contextmanager
    def open(self, concurrency: int, *, adaptive: bool = False) -> Iterator[None]:
        """Take part, as long as the call lasts, with a limit of one's own that may adapt below it."""
        if self._breaker.state in {BreakerState.GIVEN_UP, BreakerState.CLOSED} and not self.slots.users:
            self._breaker = Breaker()  # the failures of calls that are over are none of this one's
        if self._pace is None:
            self._pace = Pace(asyncio.get_running_loop().time())
        with self.slots.open(concurrency, adaptive=adaptive):
            yield

    @property
    def shut(self) -> bool:
        """Whether nothing but a probe gets through now."""
        return self._breaker.state is not BreakerState.CLOSED

    async def enter(self, rates: Sequence[Rate], *, patience: float, until: float, waits: dict[str, float]) -> Entry:
        """Wait for the pause and the breaker, for every rate, then for a slot; `leave` gives it back.

        Parameters
        ----------
        rates : sequence of Rate
            The call's and its client's.
        patience : float
            Seconds; a longer pause is not waited for.
        until : float
            On the loop's clock; nothing goes after that.
        waits : dict of str to float
            What was waited for, in seconds by cause, is added here.

        Returns
        -------
        Entry
            A slot was taken with GO and PROBE only.
        """
        clock = asyncio.get_running_loop().time
        while True:
            now = clock()
            if now >= until:
                return Entry.LATE
            if not rates and self.at_once(now):
                return Entry.GO
            if self._asked_until - now > patience:
                return Entry.TOO_LONG
            wait = self._earliest() - now
            if wait > 0:
                await asyncio.sleep(min(wait, until - now, _LOOK_UP))
                waits["pause"] += clock() - now
                continue
            if not await self._in_turn(rates, until, waits):
                return Entry.LATE
            now = clock()
            if max(self._earliest(), self._rates.not_before(rates)) > now:  # others went while we waited for the slot
                self.slots.leave()
                continue
            passed = self._pass(now, rates)
            if isinstance(passed, Entry):
                return passed
            await asyncio.sleep(min(passed, max(until - now, 0.0)))
            waits["breaker"] += clock() - now

    def _pass(self, now: float, rates: Sequence[Rate]) -> Entry | float:
        """Start with the slot that was taken; or give it back, and return the seconds to wait for the breaker."""
        probe = self.shut
        wait = self._breaker.admit(now)
        if wait:
            self.slots.leave()
            return Entry.DOWN if wait == _NEVER else wait
        self._start(now)
        self._rates.started(rates, now)
        return Entry.PROBE if probe else Entry.GO

    def at_once(self, now: float) -> bool:
        """Take a slot, if a request without a rate of its own may go right now."""
        if self._earliest() > now or self.shut or not self.slots.free():
            return False
        self._start(now)
        return True

    def _earliest(self) -> float:
        """Return when the next start may be, as far as the server and what was learnt of it decide."""
        return max(self._resume_at, self._next_start, self._last_start + self._budget_gap)

    def silence(self, now: float) -> float:
        """Return the seconds for which nobody gets through."""
        return max(self._resume_at - now, 0.0)

    def leave(self) -> None:
        """Give the slot back."""
        self.slots.leave()

    def pause(self, seconds: float, *, asked: bool = True) -> None:
        """Let nobody through for so long, as the server asks or of our own accord; the longest pause holds."""
        until = asyncio.get_running_loop().time() + seconds
        self._resume_at = max(self._resume_at, until)
        if asked:
            self._asked_until = max(self._asked_until, until)

    def answered(self, started: float, now: float) -> None:
        """Learn from an attempt that was answered and not refused; its slot is still taken."""
        self._breaker.record_success(started=started)
        if self._pace is not None:
            self._pace.record_accepted(now, started=started)
        self.slots.answered(started, now)

    def refused(self, started: float, now: float, asked: float = 0.0, *, cap: float = _NEVER) -> None:
        """Learn from a refusal, and be silent as long as the server asks, or as the pace suggests, within a cap."""
        self._breaker.record_success(started=started)
        fewer = self.slots.refused(now, asked)
        silence = None if fewer or self._pace is None else self._pace.record_refusal(now, started=started)
        if asked:
            self.pause(min(asked, _DAY))
        elif silence:
            self.pause(min(silence, cap), asked=False)

    def failed(self, started: float, now: float) -> None:
        """Learn from a transport failure or a 5xx."""
        self._breaker.record_failure(now, started=started)

    def unheard(self, started: float, now: float) -> None:
        """Take note that an attempt told nothing of the origin."""
        self._breaker.record_no_signal(now, started=started)

    def heed(self, headers: Mapping[str, str], epoch: float) -> None:
        """Obey the budget that a server's headers tell, before it is exceeded; a Retry-After says more."""
        self._heard = True
        self._look_in -= 1
        backoff = "Backoff" in headers
        if (self._look_in > 0 and not backoff) or "Retry-After" in headers:
            return
        left: Budget | None = read_budget(headers, epoch=epoch)
        if left is not None:
            self._bare = 0
            self.keep(left)
            if backoff:
                self.slots.granted = None  # a silence is no count
        else:
            self._bare += 1  # one answer may come from a cache
            if self._bare >= _BARE:
                self._look_in = _LOOK_AGAIN
                self._budget_gap, self.slots.granted = 0.0, None

    def keep(self, left: Budget) -> None:
        """Keep within a budget that the server told."""
        spent = left.reset_in if left.remaining <= 0 else None
        self.slots.granted = max(1, int(left.remaining))
        self._budget_gap = 0.0 if spent else compute_spacing(left, self.slots.taken, waiting=self.left)
        if spent:
            self.pause(spent)

    def _start(self, now: float) -> None:
        """Count a start, and say when the next may be; a timer that rang late is made up for in part."""
        self._last_start = now
        gap = _FEELER if not self._heard and self.slots.taken >= _AT_ONCE else 0.0
        if self._pace is not None:
            self._pace.record_start(now)
            gap = max(gap, self._pace.spacing)
        self._next_start = max(self._next_start, now - gap * _MADE_UP) + gap

    async def _in_turn(self, rates: Sequence[Rate], until: float, waits: dict[str, float]) -> bool:
        """Wait for every rate, then for a slot; False if the caller's time passes before."""
        clock = asyncio.get_running_loop().time
        cause, begun = "rate", clock()
        try:
            async with asyncio.timeout_at(None if until == _NEVER else until):
                async with self._rates.turn(rates):
                    await self._rates.wait(rates)
                    waits[cause] += clock() - begun
                    cause, begun = "slot", clock()
                    await self.slots.take()
        except TimeoutError:
            return False
        finally:
            waits[cause] += clock() - begun
        return True

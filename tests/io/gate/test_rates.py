"""The rates of an origin: each call keeps its own, and all of them together the most generous."""

import asyncio
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.rate import Rate
from pandas_async_io._io.gate.gate import Entry, Gate
from tests.io.gate.leaping import Leaping, leaping


def starts_of(*calls):
    """Run calls of a rate and a number of requests at one gate; return what started when, as (time, call)."""
    found = []

    async def main():
        gate = Gate()

        async def call(name, rates, count):
            with gate.open_for_call(99):
                for _ in range(count):
                    entry = await gate.enter(rates, max_wait=1.0, until=float("inf"), waits=Counter())
                    assert entry is Entry.GO
                    found.append((asyncio.get_running_loop().time(), name))
                    gate.leave()

        await asyncio.gather(*(call(at, *each) for at, each in enumerate(calls)))

    leaping(main())
    return found


def per_second(starts, weight=lambda call: 1):
    last = starts[-1][0]
    return sum(weight(call) for at, call in starts if at < last) / (last - starts[0][0])


def test_a_rate_is_the_same_however_it_is_written():
    """Two calls of "40/s" and "2400/min" make 40 a second together."""
    starts = starts_of(([Rate(40, margin=0)], 60), ([Rate(2400, 60, margin=0)], 60))
    assert per_second(starts) == pytest.approx(40, rel=0.02)


def test_what_costs_more_takes_its_time_from_all():
    """100 points a second, of which one call takes five each time."""
    starts = starts_of(([Rate(100, margin=0)], 200), ([Rate(100, margin=0, cost=5)], 30))
    both = starts[: max(at for at, (_, call) in enumerate(starts) if call == 1) + 1]
    assert per_second(both, lambda call: 5 if call else 1) == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize(
    ("first", "second", "most"),
    [
        (Rate(300), Rate(250), 300),
        (Rate(300), Rate(100), 300),
        (Rate(20, burst=5), Rate(20), 25),
        (Rate(20, burst=5), Rate(20, burst=4), 27),
    ],
)
def test_fault_39_bursts_and_high_rates_of_several_calls_are_one_pace_too(first, second, most):
    """In no second are there more than the more generous of them allows by itself, and a burst of each."""
    starts = [at for at, _ in starts_of(([first], 300), ([second], 300))]
    assert max(sum(begin <= at < begin + 1 for at in starts) for begin in starts) <= most


@given(first=st.floats(1, 100), second=st.floats(1, 100))
def test_fault_39_calls_of_different_rates_are_within_the_more_generous_together(first, second):
    """And each is within its own."""
    starts = starts_of(([Rate(first)], 20), ([Rate(second)], 20))
    generous = min(Rate(first).spacing, Rate(second).spacing)
    gaps = [later - sooner for (sooner, _), (later, _) in pairwise(starts)]
    assert min(gaps) >= generous * 0.999
    for call, rate in enumerate((Rate(first), Rate(second))):
        own = [at for at, name in starts if name == call]
        assert min(b - a for a, b in pairwise(own)) >= rate.spacing * 0.999


class LateTimers(Leaping):
    """A loop whose timers fire up to 4 ms late."""

    def _run_once(self):
        if self._scheduled and not self._ready:
            self.now += random.uniform(0, 0.004)
        super()._run_once()


@pytest.mark.parametrize("rates", [[Rate(20)], [Rate(20), Rate(7200, 3600)], [Rate(150)]], ids=str)
def test_fault_36_a_rate_keeps_its_average_although_timers_fire_late(rates):
    """At least 88 % of what the server allows is used, and two starts are never closer than it allows."""
    starts, strictest = [], max(rates, key=lambda rate: rate.spacing)

    async def main():
        gate = Gate()
        with gate.open_for_call(32):
            for _ in range(200):
                await gate.enter(rates, max_wait=1.0, until=float("inf"), waits=Counter())
                starts.append(asyncio.get_running_loop().time())
                gate.leave()

    random.seed(1)
    with asyncio.Runner(loop_factory=LateTimers) as runner:
        runner.run(main())
    allowed = strictest.per / strictest.count
    assert 199 / (starts[-1] - starts[0]) >= 0.88 / allowed
    assert min(later - sooner for sooner, later in pairwise(starts)) >= allowed


def test_fault_38_a_rate_beside_a_budget_loses_no_token():
    """Each start moves the spacing of the server's budget; the rate is not waited for a second time."""
    starts = []

    async def main():
        gate = Gate()
        clock = asyncio.get_running_loop().time
        with gate.open_for_call(8):
            gate.budget.outstanding = 1000
            for number in range(50):
                await gate.enter([Rate(2)], max_wait=100.0, until=float("inf"), waits=Counter())
                starts.append(clock())
                left = 9 - number % 9  # with one left, the next start waits 4 s
                headers = {"RateLimit-Limit": "10", "RateLimit-Remaining": str(left), "RateLimit-Reset": "4"}
                gate.obey_headers(headers, now=clock(), epoch=0.0)
                gate.leave()

    leaping(main())
    assert starts[-1] - starts[0] == pytest.approx(44 * Rate(2).spacing + 5 * 4, rel=0.01)

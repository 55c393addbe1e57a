"""Rates: each call keeps its own, and all calls of a client together keep the highest of them."""

import asyncio
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.throttling.rate import Rate
from pandas_async_io._io.gate.entry import Entry
from pandas_async_io._io.gate.gate import Gate
from tests.io.gate.gates import enter
from tests.io.gate.virtual_clock import VirtualClockLoop, run_on_virtual_clock


def starts_of(*calls):
    """Run calls at one gate, each with rates and a number of requests; return the starts as (time, call)."""
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

    run_on_virtual_clock(main())
    return found


def per_second(starts, weight=lambda call: 1):
    """Return the weighted starts per second."""
    last = starts[-1][0]
    return sum(weight(call) for at, call in starts if at < last) / (last - starts[0][0])


def test_equal_rates_in_different_units_are_one_rate():
    """Two calls of "40/s" and "2400/min" start 40 requests per second together."""
    starts = starts_of(([Rate(40, margin=0)], 60), ([Rate(2400, 60, margin=0)], 60))
    assert per_second(starts) == pytest.approx(40, rel=0.02)


def test_a_request_of_higher_cost_uses_the_rate_of_all_calls():
    """100 points per second, of which each request of one call takes five."""
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
def test_fault_39_calls_with_bursts_and_high_rates_share_the_higher_rate(first, second, most):
    """In no second do more requests start than the higher rate allows, plus one burst of each call."""
    starts = [at for at, _ in starts_of(([first], 300), ([second], 300))]
    assert max(sum(begin <= at < begin + 1 for at in starts) for begin in starts) <= most


@given(first=st.floats(1, 100), second=st.floats(1, 100))
def test_fault_39_calls_of_different_rates_share_the_higher_rate_and_keep_their_own(first, second):
    starts = starts_of(([Rate(first)], 20), ([Rate(second)], 20))
    smallest = min(Rate(first).spacing, Rate(second).spacing)
    gaps = [later - sooner for (sooner, _), (later, _) in pairwise(starts)]
    assert min(gaps) >= smallest * 0.999
    for call, rate in enumerate((Rate(first), Rate(second))):
        own = [at for at, name in starts if name == call]
        assert min(b - a for a, b in pairwise(own)) >= rate.spacing * 0.999


@given(
    rates=st.lists(
        st.builds(Rate, st.floats(0.1, 2000), st.floats(0.1, 100), st.integers(1, 5), st.sampled_from([0.0, 0.1])),
        min_size=1,
        max_size=2,
    ),
    calls=st.lists(st.lists(st.sampled_from([0.0, 0.0, 0.01, 3.0]), min_size=1, max_size=20), min_size=1, max_size=3),
    window=st.floats(0.01, 200),
)
def test_fault_36_and_38_no_window_holds_more_starts_than_each_rate_allows(rates, calls, window):
    """All calls of a client together keep every rate, whenever they send."""
    starts = []

    async def main():
        gate = Gate()

        async def call(idle):
            with gate.open_for_call(99):
                for seconds in idle:
                    await asyncio.sleep(seconds)
                    assert await enter(gate, rates) is Entry.GO
                    starts.append(asyncio.get_running_loop().time())
                    gate.leave()

        await asyncio.gather(*map(call, calls))

    run_on_virtual_clock(main())
    for rate in rates:
        allowed = window / rate.spacing + rate.bucket[0] + 1e-3
        assert all(sum(first <= at < first + window for at in starts) <= allowed for first in starts)


def test_fault_36_starts_are_evenly_spaced():
    """Without a burst, each start follows the last one after one spacing."""

    async def main():
        gate, starts = Gate(), []
        with gate.open_for_call(10):
            for _ in range(12):
                await enter(gate, [Rate(100)])
                starts.append(asyncio.get_running_loop().time())
                gate.leave()
        return [later - sooner for sooner, later in pairwise(starts)]

    assert run_on_virtual_clock(main()) == pytest.approx([Rate(100).spacing] * 11, rel=1e-3)


def test_requests_that_wait_for_slots_hold_no_tokens_of_a_rate():
    """When three slots come free at once, the three requests that waited for them still keep the rate."""

    async def main():
        gate, starts = Gate(), []

        async def start():
            await enter(gate, (Rate(10, margin=0),))
            starts.append(asyncio.get_running_loop().time())

        with gate.open_for_call(3):
            for _ in range(3):
                await enter(gate)
            waiting = [asyncio.create_task(start()) for _ in range(3)]
            await asyncio.sleep(5)
            for _ in range(3):
                gate.leave()
            await asyncio.gather(*waiting)
        return [later - earlier for earlier, later in pairwise(starts)]

    assert min(run_on_virtual_clock(main())) >= 0.0999


class LateTimerLoop(VirtualClockLoop):
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
    with asyncio.Runner(loop_factory=LateTimerLoop) as runner:
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

    run_on_virtual_clock(main())
    assert starts[-1] - starts[0] == pytest.approx(44 * Rate(2).spacing + 5 * 4, rel=0.01)

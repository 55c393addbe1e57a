"""Adaptive concurrency, against simulated servers on a virtual clock."""

import heapq
import random
from statistics import mean

import pytest

from pandas_async_io._core.policy.throttling.concurrency import AdaptiveConcurrency


class FixedConcurrency:
    """A limit that does not adapt."""

    def __init__(self, limit):
        self.limit = limit

    def record_success(self, rtt, in_flight, now):
        pass


def measure_throughput(limiter, knee, steepness, noise, rows=3000):
    """Return rows per second, and all limits, at a server that slows down above `knee` requests in flight."""
    rng, now, sent, done, flight, limits = random.Random(0), 0.0, 0, 0, [], []
    while done < rows:
        while sent < rows and len(flight) < limiter.limit:
            in_flight = len(flight) + 1
            rtt = 0.1 * max(1, in_flight / knee) ** steepness * (1 + noise * rng.expovariate(1))
            heapq.heappush(flight, (now + rtt, sent, now, in_flight))
            sent += 1
        now, _, start, in_flight = heapq.heappop(flight)
        done += 1
        limiter.record_success(now - start, in_flight, now)
        limits.append(limiter.limit)
    return rows / now, limits


@pytest.mark.parametrize(
    ("knee", "steepness", "noise"),
    [(5, 1.0, 0.0), (5, 1.0, 0.2), (5, 1.5, 0.0), (5, 1.5, 0.2), (20, 1.0, 0.0), (20, 1.0, 0.2)],
)
def test_adaptive_concurrency_finds_a_hidden_knee(knee, steepness, noise):
    """It reaches nine tenths of the best fixed number."""
    best = max(
        measure_throughput(FixedConcurrency(n), knee, steepness, noise)[0]
        for n in (knee - 1, knee, knee + 1, knee + 2, 32)
    )
    reached, limits = measure_throughput(AdaptiveConcurrency(high=64), knee, steepness, noise)
    assert reached >= 0.9 * best
    assert knee * 0.7 <= mean(limits[300:]) <= knee * 1.4


def test_adaptive_concurrency_stays_within_its_bounds():
    """Neither a server without a knee nor refusals lead out of them."""
    adaptive = AdaptiveConcurrency(start=4, low=2, high=16)
    _, limits = measure_throughput(adaptive, 1000, 1.0, 0.0)
    assert max(limits) == 16
    for number in range(12):
        adaptive.record_refusal(1000 + number / 1000, 16 - number)
    assert adaptive.limit == 4
    for now in range(1001, 1100):
        adaptive.record_success(0.1, adaptive.limit, float(now))
        adaptive.record_refusal(now + 0.5, adaptive.limit)
        assert 2 <= adaptive.limit <= 16


ROUND_TRIPS = {
    "exponential": lambda rng: rng.expovariate(50),
    "uniform": lambda rng: rng.uniform(0.01, 0.03),
    "lognormal": lambda rng: 0.02 * rng.lognormvariate(0, 0.5),
    "a long tail": lambda rng: 0.02 * rng.lognormvariate(0, 1),
}


@pytest.mark.parametrize("draw", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_varying_round_trips_are_not_taken_for_a_queue(draw, seed):
    """A server without a limit is used well, and one slow window has no lasting effect."""
    rng, adaptive, flight, limits = random.Random(seed), AdaptiveConcurrency(high=64), [], []
    now, sent = 0.0, 0
    while now < 60:
        while len(flight) < adaptive.limit:
            sent += 1
            heapq.heappush(flight, (now + draw(rng), sent, now))
        in_flight = len(flight)
        now, _, start = heapq.heappop(flight)
        adaptive.record_success(now - start, in_flight, now)
        limits.append(adaptive.limit)
    assert mean(limits) >= 20
    assert mean(limits[len(limits) // 2 :]) >= 20


def test_adaptive_concurrency_grows_only_when_the_limit_was_reached():
    """Free slots prove nothing about a higher limit."""
    adaptive = AdaptiveConcurrency(start=8)
    for n in range(1, 500):
        adaptive.record_success(0.1, 2, n * 0.2)
    assert adaptive.limit <= 8


def test_the_accepted_part_of_a_refused_burst_is_the_new_limit():
    """Six of ten requests are refused: the server takes four."""
    adaptive = AdaptiveConcurrency(start=10)
    assert all(adaptive.record_refusal(1.0 + n / 100, 10 - n) for n in range(6))
    assert adaptive.limit == 4


def measure_refusals(adaptive, most, noise=0.0, rows=3000, delay=0.0):
    """Return rows per second, and refusals, of a server that refuses more than `most` requests in flight."""
    rng, now, sent, done, refused, flight, paused_until = random.Random(0), 0.0, 0, 0, 0, [], 0.0
    while done < rows:
        while sent - done - refused < rows - done and len(flight) < adaptive.limit and now >= paused_until:
            in_flight = sum(ok for *_, ok in flight) + 1
            rtt = 0.05 * (1 + noise * rng.expovariate(1)) if in_flight <= most else 0.005
            heapq.heappush(flight, (now + rtt, sent, now, in_flight <= most))
            sent += 1
        if not flight:
            now = paused_until
            continue
        in_flight = len(flight)
        now, _, start, ok = heapq.heappop(flight)
        if ok:
            done += 1
            adaptive.record_success(now - start, in_flight, now)
        else:
            refused += 1
            adaptive.record_refusal(now, in_flight, delay)
            paused_until = max(paused_until, now + delay)
    return rows / now, refused


@pytest.mark.parametrize("most", [2, 5, 20])
@pytest.mark.parametrize("noise", [0.0, 0.2])
@pytest.mark.parametrize("delay", [0.0, 1.0])
def test_adaptive_concurrency_learns_the_number_that_is_accepted(most, noise, delay):
    """It reaches nine tenths of the best fixed number with few refusals, even if each costs a second."""
    reached, refused = measure_refusals(AdaptiveConcurrency(high=32), most, noise, delay=delay)
    ideal = 3000 * 0.05 * (1 + noise) / most + delay  # the first refusal cannot be avoided
    assert reached >= 0.9 * 3000 / ideal
    assert refused <= 40


def test_a_burst_with_one_accepted_request_keeps_the_limit():
    """The server limits the rate, not the concurrency."""
    adaptive = AdaptiveConcurrency(start=8)
    assert [adaptive.record_refusal(1.0 + n / 100, 8 - n) for n in range(7)] == [True] * 6 + [False]
    assert adaptive.limit == 8


def test_refusals_at_any_concurrency_restore_the_limit():
    """The server limits the rate, which the pace learns."""
    adaptive, helps = AdaptiveConcurrency(start=8), []
    for n in range(8):
        helps.append(adaptive.record_refusal(n * 1.0, adaptive.limit))
        adaptive.record_success(0.1, 1, n + 0.5)
    assert helps == [True] * 3 + [False] * 5
    assert adaptive.limit == 8

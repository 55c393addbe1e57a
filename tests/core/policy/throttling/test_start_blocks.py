"""Start times that are handed out in blocks: never closer than the rates allow, whoever asks when."""

from __future__ import annotations

import heapq
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.throttling.rate import Rate
from pandas_async_io._core.policy.throttling.start_blocks import (
    MAX_LATE_SECONDS,
    Spacing,
    StartBlocks,
    space_for_cluster,
)

QUESTIONS = st.lists(st.tuples(st.floats(0, 2), st.integers(1, 40), st.integers(1, 8)), min_size=1, max_size=40)


@given(QUESTIONS, st.floats(0.001, 3))
def test_two_starts_are_never_closer_than_the_spacing(questions, seconds):
    """Whatever the moments, the sizes and the number of workers."""
    blocks, rates, now, starts = StartBlocks(), [Spacing(seconds, 1)], 0.0, []
    for passed, wanted, workers in questions:
        now += passed
        starts += [now + delay for delay in blocks.take(now, rates, wanted=wanted, workers=workers)]
    assert np.diff(starts).min(initial=np.inf) >= seconds - 1e-9


@given(QUESTIONS)
def test_several_rates_all_hold(questions):
    """In any ten seconds there are at most as many starts as each rate allows."""
    blocks, now, starts = StartBlocks(), 0.0, []
    rates = [Spacing(0.1, 1), Spacing(0.5, 4)]
    for passed, wanted, workers in questions:
        now += passed
        starts += [now + delay for delay in blocks.take(now, rates, wanted=wanted, workers=workers)]
    starts = np.array(starts)
    for rate in rates:
        most = (np.searchsorted(starts, starts + 10 - 1e-9) - np.arange(len(starts))).max()
        assert most <= 10 / rate.seconds + rate.burst


def test_no_start_is_in_a_pause():
    """And none is lost: the starts after it follow at their distance."""
    blocks, rates = StartBlocks(), [Spacing(0.1, 1)]
    blocks.pause(13.0)
    assert blocks.wait(10.0, rates) == pytest.approx(2.5)
    assert blocks.take(10.0, rates, wanted=2, workers=1) == pytest.approx([3.0, 3.1])


def test_what_is_far_ahead_is_handed_out_later():
    """A worker that is lost takes little time with it."""
    blocks, rates = StartBlocks(), [Spacing(7.2, 1)]
    waits = []
    for _ in range(3):
        waits.append(blocks.wait(0.0, rates))
        blocks.take(0.0, rates, wanted=32, workers=100)
    assert waits == pytest.approx([0.0, 6.7, 13.9])


@pytest.mark.parametrize(
    ("rate", "spacing"),
    [
        (Rate(100), Spacing(1 / 90, 1)),
        (Rate(100, margin=0), Spacing(1 / 95.5, 1)),
        (Rate(500, per=3600, burst=5), Spacing(8.0, 5)),
        (Rate(100, cost=5, margin=0.5), Spacing(0.1, 1)),
    ],
    ids=["margin", "no margin", "burst", "cost"],
)
def test_a_cluster_keeps_a_little_of_each_rate(rate, spacing):
    """Messages do not take equally long."""
    assert space_for_cluster(rate) == pytest.approx(spacing)


def simulate(workers, per_second, seconds, deaths_per_minute, seed=0):
    """Return when the requests arrive at the server; a worker asks for its next block before one is over."""
    dice, blocks, rates = random.Random(seed), StartBlocks(), [space_for_cluster(Rate(per_second, margin=0))]
    questions = [(dice.random() * 0.1, worker) for worker in range(workers)]  # when each reaches the scheduler
    heapq.heapify(questions)
    dies = [dice.expovariate(deaths_per_minute / 60) for _ in range(workers)]
    arrived = []
    while questions and questions[0][0] < seconds:
        now, worker = heapq.heappop(questions)
        wait = blocks.wait(now, rates)
        if wait > 0:
            heapq.heappush(questions, (now + wait, worker))
            continue
        delays = blocks.take(now, rates, wanted=32, workers=workers)
        came = now + dice.uniform(0.0005, 0.01)
        starts = [came + delay for delay in delays]
        alive = [start for start in starts if start < dies[worker]]
        arrived += [start + dice.uniform(0.0, MAX_LATE_SECONDS / 4) for start in alive]
        if len(alive) < len(starts):  # lost with its block; another worker is there ten seconds later
            dies[worker] = now + 10 + dice.expovariate(deaths_per_minute / 60)
            heapq.heappush(questions, (now + 10, worker))
        else:
            heapq.heappush(questions, (max(starts[-1] - 0.05, now + 0.001), worker))
    return np.sort(arrived)


@pytest.mark.slow
def test_a_thousand_workers_use_their_rate_and_never_exceed_it():
    """At 10 000 a second, with one per cent of the workers lost each minute."""
    arrived = simulate(1_000, 10_000, 20.0, 0.01)
    arrived = arrived[(arrived > 1) & (arrived < 20)]
    most = (np.searchsorted(arrived, arrived + 1.0) - np.arange(len(arrived))).max()
    assert most <= 10_000
    assert len(arrived) / 19 >= 9_500

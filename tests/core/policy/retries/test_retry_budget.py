"""The retry budget: repeats beside fresh requests, and after them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.retries.retry_budget import RetryBudget


def start_requests(budget, wanted, concurrency=1_000):
    """Start fresh requests, and before each as many repeats as the budget allows; return 1 for each repeat."""
    starts = []
    while len(starts) < wanted:
        if budget.may_repeat(concurrency, fresh_left=True):
            budget.record_repeat()
            budget.record_repeat_end()
            starts.append(1)
        else:
            budget.record_fresh()
            starts.append(0)
    return starts


@pytest.mark.parametrize(("share", "repeats"), [(0.0, 0), (0.1, 91), (0.2, 166), (0.5, 333), (1.0, 500), (3.0, 750)])
def test_fault_34_repeats_are_a_share_of_the_fresh_requests(share, repeats):
    """Of a thousand starts; a fifth of the fresh requests by default."""
    assert sum(start_requests(RetryBudget(share), 1_000)) == pytest.approx(repeats, abs=1)


def test_fault_34_no_share_is_saved_up():
    """After a thousand fresh requests without a failure, repeats start no faster than at first."""
    budget = RetryBudget(0.2)
    for _ in range(1_000):
        budget.record_fresh()
    starts = start_requests(budget, 60)
    assert all(sum(starts[n : n + 25]) <= 5 for n in range(35))


@given(st.integers(1, 100), st.floats(0, 10))
def test_no_repeat_is_lost_when_no_fresh_request_is_left(concurrency, share):
    """Whatever the share, half of the concurrency takes them, and one at least."""
    budget = RetryBudget(share)
    started = 0
    while budget.may_repeat(concurrency, fresh_left=False):
        budget.record_repeat()
        started += 1
    assert started == max(1, concurrency // 2)
    budget.record_repeat_end()
    assert budget.may_repeat(concurrency, fresh_left=False)


def test_slow_repeats_take_at_most_half_of_the_concurrency():
    """Even while fresh requests remain, and the share would allow more."""
    budget = RetryBudget(1.0)
    for _ in range(10):
        budget.record_fresh()
        if budget.may_repeat(8, fresh_left=True):
            budget.record_repeat()
    assert not budget.may_repeat(8, fresh_left=True)
    budget.record_repeat_end()
    assert budget.may_repeat(8, fresh_left=True)

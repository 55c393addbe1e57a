"""The retry budget: a share of the first attempts, or a floor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.retry_budget import RetryBudget


def test_fault_34_retries_stay_within_their_share():
    """A fifth of a thousand failed requests is repeated."""
    budget = RetryBudget(32)
    for _ in range(1000):
        budget.record_first_attempt()
    assert sum(budget.take_retry() for _ in range(1000)) == 200


@pytest.mark.parametrize(("concurrency", "floor"), [(1, 10), (10, 10), (32, 32)])
def test_fault_34_a_small_run_may_retry_ten_times_or_once_per_slot(concurrency, floor):
    """The floor does not depend on what was sent."""
    assert RetryBudget(concurrency).remaining == floor


@given(st.integers(1, 100), st.floats(0, 1), st.lists(st.booleans(), max_size=300))
def test_fault_34_the_retry_budget_is_never_overdrawn(concurrency, share, steps):
    """In any order of first attempts and retries."""
    budget = RetryBudget(concurrency, share)
    sent = taken = 0
    for sends in steps:
        if sends:
            budget.record_first_attempt()
            sent += 1
        else:
            taken += budget.take_retry()
        assert budget.remaining >= 0
        assert taken <= (max(10, concurrency, share * sent) if share else 0)


def test_a_share_of_0_allows_no_retry():
    """The floor applies to shares above 0 only."""
    budget = RetryBudget(32, 0)
    budget.record_first_attempt()
    assert (budget.remaining, budget.take_retry()) == (0, False)

"""What a run may spend, and when it stops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.run_budget import RunBudget


def outcome(budget, now=0.0):
    stop = budget.check(now)
    return None if stop is None else stop.outcome


def test_a_run_without_limits_goes_on():
    """Neither time nor requests stop it."""
    budget = RunBudget(1)
    for _ in range(1000):
        budget.count_sent(first=True)
    assert budget.check(1e9) is None


@pytest.mark.parametrize(("now", "ended"), [(0.0, None), (4.9, None), (5.0, Outcome.NOT_ATTEMPTED)])
def test_a_deadline_ends_the_run_when_it_passes(now, ended):
    """Unsent rows end as not attempted."""
    assert outcome(RunBudget(1, deadline=5.0), now) is ended


@given(most=st.integers(0, 50), steps=st.lists(st.booleans(), max_size=200))
def test_no_more_than_max_requests_are_ever_sent(most, steps):
    """Retries count too; a request without a connection does not."""
    budget, on_wire = RunBudget(1, max_requests=most), 0
    for back in steps:
        if back and on_wire:
            budget.uncount_sent()
            on_wire -= 1
        elif budget.check(0.0) is None:
            budget.count_sent(first=on_wire % 2 == 0)
            on_wire += 1
        assert 0 <= on_wire <= most
        assert (outcome(budget) is Outcome.BUDGET_EXHAUSTED) == (on_wire == most)


@pytest.mark.parametrize(("firsts", "repeated", "granted"), [(0, 0, 10), (100, 0, 20), (100, 900, 20), (1000, 0, 200)])
def test_fault_34_retries_are_a_share_of_first_attempts(firsts, repeated, granted):
    """A fifth of them, or the floor; retries allow no further ones."""
    budget = RunBudget(1)
    for first in [True] * firsts + [False] * repeated:
        budget.count_sent(first=first)
    assert sum(budget.take_retry() for _ in range(1000)) == granted

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
    budget = RunBudget()
    for _ in range(1000):
        budget.count_sent()
    assert budget.check(1e9) is None


@pytest.mark.parametrize(("now", "ended"), [(0.0, None), (4.9, None), (5.0, Outcome.NOT_ATTEMPTED)])
def test_a_deadline_ends_the_run_when_it_passes(now, ended):
    """Unsent rows end as not attempted."""
    assert outcome(RunBudget(deadline=5.0), now) is ended


@given(most=st.integers(0, 50), steps=st.lists(st.booleans(), max_size=200))
def test_no_more_than_max_requests_are_ever_sent(most, steps):
    """Retries count too; a request without a connection does not."""
    budget, on_wire = RunBudget(max_requests=most), 0
    for back in steps:
        if back and on_wire:
            budget.uncount_sent()
            on_wire -= 1
        elif budget.check(0.0) is None:
            budget.count_sent()
            on_wire += 1
        assert 0 <= on_wire <= most
        assert (outcome(budget) is Outcome.BUDGET_EXHAUSTED) == (on_wire == most)

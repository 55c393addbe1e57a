"""The reset of a budget, from responses that round it up to whole seconds."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.server_limits.reset_time import ResetTime
from pandas_async_io._core.policy.server_limits.server_budgets import Budget


@given(st.floats(0.5, 30), st.lists(st.floats(0, 0.999), min_size=1, max_size=20))
def test_a_reset_is_never_too_early_and_closer_with_each_response(end, shares):
    reset, last = ResetTime(), float("inf")
    for number, now in enumerate(sorted(share * end for share in shares)):
        seconds = ceil(end - now)
        found = reset.refine(Budget(100 - number, seconds), now)
        at = now + found.reset_in
        assert end - 1e-6 <= at <= now + seconds + 1e-6
        assert at <= last + 1e-6
        last = at


@pytest.mark.parametrize(
    ("second", "now"),
    [(Budget(9, 5), 3.0), (Budget(3, 60), 1.0), (Budget(4, 5), 5.5), (Budget(4, None), 1.0), (Budget(4, 1), 1.0)],
    ids=["more is left", "another limit", "the reset has passed", "no reset", "an earlier reset"],
)
def test_another_window_has_a_reset_of_its_own(second, now):
    reset = ResetTime()
    reset.refine(Budget(5, 5), 0.0)
    assert reset.refine(second, now) == second

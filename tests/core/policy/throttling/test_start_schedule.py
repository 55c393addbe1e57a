"""A rate keeps its average although timers fire late."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.throttling.start_schedule import StartSchedule


def starts_with_delays(delays, spacing=0.1, closest=0.09):
    """Return the starts of requests that are always ready, if each timer fires late by a delay."""
    schedule, starts, now = StartSchedule(spacing, closest), [], 0.0
    for delay in delays:
        ready, now = now, max(now, schedule.not_before) + delay
        schedule.record_start(now, ready=ready)
        starts.append(now)
    return starts


def test_late_starts_are_made_up_for():
    """Timers that fire up to 15 ms late cost no more than the last delay."""
    random = Random(1)
    starts = starts_with_delays([random.uniform(0, 0.015) for _ in range(200)])
    assert starts[-1] == pytest.approx(199 * 0.1, abs=0.03)


@given(st.lists(st.floats(0, 3), min_size=2, max_size=50))
def test_starts_are_never_closer_than_allowed(delays):
    """Late timers change nothing."""
    assert min(later - sooner for sooner, later in pairwise(starts_with_delays(delays))) >= 0.09 - 1e-9


def test_time_without_a_request_is_not_made_up_for():
    """After an idle hour starts are spaced as before."""
    schedule = StartSchedule(0.1, 0.05)
    for start in (0.0, 3600.0):
        schedule.record_start(start, ready=start)
    assert schedule.not_before == pytest.approx(3600.1)


def test_a_long_delay_is_made_up_for_in_part():
    """A laptop that slept for an hour does not send at the closest spacing for hours."""
    starts = starts_with_delays([0.0, 3600.0] + [0.0] * 200)
    assert [later - sooner for sooner, later in pairwise(starts[-50:])] == pytest.approx([0.1] * 49)

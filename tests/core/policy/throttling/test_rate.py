"""The option `rate`: its texts, its ranges, its bucket."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.policy.throttling.rate import Rate, describe_pace, parse_rates


@pytest.mark.parametrize(
    ("text", "count", "per"),
    [
        ("20/s", 20, 1),
        (" 20 / sec ", 20, 1),
        ("500/h", 500, 3600),
        ("100/15min", 100, 900),
        ("100/15 minutes", 100, 900),
        ("1000/day", 1000, 86400),
        ("60/m", 60, 60),
        ("0.5/s", 0.5, 1),
        ("5/100ms", 5, 0.1),
        ("2/Hour", 2, 3600),
    ],
)
def test_a_rate_is_parsed_from_text(text, count, per):
    """Units are short or in full, with or without a number before them."""
    rate = Rate.parse(text)
    assert (rate.count, rate.per) == pytest.approx((count, per))


@pytest.mark.parametrize("text", ["", "20", "20/", "/s", "-1/s", "20/fortnight", "20/s/s", "²/s", "20//s", "1e3/s"])
def test_an_error_for_a_malformed_rate_shows_the_grammar(text):
    """It is raised before anything is sent."""
    with pytest.raises(PlanError, match="100/15min"):
        Rate.parse(text)


@pytest.mark.parametrize(
    "options",
    [
        {"count": 0},
        {"count": -1},
        {"count": float("nan")},
        {"count": True},
        {"count": "20"},
        {"count": 1, "per": 0},
        {"count": 1, "per": float("inf")},
        {"count": 1, "burst": 0},
        {"count": 1, "burst": 1.5},
        {"count": 1, "margin": 1},
        {"count": 1, "margin": -0.1},
        {"count": 1, "cost": 0},
    ],
)
def test_a_rate_out_of_range_raises(options):
    """No limiter could keep it."""
    with pytest.raises(PlanError):
        Rate(**options)


@pytest.mark.parametrize("value", [object(), True, {"20/s": 1}, [None, object()], b"20/s", bytearray(b"9"), "20"])
def test_a_rate_of_another_type_raises(value):
    """The error lists the types."""
    with pytest.raises(PlanError, match="a number per second, a Rate, or a list of them"):
        parse_rates(value)


@pytest.mark.parametrize("value", ["0/s", 0, -1, float("nan"), np.int64(0)])
def test_a_rate_of_0_or_less_raises(value):
    """No request could start."""
    with pytest.raises(PlanError):
        parse_rates(value)


@pytest.mark.parametrize("text", ["20/s,500/h", "20/s; 500/h", "20/s + 500/h"])
def test_an_error_for_several_rates_in_one_text_shows_the_list(text):
    """It contains the list to write."""
    with pytest.raises(PlanError, match=re.escape("several rates are a list: rate=['20/s', '500/h']")):
        parse_rates(text)


@pytest.mark.parametrize("value", [np.int64(20), np.float64(20), np.float32(20), Rate(np.int64(20), burst=np.int64(1))])
def test_numpy_numbers_are_rates(value):
    """The fields are Python numbers."""
    (rate,) = parse_rates(value)
    assert rate == Rate(20)
    assert (type(rate.count), type(rate.burst)) in {(int, int), (float, int)}


def test_fault_38_a_list_of_rates_keeps_each_of_them():
    """Texts, numbers and Rates may be mixed."""
    assert parse_rates([20, "500/h", Rate(3)]) == (Rate(20), Rate(500.0, 3600.0), Rate(3))
    assert parse_rates(Rate(3)) == (Rate(3),)
    assert parse_rates([]) == parse_rates(None) == ()


def test_a_bucket_holds_one_start_up_to_200_per_second():
    """Above, it holds the starts of 10 ms; a burst sets its size."""
    assert Rate(20).bucket == (1, pytest.approx(1 / 18))
    assert Rate(200, margin=0).bucket == (1, pytest.approx(1 / 200))
    assert Rate(1000, margin=0).bucket == (10, pytest.approx(10 / 1000))
    assert Rate(20, burst=5, margin=0).bucket == (5, pytest.approx(5 / 20))


def leaky_starts(rate, arrivals):
    """Return when a leaky bucket starts each request."""
    size, period = rate.bucket
    level = clock = 0.0
    starts = []
    for arrival in arrivals:
        at = max(arrival, clock)
        level = max(0.0, level - (at - clock) * size / period)
        if level + 1 > size:
            wait = (level + 1 - size) * period / size
            at, level = at + wait, size - 1.0
        level, clock = level + 1, at
        starts.append(at)
    return starts


@given(
    rate=st.builds(
        Rate,
        st.floats(0.1, 2000),
        st.floats(0.1, 100),
        st.integers(1, 20),
        st.sampled_from([0.0, 0.1, 0.5]),
    ),
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=80),
    per=st.floats(0.01, 200),
)
def test_fault_36_no_window_exceeds_the_rate_and_one_bucket(rate, gaps, per):
    """For any arrival times."""
    starts = leaky_starts(rate, [sum(gaps[:n]) for n in range(len(gaps))])
    allowed = per / rate.spacing + rate.bucket[0]
    for first in starts:
        assert sum(first <= at < first + per for at in starts) <= allowed * (1 + 1e-9) + 1e-6


@settings(deadline=None)  # quadratic in the rows
@given(rate=st.builds(Rate, st.floats(0.1, 2000), st.floats(0.1, 10)), rows=st.integers(1, 300))
def test_fault_36_no_period_exceeds_count_and_burst(rate, rows):
    """The rates have the default margin."""
    starts = leaky_starts(rate, [0.0] * rows)
    for first in starts:
        assert sum(first <= at < first + rate.per for at in starts) <= rate.count + rate.burst + 1e-6


@pytest.mark.parametrize(
    ("rate", "requests", "text"),
    [
        ("20/s", 50_000, "50 000 requests at 20/s (18/s paced): 46 min"),
        (["20/s", "500/h"], 1_000, "1 000 requests at 500/h (450/h paced): 2 h 13 min"),
        ("100/15min", 2, "2 requests at 100/15 min (90/15 min paced): 10 s"),
        ("20/s", 1, "1 request at 20/s (18/s paced): 0 s"),
        (Rate(20, margin=0, burst=10), 30, "30 requests at 20/s (20/s paced): 1 s"),
        (Rate(1000, 60, cost=10), 91, "91 requests at 1000/min (90/min paced): 1 min"),
        (None, 1_000, ""),
        ("20/s", 0, ""),
    ],
)
def test_a_pace_says_how_long_the_requests_take(rate, requests, text):
    """At the slowest of the rates."""
    assert describe_pace(parse_rates(rate), requests) == text

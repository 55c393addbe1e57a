import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.policy.breaker import Breaker, BreakerState
from pandas_async_io._core.policy.canary import Canary
from pandas_async_io._core.policy.rate import Rate, parse_rates
from pandas_async_io._core.policy.retry_budget import RetryBudget


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
def test_a_rate_is_read_from_its_text(text, count, per):
    """Every unit is read, in short and in full, with and without a number before it."""
    rate = Rate.parse(text)
    assert (rate.count, rate.per) == pytest.approx((count, per))


@pytest.mark.parametrize("text", ["", "20", "20/", "/s", "-1/s", "20/fortnight", "20/s/s", "²/s", "20//s", "1e3/s"])
def test_a_text_that_is_no_rate_shows_the_grammar(text):
    """What cannot be read raises before anything is sent, and says how a rate is written."""
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
    """A value that no limiter can keep raises at once."""
    with pytest.raises(PlanError):
        Rate(**options)


@pytest.mark.parametrize("value", [object(), True, {"20/s": 1}, [None, object()], b"20/s", bytearray(b"9"), "20"])
def test_an_option_that_is_no_rate_raises(value):
    """What is neither text, number, Rate nor a list of them raises, and hears what there is."""
    with pytest.raises(PlanError, match="a number per second, a Rate, or a list of them"):
        parse_rates(value)


@pytest.mark.parametrize("value", ["0/s", 0, -1, float("nan"), np.int64(0)])
def test_a_rate_of_nothing_raises(value):
    """A rate that lets nothing through is none."""
    with pytest.raises(PlanError):
        parse_rates(value)


@pytest.mark.parametrize("text", ["20/s,500/h", "20/s; 500/h", "20/s + 500/h"])
def test_several_rates_in_one_text_are_a_list(text):
    """Who writes two rates into one text is shown how two are written."""
    with pytest.raises(PlanError, match=re.escape("several rates are a list: rate=['20/s', '500/h']")):
        parse_rates(text)


@pytest.mark.parametrize("value", [np.int64(20), np.float64(20), np.float32(20), Rate(np.int64(20), burst=np.int64(1))])
def test_a_rate_may_be_numpys_number(value):
    """What comes out of a column is a number, and what is kept is Python's own."""
    (rate,) = parse_rates(value)
    assert rate == Rate(20)
    assert (type(rate.count), type(rate.burst)) in {(int, int), (float, int)}


def test_fault_38_several_rates_are_all_returned():
    """A list mixes every spelling and keeps each member."""
    assert parse_rates([20, "500/h", Rate(3)]) == (Rate(20), Rate(500.0, 3600.0), Rate(3))
    assert parse_rates(Rate(3)) == (Rate(3),)
    assert parse_rates([]) == parse_rates(None) == ()


def test_the_bucket_is_even_up_to_what_a_timer_can_do():
    """One start at a time up to 200 a second, a hundredth of a second's worth above, a burst if asked."""
    assert Rate(20).bucket == (1, pytest.approx(1 / 18))
    assert Rate(200, margin=0).bucket == (1, pytest.approx(1 / 200))
    assert Rate(1000, margin=0).bucket == (10, pytest.approx(10 / 1000))
    assert Rate(20, burst=5, margin=0).bucket == (5, pytest.approx(5 / 20))


def leaky_starts(rate, arrivals):
    """Let requests through as a leaky bucket does, each as soon as it has room."""
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
def test_fault_36_starts_never_exceed_the_rate_in_any_window(rate, gaps, per):
    """Whenever requests arrive, no window holds more starts than the rate and one bucket."""
    starts = leaky_starts(rate, [sum(gaps[:n]) for n in range(len(gaps))])
    allowed = per / rate.spacing + rate.bucket[0]
    for first in starts:
        assert sum(first <= at < first + per for at in starts) <= allowed * (1 + 1e-9) + 1e-6


@given(rate=st.builds(Rate, st.floats(0.1, 2000), st.floats(0.1, 10)), rows=st.integers(1, 300))
def test_fault_36_a_period_holds_no_more_than_count_and_burst(rate, rows):
    """With the default margin, no period holds more than the rate's count, and one for the burst."""
    starts = leaky_starts(rate, [0.0] * rows)
    for first in starts:
        assert sum(first <= at < first + rate.per for at in starts) <= rate.count + rate.burst + 1e-6


def test_fault_34_retries_stay_within_their_share():
    """Of a thousand requests that all fail, a fifth is repeated and no more."""
    budget = RetryBudget(32)
    for _ in range(1000):
        budget.record_first_attempt()
    assert sum(budget.take_retry() for _ in range(1000)) == 200


@pytest.mark.parametrize(("concurrency", "floor"), [(1, 10), (10, 10), (32, 32)])
def test_fault_34_a_small_run_has_a_floor_of_retries(concurrency, floor):
    """However few requests were sent, ten retries or one per slot are allowed."""
    assert RetryBudget(concurrency).remaining == floor


@given(st.integers(1, 100), st.floats(0, 1), st.lists(st.booleans(), max_size=300))
def test_fault_34_the_retry_budget_is_never_negative(concurrency, share, steps):
    """In any order of sends and retries, what is left is never below zero, and never overdrawn."""
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


def test_a_share_of_0_repeats_nothing():
    """Who switches retries off gets none, however small the run: the floor belongs to a share."""
    budget = RetryBudget(32, 0)
    budget.record_first_attempt()
    assert (budget.remaining, budget.take_retry()) == (0, False)


def opened(at=0.0):
    breaker = Breaker()
    for _ in range(5):
        breaker.record_failure(at, started=at)
    return breaker


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        ("", BreakerState.CLOSED),
        ("ffff", BreakerState.CLOSED),
        ("fffff", BreakerState.OPEN),
        ("ffffsffff", BreakerState.CLOSED),
        ("ffffsfffff", BreakerState.OPEN),
        ("fffffs", BreakerState.CLOSED),
        ("ffffffffff", BreakerState.OPEN),
    ],
)
def test_fault_1_the_breaker_opens_after_five_failures_in_a_row(reports, state):
    """Five failures without a success between them open it; any success closes it."""
    breaker = Breaker()
    for report in reports:
        if report == "f":
            breaker.record_failure(0.0, started=0.0)
        else:
            breaker.record_success()
    assert breaker.state is state


def test_fault_1_probes_go_one_at_a_time_and_the_thirtieth_second_is_the_end():
    """Probes start after 1, 2, 4, 8 and 15 s; when the last one fails the origin is dead."""
    breaker = opened()
    now, probes = 0.0, []
    while (wait := breaker.admit(now)) != float("inf"):
        now += wait
        if not wait:
            probes.append(now)
            assert breaker.admit(now) > 0
            breaker.record_failure(now, started=now)
    assert probes == [1, 3, 7, 15, 30]
    assert breaker.state is BreakerState.GIVEN_UP
    assert breaker.admit(1e6) == float("inf")


def test_fault_1_a_probe_that_succeeds_lets_all_through():
    """One success of a probe closes the breaker, and the count starts anew."""
    breaker = opened()
    assert breaker.admit(1.0) == 0
    breaker.record_success()
    assert [breaker.admit(1.0) for _ in range(3)] == [0, 0, 0]
    breaker.record_failure(1.0, started=1.0)
    assert breaker.state is BreakerState.CLOSED


def test_fault_1_a_late_failure_is_not_taken_for_the_probes():
    """What was sent before the probe and fails during it changes nothing."""
    breaker = opened()
    assert breaker.admit(1.0) == 0
    breaker.record_failure(1.5, started=0.0)
    assert breaker.state is BreakerState.PROBING
    breaker.record_failure(1.5, started=1.0)
    assert (breaker.state, breaker.admit(1.5)) == (BreakerState.OPEN, 2.0)


def test_fault_35_a_probe_that_hangs_is_given_up():
    """A probe without an answer is lost after 15 s, so a silent origin dies soon after 30 s."""
    breaker, now = opened(), 0.0
    while (wait := breaker.admit(now)) != float("inf"):
        now += wait
    assert 30 <= now < 40


def test_a_breaker_left_open_by_an_earlier_call_is_probed_not_dead():
    """However long nobody asked, the next row is a probe."""
    assert opened().admit(1e6) == 0


def test_an_answer_from_before_an_outage_does_not_end_it():
    """It was on its way; what is sent after that closes the breaker."""
    breaker = opened()
    breaker.record_success(started=-1.0)
    assert breaker.state is BreakerState.OPEN
    assert breaker.admit(1.0) == 0
    breaker.record_success(started=0.5)
    assert breaker.state is BreakerState.PROBING
    breaker.record_success(started=1.0)
    assert breaker.state is BreakerState.CLOSED


def test_a_probe_that_told_nothing_is_followed_by_another():
    """It does not count as failed, and nobody waits until it is given up; what began before it changes nothing."""
    breaker = opened()
    assert breaker.admit(1.0) == 0
    breaker.record_no_signal(1.5, started=0.5)
    assert breaker.state is BreakerState.PROBING
    breaker.record_no_signal(1.5, started=1.0)
    assert (breaker.state, breaker.admit(1.5)) == (BreakerState.OPEN, 1.0)


@pytest.mark.parametrize("status", [0, 401, 403])
@pytest.mark.parametrize("concurrency", [1, 8, 32])
def test_the_canary_stops_at_most_25_and_the_concurrency_requests(status, concurrency):
    """When every answer is the same refusal of credentials, few requests are sent in vain."""
    canary, stopped = Canary(), None
    sent, in_flight = 0, 0
    while not stopped:
        sent, in_flight = sent + concurrency - in_flight, concurrency
        stopped = canary.record(status)
        in_flight -= 1
    assert sent <= concurrency + 25


@pytest.mark.parametrize("first", [[200], [404], [401] * 24 + [200], [403, 401], [401, 403], [0, 401], [500]])
def test_the_canary_is_silent_once_another_answer_came(first):
    """Any other answer among the first ones shows that the credentials are not the cause."""
    canary = Canary()
    assert not any(canary.record(status) for status in first + [401] * 100)

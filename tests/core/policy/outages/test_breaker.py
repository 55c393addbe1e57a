"""The circuit breaker: when it opens, how it probes, when it gives up."""

import pytest

from pandas_async_io._core.policy.outages.breaker import Breaker, BreakerState


def open_breaker(at=0.0):
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
def test_fault_1_the_breaker_opens_after_five_consecutive_failures(reports, state):
    """Five failures without a success between them open it; any success closes it."""
    breaker = Breaker()
    for report in reports:
        if report == "f":
            breaker.record_failure(0.0, started=0.0)
        else:
            breaker.record_success(0.0)
    assert breaker.state is state


def test_fault_34_failures_do_not_open_the_breaker_while_others_are_answered():
    """Of 32 requests in flight some always fail; the first five without an answer during their attempts open it."""
    breaker = Breaker()
    breaker.record_success(1.0)
    for _ in range(20):
        breaker.record_failure(1.5, started=0.5)
    assert breaker.state is BreakerState.CLOSED
    for _ in range(5):
        breaker.record_failure(2.0, started=1.0)
    assert breaker.state is BreakerState.OPEN


def test_fault_1_the_breaker_gives_up_when_the_probe_after_30_seconds_fails():
    """Single probes start after 1, 2, 4, 8 and 15 s; the failure of the last one ends the waiting."""
    breaker = open_breaker()
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


def test_fault_1_a_successful_probe_closes_the_breaker():
    """The count of failures starts again."""
    breaker = open_breaker()
    assert breaker.admit(1.0) == 0
    breaker.record_success(0.0)
    assert [breaker.admit(1.0) for _ in range(3)] == [0, 0, 0]
    breaker.record_failure(1.0, started=1.0)
    assert breaker.state is BreakerState.CLOSED


def test_fault_1_a_failure_that_began_before_the_probe_is_ignored():
    """Only the failure of the probe itself opens the breaker again."""
    breaker = open_breaker()
    assert breaker.admit(1.0) == 0
    breaker.record_failure(1.5, started=0.0)
    assert breaker.state is BreakerState.PROBING
    breaker.record_failure(1.5, started=1.0)
    assert (breaker.state, breaker.admit(1.5)) == (BreakerState.OPEN, 2.0)


def test_fault_35_a_probe_without_a_response_fails_after_15_seconds():
    """The breaker of a silent origin gives up soon after 30 s."""
    breaker, now = open_breaker(), 0.0
    while (wait := breaker.admit(now)) != float("inf"):
        now += wait
    assert 30 <= now < 40


def test_an_open_breaker_admits_a_probe_however_much_later():
    """Time without requests is not time without success."""
    assert open_breaker().admit(1e6) == 0


def test_a_success_that_began_before_the_breaker_opened_is_ignored():
    """Only a request that was sent afterwards closes it."""
    breaker = open_breaker()
    breaker.record_success(0.0, started=-1.0)
    assert breaker.state is BreakerState.OPEN
    assert breaker.admit(1.0) == 0
    breaker.record_success(0.5, started=0.5)
    assert breaker.state is BreakerState.PROBING
    breaker.record_success(1.0, started=1.0)
    assert breaker.state is BreakerState.CLOSED


def test_a_probe_that_shows_nothing_is_followed_by_another():
    """It does not count as failed; an attempt that began before the probe changes nothing."""
    breaker = open_breaker()
    assert breaker.admit(1.0) == 0
    breaker.record_no_signal(1.5, started=0.5)
    assert breaker.state is BreakerState.PROBING
    breaker.record_no_signal(1.5, started=1.0)
    assert (breaker.state, breaker.admit(1.5)) == (BreakerState.OPEN, 1.0)

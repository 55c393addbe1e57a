"""The refusal ceiling: how far a refusal lowers the limit, and when the refused concurrency is tried again."""

from pandas_async_io._core.policy.throttling.refusal_ceiling import RefusalCeiling


def responses_until_retry(ceiling, now, accepted):
    """Return how many accepted responses it takes until a target of 8 is no longer held down."""
    return next(count for count in range(10_000) if ceiling.cap(8.0, now, accepted + count) == 8.0)


def test_the_limit_is_below_the_refused_concurrency():
    ceiling = RefusalCeiling(1)
    assert ceiling.lower_limit(1.0, limit=8, in_flight=8, accepted=100) == 7
    assert ceiling.cap(5.0, 2.0, accepted=100) == 5.0
    assert ceiling.cap(20.0, 2.0, accepted=100) == 7.0


def test_a_refused_concurrency_that_fails_again_is_tried_later_each_time():
    ceiling, accepted, waits = RefusalCeiling(1), 1000, []
    for now in range(0, 60, 10):
        ceiling.lower_limit(float(now), limit=8, in_flight=8, accepted=accepted)
        waits.append(responses_until_retry(ceiling, now + 5.0, accepted))
        accepted += waits[-1]
    assert waits == [12, 48, 192, 768, 1000, 1000]


def test_a_costly_refusal_is_not_provoked_again_within_twenty_times_its_delay():
    ceiling = RefusalCeiling(1)
    ceiling.lower_limit(0.0, limit=8, in_flight=8, accepted=100, delay=3.0)
    assert ceiling.cap(8.0, 59.0, accepted=100_000) == 7.0
    assert ceiling.cap(8.0, 60.0, accepted=100_000) == 8.0


def test_no_lower_limit_helps_against_a_rate_limit():
    """It accepts one request of a burst, or refuses after each of four cuts."""
    burst = RefusalCeiling(1)
    assert [burst.lower_limit(1.0 + n / 100, 8 - n, 8 - n, accepted=0) for n in range(7)] == [7, 6, 5, 4, 3, 2, None]
    cuts = RefusalCeiling(1)
    assert [cuts.lower_limit(float(n), 16 - n, 16 - n, accepted=n) for n in range(4)] == [15, 14, 13, None]

"""The canary: which first responses stop a run, and after how many requests."""

import pytest

from pandas_async_io._core.policy.canary import Canary


@pytest.mark.parametrize("status", [0, 401, 403])
@pytest.mark.parametrize("concurrency", [1, 8, 32])
def test_equal_401_or_403_responses_stop_a_run_after_25_requests_and_the_concurrency(status, concurrency):
    """0 stands for an origin without an address."""
    canary, stopped = Canary(), None
    sent, in_flight = 0, 0
    while not stopped:
        sent, in_flight = sent + concurrency - in_flight, concurrency
        stopped = canary.record(status)
        in_flight -= 1
    assert sent <= concurrency + 25


@pytest.mark.parametrize("first", [[200], [404], [401] * 24 + [200], [403, 401], [401, 403], [0, 401], [500]])
def test_another_first_response_keeps_the_run_going(first):
    """It shows that the credentials are not the cause."""
    canary = Canary()
    assert not any(canary.record(status) for status in first + [401] * 100)

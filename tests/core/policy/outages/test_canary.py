"""The canary: which first responses stop a run, and after how many requests."""

import pytest

from pandas_async_io._core.models import Response
from pandas_async_io._core.policy.outages.canary import Canary


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


def response(status, message):
    """Return an error response with a message."""
    return Response(status, {}, b'{"error": "%s"}' % message.encode(), "")


@pytest.mark.parametrize("status", [400, 405, 415, 422])
def test_equal_responses_that_call_the_request_wrong_stop_a_run(status):
    """The message does not depend on the row, so the next row gets it too."""
    canary = Canary()
    stops = [canary.record(status, response(status, "limit must be a number")) for _ in range(25)]
    assert stops[:24] == [None] * 24
    assert stops[24].error.endswith(f"answers were all {status} with one message: is the request right?")


@pytest.mark.parametrize("status", [400, 422, 404])
def test_messages_that_differ_keep_the_run_going(status):
    """Each is about its own row. A 404 always is."""
    canary = Canary()
    messages = ["no such id"] * 20 + ["id 7 is no number"] + ["no such id"] * 50
    assert not any(canary.record(status, response(status, message)) for message in messages)


def test_a_request_that_others_replace_stops_no_run():
    """A block of keys is halved until the bad key is alone."""
    canary = Canary(stops_wrong_requests=False)
    assert not any(canary.record(400, response(400, "bad key")) for _ in range(50))
    assert not any(canary.record(401) for _ in range(50))


@pytest.mark.parametrize("first", [[200], [404], [401] * 24 + [200], [403, 401], [401, 403], [0, 401], [500]])
def test_another_first_response_keeps_the_run_going(first):
    """It shows that the credentials are not the cause."""
    canary = Canary()
    assert not any(canary.record(status) for status in first + [401] * 100)

"""Whether a failed attempt is repeated, after which delay, and how a row ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import (
    AttemptError,
    AttemptTimeoutError,
    BodyTooLargeError,
    ParseError,
    ProtocolError,
    TransportError,
)
from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._core.policy.retries.retry import FailedAttempt, Repeat, Stop, decide_retry, stop_row
from pandas_async_io._core.policy.retries.retry_options import Retry, parse_retry

URL = "https://api.example.com"


RETRY = Retry()


def failure(status=None, headers=None, error=None, method="GET", sent=None, **counts):
    response = None if status is None else Response(status, headers or {}, b"", URL)
    return FailedAttempt(Request(URL, method, sent or {}), response, error, **counts)


def decide(failed, retry=RETRY, epoch=0.0, jitter=0.5):
    return decide_retry(retry, failed, epoch=epoch, jitter=jitter)


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        (failure(500), Repeat(0.05, False)),
        (failure(502, attempts=2), Repeat(0.1, False)),
        (failure(503), Repeat(0.05, False)),
        (failure(529), Repeat(0.05, False)),
        (failure(408), Repeat(0.05, False)),
        (failure(500, {"Retry-After": "7"}), Repeat(7.05, False)),
        (failure(429), Repeat(0.5, True)),
        (failure(429, {"retry-after": "3"}), Repeat(3.5, True)),
        (failure(429, {"Retry-After": "soon"}), Repeat(0.5, True)),
        (failure(429, refusals=2), Repeat(2.0, True)),
        (failure(429, attempts=3), Repeat(0.5, True)),
        (failure(503, {"Retry-After": "3"}), Repeat(3.5, True)),
        (failure(529, {"Retry-After": "3"}), Repeat(3.5, True)),
        (failure(error=TransportError("reset", transient=True)), Repeat(0.05, False)),
        (failure(error=AttemptTimeoutError("30 s", transient=True)), Repeat(0.05, False)),
        (failure(500, attempts=4), Stop(Outcome.HTTP_ERROR, "HTTP 500 Internal Server Error (4 attempts)")),
        (failure(404), Stop(Outcome.HTTP_ERROR, "HTTP 404 Not Found")),
        (failure(302), Stop(Outcome.HTTP_ERROR, "HTTP 302 Found")),
        (failure(999), Stop(Outcome.HTTP_ERROR, "HTTP 999")),
        (failure(403), Stop(Outcome.HTTP_ERROR, "HTTP 403 Forbidden")),
        (failure(error=TransportError("bad name")), Stop(Outcome.TRANSPORT_ERROR, "bad name")),
        (failure(200, error=ParseError("no JSON")), Stop(Outcome.PARSE_ERROR, "no JSON")),
        (failure(error=BodyTooLargeError("65 MiB")), Stop(Outcome.BODY_TOO_LARGE, "65 MiB")),
        (failure(200), None),
    ],
)
def test_fault_29_each_failure_has_its_decision(failed, expected):
    """Which ones are repeated, after which delay, and how the others end."""
    assert decide(failed) == expected


@pytest.mark.parametrize(
    ("retry_after", "words"),
    [
        ("301", "5 min 01 s"),
        ("7500", "2 h 05 min"),
        ("99999999999", "1157407 d 10 h"),
        ("9" * 400, "ever"),
        ("Mon, 03 Jun 2199 11:00:00 GMT", "83794 d 11 h"),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 500])
def test_fault_32_a_delay_above_max_wait_ends_the_row(status, retry_after, words):
    """The error shows both durations in readable units."""
    stop = decide(failure(status, {"Retry-After": retry_after}))
    assert stop.outcome is Outcome.RATE_LIMITED_TOO_LONG
    assert f"(the server asks for {words}; max_wait is 5 min)" in stop.error


def test_fault_70_a_clock_that_is_a_day_off_does_not_change_the_delay():
    """A date is compared with the server's clock."""
    headers = {"Date": "Mon, 03 Jun 2019 11:00:00 GMT", "Retry-After": "Mon, 03 Jun 2019 11:00:30 GMT"}
    for epoch in (0.0, 1559559600.0 - 86400, 1559559600.0 + 86400):
        assert decide(failure(429, headers), epoch=epoch, jitter=0.0).delay == 30


def test_githubs_403_is_a_refusal_until_its_reset():
    """It has no remaining requests, or Retry-After; any other 403 ends the row."""
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}
    assert decide(failure(403, spent), jitter=0.0) == Repeat(60, True)
    assert decide(failure(403, {"Retry-After": "9"}), jitter=0.0) == Repeat(9, True)
    assert isinstance(decide(failure(403, {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "60"})), Stop)
    assert isinstance(decide(failure(403, {"Backoff": "60"})), Stop)


def test_a_429_without_retry_after_waits_for_the_reset_of_the_budget():
    """The reset is the least delay."""
    assert decide(failure(429, {"RateLimit": '"default";r=0;t=7'}), jitter=0.0) == Repeat(7, True)


def test_the_tenth_refusal_ends_the_row():
    """Refusals spend no attempt."""
    assert isinstance(decide(failure(429, attempts=3, refusals=8, refusals_in_a_row=8)), Repeat)
    stop = decide(failure(429, attempts=3, refusals=9, refusals_in_a_row=9))
    assert stop == Stop(Outcome.HTTP_ERROR, "HTTP 429 Too Many Requests (refused 10 times)")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("failed", [{"status": 500}, {"error": TransportError("reset", transient=True)}])
def test_fault_2_an_unsafe_request_that_the_server_may_have_received_is_not_repeated(method, failed):
    """An idempotency key or a declaration as repeatable allows it."""
    stop = decide(failure(method=method, **failed))
    assert isinstance(stop, Stop)
    assert f"{method} is not repeated: the server may have received it" in stop.error
    assert isinstance(decide(failure(method=method, sent={"idempotency-key": "1"}, **failed)), Repeat)
    assert isinstance(decide(failure(method=method, repeatable=True, **failed)), Repeat)
    assert isinstance(decide(failure(method=method, **failed), Retry(methods=[method.lower()])), Repeat)


def test_an_idempotency_key_with_another_name_allows_a_repeat():
    """The advice in the error names that header."""
    retry = Retry(idempotency_key="X-Request-Key")
    assert isinstance(decide(failure(500, method="POST", sent={"X-REQUEST-KEY": "1"}), retry), Repeat)
    assert "send X-Request-Key or" in decide(failure(500, method="POST"), retry).error


@pytest.mark.parametrize(
    "failed",
    [
        {"status": 429},
        {"status": 503, "headers": {"Retry-After": "1"}},
        {"error": TransportError("refused", transient=True, received=False)},
    ],
)
def test_fault_1_an_unprocessed_request_is_repeated_for_every_method(failed):
    """After a refusal, or without a connection."""
    assert isinstance(decide(failure(method="POST", **failed)), Repeat)


@pytest.mark.parametrize("error", [ProtocolError("no HTTP", transient=True), ParseError("cut", transient=True)])
def test_fault_12_and_74_an_unreadable_response_is_repeated_once(error):
    """Bytes that are not HTTP, or a body that may be cut."""
    retry = Retry(attempts=5)
    assert isinstance(decide(failure(error=error), retry), Repeat)
    assert decide(failure(error=error, attempts=2), retry) == Stop(error.outcome, f"{error} (2 attempts)")


@pytest.mark.parametrize("failed", [failure(429), failure(500), failure(503, {"Retry-After": "1"})])
def test_retry_1_repeats_nothing(failed):
    """A refusal ends the row, too."""
    assert isinstance(decide(failed, parse_retry(1)), Stop)


@pytest.mark.parametrize("name", ["Stripe-Should-Retry", "stripe-should-retry", "X-Should-Retry"])
def test_the_servers_should_retry_header_overrides_the_statuses(name):
    """Methods, attempts and the user's predicate still apply."""
    yes, no = {name: "true"}, {name: "false"}
    assert decide(failure(409, yes)) == Repeat(0.05, False)
    assert decide(failure(409, yes, method="POST", sent={"Idempotency-Key": "1"})) == Repeat(0.05, False)
    assert decide(failure(429, yes)) == Repeat(0.5, True)
    for failed in (
        failure(409, yes, method="POST"),
        failure(409, yes, attempts=4),
        failure(500, no),
        failure(429, no),
        failure(503, {**no, "Retry-After": "1"}),
        failure(409, {name: "maybe"}),
    ):
        assert isinstance(decide(failed), Stop)
    assert isinstance(decide(failure(500, no), Retry(when=lambda response, error: True)), Repeat)
    assert isinstance(decide(failure(409, yes), Retry(when=lambda response, error: False)), Stop)
    assert decide(failure(200, yes)) is None


def test_a_refusal_in_an_apis_own_form_spends_no_attempt():
    """It is repeated for every method, unless 429 is not in the statuses."""
    failed = failure(400, {"x-amzn-ErrorType": "ThrottlingException"}, method="POST", attempts=3)
    assert decide(failed) == Repeat(0.5, True)
    assert isinstance(decide(failed, Retry(statuses=[500])), Stop)


def test_only_the_given_statuses_are_repeated():
    """A 429 or 503 that is not among them ends the row."""
    retry = Retry(statuses=[418])
    assert decide(failure(418), retry) == Repeat(0.05, False)
    for failed in (failure(429), failure(500), failure(403, {"Retry-After": "1"})):
        assert isinstance(decide(failed, retry), Stop)


@given(
    retry=st.builds(
        Retry,
        attempts=st.just(20_000),
        base=st.floats(0, 86_400),
        throttle_base=st.floats(0, 86_400),
        cap=st.floats(0, 600),
        max_wait=st.floats(0, 600),
    ),
    status=st.sampled_from([408, 429, 500, 503]),
    counts=st.fixed_dictionaries({"attempts": st.integers(1, 10_000), "refusals": st.integers(0, 8)}),
    jitter=st.floats(0, 1, exclude_max=True),
    retry_after=st.none() | st.integers(0, 600),
)
def test_delays_are_bounded(retry, status, counts, jitter, retry_after):
    """Our own delay by `cap`, a requested one by `max_wait`."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    decision = decide(failure(status, headers, **counts), retry, jitter=jitter)
    if retry_after is not None and retry_after > retry.max_wait:
        assert decision.outcome is Outcome.RATE_LIMITED_TOO_LONG
        return
    assert (retry_after or 0) <= decision.delay <= retry.max_wait
    if retry_after is None:
        assert decision.delay <= retry.cap


@pytest.mark.parametrize(
    ("retry", "failed", "delay"),
    [
        (Retry(), failure(500, attempts=3, failing_for=1.0), 4.0),
        (Retry(), failure(error=TransportError("reset", transient=True), attempts=3, failing_for=1.0), 4.0),
        (Retry(), failure(500, attempts=3, failing_for=9.0), 0.2),
        (Retry(), failure(500, {"Retry-After": "7"}, attempts=3, failing_for=1.0), 7.2),
        (Retry(), failure(500, {"Retry-After": "2"}, attempts=3, failing_for=1.0), 4.0),
        (Retry(), failure(500, attempts=2, failing_for=0.0), 0.1),
        (Retry(), failure(500, attempts=3), 0.2),
        (Retry(), failure(429, attempts=3, failing_for=0.0), 0.5),
        (Retry(), failure(503, attempts=3, failing_for=0.0, refused=True), 0.5),
        (Retry(), failure(error=ProtocolError("not HTTP", transient=True), failing_for=0.0), 0.05),
        (Retry(attempts=2), failure(error=ProtocolError("not HTTP", transient=True), failing_for=0.0), 0.05),
        (Retry(attempts=2), failure(500, failing_for=0.0), 5.0),
        (Retry(attempts=2, patience=400), failure(500, failing_for=0.0), 400.0),
        (Retry(patience=0), failure(500, attempts=3, failing_for=0.0), 0.2),
    ],
)
def test_fault_34_the_last_attempt_waits_for_the_end_of_the_patience(retry, failed, delay):
    """From the first failure; not if no other request is answered, nor for what does not pass."""
    assert decide(failed, retry).delay == pytest.approx(delay)


@pytest.mark.parametrize(
    ("retry", "failed"),
    [
        (Retry(attempts=1), failure(500, failing_for=0.0)),
        (Retry(), failure(404, failing_for=0.0)),
        (Retry(), failure(500, method="POST", failing_for=0.0)),
        (Retry(), failure(error=TransportError("no such host"), failing_for=0.0)),
        (Retry(), failure(200, error=ParseError("no JSON"), failing_for=0.0)),
        (Retry(), failure(500, attempts=4, failing_for=5.0)),
    ],
)
def test_patience_repeats_nothing_that_is_not_repeated_anyway(retry, failed):
    """It delays the last attempt, and adds none."""
    assert isinstance(decide(failed, retry), Stop)


def test_a_stopped_row_keeps_its_last_cause():
    """A note says why it is not repeated."""
    error = AttemptError("reset", transient=True)
    assert stop_row(failure(error=error), "retry budget spent").error == "reset (retry budget spent)"
    assert stop_row(failure(503)) == Stop(Outcome.HTTP_ERROR, "HTTP 503 Service Unavailable")


@pytest.mark.parametrize(("size", "kept"), [(0, 0), (8_192, 8_192), (8_193, 8_192), (1_000_000, 8_192)])
def test_fault_53_a_waiting_row_keeps_the_beginning_of_an_error_page(size, kept):
    """Thousands of rows may wait for their last attempt."""
    failed = FailedAttempt(Request(URL), Response(500, {"A": "b"}, b"x" * size, URL), attempts=2)
    short = failed.shorten()
    assert len(short.response.body) == kept
    assert (short.status, short.attempts, short.response.headers) == (500, 2, {"A": "b"})

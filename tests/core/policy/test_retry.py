from http import HTTPStatus

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import (
    AttemptError,
    AttemptTimeoutError,
    BodyTooLargeError,
    ParseError,
    PlanError,
    ProtocolError,
    TransportError,
)
from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._core.policy.retry import FailedAttempt, Repeat, Stop, decide_retry, stop_row
from pandas_async_io._core.policy.retry_options import Retry, parse_retry

URL = "https://api.example.com"
RETRY = Retry()


async def awaited(response, error):
    return True


class Awaited:
    async def __call__(self, response, error):
        return True


def failure(status=None, headers=None, error=None, method="GET", sent=None, **counts):
    response = None if status is None else Response(status, headers or {}, b"", URL)
    return FailedAttempt(Request(URL, method, sent or {}), response, error, **counts)


def verdict(failed, retry=RETRY, epoch=0.0, jitter=0.5):
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
        (failure(500, attempts=3), Stop(Outcome.HTTP_ERROR, "HTTP 500 Internal Server Error (3 attempts)")),
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
def test_fault_29_each_failure_has_its_verdict(failed, expected):
    """What is repeated, after how long, and how the rest ends."""
    assert verdict(failed) == expected


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("301", "5 min 01 s"),
        ("7500", "2 h 05 min"),
        ("99999999999", "1157407 d 10 h"),
        ("9" * 400, "ever"),
        ("Mon, 03 Jun 2199 11:00:00 GMT", "83794 d 11 h"),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 500])
def test_fault_32_an_absurd_wait_ends_the_row_at_once(status, asked, words):
    """A server that asks for more than max_wait is not waited for; both are said as a human reads them."""
    stop = verdict(failure(status, {"Retry-After": asked}))
    assert stop.outcome is Outcome.RATE_LIMITED_TOO_LONG
    assert f"(the server asks for {words}; max_wait is 5 min)" in stop.error


def test_fault_70_a_clock_jump_sleeps_no_day():
    """A date is counted from the server's clock; ours may be a day off."""
    headers = {"Date": "Mon, 03 Jun 2019 11:00:00 GMT", "Retry-After": "Mon, 03 Jun 2019 11:00:30 GMT"}
    for epoch in (0.0, 1559559600.0 - 86400, 1559559600.0 + 86400):
        assert verdict(failure(429, headers), epoch=epoch, jitter=0.0).delay == 30


def test_githubs_403_is_a_refusal_until_its_reset():
    """A 403 without points left, or with Retry-After, was a rate limit; any other 403 is an answer."""
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}
    assert verdict(failure(403, spent), jitter=0.0) == Repeat(60, True)
    assert verdict(failure(403, {"Retry-After": "9"}), jitter=0.0) == Repeat(9, True)
    assert isinstance(verdict(failure(403, {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "60"})), Stop)
    assert isinstance(verdict(failure(403, {"Backoff": "60"})), Stop)


def test_a_429_without_retry_after_waits_for_the_budgets_reset():
    """Where the refusal says only when its limit is whole again, that is the floor."""
    assert verdict(failure(429, {"RateLimit": '"default";r=0;t=7'}), jitter=0.0) == Repeat(7, True)


def test_ten_refusals_are_the_end():
    """Refusals spend no attempt, but the tenth ends the row."""
    assert isinstance(verdict(failure(429, attempts=3, refusals=8)), Repeat)
    stop = verdict(failure(429, attempts=3, refusals=9))
    assert stop == Stop(Outcome.HTTP_ERROR, "HTTP 429 Too Many Requests (refused 10 times)")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("failed", [{"status": 500}, {"error": TransportError("reset", transient=True)}])
def test_fault_2_what_the_server_may_have_received_is_not_repeated(method, failed):
    """A method that changes something is repeated only if nothing can have come of it."""
    stop = verdict(failure(method=method, **failed))
    assert isinstance(stop, Stop)
    assert f"{method} is not repeated: the server may have received it" in stop.error
    assert isinstance(verdict(failure(method=method, sent={"idempotency-key": "1"}, **failed)), Repeat)
    assert isinstance(verdict(failure(method=method, repeatable=True, **failed)), Repeat)
    assert isinstance(verdict(failure(method=method, **failed), Retry(methods=[method.lower()])), Repeat)


def test_a_key_of_another_name_is_known_and_advised():
    """Where the option names the header, that header counts, and the advice names it."""
    retry = Retry(idempotency_key="X-Request-Key")
    assert isinstance(verdict(failure(500, method="POST", sent={"X-REQUEST-KEY": "1"}), retry), Repeat)
    assert "send X-Request-Key or" in verdict(failure(500, method="POST"), retry).error


@pytest.mark.parametrize(
    "failed",
    [
        {"status": 429},
        {"status": 503, "headers": {"Retry-After": "1"}},
        {"error": TransportError("refused", transient=True, received=False)},
    ],
)
def test_fault_1_what_never_was_processed_is_repeated_for_every_method(failed):
    """A refusal, or a connection that was never made, has changed nothing."""
    assert isinstance(verdict(failure(method="POST", **failed)), Repeat)


@pytest.mark.parametrize("error", [ProtocolError("no HTTP", transient=True), ParseError("cut", transient=True)])
def test_fault_12_and_74_nonsense_is_repeated_once(error):
    """Bytes that are not HTTP, or a body that may have been cut, get one more attempt."""
    retry = Retry(attempts=5)
    assert isinstance(verdict(failure(error=error), retry), Repeat)
    assert verdict(failure(error=error, attempts=2), retry) == Stop(error.outcome, f"{error} (2 attempts)")


@pytest.mark.parametrize("failed", [failure(429), failure(500), failure(503, {"Retry-After": "1"})])
def test_one_attempt_repeats_nothing(failed):
    """`retry=1` means never, for refusals too."""
    assert isinstance(verdict(failed, parse_retry(1)), Stop)


@pytest.mark.parametrize("name", ["Stripe-Should-Retry", "stripe-should-retry", "X-Should-Retry"])
def test_a_server_may_say_itself_whether_another_attempt_is_worth_it(name):
    """Its true makes any status worth one, its false none; methods and attempts hold, and the user's own say."""
    yes, no = {name: "true"}, {name: "false"}
    assert verdict(failure(409, yes)) == Repeat(0.05, False)
    assert verdict(failure(409, yes, method="POST", sent={"Idempotency-Key": "1"})) == Repeat(0.05, False)
    assert verdict(failure(429, yes)) == Repeat(0.5, True)
    for failed in (
        failure(409, yes, method="POST"),
        failure(409, yes, attempts=3),
        failure(500, no),
        failure(429, no),
        failure(503, {**no, "Retry-After": "1"}),
        failure(409, {name: "maybe"}),
    ):
        assert isinstance(verdict(failed), Stop)
    assert isinstance(verdict(failure(500, no), Retry(when=lambda response, error: True)), Repeat)
    assert isinstance(verdict(failure(409, yes), Retry(when=lambda response, error: False)), Stop)
    assert verdict(failure(200, yes)) is None


def test_a_refusal_in_an_apis_own_words_spends_nothing():
    """What `throttles` knows to be a refusal is one for every method, unless 429 is not to be repeated."""
    failed = failure(400, {"x-amzn-ErrorType": "ThrottlingException"}, method="POST", attempts=3)
    assert verdict(failed) == Repeat(0.5, True)
    assert isinstance(verdict(failed, Retry(statuses=[500])), Stop)


def test_statuses_decide_what_is_worth_it():
    """A status that the option leaves out is an answer, a rate limit's too."""
    retry = Retry(statuses=[418])
    assert verdict(failure(418), retry) == Repeat(0.05, False)
    for failed in (failure(429), failure(500), failure(403, {"Retry-After": "1"})):
        assert isinstance(verdict(failed, retry), Stop)


@pytest.mark.parametrize(
    ("said", "failed", "kind"),
    [
        (True, failure(404), Repeat),
        (True, failure(200), Repeat),
        (True, failure(error=TransportError("bad name")), Repeat),
        (True, failure(404, attempts=3), Stop),
        (True, failure(200, attempts=3), Stop),
        (True, failure(404, method="POST"), Stop),
        (False, failure(500), Stop),
        (False, failure(429), Stop),
        (None, failure(500), Repeat),
        (None, failure(404), Stop),
        (None, failure(200), type(None)),
        (False, failure(200), type(None)),
    ],
)
def test_a_predicate_is_asked_first(said, failed, kind):
    """True makes it worth another attempt, False ends it, None leaves it to the rules."""
    asked = []
    retry = Retry(when=lambda response, error: asked.append((response, error)) or said)
    assert type(verdict(failed, retry)) is kind
    assert asked == [(failed.response, failed.error)]


@pytest.mark.parametrize(("said", "kind"), [(np.True_, Repeat), (np.False_, Stop)])
def test_numpys_bools_are_bools(said, kind):
    """What a comparison of columns gives counts as True and False."""
    assert type(verdict(failure(404 if said else 500), Retry(when=lambda response, error: said))) is kind


@pytest.mark.parametrize(
    ("said", "kind"),
    [(1, "int"), (0, "int"), ("no", "str"), ([], "list"), (pd.NA, "NAType"), (np.array([True]), "ndarray")],
)
@pytest.mark.parametrize("status", [200, 500])
def test_a_predicate_says_true_false_or_none(status, said, kind):
    """Anything else is a mistake in the predicate, which the row's error says."""
    stop = verdict(failure(status), Retry(when=lambda response, error: said))
    assert stop.outcome is Outcome.PARSE_ERROR
    assert f"Retry(when=...) returned a {kind}: return True, False or None" in stop.error


def test_a_predicate_that_hands_out_a_coroutine_is_a_mistake():
    """Where it could not be seen at construction, the row's error says so, and nothing is left unawaited."""
    stop = verdict(failure(200), Retry(when=lambda response, error: awaited(response, error)))  # noqa: PLW0108
    assert stop == Stop(Outcome.PARSE_ERROR, "Retry(when=...) returned a coroutine: return True, False or None")


def test_options_may_be_numpys_numbers():
    """What is kept is Python's own."""
    retry = Retry(attempts=np.int64(2), cap=np.float64(5), statuses=np.array([500, 503]), methods=["get"])
    assert (retry.attempts, retry.cap, retry.statuses) == (2, 5.0, {500, 503})
    assert {type(each) for each in (retry.attempts, *retry.statuses)} == {int}
    assert Retry(statuses=list(HTTPStatus)[-2:]).statuses == {510, 511}


@given(
    retry=st.builds(
        Retry,
        attempts=st.just(20_000),
        base=st.floats(0, 1e6),
        throttle_base=st.floats(0, 1e6),
        cap=st.floats(0, 600),
        max_wait=st.floats(0, 600),
    ),
    status=st.sampled_from([408, 429, 500, 503]),
    counts=st.fixed_dictionaries({"attempts": st.integers(1, 10_000), "refusals": st.integers(0, 8)}),
    jitter=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.integers(0, 600),
)
def test_delays_are_bounded(retry, status, counts, jitter, asked):
    """A delay of our own is within the cap, one that the server asked for between that and max_wait."""
    headers = {} if asked is None else {"Retry-After": str(asked)}
    again = verdict(failure(status, headers, **counts), retry, jitter=jitter)
    if asked is not None and asked > retry.max_wait:
        assert again.outcome is Outcome.RATE_LIMITED_TOO_LONG
        return
    assert (asked or 0) <= again.delay <= retry.max_wait
    if asked is None:
        assert again.delay <= retry.cap


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": 2.0},
        {"attempts": True},
        {"base": -1},
        {"cap": float("nan")},
        {"max_wait": float("inf")},
        {"budget": "0.2"},
        {"throttle_base": None},
        {"statuses": "429"},
        {"statuses": ["429"]},
        {"statuses": 429},
        {"methods": "GET"},
        {"methods": [1]},
        {"when": True},
        {"when": awaited},
        {"when": Awaited()},
        {"idempotency_key": "two words"},
        {"idempotency_key": ""},
        {"idempotency_key": True},
        {"idempotency_key": b"k"},
        {"statuses": [True]},
        {"methods": b"GET"},
    ],
)
def test_an_option_out_of_range_raises(options):
    """A value that cannot be meant raises before anything is sent, and is named."""
    with pytest.raises(PlanError, match=next(iter(options))):
        Retry(**options)


@pytest.mark.parametrize("value", ["3", True, 0, 2.5, [3]])
def test_a_retry_option_that_is_none_raises(value):
    """The option takes a number of attempts, a Retry, or nothing."""
    with pytest.raises(PlanError, match="attempts"):
        parse_retry(value)


def test_a_retry_option_may_be_left_out():
    """Without an option there are three attempts; a Retry is taken as it is."""
    assert parse_retry(None) == Retry()
    assert parse_retry(5) == Retry(attempts=5)
    assert parse_retry(RETRY) is RETRY
    assert hash(Retry(statuses=[500], methods=["get"])) == hash(Retry(statuses={500}, methods={"GET"}))


def test_an_ending_keeps_the_last_cause():
    """A row that no budget lets repeat ends with what it met."""
    error = AttemptError("reset", transient=True)
    assert stop_row(failure(error=error), "retry budget spent").error == "reset (retry budget spent)"
    assert stop_row(failure(503)) == Stop(Outcome.HTTP_ERROR, "HTTP 503 Service Unavailable")

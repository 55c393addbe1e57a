"""Refusals in each API's own words, over HTTP: the row is repeated, the origin is spared meanwhile, the run goes on."""

import itertools
import json
import time

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, serve_function

QUICK = paio.Retry(base=0.001, throttle_base=0.001)
SECONDARY = b'{"message": "You have exceeded a secondary rate limit."}'
USED_UP = http_response(b"[]", "Sforce-Limit-Info: api-usage=15000/15000", status="403 Forbidden")
DISCORD = b'{"message": "You are being rate limited.", "retry_after": 0.5, "global": false}'
WAIT = 0.5
"""Seconds: longer than the silence that a refusal brings by itself."""


def refused(body, *headers, status="400 Bad Request"):
    return http_response(body, *headers, status=status)


def usage(name):
    return f"{name}: " + json.dumps({"1": [{"estimated_time_to_regain_access": WAIT / 60}]})


CASES = {
    "Salesforce, by its header": (USED_UP, 0.0),
    "Salesforce, by its body": (refused(b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]', status="403 Forbidden"), 0.0),
    "Facebook": (refused(b'{"error":{"code":4}}'), 0.0),
    "Facebook, business": (refused(b'{"error":{"code":80004}}', usage("X-Business-Use-Case-Usage")), WAIT),
    "Facebook, app": (refused(b'{"error":{"code":17}}', usage("X-App-Usage")), WAIT),
    "AWS, by its body": (refused(b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}'), 0.0),
    "AWS, by its header": (refused(b"{}", "x-amzn-ErrorType: TooManyRequestsException:http://e.com/"), 0.0),
    "Discord": (refused(DISCORD, status="429 Too Many Requests"), WAIT),
    "GitHub, secondary": (
        refused(SECONDARY, "X-RateLimit-Remaining: 0", f"X-RateLimit-Reset-After: {WAIT}", status="403 Forbidden"),
        WAIT,
    ),
    "Slack": (refused(b'{"ok":false,"error":"ratelimited"}', status="429 Too Many Requests"), 0.0),
}


def fetch(server, rows, **options):
    frame = pd.DataFrame({"id": range(rows)})
    options = {"method": "POST", "client": paio.Client(), "retry": QUICK, **options}
    return frame.aio.fetch(server.url + "/{id}", **options)


def after(*first):
    """Return what answers so first, and then well; and when it did."""
    turn, times = itertools.count(), []

    def answer(_asked):
        times.append(time.monotonic())
        at = next(turn)
        return first[at] if at < len(first) else http_response()

    return answer, times


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_in_its_apis_words_is_one(case):
    """A POST is repeated, for it was not processed; until then nothing else goes to the origin, as long as it asked."""
    first, wait = CASES[case]
    answer, times = after(first)
    with serve_function(answer) as server:
        out = fetch(server, 3, concurrency=1)
    assert out.aio.report.outcomes == {"ok": 3}
    assert (out.aio.report.refused, len(server.requests)) == (1, 4)
    assert times[1] - times[0] >= wait


def test_githubs_secondary_limit_is_a_minutes_silence():
    """Without a word of how long, it is at least a minute: more than this row wants to wait."""
    answer, _ = after(http_response(SECONDARY, status="403 Forbidden"))
    retry = paio.Retry(max_wait=5)
    with serve_function(answer) as server, pytest.warns(paio.FetchWarning):
        out = fetch(server, 1, retry=retry)
    (error,) = out.aio.outcomes["error"]
    assert out.aio.report.outcomes == {"rate_limited_too_long": 1}
    assert "(the server asks for 1 min; max_wait is 5 s)" in error


@pytest.mark.parametrize(
    ("said", "key", "sent", "outcome"),
    [
        ("true", "Idempotency-Key", 2, "ok"),
        ("true", None, 1, "http_error"),
        ("false", "Idempotency-Key", 1, "http_error"),
    ],
)
def test_stripe_says_whether_another_attempt_is_worth_it(said, key, sent, outcome):
    """Where it says so, a 409 of a POST with a key is repeated, one without never, and a 500 not against its word."""
    status = "409 Conflict" if said == "true" else "500 Internal Server Error"
    answer, _ = after(http_response(b"{}", f"Stripe-Should-Retry: {said}", status=status))
    retry = paio.Retry(base=0.001, idempotency_key=key)
    with serve_function(answer) as server:
        out = fetch(server, 1, retry=retry) if outcome == "ok" else failed(server, retry)
    assert out.aio.report.outcomes == {outcome: 1}
    assert len(server.requests) == sent


def failed(server, retry):
    with pytest.warns(paio.FetchWarning):
        return fetch(server, 1, retry=retry)


def test_two_lines_of_limits_are_both_obeyed():
    """A budget that is used up is waited for, also where a second line says that another is not."""
    spent = http_response(
        b"{}", f"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: {WAIT}\r\nX-RateLimit-Remaining: 99"
    )
    answer, times = after(spent)
    with serve_function(answer) as server:
        fetch(server, 2, concurrency=1)
    assert times[1] - times[0] >= WAIT


def test_a_client_without_a_retry_budget_repeats_nothing_but_refusals():
    """`Retry(budget=0)` sends no failure again; what a rate limit refused is no failure."""
    answer, _ = after(
        http_response(b"{}", status="503 Service Unavailable"), http_response(b"{}", status="429 Too Many Requests")
    )
    retry = paio.Retry(base=0.001, throttle_base=0.001, budget=0)
    with serve_function(answer) as server, pytest.warns(paio.FetchWarning):
        out = fetch(server, 2, method="GET", concurrency=1, retry=retry)
    assert out.aio.report.outcomes == {"ok": 1, "http_error": 1}
    assert len(server.requests) == 3

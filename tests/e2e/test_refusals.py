"""Refusals in each API's own form, over HTTP: the row is repeated, its origin paused, the run goes on."""

import itertools
import json
import time

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, serve_function

QUICK = paio.Retry(base=0.001, throttle_base=0.001)
SECONDARY = b'{"message": "You have exceeded a secondary rate limit."}'
SPENT = http_response(b"[]", "Sforce-Limit-Info: api-usage=15000/15000", status="403 Forbidden")
DISCORD = b'{"message": "You are being rate limited.", "retry_after": 0.5, "global": false}'
WAIT = 0.5
"""Seconds: longer than the pause after a refusal that names none."""


def refuse(body, *headers, status="400 Bad Request"):
    return http_response(body, *headers, status=status)


def usage(name):
    return f"{name}: " + json.dumps({"1": [{"estimated_time_to_regain_access": WAIT / 60}]})


CASES = {
    "Salesforce, by its header": (SPENT, 0.0),
    "Salesforce, by its body": (refuse(b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]', status="403 Forbidden"), 0.0),
    "Facebook": (refuse(b'{"error":{"code":4}}'), 0.0),
    "Facebook, business": (refuse(b'{"error":{"code":80004}}', usage("X-Business-Use-Case-Usage")), WAIT),
    "Facebook, app": (refuse(b'{"error":{"code":17}}', usage("X-App-Usage")), WAIT),
    "AWS, by its body": (refuse(b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}'), 0.0),
    "AWS, by its header": (refuse(b"{}", "x-amzn-ErrorType: TooManyRequestsException:http://e.com/"), 0.0),
    "Discord": (refuse(DISCORD, status="429 Too Many Requests"), WAIT),
    "GitHub, secondary": (
        refuse(SECONDARY, "X-RateLimit-Remaining: 0", f"X-RateLimit-Reset-After: {WAIT}", status="403 Forbidden"),
        WAIT,
    ),
    "Slack": (refuse(b'{"ok":false,"error":"ratelimited"}', status="429 Too Many Requests"), 0.0),
}


def fetch(server, rows, **options):
    frame = pd.DataFrame({"id": range(rows)})
    options = {"method": "POST", "client": paio.Client(), "retry": QUICK, **options}
    return frame.aio.fetch(server.url + "/{id}", **options)


def succeed_after(*first):
    """Return a server function that sends these responses first, then successes, and its list of times."""
    count, times = itertools.count(), []

    def answer(_asked):
        times.append(time.monotonic())
        number = next(count)
        return first[number] if number < len(first) else http_response()

    return answer, times


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_a_refusal_in_an_apis_own_form_pauses_the_origin(case):
    """The POST was not processed: it is repeated, and nothing else is sent before."""
    first, wait = CASES[case]
    answer, times = succeed_after(first)
    with serve_function(answer) as server:
        out = fetch(server, 3, concurrency=1)
    assert out.aio.report.outcomes == {"ok": 3}
    assert (out.aio.report.refused, len(server.requests)) == (1, 4)
    assert times[1] - times[0] >= wait


def test_githubs_secondary_limit_pauses_for_a_minute():
    """If it names no delay; this row waits for less."""
    answer, _ = succeed_after(http_response(SECONDARY, status="403 Forbidden"))
    retry = paio.Retry(max_wait=5)
    with serve_function(answer) as server, pytest.warns(paio.FetchWarning):
        out = fetch(server, 1, retry=retry)
    (error,) = out.aio.outcomes["error"]
    assert out.aio.report.outcomes == {"rate_limited_too_long": 1}
    assert "(the server asks for 1 min; max_wait is 5 s)" in error


@pytest.mark.parametrize(
    ("allowed", "key", "sent", "outcome"),
    [
        ("true", "Idempotency-Key", 2, "ok"),
        ("true", None, 1, "http_error"),
        ("false", "Idempotency-Key", 1, "http_error"),
    ],
)
def test_stripes_should_retry_header_decides(allowed, key, sent, outcome):
    """A 409 is repeated if the POST has a key; a 500 is not repeated if the header says false."""
    status = "409 Conflict" if allowed == "true" else "500 Internal Server Error"
    answer, _ = succeed_after(http_response(b"{}", f"Stripe-Should-Retry: {allowed}", status=status))
    retry = paio.Retry(base=0.001, idempotency_key=key)
    with serve_function(answer) as server:
        out = fetch(server, 1, retry=retry) if outcome == "ok" else failed(server, retry)
    assert out.aio.report.outcomes == {outcome: 1}
    assert len(server.requests) == sent


def failed(server, retry):
    with pytest.warns(paio.FetchWarning):
        return fetch(server, 1, retry=retry)


def test_both_of_two_budgets_are_obeyed():
    """A spent one is waited for, even if another on a second line is not spent."""
    spent = http_response(
        b"{}", f"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: {WAIT}\r\nX-RateLimit-Remaining: 99"
    )
    answer, times = succeed_after(spent)
    with serve_function(answer) as server:
        fetch(server, 2, concurrency=1)
    assert times[1] - times[0] >= WAIT


def test_without_a_retry_budget_failures_are_repeated_after_all_rows_were_sent():
    """`Retry(budget=0)` delays the repeats of failures, and ends no row."""
    answer, _ = succeed_after(
        http_response(b"{}", status="503 Service Unavailable"), http_response(b"{}", status="429 Too Many Requests")
    )
    retry = paio.Retry(base=0.001, throttle_base=0.001, budget=0)
    with serve_function(answer) as server:
        out = fetch(server, 20, method="GET", concurrency=1, retry=retry)
    assert out.aio.report.outcomes == {"ok": 20}
    assert len(server.requests) == 22
    assert server.requests[-1].line == server.requests[0].line

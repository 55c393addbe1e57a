"""The user's conditions on a response: statuses, paths, functions."""

import numpy as np
import pandas as pd
import pytest

from pandas_async_io._core.body.interpret import Interpreter
from pandas_async_io._core.errors import PlanError, TransportError
from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._core.policy.retries.retry import FailedAttempt, Repeat, Stop, decide_retry
from pandas_async_io._core.policy.retries.retry_options import Retry

URL = "https://api.example.com"


def failure(status=None, error=None, method="GET", **counts):
    response = None if status is None else Response(status, {}, b"", URL)
    return FailedAttempt(Request(URL, method), response, error, **counts)


def decide(failed, retry):
    return decide_retry(retry, failed, epoch=0.0, jitter=0.5)


async def asynchronous(response, error):
    return True


@pytest.mark.parametrize(
    ("returned", "failed", "kind"),
    [
        (True, failure(404), Repeat),
        (True, failure(200), Repeat),
        (True, failure(error=TransportError("bad name")), Repeat),
        (True, failure(404, attempts=4), Stop),
        (True, failure(200, attempts=4), Stop),
        (True, failure(404, method="POST"), Stop),
        (False, failure(500), Stop),
        (False, failure(429), Stop),
        (None, failure(500), Repeat),
        (None, failure(404), Stop),
        (None, failure(200), type(None)),
        (False, failure(200), type(None)),
    ],
)
def test_a_predicate_is_called_first(returned, failed, kind):
    """True repeats, False stops, None applies the other rules."""
    calls = []
    retry = Retry(when=lambda response, error: calls.append((response, error)) or returned)
    assert type(decide(failed, retry)) is kind
    assert calls == [(failed.response, failed.error)]


@pytest.mark.parametrize(("returned", "kind"), [(np.True_, Repeat), (np.False_, Stop)])
def test_a_predicate_may_return_numpy_bools(returned, kind):
    """As a comparison of columns does."""
    assert type(decide(failure(404 if returned else 500), Retry(when=lambda response, error: returned))) is kind


@pytest.mark.parametrize(
    ("returned", "kind"),
    [(1, "int"), (0, "int"), ("no", "str"), ([], "list"), (pd.NA, "NAType"), (np.array([True]), "ndarray")],
)
@pytest.mark.parametrize("status", [200, 500])
def test_a_predicate_that_returns_something_else_fails_the_row(status, returned, kind):
    """The error names the type."""
    stop = decide(failure(status), Retry(when=lambda response, error: returned))
    assert stop.outcome is Outcome.PARSE_ERROR
    assert f"Retry(when=...) returned a {kind}: return True, False or None" in stop.error


def test_a_predicate_that_returns_a_coroutine_fails_the_row():
    """The coroutine is closed, so that no warning follows."""
    stop = decide(failure(200), Retry(when=lambda response, error: asynchronous(response, error)))  # noqa: PLW0108
    assert stop == Stop(Outcome.PARSE_ERROR, "Retry(when=...) returned a coroutine: return True, False or None")


@pytest.mark.parametrize(
    ("when", "status", "body", "kind"),
    [
        ({404}, 404, b"", Repeat),
        ([404], 400, b"", Stop),
        (404, 404, b"", Repeat),
        ({200}, 200, b"{}", Repeat),
        ("error.again", 404, b'{"error": {"again": true}}', Repeat),
        ("error.again", 200, b'{"error": {"again": 1}}', Repeat),
        ("error.again", 404, b'{"error": {"again": false}}', Stop),
        (["error.again"], 404, b'{"error.again": "yes"}', Repeat),
        ("again", 404, b'[{"again": null}, {"again": 1}]', Repeat),
        ("again", 404, b"<html>", Stop),
        ("again", 503, b"{}", Repeat),
        (lambda response: response.json()["state"] == "busy", 200, b'{"state": "busy"}', Repeat),
        (lambda response: False, 503, b"", Stop),
        (lambda response: None, 503, b"", Repeat),
    ],
)
def test_when_is_statuses_a_path_or_a_function_of_the_response(when, status, body, kind):
    """What is not met leaves the other rules; only a function that returns False stops."""
    failed = FailedAttempt(Request(URL), Response(status, {}, body, URL), read_payload=Interpreter().read_error_body)
    assert type(decide(failed, Retry(when=when))) is kind


def test_a_function_of_the_response_alone_is_not_asked_without_one():
    """A function of two arguments is asked about every failure."""
    asked = []
    lost = failure(error=TransportError("reset", transient=True))
    assert type(decide(lost, Retry(when=asked.append))) is Repeat
    assert asked == []
    assert type(decide(lost, Retry(when=lambda response, error: False))) is Stop


def test_a_success_that_statuses_name_is_repeated_and_fails_at_last():
    """As 202, for an answer that is not ready; other successes are not concerned."""
    retry = Retry(statuses=[202, 503], attempts=2)
    assert decide(failure(200), retry) is None
    assert type(decide(failure(202), retry)) is Repeat
    last = decide(failure(202, attempts=2), retry)
    assert (last.outcome, last.error) == (Outcome.HTTP_ERROR, "HTTP 202 Accepted (2 attempts)")
    asked = FailedAttempt(Request(URL), Response(202, {"Retry-After": "7"}, b"", URL))
    assert 7 <= decide(asked, retry).delay < 8


@pytest.mark.parametrize("given", [5, True, [], [404, "x", None], {"a": 404}, lambda: None, asynchronous, "", 4.0])
def test_what_is_no_condition_is_a_plan_error(given):
    """It names the option, and what it takes."""
    with pytest.raises(PlanError, match=r"Retry: when=.*(a path|statuses)"):
        Retry(when=given)

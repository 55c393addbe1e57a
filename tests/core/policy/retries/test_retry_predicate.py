"""The user's own function `Retry(when=...)`."""

import numpy as np
import pandas as pd
import pytest

from pandas_async_io._core.errors import TransportError
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

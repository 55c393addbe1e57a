"""The option `retry`: its types and ranges."""

from http import HTTPStatus

import numpy as np
import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.policy.retries.retry_options import Retry, parse_retry


async def asynchronous(response, error):
    return True


class AsynchronousCallable:
    async def __call__(self, response, error):
        return True


def test_options_may_be_numpy_numbers():
    """The fields are Python numbers."""
    retry = Retry(attempts=np.int64(2), cap=np.float64(5), statuses=np.array([500, 503]), methods=["get"])
    assert (retry.attempts, retry.cap, retry.statuses) == (2, 5.0, {500, 503})
    assert {type(each) for each in (retry.attempts, *retry.statuses)} == {int}
    assert Retry(statuses=list(HTTPStatus)[-2:]).statuses == {510, 511}


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": 2.0},
        {"attempts": True},
        {"base": -1},
        {"cap": float("nan")},
        {"max_wait": float("inf")},
        {"cap": 86_401},
        {"budget": "0.2"},
        {"patience": -1},
        {"patience": "5"},
        {"throttle_base": None},
        {"statuses": "429"},
        {"statuses": ["429"]},
        {"statuses": 429},
        {"methods": "GET"},
        {"methods": [1]},
        {"when": True},
        {"when": asynchronous},
        {"when": AsynchronousCallable()},
        {"idempotency_key": "two words"},
        {"idempotency_key": ""},
        {"idempotency_key": True},
        {"idempotency_key": b"k"},
        {"statuses": [True]},
        {"methods": b"GET"},
    ],
)
def test_an_option_out_of_range_raises(options):
    """The error names the option, before anything is sent."""
    with pytest.raises(PlanError, match=next(iter(options))):
        Retry(**options)


@pytest.mark.parametrize("value", ["3", True, 0, 2.5, [3]])
def test_a_retry_option_of_another_type_raises(value):
    """It is a number of attempts, a Retry, or None."""
    with pytest.raises(PlanError, match="attempts"):
        parse_retry(value)


def test_the_retry_option_becomes_a_retry():
    """Without it, the defaults apply; equal options have equal hashes."""
    assert parse_retry(None) == Retry()
    assert parse_retry(5) == Retry(attempts=5)
    retry = Retry()
    assert parse_retry(retry) is retry
    assert hash(Retry(statuses=[500], methods=["get"])) == hash(Retry(statuses={500}, methods={"GET"}))

"""Reused connections that end: which requests go out again at once, and which need a new connection (fault 82)."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import StaleConnectionError, TransportError
from pandas_async_io._core.models import Request
from pandas_async_io._core.policy.outages.kept_connections import KeptConnections
from pandas_async_io._core.policy.outages.origin_signal import OriginSignal, read_origin_signal
from pandas_async_io._core.policy.retries.retry import FailedAttempt, Repeat, Stop, decide_retry
from pandas_async_io._core.policy.retries.retry_options import Retry

_LOST = StaleConnectionError("lost", transient=True)
_GET = Request("https://e.com/")
_POST = Request("https://e.com/", "POST")
_POST_WITH_KEY = Request("https://e.com/", "POST", {"idempotency-key": "k"})


def decide(request, retry=Retry(), error=_LOST, **failed):  # noqa: B008 - frozen
    return decide_retry(retry, FailedAttempt(request, None, error, **failed), epoch=0.0, jitter=1.0)


@pytest.mark.parametrize("request_", [_GET, _POST_WITH_KEY], ids=["GET", "POST with a key"])
def test_fault_82_a_repeatable_request_goes_out_again_at_once(request_):
    """Even when its attempts are used up: it spends none."""
    assert decide(request_, attempts=4) == Repeat(0.0, refused=False, reconnect=True)


def test_fault_82_a_graphql_query_goes_out_again_at_once():
    """It is a POST, but may be repeated."""
    assert decide(_POST, repeatable=True) == Repeat(0.0, refused=False, reconnect=True)


def test_fault_82_a_request_goes_out_at_once_only_once():
    """The second time, it backs off as after any lost connection."""
    assert decide(_GET, reconnected=True) == Repeat(0.1, refused=False)


def test_fault_82_another_lost_connection_backs_off():
    """A new connection that is lost says something about the server."""
    assert decide(_GET, error=TransportError("lost", transient=True)) == Repeat(0.1, refused=False)


@pytest.mark.parametrize(
    ("request_", "retry"),
    [(_POST, Retry()), (_GET, Retry(attempts=1)), (_GET, Retry(when=lambda response, error: False))],
    ids=["POST", "retry=1", "when says no"],
)
def test_fault_82_a_request_that_must_not_be_repeated_ends(request_, retry):
    """Its method, the number of attempts, or the user's predicate forbid it."""
    assert isinstance(decide(request_, retry), Stop)


def test_fault_82_a_stale_connection_says_nothing_about_the_origin():
    """The breaker does not open when an origin closes all its idle connections."""
    assert read_origin_signal(Retry(), None, _LOST, epoch=0.0)[0] is OriginSignal.NONE


@pytest.mark.parametrize(
    ("lost", "request_", "retry", "needs"),
    [
        (1, _POST, Retry(), False),
        (2, _POST, Retry(), True),
        (2, _GET, Retry(), False),
        (2, _POST_WITH_KEY, Retry(), False),
        (2, _GET, Retry(attempts=1), True),
    ],
)
def test_fault_82_what_must_not_be_repeated_takes_a_new_connection_after_two_losses(lost, request_, retry, needs):
    """A request that would be sent again may be risked on a kept connection."""
    kept = KeptConnections()
    kept.lost = lost
    assert kept.need_new(retry, request_, repeatable=False) is needs

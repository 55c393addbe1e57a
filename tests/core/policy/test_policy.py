"""A call's policy within the limits of its client."""

from __future__ import annotations

import pytest

from pandas_async_io._core.policy.policy import ClientLimits
from pandas_async_io._core.policy.retries.retry_options import Retry
from pandas_async_io._core.policy.throttling.rate import Rate

UNLIMITED = ClientLimits.parse(concurrency=None, rate=None, retry=None, timeout=None)
LIMITED = ClientLimits.parse(concurrency=8, rate="20/s", retry=2, timeout=10)


@pytest.mark.parametrize(
    ("limits", "given", "concurrency", "adaptive"),
    [
        (UNLIMITED, None, 32, False),
        (UNLIMITED, 100, 100, False),
        (UNLIMITED, "auto", 256, True),
        (LIMITED, None, 8, False),
        (LIMITED, 4, 4, False),
        (LIMITED, 100, 8, False),
        (LIMITED, "auto", 8, True),
    ],
)
def test_a_call_keeps_the_concurrency_of_its_client(limits, given, concurrency, adaptive):
    """The smaller number holds; without both, 32 requests, or up to 256 adaptive ones."""
    policy = limits.build_policy(concurrency=given)
    assert (policy.concurrency, policy.adaptive) == (concurrency, adaptive)


def test_the_rates_of_client_and_call_all_apply_once():
    """An equal rate is not counted twice."""
    assert LIMITED.build_policy(rate=["20/s", "500/h"]).rates == (Rate.parse("20/s"), Rate.parse("500/h"))


@pytest.mark.parametrize(("given", "timeout"), [(None, 10), (5, 5), (60, 10)])
def test_a_call_keeps_the_timeout_of_its_client(given, timeout):
    """The shorter timeout holds."""
    assert LIMITED.build_policy(timeout=given).timeout == timeout


@pytest.mark.parametrize(("given", "timeout"), [(None, 30), (5, 5), (120, 120)])
def test_a_default_timeout_is_no_ceiling(given, timeout):
    """Only a timeout that the client was given limits a call."""
    assert UNLIMITED.build_policy(timeout=given).timeout == timeout


@pytest.mark.parametrize(
    ("limits", "given", "retry"),
    [
        (LIMITED, None, Retry(attempts=2)),
        (LIMITED, 1, Retry(attempts=1)),
        (LIMITED, 5, Retry(attempts=2)),
        (LIMITED, Retry(attempts=5, base=1), Retry(attempts=2, base=1)),
        (UNLIMITED, None, Retry()),
        (UNLIMITED, 5, Retry(attempts=5)),
    ],
)
def test_the_retry_of_a_call_has_no_more_attempts_than_its_client_was_given(limits, given, retry):
    """The rest of it replaces the client's."""
    assert limits.build_policy(retry=given).retry == retry

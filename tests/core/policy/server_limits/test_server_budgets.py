"""Rate-limit budgets in headers, and the spacing that keeps within them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from pandas_async_io._core.policy.server_limits.server_budgets import Budget, compute_spacing, read_budget

NOW = datetime(2019, 6, 3, 11, tzinfo=UTC).timestamp()
VECTORS = Path("../shared/data/headers.json")
CASES = json.loads(VECTORS.read_text())["rate_limit"] if VECTORS.exists() else []


@pytest.mark.parametrize(("headers", "expected"), CASES)
def test_fault_31_rate_limit_vectors(headers, expected):
    """Every form of rate-limit header is read as the vectors say, or ignored."""
    found = read_budget(headers, epoch=NOW)
    assert (found and {"remaining": found.remaining, "reset_in": found.reset_in}) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Content-Type": "text/html"}, None),
        ({"X-RateLimit-Limit": "60"}, None),
        ({"RateLimit": '"d";r=5', "RateLimit-Policy": '"d";q=100;w=60'}, Budget(5, 60, 100)),
        ({"RateLimit": '"d";r=5;t=3;pk=:cHM=:', "RateLimit-Policy": '"d";q=9;w=60'}, Budget(5, 3, 9)),
        ({"RateLimit": '"d";r=5;t=3', "RateLimit-Policy": "100;w"}, Budget(5, 3)),
        ({"RateLimit": '"a";r=-1;t=3, "b";r=2;t=4'}, Budget(2, 4)),
        ({"RateLimit": "remaining=?1"}, None),
        ({"RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "7"}, Budget(7, None, 100)),
        ({"X-RateLimit-Remaining": "598.0", "X-RateLimit-Reset": "123"}, Budget(598, 123)),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "1559559660.25"}, Budget(1, 60.25)),
        (
            {
                "X-RateLimit-Remaining": "1",
                "X-RateLimit-Reset": "1470173023",
                "X-RateLimit-Reset-After": "1.5",
            },
            Budget(1, 1.5),
        ),
        ({"x-rate-limit-remaining": "1", "x-rate-limit-reset": "1559559605"}, Budget(1, 5)),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}, Budget(0)),
        (
            {
                "x-ratelimit-remaining-requests": "60",
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "100",
                "x-ratelimit-limit-tokens": "150000",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            Budget(100, 360, 150000),
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2019-06-03T11:00:07Z",
                "anthropic-ratelimit-requests-limit": "50",
            },
            Budget(0, 7, 50),
        ),
        (
            {
                "X-HubSpot-RateLimit-Max": "100",
                "X-HubSpot-RateLimit-Remaining": "3",
                "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
                "X-HubSpot-RateLimit-Daily": "250000",
                "X-HubSpot-RateLimit-Daily-Remaining": "249000",
            },
            Budget(3, 10, 100),
        ),
        ({"X-Shopify-Shop-Api-Call-Limit": "32/40"}, Budget(8, None, 40)),
        ({"X-Shopify-Shop-Api-Call-Limit": "41/40"}, Budget(0, None, 40)),
        ({"Sforce-Limit-Info": "api-usage=18/5000"}, Budget(4982, None, 5000)),
        ({"Backoff": "10"}, Budget(0, 10)),
        ({"Backoff": "none"}, None),
        (
            {
                "X-RateLimit-Remaining": "9",
                "X-RateLimit-Reset": "1559559660",
                "Date": "Mon, 03 Jun 2019 10:59:00 GMT",
            },
            Budget(9, 120),
        ),
    ],
)
def test_fault_31_each_apis_own_headers_are_read(headers, expected):
    """The budget that runs out first counts."""
    assert read_budget(headers, epoch=NOW) == expected


def test_fault_70_a_given_date_replaces_both_clocks():
    """The caller may pass the server's clock."""
    headers = {"X-RateLimit-Remaining": "9", "X-RateLimit-Reset": "1559559660"}
    assert read_budget(headers, epoch=0.0, date="Mon, 03 Jun 2019 11:00:00 GMT") == Budget(9, 60)


def test_fault_38_of_two_spent_budgets_the_one_with_the_later_reset_counts():
    """After the earlier reset, the other would still refuse."""
    assert read_budget({"RateLimit": '"a";r=0;t=7, "b";r=0;t=70, "c";r=1;t=900'}, epoch=NOW) == Budget(0, 70)


SPENT_UNTIL = "Mon, 03 Jun 2019 11:00:07 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("RateLimit", '"a";r=0;t=7'), ("RateLimit", '"b";r=900;t=50')], Budget(0, 7)),
        ([("RateLimit", '"b";r=900;t=50'), ("ratelimit", '"a";r=0;t=7')], Budget(0, 7)),
        (
            [
                ("RateLimit", '"a";r=5'),
                ("RateLimit-Policy", '"a";q=100;w=60'),
                ("RateLimit-Policy", '"b";q=9;w=1'),
            ],
            Budget(5, 60, 100),
        ),
        (
            [("RateLimit", "limit=9, remaining=0, reset=7"), ("RateLimit", "limit=9, remaining=8, reset=1")],
            Budget(0, 7, 9),
        ),
        ([("RateLimit", "limit=9, reset=7"), ("RateLimit", "remaining=3")], Budget(3, 7, 9)),
        (
            [
                ("X-RateLimit-Limit", "10"),
                ("X-RateLimit-Remaining", "0"),
                ("X-RateLimit-Reset", "7"),
                ("X-RateLimit-Limit", "5000"),
                ("X-RateLimit-Remaining", "4999"),
                ("X-RateLimit-Reset", "3600"),
            ],
            Budget(0, 7, 10),
        ),
        ([("X-RateLimit-Remaining", "9"), ("X-RateLimit-Remaining", "2"), ("X-RateLimit-Reset", "7")], Budget(2, 7)),
        ([("X-RateLimit-Remaining", "9, 2"), ("X-RateLimit-Reset", "3, 7")], Budget(2, 7)),
        ([("X-RateLimit-Remaining", "9"), ("X-RateLimit-Remaining", "lots"), ("X-RateLimit-Reset", "7")], Budget(9, 7)),
        ([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", SPENT_UNTIL)], Budget(0, 7)),
        ([("Backoff", "3"), ("Backoff", "7")], Budget(0, 7)),
        ([("X-Shopify-Shop-Api-Call-Limit", "1/40"), ("X-Shopify-Shop-Api-Call-Limit", "38/40")], Budget(2, None, 40)),
        ([("Sforce-Limit-Info", "api-usage=18/5000; per-app-api-usage=249/250(appName=x)")], Budget(1, None, 250)),
    ],
)
def test_fault_38_lines_of_one_field_are_one_list(headers, expected):
    """Two proxies may each send a line; the budget that runs out first counts."""
    assert read_budget(CIMultiDictProxy(CIMultiDict(headers)), epoch=NOW) == expected


NAMES = st.sampled_from(
    """RateLimit RateLimit-Policy RateLimit-Remaining RateLimit-Reset X-RateLimit-Remaining X-RateLimit-Limit
    X-RateLimit-Reset X-Shopify-Shop-Api-Call-Limit Backoff Date""".split()  # noqa: SIM905 - a list is ten lines
)


@given(
    st.dictionaries(NAMES, st.text(alphabet='"ab;=rt0123456789,/.- \t²é:?@'), max_size=5),
    st.integers(0, 99),
)
def test_fault_33_malformed_limits_are_ignored(headers, in_flight):
    """No text raises, and no spacing is negative."""
    left = read_budget(headers, epoch=NOW)
    assert left is None or left.remaining >= 0
    assert compute_spacing(left, in_flight) >= 0


@pytest.mark.parametrize(
    ("left", "in_flight", "expected"),
    [
        (None, 8, 0),
        (Budget(50, 30, 100), 8, 0),
        (Budget(10, 30, 100), 5, 0),
        (Budget(9, 30, 100), 1, 30 / 9),
        (Budget(15, 30), 8, 2),
        (Budget(16, 30), 8, 0),
        (Budget(0, 30), 0, 30),
        (Budget(0.5, 30), 0, 30),
        (Budget(0, None, 40), 8, 1),
        (Budget(2, None, 40), 8, 0.5),
        (Budget(0, 0), 8, 0),
        (Budget(90, 86_400, 1_000), 8, 0),
    ],
)
def test_a_low_budget_spaces_the_starts(left, in_flight, expected):
    """It then lasts until its reset, unless that is so far away that the spacing would be too long."""
    assert compute_spacing(left, in_flight) == pytest.approx(expected)


def test_a_budget_that_suffices_for_the_rest_needs_no_spacing():
    """Fewer requests remain than the server will accept."""
    assert compute_spacing(Budget(499, 3000, 5000), 32, waiting=100) == 0
    assert compute_spacing(Budget(499, 3000, 5000), 32, waiting=1000) > 0

"""GraphQL cost limits: refused queries and the remaining budget."""

import pytest

from pandas_async_io._core.policy.server_limits.graphql_cost import read_cost_budget, read_throttle_delay
from pandas_async_io._core.policy.server_limits.server_budgets import Budget

THROTTLED = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}


def cost(requested, left, rate=50, most=1000):
    status = {"maximumAvailable": most, "currentlyAvailable": left, "restoreRate": rate}
    return {"cost": {"requestedQueryCost": requested, "throttleStatus": status}}


@pytest.mark.parametrize(
    ("payload", "delay"),
    [
        ({**THROTTLED, "extensions": cost(300, 100)}, 4.0),
        (THROTTLED, 0.0),
        ({"errors": [{"message": "x"}], "extensions": cost(300, 100)}, None),
        ({"data": 1}, None),
        ([], None),
    ],
)
def test_a_refused_query_waits_until_its_points_are_restored(payload, delay):
    """Another error names no delay."""
    assert read_throttle_delay(payload) == delay


@pytest.mark.parametrize("kind", ["RATE_LIMITED", "RATE_LIMIT"])
def test_githubs_rate_limit_in_a_200_is_a_refusal(kind):
    """The headers name the delay."""
    assert read_throttle_delay({"errors": [{"type": kind, "message": "API rate limit exceeded"}]}) == 0.0
    assert read_throttle_delay({"errors": [{"type": "NOT_FOUND"}, {"type": [kind]}, kind]}) is None


@pytest.mark.parametrize(
    ("extensions", "budget"),
    [
        (cost(10, 500), Budget(50.0, 10.0, 100.0)),
        (cost(None, 500), Budget(500.0, 10.0, 1000.0)),
        (cost(10, 500, rate=0), Budget(50.0, None, 100.0)),
        (cost(10, 0, most=0), None),
    ],
)
def test_a_cost_limit_is_a_budget_counted_in_queries(extensions, budget):
    """The points that are left, divided by the cost of this query."""
    assert read_cost_budget({"extensions": extensions}) == budget


def test_a_payload_without_cost_has_no_budget():
    """Most GraphQL servers name none."""
    assert read_cost_budget({"data": {}}) is None

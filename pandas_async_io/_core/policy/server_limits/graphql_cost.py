"""GraphQL servers that limit the cost of queries: Shopify's budget and GitHub's refusals."""

from __future__ import annotations

from typing import Any

from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.policy.server_limits.server_budgets import Budget

_THROTTLE_STATUS = "extensions.cost.throttleStatus"
_REQUESTED_COST = "extensions.cost.requestedQueryCost"
_REFUSAL_CODES = frozenset({"THROTTLED", "RATE_LIMITED", "RATE_LIMIT"})
"""Shopify's error code, and GitHub's old and new error type."""


def read_throttle_delay(payload: Any) -> float | None:
    """Return the seconds until a query that was refused for its cost may run; None if it was not refused.

    Examples
    --------
    >>> status = {"maximumAvailable": 1000, "currentlyAvailable": 20, "restoreRate": 50}
    >>> cost = {"requestedQueryCost": 120, "throttleStatus": status}
    >>> read_throttle_delay({"errors": [{"extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}})
    2.0
    """
    errors = payload.get("errors") if isinstance(payload, dict) else None
    listed = errors if isinstance(errors, list) else []
    codes = [find_value(error, path) for error in listed for path in ("extensions.code", "type")]
    if _REFUSAL_CODES.isdisjoint(code for code in codes if isinstance(code, str)):
        return None
    missing = _read_points(payload, _REQUESTED_COST) - _read_points(payload, f"{_THROTTLE_STATUS}.currentlyAvailable")
    return max(0.0, missing / (_read_points(payload, f"{_THROTTLE_STATUS}.restoreRate") or 1.0))


def read_cost_budget(payload: Any) -> Budget | None:
    """Return the rest of a cost limit as a budget, counted in queries of this cost.

    Examples
    --------
    >>> status = {"maximumAvailable": 1000, "currentlyAvailable": 100, "restoreRate": 50}
    >>> read_cost_budget({"extensions": {"cost": {"requestedQueryCost": 50, "throttleStatus": status}}})
    Budget(remaining=2.0, reset_in=18.0, limit=20.0)
    """
    if not isinstance(find_value(payload, _THROTTLE_STATUS), dict):
        return None
    limit, left, rate = (
        _read_points(payload, f"{_THROTTLE_STATUS}.{name}")
        for name in ("maximumAvailable", "currentlyAvailable", "restoreRate")
    )
    if not limit:
        return None
    cost = _read_points(payload, _REQUESTED_COST) or 1.0
    return Budget(left / cost, max(0.0, limit - left) / rate if rate else None, limit / cost)


def _read_points(payload: Any, path: str) -> float:
    """Return the number at a path; 0 if there is none."""
    value = find_value(payload, path)
    return float(value) if isinstance(value, int | float) and value >= 0 else 0.0

"""TODO."""

from __future__ import annotations

from typing import Any

from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.policy.server_budgets import Budget

_STATUS = "extensions.cost.throttleStatus"
_THROTTLED = frozenset({"THROTTLED", "RATE_LIMITED", "RATE_LIMIT"})
"""Shopify's code, and GitHub's types, the old and the new one."""


def read_throttle_delay(payload: Any) -> float | None:
    """Return the seconds after which a query that was refused for its cost fits; None if it was not.

    Examples
    --------
    >>> status = {"maximumAvailable": 1000, "currentlyAvailable": 20, "restoreRate": 50}
    >>> cost = {"requestedQueryCost": 120, "throttleStatus": status}
    >>> read_throttle_delay({"errors": [{"extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}})
    2.0
    """
    errors = payload.get("errors") if isinstance(payload, dict) else None
    listed = errors if isinstance(errors, list) else []
    codes = [find_value(error, where) for error in listed for where in ("extensions.code", "type")]
    if _THROTTLED.isdisjoint(code for code in codes if isinstance(code, str)):
        return None
    missing = _number(payload, "extensions.cost.requestedQueryCost") - _number(payload, f"{_STATUS}.currentlyAvailable")
    return max(0.0, missing / (_number(payload, f"{_STATUS}.restoreRate") or 1.0))


def read_cost_budget(payload: Any) -> Budget | None:
    """Return what is left of a server's cost limit, counted in queries like this one.

    Examples
    --------
    >>> status = {"maximumAvailable": 1000, "currentlyAvailable": 100, "restoreRate": 50}
    >>> read_cost_budget({"extensions": {"cost": {"requestedQueryCost": 50, "throttleStatus": status}}})
    Budget(remaining=2.0, reset_in=18.0, limit=20.0)
    """
    if not isinstance(find_value(payload, _STATUS), dict):
        return None
    most, left, rate = (
        _number(payload, f"{_STATUS}.{name}") for name in ("maximumAvailable", "currentlyAvailable", "restoreRate")
    )
    cost = _number(payload, "extensions.cost.requestedQueryCost") or 1.0
    return Budget(left / cost, max(0.0, most - left) / rate if rate else None, most / cost) if most else None


def _number(payload: Any, path: str) -> float:
    value = find_value(payload, path)
    return float(value) if isinstance(value, int | float) and value >= 0 else 0.0

"""TODO."""

from __future__ import annotations

from typing import Any

from pandas_async_io._core.errors import PayloadError
from pandas_async_io._core.policy.graphql_cost import read_throttle_delay
from pandas_async_io._core.words import line


def refusal(payload: Any) -> PayloadError | None:
    """Return the error that a 200 is; None if it is an answer.

    Examples
    --------
    >>> print(refusal({"data": None, "errors": [{"message": "no such user", "path": ["user", "name"]}]}))
    GraphQL: no such user (at user.name)
    >>> refusal({"data": {"user": None}})
    """
    errors = payload.get("errors") if isinstance(payload, dict) else None
    if not errors:
        return None
    listed = errors if isinstance(errors, list) else [errors]
    said = "; ".join(map(_said, listed[:3])) + (f"; and {len(listed) - 3} more" if len(listed) > 3 else "")
    asked = read_throttle_delay(payload)
    return PayloadError(f"GraphQL: {said}", passing=asked is not None, asked=asked)


def _said(error: Any) -> str:
    if not isinstance(error, dict):
        return line(str(error))
    way = error.get("path")
    at = f" (at {'.'.join(map(str, way))})" if isinstance(way, list) and way else ""
    return f"{line(str(error.get('message', error)))}{at}"

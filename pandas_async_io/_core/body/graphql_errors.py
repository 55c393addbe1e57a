"""The error in the body of a GraphQL response with status 200."""

from __future__ import annotations

from typing import Any

from pandas_async_io._core.errors import PayloadError
from pandas_async_io._core.policy.server_limits.graphql_cost import read_throttle_delay
from pandas_async_io._core.security.secrets import redact_line

_SHOWN_ERRORS = 3


def graphql_error(payload: Any) -> PayloadError | None:
    """Return the error that a GraphQL response reports; None if it reports none.

    Examples
    --------
    >>> print(graphql_error({"data": None, "errors": [{"message": "no such user", "path": ["user", "name"]}]}))
    GraphQL: no such user (at user.name)
    >>> graphql_error({"data": {"user": None}})
    """
    errors = payload.get("errors") if isinstance(payload, dict) else None
    if not errors:
        return None
    listed = errors if isinstance(errors, list) else [errors]
    message = "; ".join(map(_describe_error, listed[:_SHOWN_ERRORS]))
    if len(listed) > _SHOWN_ERRORS:
        message += f"; and {len(listed) - _SHOWN_ERRORS} more"
    retry_after = read_throttle_delay(payload)
    return PayloadError(f"GraphQL: {message}", transient=retry_after is not None, retry_after=retry_after)


def _describe_error(error: Any) -> str:
    if not isinstance(error, dict):
        return redact_line(str(error))
    path = error.get("path")
    at = f" (at {'.'.join(map(str, path))})" if isinstance(path, list) and path else ""
    return f"{redact_line(str(error.get('message', error)))}{at}"

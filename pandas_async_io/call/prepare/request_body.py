"""The body that the options of a call give: ``json=`` as it is, or a GraphQL query."""

from __future__ import annotations

from collections.abc import Mapping
from json import loads
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import FetchWarning, PlanError
from pandas_async_io._core.request.cell_values.values import check_nesting
from pandas_async_io._core.request.graphql import GraphQL
from pandas_async_io._core.request.request_template import check_method
from pandas_async_io._core.words import show_value
from pandas_async_io.call.stack_level import warn_user

if TYPE_CHECKING:
    from pandas_async_io.options import FetchOptions, ReadOptions


def find_query(options: FetchOptions | ReadOptions) -> GraphQL | None:
    """Return the GraphQL query that a call posts, if it is one."""
    return options.json if isinstance(options.json, GraphQL) else None


def get_request_body(options: FetchOptions | ReadOptions) -> Any:
    """Return the JSON body of a call; a GraphQL query is a whole body."""
    query = find_query(options)
    return options.json if query is None else query.json


def check_request_body(options: FetchOptions | ReadOptions) -> None:
    """Refuse a JSON body that cannot be sent, and warn of one that is encoded twice. Once per call."""
    json = options.json
    if isinstance(json, GraphQL):
        if options.method is not None and check_method(options.method) != "POST":
            raise PlanError(f"method={show_value(options.method)}: a query of graphql() is posted, leave method= out")
        return
    check_nesting(json)
    if isinstance(json, str) and _is_json_text(json):
        text = "json= is a str that holds JSON, and is sent as one text in quotes: pass the dict or the list itself"
        warn_user(FetchWarning(text))
    parts = json.values() if isinstance(json, Mapping) else json if isinstance(json, list | tuple) else ()
    if any(isinstance(part, GraphQL) for part in parts):
        raise PlanError("graphql() is a whole body: pass json=graphql(…) by itself, one query per request")


def _is_json_text(text: str) -> bool:
    """Whether a text is a JSON object or list."""
    try:
        return isinstance(loads(text), dict | list)
    except (ValueError, RecursionError):
        return False

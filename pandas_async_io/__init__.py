"""Rows become concurrent HTTP requests, answers become columns.

Importing registers ``df.aio``, ``s.aio``, ``pd.read_api`` and ``pd.read_api_async``.
"""

from __future__ import annotations

import warnings as _warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pandas_async_io import accessor as _accessor
from pandas_async_io import reader as _reader
from pandas_async_io._core.errors import (
    ApiError,
    FetchError,
    FetchWarning,
    PlanError,
    PortalError,
    TemplateError,
    UnknownFieldError,
)
from pandas_async_io.accessor import aio
from pandas_async_io.reader import read_api, read_api_async

if TYPE_CHECKING:
    from pandas_async_io import demo
    from pandas_async_io._core.auth import api_key as ApiKey  # noqa: N812 - reads as the value that it makes
    from pandas_async_io._core.auth import basic as Basic  # noqa: N812 - as above
    from pandas_async_io._core.auth import bearer as Bearer  # noqa: N812 - as above
    from pandas_async_io._core.graphql import graphql
    from pandas_async_io._core.limits import Rate
    from pandas_async_io._core.models import Outcome, Page, Request, Response
    from pandas_async_io._core.numbered import Offset, PageNumber
    from pandas_async_io._core.pages import Cursor, GraphQLCursor, LinkHeader, NextUrl
    from pandas_async_io._core.plan import Plan
    from pandas_async_io._core.poll import Poll
    from pandas_async_io._core.report import Report
    from pandas_async_io._core.retry import Retry
    from pandas_async_io.client import Client
    from pandas_async_io.future import FrameFuture

__version__ = "0.1.0"

_LATER = {
    "ApiKey": ("_core.auth", "api_key"),
    "Basic": ("_core.auth", "basic"),
    "Bearer": ("_core.auth", "bearer"),
    "Client": ("client", "Client"),
    "Cursor": ("_core.pages", "Cursor"),
    "FrameFuture": ("future", "FrameFuture"),
    "GraphQLCursor": ("_core.pages", "GraphQLCursor"),
    "LinkHeader": ("_core.pages", "LinkHeader"),
    "NextUrl": ("_core.pages", "NextUrl"),
    "Offset": ("_core.numbered", "Offset"),
    "Outcome": ("_core.models", "Outcome"),
    "Page": ("_core.models", "Page"),
    "PageNumber": ("_core.numbered", "PageNumber"),
    "Plan": ("_core.plan", "Plan"),
    "Poll": ("_core.poll", "Poll"),
    "Rate": ("_core.limits", "Rate"),
    "Report": ("_core.report", "Report"),
    "Request": ("_core.models", "Request"),
    "Response": ("_core.models", "Response"),
    "Retry": ("_core.retry", "Retry"),
    "demo": ("demo", None),
    "graphql": ("_core.graphql", "graphql"),
}
"""What is imported when it is first asked for: ``import pandas_async_io`` costs a script next to nothing."""

__all__ = [
    "ApiError",
    "ApiKey",
    "Basic",
    "Bearer",
    "Client",
    "Cursor",
    "FetchError",
    "FetchWarning",
    "FrameFuture",
    "GraphQLCursor",
    "LinkHeader",
    "NextUrl",
    "Offset",
    "Outcome",
    "Page",
    "PageNumber",
    "Plan",
    "PlanError",
    "Poll",
    "PortalError",
    "Rate",
    "Report",
    "Request",
    "Response",
    "Retry",
    "TemplateError",
    "UnknownFieldError",
    "aio",
    "demo",
    "graphql",
    "read_api",
    "read_api_async",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LATER[name]
    found = import_module(f"{__name__}.{module}")
    return found if attribute is None else getattr(found, attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER])


_accessor.register()
_reader.register()
# Each call warns of its own failures: "once for each place" would be silent from a loop's second chunk on.
_warnings.filterwarnings("always", category=FetchWarning, append=True)

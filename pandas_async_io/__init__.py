"""Turn the rows of a DataFrame into concurrent HTTP requests, and the responses into columns.

Importing this package registers ``df.aio``, ``s.aio``, ``pd.read_api``, ``pd.read_api_async`` and
``pd.read_api_to_parquet``.
"""

from __future__ import annotations

import warnings as _warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pandas_async_io import accessor as _accessor
from pandas_async_io import reader as _reader
from pandas_async_io._core.errors import (
    ApiError,
    DriftError,
    FetchError,
    FetchWarning,
    HintWarning,
    PlanError,
    PortalError,
    TemplateError,
    UnknownFieldError,
)
from pandas_async_io.accessor import aio
from pandas_async_io.look import look
from pandas_async_io.reader import read_api, read_api_async, read_api_to_parquet

if TYPE_CHECKING:
    from pandas_async_io import demo
    from pandas_async_io._core.models import Outcome, Page, Request, Response
    from pandas_async_io._core.policy.retries.retry_options import Retry
    from pandas_async_io._core.policy.throttling.rate import Rate
    from pandas_async_io._core.report import events
    from pandas_async_io._core.report.report import Report
    from pandas_async_io._core.request.credentials import api_key as ApiKey  # noqa: N812 - users write paio.ApiKey(…), as for the other values
    from pandas_async_io._core.request.credentials import basic as Basic  # noqa: N812 - users write it as a class
    from pandas_async_io._core.request.credentials import bearer as Bearer  # noqa: N812 - users write it as a class
    from pandas_async_io._core.request.dry_run import Plan
    from pandas_async_io._core.request.graphql import graphql
    from pandas_async_io._core.workflow.jobs.poll import Poll
    from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor, GraphQLCursor
    from pandas_async_io._core.workflow.paging.paginators.next_url import LinkHeader, NextUrl
    from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber
    from pandas_async_io._io.environment import env
    from pandas_async_io._io.storage.store import Store
    from pandas_async_io._io.telemetry import OpenTelemetry
    from pandas_async_io.call.stream.chunks import FrameChunks
    from pandas_async_io.call.stream.parquet_parts import ParquetParts
    from pandas_async_io.client import Client
    from pandas_async_io.future import FrameFuture

__version__ = "0.2.0"

_LAZY_NAMES = {
    "ApiKey": ("_core.request.credentials", "api_key"),
    "Basic": ("_core.request.credentials", "basic"),
    "Bearer": ("_core.request.credentials", "bearer"),
    "Client": ("client", "Client"),
    "Cursor": ("_core.workflow.paging.paginators.cursor", "Cursor"),
    "FrameChunks": ("call.stream.chunks", "FrameChunks"),
    "FrameFuture": ("future", "FrameFuture"),
    "GraphQLCursor": ("_core.workflow.paging.paginators.cursor", "GraphQLCursor"),
    "LinkHeader": ("_core.workflow.paging.paginators.next_url", "LinkHeader"),
    "NextUrl": ("_core.workflow.paging.paginators.next_url", "NextUrl"),
    "Offset": ("_core.workflow.paging.paginators.page_number", "Offset"),
    "OpenTelemetry": ("_io.telemetry", "OpenTelemetry"),
    "Outcome": ("_core.models", "Outcome"),
    "Page": ("_core.models", "Page"),
    "PageNumber": ("_core.workflow.paging.paginators.page_number", "PageNumber"),
    "ParquetParts": ("call.stream.parquet_parts", "ParquetParts"),
    "Plan": ("_core.request.dry_run", "Plan"),
    "Poll": ("_core.workflow.jobs.poll", "Poll"),
    "Rate": ("_core.policy.throttling.rate", "Rate"),
    "Report": ("_core.report.report", "Report"),
    "Request": ("_core.models", "Request"),
    "Response": ("_core.body.decode", "Response"),
    "Store": ("_io.storage.store", "Store"),
    "Retry": ("_core.policy.retries.retry_options", "Retry"),
    "demo": ("demo", None),
    "events": ("_core.report.events", None),
    "env": ("_io.environment", "env"),
    "graphql": ("_core.request.graphql", "graphql"),
}
"""Public names that are imported at first use, so that ``import pandas_async_io`` stays fast: (module, name)."""

__all__ = [
    "ApiError",
    "ApiKey",
    "Basic",
    "Bearer",
    "Client",
    "Cursor",
    "DriftError",
    "FetchError",
    "FetchWarning",
    "FrameChunks",
    "FrameFuture",
    "GraphQLCursor",
    "HintWarning",
    "LinkHeader",
    "NextUrl",
    "Offset",
    "OpenTelemetry",
    "Outcome",
    "Page",
    "PageNumber",
    "ParquetParts",
    "Plan",
    "PlanError",
    "Poll",
    "PortalError",
    "Rate",
    "Report",
    "Request",
    "Response",
    "Retry",
    "Store",
    "TemplateError",
    "UnknownFieldError",
    "aio",
    "demo",
    "env",
    "events",
    "graphql",
    "look",
    "read_api",
    "read_api_async",
    "read_api_to_parquet",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY_NAMES[name]
    found = import_module(f"{__name__}.{module}")
    return found if attribute is None else getattr(found, attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY_NAMES])


_accessor.register()
_reader.register()
# Python shows a warning once per line; every call must warn of its own rows, also in a loop.
_warnings.filterwarnings("always", category=FetchWarning, append=True)
_warnings.filterwarnings("always", category=HintWarning, append=True)

"""TODO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pandas_async_io._core.models import Request, Response
    from pandas_async_io._core.policy.rate import Rate
    from pandas_async_io._core.policy.retry_options import Retry

    Send = Callable[[Request, float], Awaitable[Response]]
    Decode = Callable[[Response], Any]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a call behaves; the same for all of its requests."""

    concurrency: int
    adaptive: bool
    rates: Sequence[Rate]
    retry: Retry
    timeout: float
    repeatable: bool = False
    """Whether each request may be repeated, whatever its method."""

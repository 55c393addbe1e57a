"""How the requests of one call behave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.policy.rate import Rate
    from pandas_async_io._core.policy.retry_options import Retry


@dataclass(frozen=True, slots=True)
class Policy:
    """How a call behaves; the same for all of its requests.

    Attributes
    ----------
    concurrency : int
        Requests in flight, at most.
    adaptive : bool
        Whether fewer may be in flight, as the server's responses suggest.
    rates : sequence of Rate
        Rates that all apply.
    retry : Retry
        When a failed request is repeated.
    timeout : float
        Seconds that an attempt may take.
    repeatable : bool
        Whether each request may be repeated whatever its method.
    """

    concurrency: int
    adaptive: bool
    rates: Sequence[Rate]
    retry: Retry
    timeout: float
    repeatable: bool = False

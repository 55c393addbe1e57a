"""How the requests of one call behave, within the limits of its client."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import as_integer, check_positive_seconds
from pandas_async_io._core.policy.retries.retry_options import parse_retry
from pandas_async_io._core.policy.throttling.rate import parse_rates
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.policy.retries.retry_options import Retry
    from pandas_async_io._core.policy.throttling.rate import Rate

_DEFAULT_CONCURRENCY = 32
_MAX_ADAPTIVE_CONCURRENCY = 256
_DEFAULT_TIMEOUT_SECONDS = 30.0


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


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """The limits that a client was given. A call may only be stricter; a default sets no ceiling.

    Attributes
    ----------
    concurrency : int or None
        Requests in flight to one origin; None sets no ceiling.
    rates : tuple of Rate
        Rates that all apply.
    retry : Retry or None
        When a failed request is repeated. A call's own replaces it, with no more attempts than this one has; None sets
        no ceiling.
    timeout : float or None
        Seconds that an attempt may take; None sets no ceiling.
    """

    concurrency: int | None
    rates: tuple[Rate, ...]
    retry: Retry | None
    timeout: float | None

    @classmethod
    def parse(
        cls,
        *,
        concurrency: int | str | None,
        rate: str | Rate | Sequence[str | Rate] | None,
        retry: Retry | int | None,
        timeout: float | None,
    ) -> Self:
        """Parse the options of a client.

        Raises
        ------
        PlanError
            An option is out of its range.
        """
        if isinstance(concurrency, str) and concurrency == "auto":
            raise PlanError("a client's concurrency= is a ceiling: a number; pass concurrency='auto' to the call")
        ceiling = None if concurrency is None else _parse_concurrency(concurrency)
        return cls(
            ceiling,
            parse_rates(rate),
            None if retry is None else parse_retry(retry),
            None if timeout is None else check_positive_seconds("timeout", timeout),
        )

    def build_policy(
        self,
        *,
        concurrency: int | str | None = None,
        rate: str | Rate | Sequence[str | Rate] | None = None,
        retry: Retry | int | None = None,
        timeout: float | None = None,
    ) -> Policy:
        """Return the policy of a call: its options, within these limits.

        Raises
        ------
        PlanError
            An option is out of its range.

        Examples
        --------
        >>> limits = ClientLimits.parse(concurrency=8, rate=None, retry=None, timeout=None)
        >>> [limits.build_policy(concurrency=asked).concurrency for asked in (None, 4, 100)]
        [8, 4, 8]
        >>> [limits.build_policy(timeout=asked).timeout for asked in (None, 120)]
        [30.0, 120.0]
        """
        adaptive = isinstance(concurrency, str) and concurrency == "auto"  # an array compares element by element
        if adaptive:
            wanted = _MAX_ADAPTIVE_CONCURRENCY
        elif concurrency is None:
            wanted = self.concurrency or _DEFAULT_CONCURRENCY
        else:
            wanted = _parse_concurrency(concurrency, ", or 'auto'")
        return Policy(
            concurrency=wanted if self.concurrency is None else min(wanted, self.concurrency),
            adaptive=adaptive,
            rates=tuple(dict.fromkeys([*self.rates, *parse_rates(rate)])),
            retry=self._limit_retry(retry),
            timeout=self._limit_timeout(timeout),
        )

    def _limit_retry(self, asked: Retry | int | None) -> Retry:
        if asked is None:
            return self.retry or parse_retry(None)
        retry = parse_retry(asked)
        if self.retry is None or retry.attempts <= self.retry.attempts:
            return retry
        return replace(retry, attempts=self.retry.attempts)

    def _limit_timeout(self, asked: float | None) -> float:
        if asked is None:
            return self.timeout or _DEFAULT_TIMEOUT_SECONDS
        seconds = check_positive_seconds("timeout", asked)
        return seconds if self.timeout is None else min(seconds, self.timeout)


def _parse_concurrency(value: int | str, otherwise: str = "") -> int:
    """Return a number of requests; `otherwise` names what else the option may be."""
    found = as_integer(value)
    if found is None or found < 1:
        raise PlanError(f"concurrency={show_value(value)} is not a number of requests: 1 or more{otherwise}")
    return found

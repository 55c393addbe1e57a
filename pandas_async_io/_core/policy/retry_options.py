"""The option ``retry``: its fields, their defaults and their ranges."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import as_integer, as_number
from pandas_async_io._core.policy.retry_predicate import RetryPredicate, is_predicate

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token (RFC 9110, 5.6.2)."""

_NUMBERS_FROM_ZERO = ("base", "throttle_base", "cap", "max_wait", "budget")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When a failed request is sent again.

    Parameters
    ----------
    attempts : int
        Attempts per row, the first included. 1 repeats nothing, not even a refusal by a rate limit.
    statuses : collection of int
        Statuses that are repeated. A server's own header (``Stripe-Should-Retry``) takes precedence.
    methods : collection of str
        Methods that may be repeated after the server may have received the request.
    base, throttle_base : float
        Longest first delay in seconds: after a failure, after a refusal. It doubles with each retry.
    cap : float
        Longest delay in seconds, unless the server asks for more.
    max_wait : float
        Longest delay in seconds that a server may ask for. Above it, the row ends as ``rate_limited_too_long``.
    when : callable or None
        ``when(response, error)`` is called first, for successes too. True repeats, False does not, None applies
        the other rules. ``attempts`` and ``methods`` apply in every case.
    idempotency_key : str or None
        Name of a header that carries a fresh key per row, so that every method may be repeated.
    budget : float
        Retries as a share of the requests sent. A small run may repeat 10, or as many as are in flight at once.
        0 repeats nothing. Retries after a refusal are not counted.

    Raises
    ------
    PlanError
        A value is out of its range.
    """

    attempts: int = 3
    statuses: Collection[int] = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
    methods: Collection[str] = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
    base: float = 0.1
    throttle_base: float = 1.0
    cap: float = 20.0
    max_wait: float = 300.0
    when: RetryPredicate | None = None
    idempotency_key: str | None = None
    budget: float = 0.2

    def __post_init__(self) -> None:
        attempts = as_integer(self.attempts)
        if attempts is None or attempts < 1:
            raise PlanError(
                f"Retry: attempts={self.attempts!r} must be a whole number from 1: it counts the first attempt."
            )
        object.__setattr__(self, "attempts", attempts)
        for name in _NUMBERS_FROM_ZERO:
            number = as_number(getattr(self, name))
            if number is None or number < 0:
                raise PlanError(f"Retry: {name}={getattr(self, name)!r} must be a finite number from 0.")
            object.__setattr__(self, name, number)
        object.__setattr__(self, "statuses", frozenset(_read_members("statuses", self.statuses, int)))
        object.__setattr__(self, "methods", frozenset(map(str.upper, _read_members("methods", self.methods, str))))
        if self.when is not None and not is_predicate(self.when):
            raise PlanError(
                f"Retry: when={self.when!r} must be a function of a response and an error, not a coroutine."
            )
        key = self.idempotency_key
        if key is not None and not (isinstance(key, str) and _HEADER_NAME.fullmatch(key)):
            raise PlanError(f"Retry: idempotency_key={key!r} must be the name of a header.")


def parse_retry(value: Retry | int | None) -> Retry:
    """Return the option ``retry`` as a `Retry`; a number counts attempts, the first included.

    Raises
    ------
    PlanError
        The value is neither a `Retry` nor a number of attempts.

    Examples
    --------
    >>> parse_retry(1).attempts, parse_retry(None).attempts
    (1, 3)
    """
    if value is None:
        return Retry()
    return value if isinstance(value, Retry) else Retry(attempts=value)


def _read_members(name: str, values: object, kind: type) -> list[Any]:
    if isinstance(values, Collection) and not isinstance(values, str | bytes):
        members = [as_integer(value) if kind is int else value for value in values]
        if all(isinstance(member, kind) for member in members):
            return members
    raise PlanError(f"Retry: {name}={values!r} must be a collection of {kind.__name__}.")

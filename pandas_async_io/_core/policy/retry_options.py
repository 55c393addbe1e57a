"""TODO."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import as_integer, as_number
from pandas_async_io._core.policy.retry_predicate import RetryPredicate, is_predicate

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def parse_retry(value: Retry | int | None) -> Retry:
    """Return what the option ``retry`` says: a number counts attempts, the first included.

    Raises
    ------
    PlanError
        It is neither.

    Examples
    --------
    >>> parse_retry(1).attempts, parse_retry(None).attempts
    (1, 3)
    """
    if value is None:
        return Retry()
    return value if isinstance(value, Retry) else Retry(attempts=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When a failed request is sent again.

    Parameters
    ----------
    attempts : int
        The first included; 1 never repeats anything, not even what a rate limit refused.
    statuses : collection of int
        Answers that are worth another attempt; what the server says itself (``Stripe-Should-Retry``) goes before.
    methods : collection of str
        Methods that may be repeated after the server may have received them.
    base, throttle_base : float
        Seconds that the first delay is at most: after a failure, after a refusal. They double each time.
    cap : float
        Seconds that no delay of our own exceeds.
    max_wait : float
        Seconds that a server may ask for; beyond, the row ends as ``rate_limited_too_long``.
    when : callable or None
        ``when(response, error)``, asked first, also about what is fine: True is worth another attempt, False
        is not, None leaves it to the rules. ``attempts`` and ``methods`` hold all the same.
    idempotency_key : str or None
        Name of a header that carries a fresh key per row, so that every method may be repeated.
    budget : float
        Retries stay within this share of the requests sent, but a small run may repeat 10, or as many as are
        in flight at once; 0 repeats nothing. What a rate limit refused is not counted.

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
            raise PlanError(f"Retry: attempts={self.attempts!r} counts the first: a whole number from 1.")
        object.__setattr__(self, "attempts", attempts)
        for name in ("base", "throttle_base", "cap", "max_wait", "budget"):
            number = as_number(getattr(self, name))
            if number is None or number < 0:
                raise PlanError(f"Retry: {name}={getattr(self, name)!r} is a finite number from 0.")
            object.__setattr__(self, name, number)
        object.__setattr__(self, "statuses", frozenset(_members("statuses", self.statuses, int)))
        object.__setattr__(self, "methods", frozenset(map(str.upper, _members("methods", self.methods, str))))
        if self.when is not None and not is_predicate(self.when):
            text = "is called with a response and an error; it is no function that must be awaited"
            raise PlanError(f"Retry: when={self.when!r} {text}.")
        key = self.idempotency_key
        if key is not None and not (isinstance(key, str) and _TOKEN.fullmatch(key)):
            raise PlanError(f"Retry: idempotency_key={key!r} is the name of a header.")


def _members(name: str, several: object, kind: type) -> list[Any]:
    if isinstance(several, Collection) and not isinstance(several, str | bytes):
        members = [as_integer(one) if kind is int else one for one in several]
        if all(isinstance(one, kind) for one in members):
            return members
    raise PlanError(f"Retry: {name}={several!r} is a collection of {kind.__name__}.")

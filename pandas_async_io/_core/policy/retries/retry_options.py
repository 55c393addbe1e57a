"""The option ``retry``: its fields, their defaults and their ranges."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import as_integer, as_number, as_seconds, describe_wrong_type
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.option_values import list_members
from pandas_async_io._core.policy.predicate import compile_predicate
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Collection

    from pandas_async_io._core.policy.predicate import Condition, Predicate

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token (RFC 9110, 5.6.2)."""

_MAX_RETRY_SHARE = 1e8
_MAX_SECONDS = 86_400.0
"""A day: no delay is longer."""

_NUMBERS_FROM_ZERO = ("base", "throttle_base", "cap", "max_wait", "budget", "patience")


@explains_names
@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When a failed request is sent again.

    Parameters
    ----------
    attempts : int
        Attempts per row, the first included. 1 repeats nothing, not even a refusal by a rate limit.
    statuses : collection of int
        Statuses that are repeated. A server's own header (``Stripe-Should-Retry``) takes precedence. A success named
        here, as 202 for an answer that is not ready, is repeated too, and fails its row after the last attempt.
    methods : collection of str
        Methods that may be repeated after the server may have received the request.
    base, throttle_base : float
        Longest first delay in seconds: after a failure, after a refusal. It doubles with each retry.
    cap : float
        Longest delay in seconds, unless the server asks for more.
    max_wait : float
        Longest delay in seconds that a server may ask for. Above it, the row ends as ``rate_limited_too_long``.
    when : collection of int, path or callable, optional
        Which answers are repeated, successes too: statuses, a path whose value is not null, false, 0 or empty, or a
        function of the `Response`, of which True repeats, False does not, and None applies the other rules. A function
        of two arguments takes the response and the error, either of which may be None. It is asked first, after
        ``empty_when``. ``attempts`` and ``methods`` apply in every case.
    idempotency_key : str or None
        Name of a header that carries a fresh key per row, so that every method may be repeated.
    budget : float
        Repeats as a share of the fresh requests, while some remain; then repeats take at most half of ``concurrency``.
        It orders requests and ends no row: with 0, repeats wait until all rows were sent once. Repeats after a refusal
        are not counted.
    patience : float
        Seconds since its first failure for which a row is not given up: the delay before its last attempt is stretched
        to them. Not in a run that has had no answer below 500, nor with ``attempts=1``.

    Raises
    ------
    PlanError
        A value is out of its range.
    """

    attempts: int = 4
    statuses: Collection[int] = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
    methods: Collection[str] = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
    base: float = 0.1
    throttle_base: float = 1.0
    cap: float = 20.0
    max_wait: float = 300.0
    when: Condition | None = None
    idempotency_key: str | None = None
    budget: float = 0.2
    patience: float = 5.0
    condition: Predicate | None = field(default=None, init=False, repr=False, compare=False)
    """What ``when`` was compiled to."""

    def __post_init__(self) -> None:
        attempts = as_integer(self.attempts)
        if attempts is None or attempts < 1:
            raise PlanError(
                f"Retry: attempts={show_value(self.attempts)} must be a whole number from 1: "
                "it counts the first attempt."
            )
        object.__setattr__(self, "attempts", attempts)
        for name in _NUMBERS_FROM_ZERO:
            read = as_number if name == "budget" else as_seconds
            number = read(getattr(self, name))
            highest = _MAX_RETRY_SHARE if name == "budget" else _MAX_SECONDS
            if number is None or not 0 <= number <= highest:
                text = f"Retry: {name}={show_value(getattr(self, name))} must be a finite number from 0"
                raise PlanError(f"{text}, and at most {highest:g}.")
            object.__setattr__(self, name, number)
        object.__setattr__(self, "statuses", frozenset(_read_statuses(self.statuses)))
        object.__setattr__(self, "methods", frozenset(_read_methods(self.methods)))
        if self.when is not None:
            when = compile_predicate("Retry: when", self.when, may_take_error=True)
            object.__setattr__(self, "condition", when)
        key = self.idempotency_key
        if key is not None and not (isinstance(key, str) and _TOKEN.fullmatch(key)):
            raise PlanError(f"Retry: idempotency_key={show_value(key)} must be the name of a header.")

    def accepts(self, status: int) -> bool:
        """Whether a status is a success, and not one of those that are repeated.

        Examples
        --------
        >>> [Retry(statuses=[202, 503]).accepts(status) for status in (200, 202, 404)]
        [True, False, False]
        """
        return 200 <= status < 300 and status not in self.statuses


def parse_retry(value: Retry | int | None) -> Retry:
    """Return the option ``retry`` as a `Retry`; a number counts attempts, the first included.

    Raises
    ------
    PlanError
        The value is neither a `Retry` nor a number of attempts.

    Examples
    --------
    >>> parse_retry(1).attempts, parse_retry(None).attempts
    (1, 4)
    """
    if value is None:
        return _DEFAULT_RETRY
    if isinstance(value, Retry):
        return value
    attempts = as_integer(value)
    if attempts is None or attempts < 1:
        given = f"retry={show_value(value)}"
        raise PlanError(f"{given}: pass a Retry, or the number of attempts, from 1{describe_wrong_type(value)}")
    return Retry(attempts=attempts)


def _read_statuses(statuses: object) -> list[int]:
    members = [as_integer(status) for status in list_members(statuses) or ()]
    found = [status for status in members if status is not None and 100 <= status <= 999]
    if list_members(statuses) is None or len(found) != len(members):
        raise PlanError(f"Retry: statuses={show_value(statuses)} must be a collection of int from 100 to 999.")
    return found


def _read_methods(methods: object) -> list[str]:
    members = list_members(methods)
    if members is None or not all(isinstance(method, str) and _TOKEN.fullmatch(method) for method in members):
        raise PlanError(f"Retry: methods={show_value(methods)} must be a collection of str, as 'POST'.")
    return [method.upper() for method in members]


_DEFAULT_RETRY = Retry()

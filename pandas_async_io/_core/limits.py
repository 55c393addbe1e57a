"""Limits: how often a request may start, and what spares a server that struggles.

The state machines take their clock as an argument: seconds of one that never jumps.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numeric import number_of, whole_of
from pandas_async_io._core.waits import SECONDS

GRAMMAR = (
    'a rate is "count/unit" or "count/n unit", as in "20/s", "500/h", "100/15min" or "1000/day", '
    "a number per second, a Rate, or a list of them"
)

_FORM = re.compile(
    r"([0-9]+(?:\.[0-9]+)?) ?/ ?([0-9]+(?:\.[0-9]+)?)? ?"
    r"(?:(ms)|(s)(?:ec(?:ond)?s?)?|(m)(?:in(?:ute)?s?)?|(h)(?:r|ours?)?|(d)(?:ays?)?)"
)

PROBES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each probe of an origin that fails."""

_OPENS_AT = 5
_DEAD_AFTER = 30.0
_PROBE_LOST = 15.0
_ASK_AGAIN = 0.25

_VAIN = frozenset({0, 401, 403})
_OTHER = -1


def rates(value: str | float | Rate | Sequence[str | float | Rate] | None) -> tuple[Rate, ...]:
    """Return what the option ``rate`` says, each of which is to be kept.

    Parameters
    ----------
    value : str, number, Rate, a sequence of them, or None
        A bare number counts starts per second.

    Raises
    ------
    PlanError
        It is none of these.

    Examples
    --------
    >>> [(r.count, r.per) for r in rates(["20/s", "500/h"])]
    [(20.0, 1.0), (500.0, 3600.0)]
    """
    if value is None:
        return ()
    if isinstance(value, Rate):
        return (value,)
    if isinstance(value, str):
        return (Rate.parse(value),)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return tuple(rate for one in value for rate in rates(one))
    count = number_of(value)
    if count is None:
        raise PlanError(f"rate={value!r}: {GRAMMAR}.")
    return (Rate(count),)


_LAWS: dict[str, tuple[Callable[[Any], float | None], Callable[[float], bool], str]] = {
    "count": (number_of, lambda count: count > 0, "a positive, finite number"),
    "per": (number_of, lambda per: per > 0, "a positive, finite number of seconds"),
    "burst": (whole_of, lambda burst: burst >= 1, "a whole number from 1"),
    "margin": (number_of, lambda margin: 0 <= margin < 1, "a share of the rate, from 0 to below 1"),
    "cost": (number_of, lambda cost: cost > 0, "what one request counts, a positive, finite number"),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` starts in ``per`` seconds, evenly spaced.

    Parameters
    ----------
    count : float
        Starts that the API allows.
    per : float
        In so many seconds.
    burst : int
        Starts that may follow each other at once after a silence.
    margin : float
        The share of the rate that is left unused: the network moves requests
        closer together than they were sent.
    cost : float
        What one request counts, where the API counts points.

    Raises
    ------
    PlanError
        A value is out of its range.
    """

    count: float
    per: float = 1.0
    burst: int = 1
    margin: float = 0.1
    cost: float = 1.0

    def __post_init__(self) -> None:
        for name, (read, fits, meant) in _LAWS.items():
            number = read(getattr(self, name))
            if number is None or not fits(number):
                raise PlanError(f"{self}: {name} is {meant}.")
            object.__setattr__(self, name, number)

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read ``"20/s"`` and its kin.

        Raises
        ------
        PlanError
            The text is no rate; the message shows the grammar.

        Examples
        --------
        >>> Rate.parse("100/15min")
        Rate(count=100.0, per=900.0, burst=1, margin=0.1, cost=1.0)
        """
        found = _FORM.fullmatch(text.strip().lower())
        if found is None:
            raise PlanError(f"rate={text!r}: {_several(text) or GRAMMAR}.")
        unit = next(name for name in found.groups()[2:] if name)
        return cls(float(found[1]), float(found[2] or 1) * SECONDS[unit])

    @property
    def spacing(self) -> float:
        """Seconds between two starts, the margin included.

        Examples
        --------
        >>> Rate(20, margin=0.2).spacing, Rate(100, margin=0.2, cost=5).spacing
        (0.0625, 0.0625)
        """
        return self.per * self.cost / (self.count * (1 - self.margin))

    @property
    def bucket(self) -> tuple[float, float]:
        """Return ``max_rate`` and ``time_period`` (seconds) for a leaky bucket.

        A bucket of one is even, but its timer cannot wake more than some 200
        times a second: above, it lets a hundredth of a second through at once.

        Examples
        --------
        >>> Rate(20, margin=0).bucket, Rate(1000, margin=0).bucket
        ((1, 0.05), (10, 0.01))
        """
        rate = 1 / self.spacing
        size = self.burst if self.burst > 1 or rate <= 200 else round(rate / 100)
        return size, size * self.spacing


def _several(text: str) -> str:
    parts = [part.strip() for part in re.split(r"[,;+&]", text)]
    listed = len(parts) > 1 and all(_FORM.fullmatch(part.lower()) for part in parts)
    return f"several rates are a list: rate={parts}" if listed else ""


class RetryBudget:
    """Retries stay within a share of the requests sent, or a floor that small runs need.

    A share of 0 has no floor: nothing is repeated.

    Parameters
    ----------
    concurrency : int
        Requests in flight: the floor is this, and at least 10.
    share : float
        Of the first attempts.

    Examples
    --------
    >>> budget = RetryBudget(1)
    >>> [budget.take() for _ in range(11)].count(True), budget.left
    (10, 0)
    """

    __slots__ = ("_floor", "_sent", "_share", "_taken")

    def __init__(self, concurrency: int, share: float = 0.2) -> None:
        self._floor = max(10, concurrency) if share > 0 else 0
        self._share = share
        self._sent = self._taken = 0

    @property
    def left(self) -> int:
        """Retries that may still be sent."""
        return max(0, max(self._floor, int(self._share * self._sent)) - self._taken)

    def sent(self) -> None:
        """Count a first attempt."""
        self._sent += 1

    def take(self) -> bool:
        """Take one retry, if one is left; a refused attempt's repetition needs none."""
        granted = self.left > 0
        self._taken += granted
        return granted


class State(StrEnum):
    """Of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"
    DEAD = "dead"


class Breaker:
    """Holds an origin's rows back while nothing comes through.

    Closed, it opens after five transport or 5xx failures in a row. Open, it lets one
    probe through after 1, 2, 4, 8 and 15 s; a success closes it, 30 s without one
    make it dead. A new run replaces a dead breaker.

    Examples
    --------
    >>> breaker = Breaker()
    >>> for _ in range(5):
    ...     breaker.failed(0.5, started=0.0)
    >>> breaker.state, breaker.allow(0.5), breaker.allow(1.5), breaker.state
    (<State.OPEN: 'open'>, 1.0, 0.0, <State.PROBING: 'probing'>)
    >>> breaker.succeeded()
    >>> breaker.allow(1.75)
    0.0
    """

    __slots__ = ("_failures", "_opened", "_probes", "_since", "state")

    def __init__(self) -> None:
        self.state = State.CLOSED
        self._failures = 0  # in a row
        self._probes = 0  # since it opened
        self._opened = 0.0
        self._since = 0.0  # when the present state began

    def allow(self, now: float) -> float:
        """Return how long a row waits before it asks again: 0 is go, infinity is never.

        Ask right before sending: the 0 of an open breaker is the one probe.
        """
        if self.state is State.PROBING and now - self._since >= _PROBE_LOST:
            self._probe_failed(now)
        match self.state:
            case State.CLOSED:
                return 0.0
            case State.DEAD:
                return float("inf")
            case State.PROBING:
                return _ASK_AGAIN
            case State.OPEN:
                wait = self._since + PROBES[self._probes] - now
                if wait <= 0:
                    self._enter(State.PROBING, now)
                return max(0.0, wait)

    def succeeded(self, *, started: float = math.inf) -> None:
        """Report any answer below 500: the server is there. One to an attempt from before it opened is no news."""
        if self.state is State.CLOSED or started >= self._since:
            self.state = State.CLOSED
            self._failures = 0

    def failed(self, now: float, *, started: float) -> None:
        """Report a transport failure or a 5xx; an attempt from before the probe is no news of it."""
        if self.state is State.CLOSED:
            self._failures += 1
            if self._failures >= _OPENS_AT:
                self._opened, self._probes = now, 0
                self._enter(State.OPEN, now)
        elif self.state is State.PROBING and started >= self._since:
            self._probe_failed(now)

    def unheard(self, now: float, *, started: float) -> None:
        """Report that an attempt told nothing: if it was the probe, there is to be another."""
        if self.state is State.PROBING and started >= self._since:
            self._enter(State.OPEN, now)

    def _probe_failed(self, now: float) -> None:
        self._probes += 1
        over = self._probes == len(PROBES) or now - self._opened >= _DEAD_AFTER
        self._enter(State.DEAD if over else State.OPEN, now)

    def _enter(self, state: State, now: float) -> None:
        self.state, self._since = state, now


class Canary:
    """Says when the first answers of an origin are all 401, all 403, or none (0): no row will fare better.

    With ``concurrency`` in flight, at most ``concurrency`` + 25 requests are sent.

    Examples
    --------
    >>> canary = Canary()
    >>> [canary.answered(401) for _ in range(26)].count(True)
    2
    """

    __slots__ = ("_answers", "_status")

    def __init__(self) -> None:
        self._status: int | None = None
        self._answers = 0

    def answered(self, status: int) -> bool:
        """Count an answer that is no refusal by a rate limit, and return whether to stop."""
        if self._status == _OTHER:
            return False
        if self._status is None and status in _VAIN:
            self._status = status
        if status != self._status:
            self._status = _OTHER
            return False
        self._answers += 1
        return self._answers >= 25

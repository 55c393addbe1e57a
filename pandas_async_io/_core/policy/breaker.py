"""TODO."""

from __future__ import annotations

import math
from enum import StrEnum

PROBE_DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each probe of an origin that fails."""

_OPENS_AT = 5
_DEAD_AFTER = 30.0
_PROBE_LOST = 15.0
_ASK_AGAIN = 0.25


class BreakerState(StrEnum):
    """Of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"
    GIVEN_UP = "given up"


class Breaker:
    """Holds an origin's rows back while nothing comes through.

    Closed, it opens after five transport or 5xx failures in a row. Open, it lets one
    probe through after 1, 2, 4, 8 and 15 s; a success closes it, 30 s without one
    make it dead. A new run replaces a dead breaker.

    Examples
    --------
    >>> breaker = Breaker()
    >>> for _ in range(5):
    ...     breaker.record_failure(0.5, started=0.0)
    >>> breaker.state, breaker.admit(0.5), breaker.admit(1.5), breaker.state
    (<BreakerState.OPEN: 'open'>, 1.0, 0.0, <BreakerState.PROBING: 'probing'>)
    >>> breaker.record_success()
    >>> breaker.admit(1.75)
    0.0
    """

    __slots__ = ("_failures", "_opened", "_probes", "_since", "state")

    def __init__(self) -> None:
        self.state = BreakerState.CLOSED
        self._failures = 0  # in a row
        self._probes = 0  # since it opened
        self._opened = 0.0
        self._since = 0.0  # when the present state began

    def admit(self, now: float) -> float:
        """Return how long a row waits before it asks again: 0 is go, infinity is never.

        Ask right before sending: the 0 of an open breaker is the one probe.
        """
        if self.state is BreakerState.PROBING and now - self._since >= _PROBE_LOST:
            self._probe_failed(now)
        match self.state:
            case BreakerState.CLOSED:
                return 0.0
            case BreakerState.GIVEN_UP:
                return float("inf")
            case BreakerState.PROBING:
                return _ASK_AGAIN
            case BreakerState.OPEN:
                wait = self._since + PROBE_DELAYS[self._probes] - now
                if wait <= 0:
                    self._enter(BreakerState.PROBING, now)
                return max(0.0, wait)

    def record_success(self, *, started: float = math.inf) -> None:
        """Report any answer below 500: the server is there. One to an attempt from before it opened is no news."""
        if self.state is BreakerState.CLOSED or started >= self._since:
            self.state = BreakerState.CLOSED
            self._failures = 0

    def record_failure(self, now: float, *, started: float) -> None:
        """Report a transport failure or a 5xx; an attempt from before the probe is no news of it."""
        if self.state is BreakerState.CLOSED:
            self._failures += 1
            if self._failures >= _OPENS_AT:
                self._opened, self._probes = now, 0
                self._enter(BreakerState.OPEN, now)
        elif self.state is BreakerState.PROBING and started >= self._since:
            self._probe_failed(now)

    def record_no_signal(self, now: float, *, started: float) -> None:
        """Report that an attempt told nothing: if it was the probe, there is to be another."""
        if self.state is BreakerState.PROBING and started >= self._since:
            self._enter(BreakerState.OPEN, now)

    def _probe_failed(self, now: float) -> None:
        self._probes += 1
        over = self._probes == len(PROBE_DELAYS) or now - self._opened >= _DEAD_AFTER
        self._enter(BreakerState.GIVEN_UP if over else BreakerState.OPEN, now)

    def _enter(self, state: BreakerState, now: float) -> None:
        self.state, self._since = state, now

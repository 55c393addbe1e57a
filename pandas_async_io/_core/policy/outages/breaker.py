"""The circuit breaker of an origin: when requests wait because none succeeds.

Times are seconds of a monotonic clock.
"""

from __future__ import annotations

import math
from enum import StrEnum

PROBE_DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each probe of an origin that fails."""

_MAX_FAILURES = 5
"""Consecutive failures that open the breaker."""
_MAX_OPEN_SECONDS = 30.0
"""Seconds without a success after which it gives up."""
_PROBE_TIMEOUT_SECONDS = 15.0
"""Seconds after which a probe without a response counts as failed."""
_PROBE_CHECK_SECONDS = 0.25
"""Seconds after which a waiting request checks whether the probe has ended."""


class BreakerState(StrEnum):
    """State of a breaker."""

    CLOSED = "closed"
    """Requests go through."""
    OPEN = "open"
    """Requests wait for the next probe."""
    PROBING = "probing"
    """One request is under way as a probe (half-open)."""
    GIVEN_UP = "given up"
    """No request goes through; a new run starts with a new breaker."""


class Breaker:
    """Hold an origin's requests back while none succeeds.

    Five consecutive transport or 5xx failures open the breaker, of attempts during which nothing
    was answered: an origin that answers others fails at some rows, but is not down. It then lets one probe
    through after 1, 2, 4, 8 and 15 s. A success closes it; after 30 s without one it
    gives up.

    Examples
    --------
    >>> breaker = Breaker()
    >>> for _ in range(5):
    ...     breaker.record_failure(0.5, started=0.0)
    >>> breaker.state, breaker.admit(0.5), breaker.admit(1.5), breaker.state
    (<BreakerState.OPEN: 'open'>, 1.0, 0.0, <BreakerState.PROBING: 'probing'>)
    >>> breaker.record_success(1.75)
    >>> breaker.admit(1.75)
    0.0
    """

    __slots__ = ("_entered_at", "_failures", "_opened_at", "_probes", "answered_at", "state")

    def __init__(self) -> None:
        self.state = BreakerState.CLOSED
        self._failures = 0  # consecutive
        self._probes = 0  # failed since the breaker opened
        self._opened_at = 0.0
        self._entered_at = 0.0  # when the present state began
        self.answered_at = -math.inf
        """When the last response below 500 came."""

    @property
    def next_probe_at(self) -> float:
        """When the next probe may start, if none is under way; negative infinity if there is none to wait for."""
        is_open = self.state is BreakerState.OPEN
        return self._entered_at + PROBE_DELAYS[self._probes] if is_open else -math.inf

    def reset(self) -> None:
        """Forget all failures."""
        self.state = BreakerState.CLOSED
        self._failures = 0

    def trip(self, now: float) -> None:
        """Hold all requests back but the probes."""
        self._opened_at, self._probes = now, 0
        self._enter(BreakerState.OPEN, now)

    def admit(self, now: float) -> float:
        """Return the seconds to wait before the next call: 0 sends the request, infinity never does.

        Call this right before sending: the 0 of an open breaker makes the request the one probe.
        """
        if self.state is BreakerState.PROBING and now - self._entered_at >= _PROBE_TIMEOUT_SECONDS:
            self._fail_probe(now)
        match self.state:
            case BreakerState.CLOSED:
                return 0.0
            case BreakerState.GIVEN_UP:
                return math.inf
            case BreakerState.PROBING:
                return _PROBE_CHECK_SECONDS
            case BreakerState.OPEN:
                wait = self._entered_at + PROBE_DELAYS[self._probes] - now
                if wait <= 0:
                    self._enter(BreakerState.PROBING, now)
                return max(0.0, wait)

    def record_success(self, now: float, *, started: float = math.inf) -> None:
        """Record a response below 500; ignore one to an attempt that began before the present state."""
        self.answered_at = now
        if self.state is BreakerState.CLOSED or started >= self._entered_at:
            self.state = BreakerState.CLOSED
            self._failures = 0

    def record_failure(self, now: float, *, started: float) -> None:
        """Record a transport failure or a 5xx.

        It counts if nothing was answered during its attempt; while a probe is under way, only the probe's own counts.
        """
        if self.state is BreakerState.CLOSED:
            self._failures += started >= self.answered_at
            if self._failures >= _MAX_FAILURES:
                self.trip(now)
        elif self.state is BreakerState.PROBING and started >= self._entered_at:
            self._fail_probe(now)

    def record_no_signal(self, now: float, *, started: float) -> None:
        """Record an attempt that shows nothing about the origin; if it was the probe, another one follows."""
        if self.state is BreakerState.PROBING and started >= self._entered_at:
            self._enter(BreakerState.OPEN, now)

    def _fail_probe(self, now: float) -> None:
        self._probes += 1
        last = self._probes == len(PROBE_DELAYS) or now - self._opened_at >= _MAX_OPEN_SECONDS
        self._enter(BreakerState.GIVEN_UP if last else BreakerState.OPEN, now)

    def _enter(self, state: BreakerState, now: float) -> None:
        self.state, self._entered_at = state, now

"""The rate that an origin accepts, learnt from its refusals.

Times are seconds of a monotonic clock. The constants were tuned on simulated servers;
the tests hold the simulations.
"""

from __future__ import annotations

from enum import Enum, auto

_UNLIMITED = float("inf")

_FIRST_RATE = 10.0
"""Starts per second after the first refusal, unless more were accepted."""
_SEARCH_STEP = 1.2
"""Factor of the rate for each accepted request while searching."""
_MAX_LEAD = 8.0
"""Most that a search exceeds the average accepted rate: a burst that was let through misleads."""
_RECOVERY_SHARE = 0.85
"""Share of the refused rate up to which the rate recovers quickly."""
_GROWTH_PER_SECOND = 0.005
"""Share by which the rate grows per second above that."""
_CUT = 0.9
_MAX_PAUSE_SECONDS = 20.0
"""Longest pause after a refusal that names none."""
_IDLE_SECONDS = 30.0
"""Seconds without a start after which the time does not count."""
_MAX_DOUBLINGS = 16


class Phase(Enum):
    """What is known about the rate that an origin accepts."""

    UNLIMITED = auto()
    """No refusal so far."""
    SEARCHING = auto()
    """Some rate is too fast; accepted requests multiply the rate until the next refusal."""
    TRACKING = auto()
    """The refused rate is known; the rate grows slowly below and beyond it."""


class Pace:
    """The rate that an origin accepts, learnt from its refusals.

    The rate is unlimited until the first refusal. Then it starts low and grows by a step
    with each accepted request, so that a search takes the same time at any distance. The
    refusal that ends the search gives the rate that is too fast. From then on the rate
    grows slowly; a refusal cuts it by a tenth at most, or halves it while next to
    nothing is accepted.

    Parameters
    ----------
    now : float
        When the first request starts.

    Examples
    --------
    >>> pace = Pace(0.0)
    >>> pace.spacing
    0.0
    >>> pace.record_refusal(0.25, started=0.125), pace.record_refusal(0.25, started=0.125)
    (0.2, None)
    >>> pace.spacing
    0.1
    """

    __slots__ = (
        "_accepted",
        "_accepted_at_cut",
        "_counted_from",
        "_cut_at",
        "_is_limiting",
        "_last_start",
        "_next_start",
        "_phase",
        "_raised_at",
        "_refusals",
        "_refused_rate",
        "rate",
    )

    def __init__(self, now: float) -> None:
        self.rate = _UNLIMITED
        self._phase = Phase.UNLIMITED
        self._refused_rate = _UNLIMITED
        self._counted_from = now  # the average accepted rate is counted from here
        self._cut_at = self._raised_at = now
        self._last_start = self._next_start = now
        self._is_limiting = False  # whether the last start waited for the pace
        self._accepted = self._accepted_at_cut = 0
        self._refusals = 0  # consecutive, echoes not counted

    @property
    def spacing(self) -> float:
        """Seconds between two starts; 0 before the first refusal."""
        return 1 / self.rate

    def record_start(self, now: float) -> None:
        """Record a start; one that comes as soon as it may shows that the pace is the limit."""
        idle = now - self._last_start
        if idle > _IDLE_SECONDS:  # otherwise the average accepted rate would fall
            self._counted_from += idle
            self._cut_at += idle
            self._raised_at += idle
        self._last_start = now
        self._is_limiting = now - self._next_start < self.spacing / 2
        self._next_start = now + self.spacing

    def record_accepted(self, now: float, *, started: float) -> None:
        """Record an attempt, begun at ``started``, that was not refused."""
        self._accepted += 1
        if self.rate == _UNLIMITED or started < self._raised_at:
            return  # only a request that was sent at the present rate proves it
        elapsed = min(now - self._raised_at, 0.2)
        self._raised_at = now
        if not self._is_limiting:
            return
        if self._phase is Phase.SEARCHING:
            bound = max(_MAX_LEAD * self._accepted / (now - self._counted_from), _FIRST_RATE)
            self.rate = max(self.rate, min(self.rate * _SEARCH_STEP, bound))
        elif self.rate < _RECOVERY_SHARE * self._refused_rate:
            self.rate = min(self.rate * (1 + elapsed), _RECOVERY_SHARE * self._refused_rate)
        else:
            self.rate *= 1 + _GROWTH_PER_SECOND * elapsed

    def record_refusal(self, now: float, *, started: float) -> float | None:
        """Record a refusal.

        Returns
        -------
        float or None
            Seconds to pause, if the server itself asks for none. None if the request was sent
            before the last cut: the refusal shows nothing new.
        """
        if self.rate != _UNLIMITED and started <= self._cut_at:
            return None
        accepted = self._accepted - self._accepted_at_cut
        self._refusals = 1 if accepted else self._refusals + 1
        self._lower_rate(now, accepted)
        self._cut_at = self._raised_at = now
        self._accepted_at_cut = self._accepted
        return min(2.0 ** min(self._refusals, _MAX_DOUBLINGS) / self.rate, _MAX_PAUSE_SECONDS)

    def _lower_rate(self, now: float, accepted: int) -> None:
        """Cut the rate after a refusal, and enter the next phase.

        Parameters
        ----------
        accepted : int
            Requests accepted since the last cut.
        """
        if self._phase is Phase.UNLIMITED:
            self._phase = Phase.SEARCHING
            self.rate = max(self._accepted / max(now - self._counted_from, 1.0), _FIRST_RATE)
        elif self._phase is Phase.SEARCHING and accepted > 1:
            self._phase = Phase.TRACKING
            self._refused_rate = self.rate / _SEARCH_STEP  # the request started before the last step
            self.rate = self._refused_rate / _SEARCH_STEP
        elif self._phase is Phase.SEARCHING or self._refusals > 1:
            self.rate /= 2 if self._refusals < 3 else 1  # later refusals only lengthen the pause
        else:
            self._refused_rate = self.rate
            accepted_rate = accepted / max(now - self._cut_at, 1e-9)
            # One refusal in a hundred comes from the network: it moves requests closer together.
            self.rate *= max(_CUT, 1 - 1 / accepted) if accepted_rate > self.rate / 2 else 0.5

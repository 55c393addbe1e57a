"""The rate that an endpoint accepts, learnt from its refusals.

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
_GROWTH_DOUBLING = 100
"""Accepted requests without a refusal after which that growth is twice as fast, then three times, and so on."""
_WINDOW_REQUESTS = 8
"""Requests accepted before a refusal with a delay from which on they are a window's count."""
_WINDOW_SHARE = 0.95
"""Share of the rate of such windows at which to go on: a refusal would cost a whole delay."""
_ISOLATED = 20
"""Requests accepted since the last refusal from which on the next one is isolated: its pause is short."""
_CUT = 0.9
_MAX_PAUSE_SECONDS = 20.0
"""Longest pause after a refusal that names none."""
_IDLE_SECONDS = 30.0
"""Seconds without a start after which the time does not count."""
_MAX_DOUBLINGS = 16


class Phase(Enum):
    """What is known about the rate that an endpoint accepts."""

    UNLIMITED = auto()
    """No refusal so far."""
    SEARCHING = auto()
    """Some rate is too fast; accepted requests multiply the rate until the next refusal."""
    TRACKING = auto()
    """The refused rate is known; the rate grows slowly below and beyond it."""


class Pace:
    """The rate that an endpoint accepts, learnt from its refusals.

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
        "_resumed_at",
        "accepted",
        "accepted_at",
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
        self.accepted = self._accepted_at_cut = 0
        self.accepted_at = -_UNLIMITED  # end of the last accepted request
        self._resumed_at = now  # end of the last delay that the server asked for
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
            self._resumed_at += idle
        spacing = self.spacing
        self._last_start = now
        self._is_limiting = now - self._next_start < spacing / 2
        self._next_start = now + spacing

    def record_accepted(self, now: float, *, started: float) -> None:
        """Record an attempt, begun at ``started``, that was not refused."""
        self.accepted += 1
        self.accepted_at = now
        if self.rate == _UNLIMITED or started < self._raised_at:
            return  # only a request that was sent at the present rate proves it
        elapsed = min(now - self._raised_at, 0.2)
        self._raised_at = now
        if not self._is_limiting:
            return
        if self._phase is Phase.SEARCHING:
            bound = max(_MAX_LEAD * self.accepted / (now - self._counted_from), _FIRST_RATE)
            self.rate = max(self.rate, min(self.rate * _SEARCH_STEP, bound))
        elif self.rate < _RECOVERY_SHARE * self._refused_rate:
            self.rate = min(self.rate * (1 + elapsed), _RECOVERY_SHARE * self._refused_rate)
        else:
            faster = 1 + (self.accepted - self._accepted_at_cut) / _GROWTH_DOUBLING
            self.rate *= 1 + _GROWTH_PER_SECOND * faster * elapsed

    def record_refusal(self, now: float, *, started: float, asked: float = 0.0) -> float | None:
        """Record a refusal.

        Parameters
        ----------
        asked : float
            Seconds that the server asks to wait; 0 if it names none.

        Returns
        -------
        float or None
            Seconds to pause, if the server itself asks for none. None if the request was sent
            before the last cut: the refusal shows nothing new.
        """
        if self.rate != _UNLIMITED and started <= self._cut_at:
            return None
        accepted = self.accepted - self._accepted_at_cut
        self._refusals = 1 if accepted else self._refusals + 1
        self._lower_rate(now, accepted, asked)
        self._cut_at = self._raised_at = now
        self._resumed_at = now + asked
        self._accepted_at_cut = self.accepted
        doublings = 0 if accepted >= _ISOLATED else min(self._refusals, _MAX_DOUBLINGS)
        return min(2.0**doublings / self.rate, _MAX_PAUSE_SECONDS)

    def forget(self, now: float) -> None:
        """Forget the refusals: they had another cause than the rate."""
        self.rate, self._phase, self._refused_rate = _UNLIMITED, Phase.UNLIMITED, _UNLIMITED
        self._cut_at = self._raised_at = self._resumed_at = now
        self._refusals, self._accepted_at_cut = 0, self.accepted

    def _lower_rate(self, now: float, accepted: int, asked: float) -> None:
        """Cut the rate after a refusal, and enter the next phase.

        Parameters
        ----------
        accepted : int
            Requests accepted since the last cut.
        asked : float
            As in `record_refusal`.
        """
        window_rate = accepted / (now - self._resumed_at + asked) if asked and accepted >= _WINDOW_REQUESTS else 0.0
        accepted_rate = accepted / max(now - self._cut_at, 1e-9)
        if self._phase is Phase.UNLIMITED and window_rate:
            self._phase = Phase.TRACKING
            self._refused_rate = window_rate
            self.rate = window_rate * _WINDOW_SHARE
        elif self._phase is Phase.UNLIMITED:
            self._phase = Phase.SEARCHING
            self.rate = max(self.accepted / max(now - self._counted_from, 1.0), _FIRST_RATE)
        elif accepted >= _ISOLATED and not self._is_limiting:
            return  # something slower spaced the starts, such as a declared rate: a lower pace would not help
        elif self._phase is Phase.SEARCHING and accepted > 1:
            self._phase = Phase.TRACKING
            self._refused_rate = self.rate / _SEARCH_STEP  # the request started before the last step
            self.rate = self._refused_rate / _SEARCH_STEP
        elif self._phase is Phase.SEARCHING or self._refusals > 1:
            self.rate /= 2 if self._refusals < 3 else 1  # later refusals only lengthen the pause
        else:
            self._refused_rate = self.rate
            # One refusal in a hundred comes from the network: it moves requests closer together.
            self.rate *= max(_CUT, 1 - 1 / accepted) if accepted_rate > self.rate / 2 else 0.5

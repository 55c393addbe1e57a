"""What is learnt from how a server answers: the pace it accepts, the concurrency it bears.

Both are told what happened and when, in seconds of a clock that never jumps. The
constants were tuned on simulated servers; the tests hold the simulations.
"""

from __future__ import annotations

from pandas_async_io._core.policy.concurrency import _INFINITE

_FIRST = 10.0  # what is tried after the first refusal, unless more was accepted
_STEP = 1.2  # the search multiplies the rate by this,
_LEAD = 8.0  # but leads what was accepted on average by no more: a burst that was let through misleads
_NEAR = 0.85  # the share of what was too fast that is returned to soon;
_PROBE = 0.005  # from there the rate grows by this share a second
_CUT = 0.9
_SILENCE = 20.0  # seconds, at most, where the server asks for none
_IDLE = 30.0  # seconds without a start that are no silence


class Pace:
    """The pace that an origin was seen to accept, learnt from its refusals.

    Free until the first refusal. Then a search upwards from below, by a step for every
    answer, so that it takes the same time at any distance; the refusal that ends it
    says what is too fast. From then on the rate grows slowly, is cut when refused, by a
    tenth at most, and halved while next to nothing is accepted.

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
        "_begin",
        "_cut",
        "_fresh",
        "_full",
        "_heard",
        "_limit",
        "_next",
        "_searching",
        "_stepped",
        "_total",
        "_vain",
        "rate",
    )

    def __init__(self, now: float) -> None:
        self.rate = _INFINITE
        self._begin = self._cut = self._stepped = self._next = self._heard = now
        self._limit = _INFINITE  # what was too fast the last time
        self._searching = True
        self._full = False  # whether the pace was what held us back
        self._total = self._fresh = 0  # accepted in all, and since the last cut
        self._vain = 0  # refusals in a row

    @property
    def spacing(self) -> float:
        """Seconds to leave between two starts; 0 before the first refusal."""
        return 1 / self.rate

    def record_start(self, now: float) -> None:
        """Report a start: whether it came as soon as it was allowed tells if the pace is what limits."""
        idle = now - self._heard
        if idle > _IDLE:  # no time in which little was accepted
            self._begin, self._cut, self._stepped = self._begin + idle, self._cut + idle, self._stepped + idle
        self._heard = now
        self._full = now - self._next < self.spacing / 2
        self._next = now + self.spacing

    def record_accepted(self, now: float, *, started: float) -> None:
        """Report an attempt, begun at ``started``, that was not refused."""
        self._total += 1
        self._fresh += 1
        self._vain = 0
        if self.rate == _INFINITE or started < self._stepped:
            return  # only what was sent at the present rate proves it
        passed = min(now - self._stepped, 0.2)
        self._stepped = now
        if not self._full:
            return
        if self._searching:
            bound = max(_LEAD * self._total / (now - self._begin), _FIRST)
            self.rate = max(self.rate, min(self.rate * _STEP, bound))
        elif self.rate < _NEAR * self._limit:
            self.rate = min(self.rate * (1 + passed), _NEAR * self._limit)
        else:
            self.rate *= 1 + _PROBE * passed

    def record_refusal(self, now: float, *, started: float) -> float | None:
        """Report a refusal.

        Returns
        -------
        float or None
            Seconds of silence, if the server asks for none itself; None for the echo of a
            refusal that was already acted on.
        """
        if self.rate != _INFINITE and started <= self._cut:
            return None
        self._vain += 1
        self.rate = self._lowered(now)
        self._cut = self._stepped = now
        self._fresh = 0
        return min(2.0 ** min(self._vain, 16) / self.rate, _SILENCE)

    def _lowered(self, now: float) -> float:
        if self.rate == _INFINITE:
            return max(self._total / max(now - self._begin, 1.0), _FIRST)
        if self._searching and self._fresh > 1:
            self._searching = False
            self._limit = self.rate / _STEP  # the last step came after this request had started
            return self._limit / _STEP
        if self._vain > 1 or self._searching:
            return self.rate / (2 if self._vain < 3 else 1)  # from the third in a row on only the silence grows
        self._limit = self.rate
        kept = self._fresh / max(now - self._cut, 1e-9)
        # One in a hundred is the network's doing: it moves requests closer together than they were sent.
        return self.rate * (max(_CUT, 1 - 1 / self._fresh) if kept > self.rate / 2 else 0.5)

"""What is learnt from how a server answers: the pace it accepts, the concurrency it bears.

Both are told what happened and when, in seconds of a clock that never jumps. The
constants were tuned on simulated servers; the tests hold the simulations.
"""

from __future__ import annotations

from statistics import median

_INFINITE = float("inf")

_FIRST = 10.0  # what is tried after the first refusal, unless more was accepted
_STEP = 1.2  # the search multiplies the rate by this,
_LEAD = 8.0  # but leads what was accepted on average by no more: a burst that was let through misleads
_NEAR = 0.85  # the share of what was too fast that is returned to soon;
_PROBE = 0.005  # from there the rate grows by this share a second
_CUT = 0.9
_SILENCE = 20.0  # seconds, at most, where the server asks for none

_TOLERANCE = 1.25  # a round trip so many times the unloaded one is queueing
_WINDOW = 12  # round trips to judge by, or the limit, if that is more
_DIP_EVERY = 16  # windows


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
    >>> pace.refused(0.25, started=0.125), pace.refused(0.25, started=0.125)
    (0.2, None)
    >>> pace.spacing
    0.1
    """

    __slots__ = (
        "_begin",
        "_cut",
        "_fresh",
        "_full",
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
        self._begin = self._cut = self._stepped = self._next = now
        self._limit = _INFINITE  # what was too fast the last time
        self._searching = True
        self._full = False  # whether the pace was what held us back
        self._total = self._fresh = 0  # accepted in all, and since the last cut
        self._vain = 0  # refusals in a row

    @property
    def spacing(self) -> float:
        """Seconds to leave between two starts; 0 before the first refusal."""
        return 1 / self.rate

    def started(self, now: float) -> None:
        """Report a start: whether it came as soon as it was allowed tells if the pace is what limits."""
        self._full = now - self._next < self.spacing / 2
        self._next = now + self.spacing

    def accepted(self, now: float, *, started: float) -> None:
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

    def refused(self, now: float, *, started: float) -> float | None:
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


class Adaptive:
    """Concurrency that grows while more in flight takes no longer each, and shrinks when it does.

    It doubles until the first sign of a queue, then climbs by a little. Now and then half
    the limit shows what a round trip takes without a queue of our own making.

    Parameters
    ----------
    start, low, high : int
        Requests in flight: at first, at least, at most.

    Examples
    --------
    >>> adaptive = Adaptive(high=64)
    >>> adaptive.limit
    8
    >>> adaptive.on_refused(1.0)
    >>> adaptive.limit
    5
    """

    __slots__ = (
        "_base",
        "_calm",
        "_full",
        "_high",
        "_low",
        "_rtts",
        "_since",
        "_target",
        "_windows",
        "limit",
    )

    def __init__(self, start: int = 8, low: int = 1, high: int = 32) -> None:
        self._low, self._high = low, high
        self._target = float(min(max(start, low), high))
        self._base = _INFINITE  # the round trip without a queue
        self._calm = True  # no queue was seen yet
        self._rtts: list[float] = []
        self._full = False  # whether the limit was what held us back
        self._windows = 0
        self._since = -_INFINITE  # when the present limit began
        self.limit = int(self._target)

    def on_success(self, rtt: float, in_flight: int, now: float) -> None:
        """Report an answer after ``rtt`` seconds, with ``in_flight`` requests at its end, itself included."""
        if now - rtt < self._since:
            return  # was sent under another limit
        self._rtts.append(rtt)
        self._full = self._full or in_flight >= self.limit
        if len(self._rtts) >= max(_WINDOW, self.limit):
            self._judge(median(self._rtts), now)

    def on_refused(self, now: float) -> None:
        """Report a refusal, or that the machine has no more sockets."""
        if self._rtts or self._since == -_INFINITE:
            self._calm = False
            self._settle(self._target * 0.7, now)

    def _judge(self, rtt: float, now: float) -> None:
        dipped = self.limit < int(self._target)
        first = self._base == _INFINITE
        self._base = rtt if dipped else min(self._base, rtt)
        self._windows += 1
        target = self._target
        if rtt > self._base * _TOLERANCE:
            target *= max(0.5, 0.9 * self._base * _TOLERANCE / rtt)
            self._calm = False
        elif self._full and not (first or dipped):
            target = target * 2 if self._calm else target * 1.02 + 0.25
        self._settle(target, now)
        if self._windows % _DIP_EVERY == 1:
            self.limit = max(self._low, self.limit // 2)

    def _settle(self, target: float, now: float) -> None:
        self._target = min(max(target, float(self._low)), float(self._high))
        self.limit = int(self._target)
        self._since = now
        self._rtts = []
        self._full = False

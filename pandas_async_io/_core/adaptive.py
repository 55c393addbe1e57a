"""What is learnt from how a server answers: the pace it accepts, the concurrency it bears.

Both are told what happened and when, in seconds of a clock that never jumps. The
constants were tuned on simulated servers; the tests hold the simulations.
"""

from __future__ import annotations

from statistics import median

_INFINITE = float("inf")

_SEARCH_STEP = 1.25  # the search multiplies the rate by this,
_SEARCH_LEAD = 4.0  # but never exceeds so many times what was accepted on average
_PROBE = 0.01  # afterwards the rate grows by this share a second
_CUT = 0.8

_TOLERANCE = 1.25  # a round trip so many times the unloaded one is queueing
_WINDOW = 12  # round trips to judge by, or the limit, if that is more
_DIP_EVERY = 16  # windows


class Pace:
    """The pace that an origin was seen to accept, learnt from its refusals.

    Free until the first refusal. Then a search: from one start per round trip up to a
    few times what was accepted on average, so that a pause counts and a burst that
    was let through misleads for a moment only. The next refusal ends the search; from
    then on the rate grows slowly, is cut by a fifth when refused, and returns fast to
    the average that was accepted all along.

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
    (True, False)
    >>> pace.spacing
    0.125
    """

    __slots__ = (
        "_begin",
        "_cut",
        "_cuts",
        "_fresh",
        "_mark",
        "_older",
        "_searching",
        "_stepped",
        "_total",
        "rate",
    )

    def __init__(self, now: float) -> None:
        self.rate = _INFINITE
        self._begin = self._mark = self._cut = self._stepped = now
        self._cuts = 0
        self._searching = True
        self._total = 0  # accepted since _begin,
        self._older = 0  # from _mark, the cut before the last, to _cut,
        self._fresh = 0  # and since _cut

    @property
    def spacing(self) -> float:
        """Seconds to leave between two starts; 0 before the first refusal."""
        return 1 / self.rate

    def accepted(self, now: float, *, started: float) -> None:
        """Report an attempt, begun at ``started``, that was not refused."""
        self._fresh += 1
        self._total += 1
        if not self._cuts or started < self._stepped:
            return  # only what was sent at the present rate proves it
        faster = self.rate * _SEARCH_STEP
        if self._searching:
            self.rate = min(faster, _SEARCH_LEAD * self._average(now))
        else:
            slow = self.rate * (1 + _PROBE * min(now - self._stepped, 1.0))
            self.rate = max(slow, min(faster, self._total / max(now - self._begin, 1e-9)))
        self._stepped = now

    def refused(self, now: float, *, started: float) -> bool:
        """Report a refusal, and return whether it was news: no echo of one already acted on."""
        if self._cuts and started < self._cut:
            return False
        self.rate = self._lowered(now, started)
        self._cuts += 1
        self._mark, self._older, self._fresh = self._cut, self._fresh, 0
        self._cut = self._stepped = now
        return True

    def _lowered(self, now: float, started: float) -> float:
        if not self._cuts:
            return 1 / max(now - started, 1e-3)
        if self._cuts == 1 and self._fresh < 10:
            return self.rate / 2  # too early to end the search
        self._searching = False
        return self.rate * _CUT

    def _average(self, now: float) -> float:
        """Return the accepted per second since the cut before the last, pauses included."""
        return (self._older + self._fresh) / max(now - self._mark, 1e-9)


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
        """Report an answer after ``rtt`` seconds, with ``in_flight`` requests at its start."""
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

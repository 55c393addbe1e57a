"""TODO."""

from __future__ import annotations

_INFINITE = float("inf")

_TOLERANCE = 1.25  # a round trip so many times the unloaded one is queueing
_WINDOW = 12  # round trips to judge by, or the limit, if that is more
_DIP_EVERY = 16  # windows
_DIP = 4  # round trips that such a window has
_ECHO = 0.1  # seconds in which refusals are of one burst
_WORTH = 20.0  # a silence may cost a twentieth of the time
_SOON = 1  # answers for each that may be in flight: a refusal after more of them is a stray one
_PATIENCE = 1_000  # answers after which a refused number is tried again, at the latest
_MANY = 4  # requests of which a pace lets one through
_IN_VAIN = 4  # cuts in a row that did not help
_FORGET = 1.02  # by which the shortest round trip grows with each window: it may have been luck


class AdaptiveConcurrency:
    """Concurrency that grows while more in flight takes no longer each, and shrinks when it does, or is refused.

    It doubles until the first sign of a queue, then climbs by a little. Now and then half
    the limit shows what a round trip takes without a queue of our own making. A number
    that was refused is a ceiling, which is tried again ever more seldom.

    Parameters
    ----------
    start, low, high : int
        Requests in flight: at first, at least, at most.

    Examples
    --------
    >>> adaptive = AdaptiveConcurrency(high=64)
    >>> adaptive.limit
    8
    >>> adaptive.record_refusal(1.0, 8), adaptive.limit
    (True, 7)
    """

    __slots__ = (
        "_base",
        "_before",
        "_calm",
        "_ceiling",
        "_full",
        "_high",
        "_low",
        "_passed",
        "_patience",
        "_refused_at",
        "_retry_at",
        "_rtts",
        "_signs",
        "_since",
        "_streak",
        "_target",
        "_tried",
        "_windows",
        "limit",
    )

    def __init__(self, start: int = 8, low: int = 1, high: int = 32) -> None:
        self._low, self._high = low, high
        self._target = float(min(max(start, low), high))
        self.limit = int(self._target)
        self._base = _INFINITE  # the round trip without a queue
        self._calm = True  # no queue was seen yet
        self._ceiling = _INFINITE  # what was refused
        self._passed = 0  # answers since then,
        self._tried = 0  # and since it was tried again
        self._patience = _WINDOW  # how many of them make it worth another try,
        self._retry_at = -_INFINITE  # and from when on
        self._refused_at = -_INFINITE  # until when refusals are those of one burst
        self._signs = 0  # windows in a row that showed a queue
        self._streak = 0  # cuts that were soon followed by another refusal
        self._before = self.limit  # what there was before the first of them
        self._rtts: list[float] = []
        self._full = False  # whether the limit was what held us back
        self._windows = 0
        self._since = -_INFINITE  # when the present limit began

    def record_success(self, rtt: float, in_flight: int, now: float) -> None:
        """Report an answer after ``rtt`` seconds, with ``in_flight`` requests at its end, itself included."""
        if now - rtt < self._since:
            return  # was sent under another limit
        self._passed += 1
        self._tried += 1
        self._rtts.append(rtt)
        self._full = self._full or in_flight >= self.limit
        if len(self._rtts) >= max(_DIP if self._dipped else _WINDOW, self.limit):
            self._rtts.sort()
            self._judge(now)

    def record_refusal(self, now: float, in_flight: int, asked: float = 0.0) -> bool:
        """Report a refusal, or that the machine has no more sockets.

        Parameters
        ----------
        in_flight : int
            At its end, itself included: what is left when all refusals are in was accepted.
        asked : float
            Seconds of silence that it costs.

        Returns
        -------
        bool
            Whether fewer in flight may be the remedy. If not, of many only one was taken, or it is refused however
            few there are: then it is a matter of pace, and the limit is what it was before.
        """
        if now > self._refused_at:  # no echo of the last one
            self._streak = self._streak + 1 if self._passed < _SOON * self.limit else 1
            self._before = self.limit if self._streak == 1 else self._before
            self._patience = min(self._patience * 4, _PATIENCE) if self._tried < _SOON * self.limit else _WINDOW
        self._calm, self._passed, self._refused_at = False, 0, now + _ECHO
        fewer = max(min(in_flight, self.limit) - 1, self._low)
        if self._streak >= _IN_VAIN or self.limit <= self._low or (fewer <= self._low and self._before >= _MANY):
            self._settle(float(max(self._before, self.limit)), now)
            return False
        self._ceiling, self._retry_at = fewer + 1.0, now + _WORTH * asked
        self._settle(float(fewer), now)
        return True

    @property
    def _dipped(self) -> bool:
        return self.limit < int(self._target)

    def _judge(self, now: float) -> None:
        dipped, alone = self._dipped, self.limit <= 1
        low, rtt, high = (self._rtts[int(share * len(self._rtts))] for share in (0.25, 0.5, 0.75))
        first = self._base == _INFINITE
        spread = 2 * (high - low) / len(self._rtts) ** 0.5
        steady = first or spread < (_TOLERANCE - 1) * self._base
        # What is alone queues behind nobody. Else the luckiest window is believed: for some time, if luck it may be.
        self._base = rtt if first or alone or (dipped and steady) else min(self._base * (1 if steady else _FORGET), rtt)
        self._windows += 1
        target = self._target
        borne = self._base + max((_TOLERANCE - 1) * self._base, spread)
        self._signs = self._signs + 1 if rtt > borne else 0
        if self._signs:
            self._calm = False
            target *= max(0.5, 0.9 * borne / rtt) if self._signs > 1 or steady else 1.0  # one may be chance
        elif self._full and not (first or dipped):
            target = self._grown(now)
        self._settle(target, now)
        if self._windows % _DIP_EVERY == 1:
            self.limit = max(self._low, self.limit // 2)

    def _grown(self, now: float) -> float:
        target = self._target * 2 if self._calm else self._target * 1.02 + 0.25
        if target < self._ceiling:
            return target
        if self._passed < self._patience or now < self._retry_at:
            return self._ceiling - 1
        tried, self._ceiling, self._tried = self._ceiling, _INFINITE, 0
        return tried

    def _settle(self, target: float, now: float) -> None:
        self._target = min(max(target, float(self._low)), float(self._high))
        self.limit = int(self._target)
        self._since = now
        self._rtts = []
        self._full = False

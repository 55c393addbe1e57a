"""The concurrency that an origin refuses, and when it is tried again.

Times are seconds of a monotonic clock.
"""

from __future__ import annotations

_UNKNOWN = float("inf")

_BURST_SECONDS = 0.1
"""Seconds in which refusals belong to one burst."""
_RESPONSES_PER_SLOT = 1
"""Responses per slot after which a refusal is independent of the last one."""
_MIN_RESPONSES_TO_RETRY = 12
_MAX_RESPONSES_TO_RETRY = 1_000
"""Responses after which the refused concurrency is tried again, at the earliest and at the latest."""
_SECONDS_TO_RETRY = 20.0
"""Seconds until then per second of pause that a refusal costs: a twentieth of the time at most is lost."""
_RATE_LIMITED_BURST = 4
"""Concurrency from which a burst of which one request is accepted shows a rate limit."""
_MAX_USELESS_CUTS = 4
"""Consecutive cuts, each soon followed by a refusal, that show a rate limit."""


class RefusalCeiling:
    """The lowest concurrency that was refused, as far as concurrency is the cause.

    A refused concurrency is tried again after ever more responses.

    Parameters
    ----------
    lowest : int
        Concurrency below which no limit falls.

    Examples
    --------
    >>> ceiling = RefusalCeiling(1)
    >>> ceiling.lower_limit(1.0, limit=8, in_flight=8, accepted=20), ceiling.cap(9.0, 2.0, accepted=21)
    (7, 7.0)
    """

    __slots__ = (
        "_accepted_at_refusal",
        "_accepted_at_retry",
        "_burst_until",
        "_concurrency",
        "_cuts",
        "_lowest",
        "_responses_to_retry",
        "_retry_at",
        "limit_before",
    )

    def __init__(self, lowest: int) -> None:
        self._lowest = lowest
        self._concurrency = _UNKNOWN  # what was refused
        self._accepted_at_refusal = self._accepted_at_retry = 0
        self._responses_to_retry = _MIN_RESPONSES_TO_RETRY
        self._retry_at = -_UNKNOWN
        self._burst_until = -_UNKNOWN
        self._cuts = 0  # consecutive, each soon followed by a refusal
        self.limit_before = lowest
        """The limit before the first of the last consecutive cuts."""

    def lower_limit(self, now: float, limit: int, in_flight: int, accepted: int, delay: float = 0.0) -> int | None:
        """Return the limit after a refusal, None if fewer in flight do not help.

        They do not help if an origin accepts one request of many, or refuses however few
        there are: then it limits the rate.

        Parameters
        ----------
        limit, in_flight : int
            The present limit, and the requests in flight, the refused one included.
        accepted : int
            Responses accepted so far.
        delay : float
            Seconds of pause that the refusal costs.
        """
        if now > self._burst_until:
            recent = _RESPONSES_PER_SLOT * limit
            self._cuts = self._cuts + 1 if accepted - self._accepted_at_refusal < recent else 1
            if self._cuts == 1:
                self.limit_before = limit
            failed_again = accepted - self._accepted_at_retry < recent
            patience = min(self._responses_to_retry * 4, _MAX_RESPONSES_TO_RETRY)
            self._responses_to_retry = patience if failed_again else _MIN_RESPONSES_TO_RETRY
        self._accepted_at_refusal, self._burst_until = accepted, now + _BURST_SECONDS
        fewer = max(min(in_flight, limit) - 1, self._lowest)
        one_accepted = fewer <= self._lowest and self.limit_before >= _RATE_LIMITED_BURST
        if self._cuts >= _MAX_USELESS_CUTS or limit <= self._lowest or one_accepted:
            return None
        self._concurrency, self._retry_at = fewer + 1.0, now + _SECONDS_TO_RETRY * delay
        return fewer

    def cap(self, target: float, now: float, accepted: int) -> float:
        """Return a target, held below the refused concurrency until that is tried again."""
        if target < self._concurrency:
            return target
        if accepted - self._accepted_at_refusal < self._responses_to_retry or now < self._retry_at:
            return self._concurrency - 1
        retried, self._concurrency, self._accepted_at_retry = self._concurrency, _UNKNOWN, accepted
        return retried

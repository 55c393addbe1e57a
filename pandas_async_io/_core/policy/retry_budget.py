"""How many retries a run may send."""

from __future__ import annotations

_MIN_RETRIES = 10
"""Retries that any run may send."""


class RetryBudget:
    """Keep retries within a share of the first attempts, or within a floor that small runs need.

    A share of 0 has no floor: nothing is repeated.

    Parameters
    ----------
    concurrency : int
        Requests in flight: the floor is this, and at least 10.
    share : float
        Retries as a share of the first attempts.

    Examples
    --------
    >>> budget = RetryBudget(1)
    >>> [budget.take_retry() for _ in range(11)].count(True), budget.remaining
    (10, 0)
    """

    __slots__ = ("_first_attempts", "_floor", "_share", "_taken")

    def __init__(self, concurrency: int, share: float = 0.2) -> None:
        self._floor = max(_MIN_RETRIES, concurrency) if share > 0 else 0
        self._share = share
        self._first_attempts = self._taken = 0

    @property
    def remaining(self) -> int:
        """Retries that may still be sent."""
        return max(0, max(self._floor, int(self._share * self._first_attempts)) - self._taken)

    def record_first_attempt(self) -> None:
        """Count a first attempt."""
        self._first_attempts += 1

    def take_retry(self) -> bool:
        """Take one retry, if one remains; a retry after a refusal needs none."""
        granted = self.remaining > 0
        self._taken += granted
        return granted

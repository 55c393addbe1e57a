"""When repeats may start beside fresh requests.

Invariant: the budget orders requests. It loses none: once no fresh request is left, repeats go on.
"""

from __future__ import annotations

_ROUNDING = 1e-9
"""Error of a sum of shares."""


class RetryBudget:
    """Keep repeats within a share of the fresh requests, and always within half of the concurrency.

    Parameters
    ----------
    share : float
        Repeats per fresh request, while fresh requests remain.

    Examples
    --------
    >>> budget = RetryBudget(0.2)
    >>> budget.may_repeat(32, fresh_left=True), budget.may_repeat(32, fresh_left=False)
    (False, True)
    >>> for _ in range(5):
    ...     budget.record_fresh()
    >>> budget.may_repeat(32, fresh_left=True)
    True
    """

    __slots__ = ("_credit", "_in_flight", "_max_credit", "_share")

    def __init__(self, share: float = 0.2) -> None:
        self._share = share
        self._credit = 0.0  # repeats that may start; it is not saved up, so that the share holds at any time
        self._max_credit = max(1.0, share)
        self._in_flight = 0

    def may_repeat(self, concurrency: int, *, fresh_left: bool) -> bool:
        """Return whether a repeat may start now.

        Parameters
        ----------
        concurrency : int
            Requests that may be in flight.
        fresh_left : bool
            Whether requests remain that were never sent.
        """
        if self._in_flight >= max(1, concurrency // 2):
            return False
        return not fresh_left or self._credit >= 1 - _ROUNDING

    def record_fresh(self) -> None:
        """Count the start of a fresh request."""
        self._credit = min(self._credit + self._share, self._max_credit)

    def record_repeat(self) -> None:
        """Count the start of a repeat."""
        self._credit = max(self._credit - 1, 0.0)
        self._in_flight += 1

    def record_repeat_end(self) -> None:
        """Count the end of a repeat."""
        self._in_flight -= 1

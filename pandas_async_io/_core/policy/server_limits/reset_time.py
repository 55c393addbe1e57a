"""When a server's budget is reset, more exactly than each response says.

Times are seconds of a monotonic clock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas_async_io._core.policy.server_limits.server_budgets import Budget

_ROUNDING_SECONDS = 1.0
"""Most that servers round up the seconds until the reset."""


class ResetTime:
    """The earliest reset that the responses of one window announce: each one rounds up to whole seconds.

    Examples
    --------
    >>> from pandas_async_io._core.policy.server_limits.server_budgets import Budget
    >>> reset = ResetTime()
    >>> reset.refine(Budget(9, 5), 0.0).reset_in, reset.refine(Budget(1, 1), 4.25).reset_in
    (5, 0.75)
    >>> reset.refine(Budget(9, 5), 5.5).reset_in
    5
    """

    __slots__ = ("_at", "_remaining")

    def __init__(self) -> None:
        self._at = -float("inf")
        self._remaining = 0.0

    def refine(self, announced: Budget, now: float) -> Budget:
        """Return a budget with the seconds until the earliest reset that was announced for its window."""
        if announced.reset_in is None:
            return announced
        at = now + announced.reset_in
        same_window = now < self._at <= at < self._at + _ROUNDING_SECONDS and announced.remaining <= self._remaining
        self._remaining = announced.remaining
        if not same_window:
            self._at = at
            return announced
        return replace(announced, reset_in=self._at - now)

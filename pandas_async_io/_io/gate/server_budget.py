"""What a server says is left of its limit, kept before it is exceeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.policy.server_limits.reset_time import ResetTime
from pandas_async_io._core.policy.server_limits.server_budgets import compute_spacing, read_budget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.policy.server_limits.server_budgets import Budget
    from pandas_async_io._io.gate.pause import Pause
    from pandas_async_io._io.gate.slots import Slots

_MAX_RESPONSES_WITHOUT_BUDGET = 8
"""Responses in a row after which a server counts as one that announces no budget."""
_RESPONSES_BETWEEN_LOOKS = 50
"""Responses of such a server after which its headers are read again: reading them takes time."""


class ServerBudget:
    """Keeps an origin within its announced budget: fewer in flight, spaced starts, or a pause.

    Parameters
    ----------
    slots, pause
        Those of the origin.

    Attributes
    ----------
    gap : float
        Seconds from one start to the next.
    is_spent : bool
        Whether nothing was left of it in the last response that announced it.
    last_start : float
        When the last request started, on the loop's clock.
    outstanding : int
        Requests of the running calls that have no result yet.
    """

    __slots__ = (
        "_pause",
        "_reset",
        "_skip",
        "_slots",
        "_without_budget",
        "gap",
        "is_spent",
        "last_start",
        "outstanding",
    )

    def __init__(self, slots: Slots, pause: Pause) -> None:
        self._slots, self._pause = slots, pause
        self.gap = self.last_start = 0.0
        self.is_spent = False
        self.outstanding = 0
        self._reset = ResetTime()
        self._skip = 0  # responses whose headers are not read
        self._without_budget = 0

    def read(self, headers: Mapping[str, str], *, now: float, epoch: float) -> None:
        """Keep within the budget that a response's headers announce. With Retry-After they ask for a pause instead.

        Parameters
        ----------
        now, epoch : float
            Seconds of the loop's clock, and since the epoch.
        """
        skipped = self._skip > 0
        self._skip -= skipped
        backoff = "Backoff" in headers
        if skipped and not backoff:
            return
        found = read_budget(headers, epoch=epoch)
        self.is_spent = found is not None and found.remaining <= 0
        if "Retry-After" in headers:
            return
        if found is not None:
            self._without_budget = 0
            self.keep(self._reset.refine(found, now), now=now)
            if backoff:
                self._slots.server_limit = None  # Backoff gives seconds, not a count
            return
        self._without_budget += 1  # one response may come from a cache
        if self._without_budget >= _MAX_RESPONSES_WITHOUT_BUDGET:
            self._skip = _RESPONSES_BETWEEN_LOOKS - 1
            self.gap, self._slots.server_limit = 0.0, None

    def keep(self, announced: Budget, *, now: float) -> None:
        """Keep within a budget, wherever it was announced; one in a payload is exact."""
        self._slots.server_limit = max(1, int(announced.remaining))
        if announced.remaining <= 0 and announced.reset_in:
            self.gap = 0.0
            self._pause.extend(now + announced.reset_in)
        else:
            processes = self._slots.share[0]  # the budget is that of all processes
            gap = compute_spacing(announced, self._slots.in_use * processes, waiting=self.outstanding * processes)
            self.gap = gap * processes

"""The deadlines of all attempts of one client, watched by one timer.

`asyncio.timeout` starts and cancels a timer for each attempt, which takes a tenth of a request's time. Here the timer
stands at the earliest deadline of the attempts that were under way when it last fired.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

_TIMER_SECONDS = 0.002
"""Seconds by which a timer may fire early."""


class Deadlines:
    """Cancels the tasks whose attempts have reached their deadlines; all of them run on one event loop."""

    __slots__ = ("_due", "_timer", "attempts")

    def __init__(self) -> None:
        self.attempts: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due = inf

    def limit(self, seconds: float) -> Deadline:
        """Return a context manager that raises `TimeoutError` if its block takes longer, as `asyncio.timeout` does."""
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        if at < self._due:
            self._start_timer(loop, at)
        return Deadline(self, at)

    def _start_timer(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due, self._timer = at, loop.call_at(at, self._end_overdue)

    def _end_overdue(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time() + _TIMER_SECONDS
        for attempt in self.attempts:
            if attempt.at <= now:
                attempt.end()
        self._due, self._timer = inf, None
        earliest = min((attempt.at for attempt in self.attempts if attempt.at > now), default=inf)
        if earliest < inf:
            self._start_timer(loop, earliest)


class Deadline:
    """The deadline of one attempt, which the present task makes.

    Attributes
    ----------
    at : float
        On the loop's clock.
    """

    __slots__ = ("_all", "_cancelling", "_has_ended", "_task", "at")

    def __init__(self, deadlines: Deadlines, at: float) -> None:
        task: Any = asyncio.current_task()
        self._all, self._task, self.at = deadlines.attempts, task, at
        self._cancelling = task.cancelling()
        self._has_ended = False

    def end(self) -> None:
        """Cancel the attempt."""
        self._has_ended = True
        self._task.cancel()

    def __enter__(self) -> Self:
        self._all.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._all.discard(self)
        if self._has_ended and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

"""The log of a run, as a hook: one INFO line per run; DEBUG for each retry, pause and found page."""

from __future__ import annotations

import logging
from functools import singledispatchmethod
from typing import TYPE_CHECKING

from pandas_async_io._core.policy.durations import format_seconds
from pandas_async_io._core.report.events import Event, Finished, PageFound, Paused, RetryScheduled

if TYPE_CHECKING:
    from collections.abc import Collection

_LOGGER = logging.getLogger("pandas_async_io")


class RunLog:
    """Writes events to the logger ``pandas_async_io``, as its level says.

    Attributes
    ----------
    listens_to : collection of type
        The events that the logger's level lets through.
    """

    __slots__ = ("listens_to",)

    def __init__(self) -> None:
        self.listens_to: Collection[type[Event]] = ()
        if _LOGGER.isEnabledFor(logging.DEBUG):
            self.listens_to = (RetryScheduled, Paused, PageFound, Finished)
        elif _LOGGER.isEnabledFor(logging.INFO):
            self.listens_to = (Finished,)

    @singledispatchmethod
    def __call__(self, event: Event) -> None:
        """Write an event."""

    @__call__.register
    def _(self, event: RetryScheduled) -> None:
        delay = format_seconds(event.delay)
        where, why = f"{event.method} {event.url}", event.reason
        _LOGGER.debug("run %s: %s failed (%s), attempt %d in %s", event.run, where, why, event.attempt + 1, delay)

    @__call__.register
    def _(self, event: Paused) -> None:
        pause = format_seconds(event.seconds)
        _LOGGER.debug("run %s: %s paused for %s (%s)", event.run, event.origin, pause, event.reason)

    @__call__.register
    def _(self, event: PageFound) -> None:
        _LOGGER.debug("run %s: page %d found: %s", event.run, event.page, event.url)

    @__call__.register
    def _(self, event: Finished) -> None:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in event.outcomes.items()) or "no rows"
        _LOGGER.info(
            "run %s: %s: %s; %d requests sent (%d repeated, %d refused) in %.2f s%s",
            event.run,
            event.label,
            outcomes,
            event.sent,
            event.retried,
            event.refused,
            event.seconds,
            f"; ended by {event.error_type}" if event.error_type else "",
        )

"""Calls the hooks of a run, in order; the exception of a hook is logged once and ends nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.report.events import EVENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pandas_async_io._core.report.events import Event, Hook

_LOGGER = logging.getLogger("pandas_async_io")


class Hooks:
    """The hooks of one run, each once however often it was given.

    Parameters
    ----------
    hooks : iterable of Hook
        Those of the client, then those of the call.

    Attributes
    ----------
    trace_sources : list of Hook
        Those whose ``trace_headers(run, url)`` returns headers that requests carry.
    """

    __slots__ = ("_by_event", "_failed", "trace_sources")

    def __init__(self, hooks: Iterable[Hook]) -> None:
        distinct = list({id(hook): hook for hook in hooks}.values())
        self._by_event: dict[type[Event], list[Hook]] = {
            kind: [hook for hook in distinct if kind in _list_wanted(hook)] for kind in EVENT_TYPES
        }
        self._failed: set[int] = set()
        self.trace_sources = [hook for hook in distinct if hasattr(type(hook), "trace_headers")]

    def __bool__(self) -> bool:
        return any(self._by_event.values())

    def hear(self, kind: type[Event]) -> bool:
        """Whether a hook listens to a kind of event: else none is built."""
        return bool(self._by_event[kind])

    def call(self, event: Event) -> None:
        """Call the hooks that listen to an event."""
        for hook in self._by_event[type(event)]:
            try:
                hook(event)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever a user's function raises
                self._log_once(hook, error)

    def _log_once(self, hook: Hook, error: BaseException) -> None:
        if id(hook) not in self._failed:
            self._failed.add(id(hook))
            name: Any = getattr(hook, "__qualname__", type(hook).__qualname__)
            _LOGGER.error("the hook %s raised; its further exceptions in this run are not logged", name, exc_info=error)


def _list_wanted(hook: Hook) -> Collection[type[Event]]:
    """Return the events that a hook listens to: all, unless its attribute says which. A mock has any attribute."""
    wanted = getattr(hook, "listens_to", None)
    return wanted if isinstance(wanted, tuple | list | set | frozenset) else EVENT_TYPES

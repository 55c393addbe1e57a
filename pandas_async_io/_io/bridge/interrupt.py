"""Ctrl-C while a call blocks: who handles it, and which rows the exception carries."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def handle_interrupt(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Handle Ctrl-C in the main thread, unless the user has a handler of their own.

    `asyncio.Runner` only asks its main task to stop, which a call that blocks it would never notice.
    """
    before = signal.getsignal(signal.SIGINT)
    runner = getattr(getattr(before, "func", None), "__self__", None)
    usual = before is signal.default_int_handler or isinstance(runner, asyncio.Runner)
    if threading.current_thread() is not threading.main_thread() or not usual:
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def defer_interrupt() -> Iterator[list[int]]:
    """Hold Ctrl-C back while a frame is made, which would be lost; yields the presses."""
    presses: list[int] = []
    with handle_interrupt(lambda number, _frame: presses.append(number)):
        yield presses


def attach_partial(partial_result: Any, interrupt: KeyboardInterrupt | None = None) -> KeyboardInterrupt:
    """Return an interrupt with the rows that were there."""
    interrupt = interrupt or KeyboardInterrupt()
    vars(interrupt)["partial"] = partial_result
    if not getattr(interrupt, "__notes__", None):
        interrupt.add_note(
            "the rows that were there are on it, as .partial (in a notebook: sys.last_value.partial); "
            ".partial.aio.retry_failed() goes on"
        )
    return interrupt

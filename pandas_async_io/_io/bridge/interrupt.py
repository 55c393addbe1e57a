"""Ctrl-C during a blocking call: who handles it, and the finished rows on the exception."""

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
    """Handle Ctrl-C with `handler`, in the main thread and unless the user has installed a handler.

    `asyncio.Runner`'s handler only cancels its main task, which a blocking call inside that task would never notice.
    """
    before = signal.getsignal(signal.SIGINT)
    runner = getattr(getattr(before, "func", None), "__self__", None)
    is_default = before is signal.default_int_handler or isinstance(runner, asyncio.Runner)
    if threading.current_thread() is not threading.main_thread() or not is_default:
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def defer_interrupt() -> Iterator[list[int]]:
    """Collect Ctrl-C instead of raising it while a frame is assembled; yields the list of signals."""
    signals: list[int] = []
    with handle_interrupt(lambda number, _frame: signals.append(number)):
        yield signals


def attach_partial(partial_result: Any, interrupt: KeyboardInterrupt | None = None) -> KeyboardInterrupt:
    """Return the interrupt, or a new one, with the finished rows as ``.partial``."""
    interrupt = interrupt or KeyboardInterrupt()
    vars(interrupt)["partial"] = partial_result
    if not getattr(interrupt, "__notes__", None):
        interrupt.add_note(
            ".partial of this exception holds the finished rows (in a notebook: sys.last_value.partial); "
            ".partial.aio.retry_failed() sends the others"
        )
    return interrupt

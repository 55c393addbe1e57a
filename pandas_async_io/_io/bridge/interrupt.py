"""Ctrl-C during a blocking call: who handles it, and the finished rows on the exception."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_NOTE = """\
.partial of this exception holds the finished rows (in a notebook: sys.last_value.partial);
.partial.aio.retry_failed() sends the others:

    try:
        out = df.aio.fetch(url)
    except KeyboardInterrupt as stopped:
        out = stopped.partial

In a coroutine asyncio.run replaces the exception outside; inside, it is on the CancelledError:

    try:
        out = await df.aio.fetch_async(url)
    except asyncio.CancelledError as stopped:
        out = stopped.partial"""

_handled: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
"""Tasks whose cancellation by Ctrl-C a blocking call has handled."""


@contextlib.contextmanager
def handle_interrupt(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Handle Ctrl-C with `handler`, in the main thread and unless the user has installed a handler.

    `asyncio.Runner`'s handler only cancels its main task, which a blocking call inside that task would never notice. A
    Ctrl-C that it took before, as while the call was prepared, goes to `handler` too.
    """
    before = signal.getsignal(signal.SIGINT)
    runner = getattr(getattr(before, "func", None), "__self__", None)
    is_default = before is signal.default_int_handler or isinstance(runner, asyncio.Runner)
    if threading.current_thread() is not threading.main_thread() or not is_default:
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        if before is not signal.default_int_handler and _take_earlier_interrupt(runner):
            handler(signal.SIGINT, None)
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _take_earlier_interrupt(runner: Any) -> bool:
    """Whether Ctrl-C has cancelled the running task, which has not noticed yet; True once for each task."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    # asyncio has no public name for either; a task that has noticed may make a blocking call to clean up
    is_new = getattr(runner, "_interrupt_count", 0) and getattr(task, "_must_cancel", False) and task not in _handled
    if task is None or not is_new:
        return False
    _handled.add(task)
    return True


@contextlib.contextmanager
def defer_interrupt() -> Iterator[list[int]]:
    """Collect Ctrl-C instead of raising it while a frame is assembled; yields the list of signals."""
    signals: list[int] = []
    with handle_interrupt(lambda number, _frame: signals.append(number)):
        yield signals


def attach_partial(partial_result: Any, interrupt: KeyboardInterrupt | None = None) -> KeyboardInterrupt:
    """Return the interrupt, or a new one, with the finished rows as ``.partial``."""
    interrupt = interrupt or KeyboardInterrupt()
    set_partial(interrupt, partial_result)
    return interrupt


def set_partial(error: BaseException, partial_result: Any) -> None:
    """Put the finished rows on an exception as ``.partial``, with a note that shows how to catch it."""
    vars(error)["partial"] = partial_result
    if not getattr(error, "__notes__", None):
        error.add_note(_NOTE)

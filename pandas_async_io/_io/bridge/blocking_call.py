"""Block until a coroutine has ended, wherever the caller stands; the only file that uses nest_asyncio.

Invariant: a wait that could never end is refused before anything is sent, and Ctrl-C leaves no work running.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from pandas_async_io._core.errors import PortalError
from pandas_async_io._io.bridge.interrupt import handle_interrupt
from pandas_async_io._io.bridge.portal import start_coroutine
from pandas_async_io._io.bridge.wait import HEARTBEAT_SECONDS, UNWIND_SECONDS, ResultWaiter, running_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pandas_async_io._io.bridge.loop_future import LoopFuture

T = TypeVar("T")


def run_blocking(
    make_coroutine: Callable[[], Coroutine[Any, Any, T]],
    loop: asyncio.AbstractEventLoop,
    on_heartbeat: Callable[[], None],
    *,
    is_callers_loop: bool,
) -> T:
    """Run a coroutine on a loop and block until it is done.

    Ctrl-C cancels it and waits up to a second until it has unwound.

    Parameters
    ----------
    make_coroutine
        Creates the coroutine; called on the loop.
    on_heartbeat
        Called at once, then every `HEARTBEAT_SECONDS`.
    is_callers_loop
        The loop is not the portal's: this call drives it if no thread does, and nests it if it runs in this thread.

    Raises
    ------
    PortalError
        The wait could never end.
    """
    _prepare_loop(loop, is_callers_loop=is_callers_loop)
    future = start_coroutine(make_coroutine, loop)

    def wake() -> None:
        on_heartbeat()
        if is_callers_loop and not future.done() and (running_loop() is loop or not loop.is_running()):
            _drive_loop(future, on_heartbeat)

    try:
        wake()
        return ResultWaiter(future, "the call", loop, future.request_cancel).wait(None, wake)
    except BaseException:
        future.request_cancel()
        raise


def _prepare_loop(loop: asyncio.AbstractEventLoop, *, is_callers_loop: bool) -> None:
    """Refuse a wait that could never end; make a loop nestable that runs in this thread."""
    here = running_loop()
    if not is_callers_loop and here is loop:
        raise PortalError("a blocking call inside a callback of this package would wait for itself")
    if here is not loop:
        if here is not None and is_callers_loop and not loop.is_running():
            raise PortalError(
                "this client's session belongs to an event loop that is not running, and this thread runs another one"
            )
    elif not isinstance(loop, asyncio.BaseEventLoop):
        raise PortalError(
            f"a blocking call can't run inside a running {type(loop).__module__} loop: use `await` with the _async "
            "function, or a Client without session="
        )
    elif not hasattr(loop, "_nest_patched"):
        import nest_asyncio2  # noqa: PLC0415 - imported only where needed: it patches asyncio

        nest_asyncio2.apply(loop)


_lock = threading.Lock()
_driven_loops: set[asyncio.AbstractEventLoop] = set()
"""Loops that no thread was running, and that a blocking call now runs in its own thread."""


def _drive_loop(future: LoopFuture[Any], on_heartbeat: Callable[[], None]) -> None:
    """Run the future's loop in this thread, nested if it runs here; return at once if another thread runs it."""
    loop = future.loop
    if running_loop() is loop:
        _run_until_done(future, on_heartbeat)
        return
    with _lock:
        if loop in _driven_loops:
            return
        _driven_loops.add(loop)
    try:
        _run_until_done(future, on_heartbeat)
    finally:
        _driven_loops.remove(loop)


def _run_until_done(future: LoopFuture[Any], on_heartbeat: Callable[[], None]) -> None:
    """Run the loop until the work has ended, or Ctrl-C was pressed and the work has unwound."""
    signals: list[int] = []

    def record(number: int, frame: Any) -> None:
        # Raised inside the loop, KeyboardInterrupt would end whichever task is running, and the loop.
        if signals:
            signal.default_int_handler(number, frame)
        signals.append(number)

    try:
        with handle_interrupt(record):
            future.loop.run_until_complete(_wait_until_done(future, signals, on_heartbeat))
    except BaseException:
        future.loop.run_until_complete(_wait_until_done(future, [signal.SIGINT], on_heartbeat))
        raise
    if signals:
        raise KeyboardInterrupt


async def _wait_until_done(future: LoopFuture[Any], signals: list[int], on_heartbeat: Callable[[], None]) -> None:
    """Wait until the work has ended; once `signals` holds one, cancel the work and wait until it has unwound."""
    ended = asyncio.Event()
    future.add_done_callback(lambda _: ended.set())
    waiter = asyncio.ensure_future(ended.wait())
    while not (future.done() or signals):
        await asyncio.wait((waiter,), timeout=HEARTBEAT_SECONDS)
        on_heartbeat()
    if not future.done():
        future.request_cancel()
        await asyncio.wait((waiter,), timeout=UNWIND_SECONDS)
    waiter.cancel()

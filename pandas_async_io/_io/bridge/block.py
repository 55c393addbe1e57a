"""A plain call waits for work on an event loop, wherever the caller stands. The only file with nest_asyncio.

The law of this file: a wait that could never end is refused before anything
is sent, and Ctrl-C never leaves work behind.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from pandas_async_io._core.errors import PortalError
from pandas_async_io._io.bridge.interrupt import handle_interrupt
from pandas_async_io._io.bridge.portal import LoopFuture, start_coroutine
from pandas_async_io._io.bridge.wait import HEARTBEAT_SECONDS, UNWIND_SECONDS, ResultWaiter, running_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def run_blocking(
    make: Callable[[], Coroutine[Any, Any, T]],
    loop: asyncio.AbstractEventLoop,
    tick: Callable[[], None],
    *,
    foreign: bool,
) -> T:
    """Run a coroutine on a loop and block until it is done.

    Ctrl-C cancels it and lets it unwind, up to a second.

    Parameters
    ----------
    make
        Makes the coroutine; called on the loop.
    tick
        Called at once, then once per heartbeat.
    foreign
        The loop is not the portal's: it is run here if it runs nowhere else, and nested if it runs here.

    Raises
    ------
    PortalError
        If the wait could never end.
    """
    _check_loop(loop, foreign=foreign)
    started = start_coroutine(make, loop)

    def turn() -> None:
        tick()
        if foreign and not started.done() and (running_loop() is loop or not loop.is_running()):
            _drive_loop(started, tick)

    try:
        turn()
        return ResultWaiter(started, "the call", loop, started.stop).block(None, turn)
    except BaseException:
        started.stop()
        raise


def _check_loop(loop: asyncio.AbstractEventLoop, *, foreign: bool) -> None:
    """Refuse a wait that could never end, and make the loop nestable that runs here."""
    here = running_loop()
    if not foreign and here is loop:
        raise PortalError("a blocking call inside a callback of this package would wait for itself")
    if here is not loop:
        if here is not None and foreign and not loop.is_running():
            raise PortalError("the session of this client belongs to an event loop that is not running, another is")
    elif not isinstance(loop, asyncio.BaseEventLoop):
        raise PortalError(
            f"a blocking call can't run inside a running {type(loop).__module__} loop: use `await` with the _async "
            "function, or a Client without session="
        )
    elif not hasattr(loop, "_nest_patched"):
        import nest_asyncio2  # noqa: PLC0415 - it patches asyncio: only who needs it pays

        nest_asyncio2.apply(loop)


_lock = threading.Lock()
_driven_loops: set[asyncio.AbstractEventLoop] = set()
"""Loops that ran nowhere, and now run in the thread of a blocking call."""


def _drive_loop(started: LoopFuture[Any], tick: Callable[[], None]) -> None:
    """Run the work's loop in this thread, inside itself if need be, unless another thread just began to."""
    loop = started.loop
    if running_loop() is loop:
        _run_until_done(started, tick)
        return
    with _lock:
        if loop in _driven_loops:
            return
        _driven_loops.add(loop)
    try:
        _run_until_done(started, tick)
    finally:
        _driven_loops.remove(loop)


def _run_until_done(started: LoopFuture[Any], tick: Callable[[], None]) -> None:
    """Run the loop until the work has ended, or Ctrl-C was pressed and it has unwound."""
    presses: list[int] = []

    def note(number: int, frame: Any) -> None:
        # Raised in the middle of a loop, it would end whichever task is running, and the loop with it.
        if presses:
            signal.default_int_handler(number, frame)
        presses.append(number)

    try:
        with handle_interrupt(note):
            started.loop.run_until_complete(_wait_until_done(started, presses, tick))
    except BaseException:
        started.loop.run_until_complete(_wait_until_done(started, [0], tick))
        raise
    if presses:
        raise KeyboardInterrupt


async def _wait_until_done(started: LoopFuture[Any], presses: list[int], tick: Callable[[], None]) -> None:
    ended = asyncio.Event()
    started.add_done_callback(lambda _: ended.set())
    waiting = asyncio.ensure_future(ended.wait())
    while not (started.done() or presses):
        await asyncio.wait((waiting,), timeout=HEARTBEAT_SECONDS)
        tick()
    if not started.done():
        started.stop()
        await asyncio.wait((waiting,), timeout=UNWIND_SECONDS)
    waiting.cancel()

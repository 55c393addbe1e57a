"""Wait for the result of work that another thread or task does, blocking or awaited.

Invariant: a wait that could never end raises.

Both kinds of wait wake every `HEARTBEAT_SECONDS`: Python handles a signal only in a running main thread, and the loop
of the work may be closed meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import signal
import time
import weakref
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from pandas_async_io._core.errors import PortalError
from pandas_async_io._io.bridge.interrupt import handle_interrupt, set_partial
from pandas_async_io._io.bridge.loop_watch import LoopWatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

T = TypeVar("T")
Work = Future[T]

LOGGER = logging.getLogger("pandas_async_io")

HEARTBEAT_SECONDS = 0.2
"""Longest time between two looks at the work while waiting."""

UNWIND_SECONDS = 1.0
"""How long cancelled work is waited for."""

CANCELLED_ERRORS = (CancelledError, asyncio.CancelledError)
"""Both kinds of cancellation; neither is a failure."""


def failure_of(work: Work[T]) -> BaseException | None:
    """Return the exception that finished work ended with, also a cancellation; None after success.

    Examples
    --------
    >>> work = Future()
    >>> work.cancel()
    True
    >>> failure_of(work)
    CancelledError()
    """
    try:
        return work.exception(timeout=0)
    except CancelledError as error:
        return error


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class ResultWaiter(Generic[T]):
    """Waits for one result, any number of times; logs a failure that was never read.

    Parameters
    ----------
    work : concurrent.futures.Future
        Completed by another thread, or by a task on `loop`.
    label : str
        Names the work in messages; without secrets.
    loop : event loop or None
        Where the work runs.
    cancel : callable, optional
        Asks the work to stop, from any thread; returns False if it refuses. ``work.cancel`` by default.
    """

    __slots__ = (
        "__weakref__",
        "_label",
        "_loop",
        "_pid",
        "_request_cancel",
        "_unread_finalizer",
        "_work",
        "_work_traceback",
    )

    def __init__(
        self,
        work: Work[T],
        label: str,
        loop: asyncio.AbstractEventLoop | None,
        cancel: Callable[[], object] | None = None,
    ) -> None:
        self._work = work
        self._label = label
        self._loop = loop
        self._request_cancel = cancel or work.cancel
        self._pid = os.getpid()
        self._work_traceback: list[TracebackType | None] = []
        self._unread_finalizer = weakref.finalize(self, _log_unread_failure, work, label, self._pid)

    def cancel(self) -> bool:
        """Ask the work to stop; False if it has ended, refuses, or belongs to another process."""
        return not self._work.done() and self._pid == os.getpid() and self._request_cancel() is not False

    def wait(self, timeout: float | None, on_heartbeat: Callable[[], None] | None = None) -> T:
        """Wait in this thread, at most `timeout` seconds; Ctrl-C cancels the work.

        Raises
        ------
        TimeoutError, concurrent.futures.CancelledError, PortalError, KeyboardInterrupt
            As in `FrameFuture.result`; also the exception that the work failed with.
        """
        end = math.inf if timeout is None else time.monotonic() + timeout
        watch = LoopWatch(self._loop, self._label)
        try:
            with handle_interrupt(signal.default_int_handler):
                while not self._work.done():
                    self._refuse_endless_wait(blocking=True)
                    left = end - time.monotonic()
                    if left <= 0:
                        raise TimeoutError(f"{self._label} is not complete after {timeout} s; the work continues")
                    _block_until_done(self._work, min(left, HEARTBEAT_SECONDS))
                    watch.beat()
                    if on_heartbeat is not None:
                        on_heartbeat()
        except KeyboardInterrupt as interrupt:
            self._stop_work(interrupt)
            raise
        return self._read_result(CancelledError)

    async def wait_async(self, on_heartbeat: Callable[[], None] = lambda: None) -> T:
        """Wait in this event loop; cancelling the waiting task cancels the work.

        Raises
        ------
        asyncio.CancelledError, PortalError, KeyboardInterrupt
            Also the exception that the work failed with.
        """
        waiter = asyncio.get_running_loop().create_future()
        self._work.add_done_callback(partial(_wake, waiter))
        watch = LoopWatch(self._loop, self._label)
        try:
            while not self._work.done():
                self._refuse_endless_wait(blocking=False)
                await asyncio.wait((waiter,), timeout=HEARTBEAT_SECONDS)
                watch.beat()
                on_heartbeat()
        except asyncio.CancelledError as cancelled:
            if self.cancel():
                await asyncio.wait((waiter,), timeout=UNWIND_SECONDS)
            self._mark_read(cancelled)
            raise
        except KeyboardInterrupt as interrupt:
            self._stop_work(interrupt)
            raise
        return self._read_result(asyncio.CancelledError)

    def _refuse_endless_wait(self, *, blocking: bool) -> None:
        if self._pid != os.getpid():
            raise PortalError(f"{self._label} is read by the parent process; read it again in this one")
        if self._loop is not None and self._loop.is_closed():
            raise PortalError(f"{self._label} was read on an event loop that is closed; read it again")
        if blocking and self._runs_in_this_thread():
            raise PortalError(
                f"{self._label} is read by the event loop of this thread, and a blocking wait would stop that loop; "
                "use `await`"
            )

    def _runs_in_this_thread(self) -> bool:
        return self._loop is not None and running_loop() is self._loop

    def _stop_work(self, interrupt: KeyboardInterrupt) -> None:
        """Cancel the work, let it unwind, and put its finished rows on the interrupt."""
        if self.cancel() and not self._runs_in_this_thread():
            _block_until_done(self._work, UNWIND_SECONDS)
        self._mark_read(interrupt)

    def _mark_read(self, interrupt: BaseException) -> None:
        """Count the end of stopped work as read, and copy its finished rows to the interrupt."""
        self._unread_finalizer.detach()
        if self._work.done():
            _copy_partial(interrupt, failure_of(self._work))

    def _read_result(self, cancelled_type: type[CancelledError | asyncio.CancelledError]) -> T:
        """Return the result, or raise what the work ended with; a cancellation becomes `cancelled_type`."""
        self._unread_finalizer.detach()
        error = failure_of(self._work)
        if error is None:
            return self._work.result()
        if isinstance(error, CANCELLED_ERRORS):
            cancelled = cancelled_type(f"{self._label} was cancelled")
            _copy_partial(cancelled, error)
            raise cancelled
        # Each raise appends frames to the exception's traceback: always start from the work's own.
        self._work_traceback = self._work_traceback or [error.__traceback__]
        raise error.with_traceback(self._work_traceback[0])


def _copy_partial(error: BaseException, source: BaseException | None) -> None:
    """Copy the finished rows of a cancelled run to the exception that the user sees."""
    rows = getattr(source, "partial", None)
    if rows is not None:
        set_partial(error, rows)


def _log_unread_failure(work: Work[T], label: str, pid: int) -> None:
    """Log the failure of work whose result was never read, now or when it ends."""
    if pid == os.getpid():
        work.add_done_callback(partial(_log_failure, label))


def _log_failure(label: str, work: Work[T]) -> None:
    error = failure_of(work)
    if error is not None and not isinstance(error, CANCELLED_ERRORS):
        LOGGER.error("%s failed and its result was never read: %s: %s", label, type(error).__name__, error)


def _block_until_done(work: Work[T], seconds: float) -> None:
    """Block until the work has ended in any way, at most `seconds`."""
    with contextlib.suppress(TimeoutError, CancelledError):
        work.exception(seconds)


def _wake(waiter: asyncio.Future[None], _: Work[T]) -> None:
    """Wake the waiter from the thread that finished the work, unless its loop is closed."""
    with contextlib.suppress(RuntimeError):
        waiter.get_loop().call_soon_threadsafe(_resolve, waiter)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)

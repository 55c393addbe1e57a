"""Waiting for work that another thread or task does: blocking or awaited, never for ever in vain.

Both waits wake once per heartbeat, for a signal that another thread received is seen only by a
thread that runs, and a loop may be closed under its work.
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

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

from pandas_async_io._io.bridge.interrupt import handle_interrupt

T = TypeVar("T")
Work = Future[T]

LOGGER = logging.getLogger("pandas_async_io")

HEARTBEAT_SECONDS = 0.2
"""Seconds."""

UNWIND_SECONDS = 1.0
"""Seconds that cancelled work is given to unwind."""

CANCELLED_ERRORS = (CancelledError, asyncio.CancelledError)
"""Both kinds of cancellation; neither is a failure."""


def failure_of(work: Work[T]) -> BaseException | None:
    """Return what finished work failed with, its cancellation included.

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


def _copy_partial(error: BaseException, source: BaseException | None) -> None:
    """Put the finished rows of a cancelled run on the exception that the user gets to see."""
    rows = getattr(source, "partial", None)
    if rows is not None:
        vars(error)["partial"] = rows


def _log_failure(label: str, work: Work[T]) -> None:
    """Log a failure that nobody can read any more."""
    error = failure_of(work)
    if error is not None and not isinstance(error, CANCELLED_ERRORS):
        LOGGER.error("%s failed and nobody read it: %s: %s", label, type(error).__name__, error)


def _abandon(work: Work[T], label: str, pid: int) -> None:
    """Log the failure of work that nobody waits for any more, now or when it ends."""
    if pid == os.getpid():
        work.add_done_callback(partial(_log_failure, label))


def _block_until_done(work: Work[T], seconds: float) -> None:
    """Block until the work has ended, whatever it ended with, or the time is over."""
    with contextlib.suppress(TimeoutError, CancelledError):
        work.exception(seconds)


def _resolve(waiter: asyncio.Future[None]) -> None:
    """Wake the waiter, once."""
    if not waiter.done():
        waiter.set_result(None)


def _wake(waiter: asyncio.Future[None], _: Work[T]) -> None:
    """Wake the waiter from the thread that finished the work, unless its loop is gone."""
    with contextlib.suppress(RuntimeError):
        waiter.get_loop().call_soon_threadsafe(_resolve, waiter)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class ResultWaiter(Generic[T]):
    """The wait for one result, any number of times; a failure nobody waited for is logged.

    Parameters
    ----------
    work : concurrent.futures.Future
        Completed by another thread, or by a task on `loop`.
    label : str
        What is read, without secrets.
    loop : event loop or None
        Where the work runs.
    cancel : callable, optional
        Asks the work to stop, from any thread; by default ``work.cancel``. False means refused.
    """

    __slots__ = ("__weakref__", "_ask", "_label", "_loop", "_origin", "_pid", "_unread", "_work")

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
        self._ask = cancel or work.cancel
        self._pid = os.getpid()
        self._origin: list[TracebackType | None] = []
        self._unread = weakref.finalize(self, _abandon, work, label, self._pid)

    def cancel(self) -> bool:
        """Ask the work to stop; False if it has ended, refuses, or is another process's."""
        return not self._work.done() and self._pid == os.getpid() and self._ask() is not False

    def block(self, timeout: float | None, tick: Callable[[], None] | None = None) -> T:
        """Wait in this thread, at most `timeout` seconds; Ctrl-C cancels the work.

        `tick` is called once per heartbeat.

        Raises
        ------
        TimeoutError, concurrent.futures.CancelledError, PortalError, KeyboardInterrupt
            And whatever the work failed with; see `FrameFuture.result`.
        """
        end = math.inf if timeout is None else time.monotonic() + timeout
        try:
            with handle_interrupt(signal.default_int_handler):
                while not self._work.done():
                    self._check(blocking=True)
                    left = end - time.monotonic()
                    if left <= 0:
                        raise TimeoutError(f"{self._label} is not read after {timeout} s; the work goes on")
                    _block_until_done(self._work, min(left, HEARTBEAT_SECONDS))
                    if tick is not None:
                        tick()
        except KeyboardInterrupt as interrupt:
            self._interrupt(interrupt)
            raise
        return self._read(CancelledError)

    async def arrive(self) -> T:
        """Wait in this event loop; a cancelled waiter takes the work along.

        Raises
        ------
        asyncio.CancelledError, PortalError, KeyboardInterrupt
            And whatever the work failed with.
        """
        waiter = asyncio.get_running_loop().create_future()
        self._work.add_done_callback(partial(_wake, waiter))
        try:
            while not self._work.done():
                self._check(blocking=False)
                await asyncio.wait((waiter,), timeout=HEARTBEAT_SECONDS)
        except asyncio.CancelledError as cancelled:
            if self.cancel():
                await asyncio.wait((waiter,), timeout=UNWIND_SECONDS)
            self._keep(cancelled)
            raise
        except KeyboardInterrupt as interrupt:
            self._interrupt(interrupt)
            raise
        return self._read(asyncio.CancelledError)

    def _check(self, *, blocking: bool) -> None:
        """Refuse a wait that could never end."""
        if self._pid != os.getpid():
            raise PortalError(f"{self._label} is read by the parent process; read it again in this one")
        if self._loop is not None and self._loop.is_closed():
            raise PortalError(f"{self._label} was read on an event loop that is closed; read it again")
        if blocking and self._is_here():
            raise PortalError(
                f"{self._label} is read by the event loop of this very thread, which waiting here would "
                "stop for ever; use `await`"
            )

    def _is_here(self) -> bool:
        """Tell whether the work needs this thread to get on."""
        return self._loop is not None and running_loop() is self._loop

    def _interrupt(self, interrupt: KeyboardInterrupt) -> None:
        """Cancel the work and let it unwind."""
        if self.cancel() and not self._is_here():
            _block_until_done(self._work, UNWIND_SECONDS)
        self._keep(interrupt)

    def _keep(self, interrupt: BaseException) -> None:
        """Take the end of stopped work as read, and its finished rows along."""
        self._unread.detach()
        if self._work.done():
            _copy_partial(interrupt, failure_of(self._work))

    def _read(self, cancelled: type[CancelledError | asyncio.CancelledError]) -> T:
        """Return the frame, or raise what the work ended with: a cancellation as the waiter's kind."""
        self._unread.detach()
        error = failure_of(self._work)
        if error is None:
            return self._work.result()
        if isinstance(error, CANCELLED_ERRORS):
            stopped = cancelled(f"{self._label} was cancelled")
            _copy_partial(stopped, error)
            raise stopped
        # Each raise adds its frames to the one traceback: begin again where the work left it.
        self._origin = self._origin or [error.__traceback__]
        raise error.with_traceback(self._origin[0])

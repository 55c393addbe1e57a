"""A future of work on an event loop, which any thread may wait for and cancel."""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, TypeVar

from pandas_async_io._io.bridge.wait import UNWIND_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_unfinished: set[LoopFuture[Any]] = set()


def unfinished_futures(loop: asyncio.AbstractEventLoop) -> list[LoopFuture[Any]]:
    """Return the futures of a loop whose work has not ended."""
    return [future for future in _unfinished.copy() if future.loop is loop]


def detach_unfinished_futures() -> object:
    """Return what holds the unfinished futures, and begin anew: in a forked child they are the parent's."""
    global _unfinished
    detached, _unfinished = _unfinished, set()
    return detached


class LoopFuture(Future[T]):
    """A `concurrent.futures.Future` of a task on an event loop; `request_cancel` cancels it from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, get_partial: Callable[[], Any]) -> None:
        super().__init__()
        self.loop = loop
        self.cancel_requested = False
        self.is_background = False
        """Whether it ends at exit without a word: nobody waits for it."""
        self._requested_at = 0.0
        self._cancel_was_seen = False
        self._get_partial = get_partial
        self._task: asyncio.Task[T] | None = None
        self.set_running_or_notify_cancel()  # only the end of the task completes this future
        _unfinished.add(self)

    def create_task(self, make_coroutine: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Create the task, unless the work was refused; call it on the loop."""
        if self.done():
            return
        self._task = self.loop.create_task(make_coroutine())
        self._task.add_done_callback(self._complete)

    def request_cancel(self) -> None:
        """Cancel the task, which then unwinds."""
        if not self.cancel_requested:
            self._requested_at = time.monotonic()
            self.cancel_requested = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing runs any more
            self.loop.call_soon_threadsafe(self._cancel_task)

    @property
    def has_begun(self) -> bool:
        """Whether its loop has begun the work."""
        return self._task is not None

    @property
    def waits_for_held_loop(self) -> bool:
        """Whether the loop has taken no note of a cancellation for `UNWIND_SECONDS`: some function does not return."""
        is_unseen = self.cancel_requested and not self._cancel_was_seen
        return is_unseen and time.monotonic() - self._requested_at >= UNWIND_SECONDS

    def refuse(self, error: BaseException) -> None:
        """End work that has not begun."""
        _unfinished.discard(self)
        self.set_exception(error)

    def _cancel_task(self) -> None:
        self._cancel_was_seen = True
        if self._task is not None:
            self._task.cancel()

    def _complete(self, task: asyncio.Task[T]) -> None:
        _unfinished.discard(self)
        try:
            self.set_result(task.result())
        except asyncio.CancelledError:
            self.set_exception(self._cancellation())
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            self.set_exception(error)

    def _cancellation(self) -> BaseException:
        """Return the exception of a cancelled task, with its partial result."""
        cancelled = CancelledError("the call was cancelled")
        try:
            vars(cancelled)["partial"] = self._get_partial()
        except Exception as error:  # noqa: BLE001 - without any exception set, the caller would wait forever
            return error
        return cancelled

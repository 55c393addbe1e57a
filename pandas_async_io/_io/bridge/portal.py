"""Run coroutines on an event loop in a daemon thread, or start them on any loop; the only file that starts threads.

The portal is one per process: started at first use, replaced in a forked child, closed at exit. Only a
``Client(session=...)`` runs on another loop, its session's.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import math
import os
import sys
import threading
import weakref
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from pandas_async_io._core.errors import PortalError
from pandas_async_io._io.bridge.wait import LOGGER, UNWIND_SECONDS, running_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
P = ParamSpec("P")

_CTask: type[asyncio.Task[Any]] = getattr(sys.modules.get("_asyncio"), "Task", asyncio.Task)


class Resource(Protocol):
    """Holds connections on the portal's loop."""

    async def close_connections(self) -> None:
        """Close the connections; runs on the portal's loop."""

    def reset_after_fork(self) -> None:
        """Leave the connections to the parent process; called in its forked child."""


class Portal:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self.loop = _new_loop()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="pandas_async_io", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._closed:
            # sys.exit() in a callback ends its own call, which raises it; the loop goes on for the other calls.
            with contextlib.suppress(SystemExit, KeyboardInterrupt):
                self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def close(self) -> None:
        """Cancel running work, close every connection and end the thread."""
        self.loop.call_soon_threadsafe(lambda: self.loop.create_task(self._shut_down()))
        self._thread.join(2 * UNWIND_SECONDS)

    async def _shut_down(self) -> None:
        running = [each for each in _running.copy() if each.loop is self.loop and not each.cancel_requested]
        if running:
            LOGGER.warning("%d call(s) still running at exit: cancelled", len(running))
        for future in running:
            future.request_cancel()
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=UNWIND_SECONDS)
        for resource in list(_resources):
            await resource.close_connections()
        await asyncio.sleep(0)
        self._closed = True
        self.loop.stop()


class _ThreadPerCallExecutor(ThreadPoolExecutor):
    """Runs each function in a daemon thread of its own.

    Python joins a pool's threads at exit, even while one waits for a silent name server; and after the main thread
    has ended, a pool refuses work that other threads may still need.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start a function in a new thread."""
        work: Future[T] = Future()
        work.set_running_or_notify_cancel()

        def run() -> None:
            try:
                work.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
                work.set_exception(error)

        try:
            threading.Thread(target=run, name="pandas_async_io.worker", daemon=True).start()
        except RuntimeError:  # Python 3.12.0 and 3.12.1 start no thread at exit
            run()
        return work


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop, uvloop's if it is installed, that creates C tasks.

    ``nest_asyncio.apply()`` in the user's code replaces ``asyncio.Task`` in the whole process, and timeouts do not
    work in such tasks.
    """
    try:
        import uvloop  # noqa: PLC0415 - the extra `speed`
    except ImportError:
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    loop.set_task_factory(_create_c_task)
    loop.set_default_executor(_ThreadPerCallExecutor())
    loop.slow_callback_duration = math.inf  # under -X dev asyncio would log each large body
    return loop


def _create_c_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    return _CTask(coroutine, loop=loop, **options)


_lock = threading.Lock()
_portal: Portal | None = None
_resources: weakref.WeakSet[Resource] = weakref.WeakSet()
_running: set[LoopFuture[Any]] = set()


def get_portal() -> Portal:
    """Return this process's portal, started at first use."""
    global _portal  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _portal is None:
            _portal = Portal()
        return _portal


def register_resource(resource: Resource) -> None:
    """Close a resource's connections at exit, and reset it in a forked child."""
    _resources.add(resource)


def leak_object(value: object) -> None:
    """Keep an object of the parent process from being collected in a forked child.

    Its finalizers would warn of unclosed connections, and remove the parent's sockets from the selector that both
    processes share.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


@atexit.register
def _at_exit() -> None:
    global _portal
    running, _portal = _portal, None
    if running is not None:
        running.close()


def _after_fork() -> None:
    """Drop the portal in a forked child: its thread does not exist here, and its sockets are the parent's."""
    global _portal, _lock, _running
    leak_object((_portal, _running))
    _portal, _lock, _running = None, threading.Lock(), set()
    for resource in list(_resources):
        resource.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def start_coroutine(
    make_coroutine: Callable[[], Coroutine[Any, Any, T]],
    loop: asyncio.AbstractEventLoop,
    get_partial: Callable[[], Any] = lambda: None,
) -> LoopFuture[T]:
    """Start a coroutine on a loop, from any thread.

    Parameters
    ----------
    make_coroutine
        Creates the coroutine; called on the loop.
    get_partial
        Returns the partial result of cancelled work; it becomes ``.partial`` of the exception.

    Raises
    ------
    PortalError
        The loop is closed.
    """
    if loop.is_closed():
        raise PortalError("the session of this client belongs to an event loop that is closed: open a new session")
    future: LoopFuture[T] = LoopFuture(loop, get_partial)
    if running_loop() is loop:
        future.create_task(make_coroutine)
    else:
        loop.call_soon_threadsafe(future.create_task, make_coroutine)
    return future


class LoopFuture(Future[T]):
    """A `concurrent.futures.Future` of a task on an event loop; `request_cancel` cancels it from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, get_partial: Callable[[], Any]) -> None:
        super().__init__()
        self.loop = loop
        self.cancel_requested = False
        self._get_partial = get_partial
        self._task: asyncio.Task[T] | None = None
        self.set_running_or_notify_cancel()  # only the end of the task completes this future
        _running.add(self)

    def create_task(self, make_coroutine: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Create the task; call it on the loop."""
        self._task = self.loop.create_task(make_coroutine())
        self._task.add_done_callback(self._complete)

    def request_cancel(self) -> None:
        """Cancel the task, which then unwinds."""
        self.cancel_requested = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing runs any more
            self.loop.call_soon_threadsafe(lambda: self._task.cancel() if self._task else None)

    def _complete(self, task: asyncio.Task[T]) -> None:
        _running.discard(self)
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
        except Exception as error:  # noqa: BLE001 - without any exception set, the caller would wait for ever
            return error
        return cancelled


def spawn_on_portal(make_coroutine: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Run a coroutine on the portal's loop without waiting; does nothing if there is no portal."""
    running = _portal
    if running is not None:
        with contextlib.suppress(RuntimeError):
            running.loop.call_soon_threadsafe(lambda: running.loop.create_task(make_coroutine()))

"""Sync ↔ async: where work runs. The only file with threads; how a plain call waits is `block`'s.

One private event loop runs in a daemon thread of this process, started at
first use, left to the parent by a forked child, closed at exit. Only a client
around the caller's own session runs on the caller's own loop.
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
    """What holds connections on the portal's loop."""

    async def close_connections(self) -> None:
        """Close them; on that loop."""

    def reset_after_fork(self) -> None:
        """Leave them to the parent process, in its forked child."""


class Portal:
    """An event loop in a daemon thread of its own."""

    def __init__(self) -> None:
        self.loop = _new_loop()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="pandas_async_io", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._over:
            # A callback's sys.exit() ends its own call, which raises it, and not the loop of all others.
            with contextlib.suppress(SystemExit, KeyboardInterrupt):
                self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def close(self) -> None:
        """Cancel what still runs, close every connection, end the thread."""
        self.loop.call_soon_threadsafe(lambda: self.loop.create_task(self._shut_down()))
        self._thread.join(2 * UNWIND_SECONDS)

    async def _shut_down(self) -> None:
        running = [one for one in _running.copy() if one.loop is self.loop and not one.stopped]
        if running:
            LOGGER.warning("%d call(s) still running at exit: cancelled", len(running))
        for started in running:
            started.stop()
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=UNWIND_SECONDS)
        for resource in list(_resources):
            await resource.close_connections()
        await asyncio.sleep(0)
        self._over = True
        self.loop.stop()


class _ThreadPerCallExecutor(ThreadPoolExecutor):
    """A daemon thread for each piece of work.

    A pool's threads are waited for at exit, a name server's silence with them, and once the main
    thread has ended a pool refuses work, though other threads may still be at theirs.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start the work."""
        work: Future[T] = Future()
        work.set_running_or_notify_cancel()

        def run() -> None:
            try:
                work.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - raised by whoever waits
                work.set_exception(error)

        try:
            threading.Thread(target=run, name="pandas_async_io.aside", daemon=True).start()
        except RuntimeError:  # no thread to be had, as at the end of a Python 3.12.0 or 3.12.1
            run()
        return work


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop, uvloop's if it is installed, that makes C tasks.

    Somebody else's ``nest_asyncio.apply()`` replaces ``asyncio.Task`` for the whole
    process; timeouts inside such tasks do not work.
    """
    try:
        import uvloop  # noqa: PLC0415 - the extra `speed`
    except ImportError:
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    loop.set_task_factory(_create_c_task)
    loop.set_default_executor(_ThreadPerCallExecutor())
    loop.slow_callback_duration = math.inf  # under -X dev each large body would be logged
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
    """Disconnect a resource at exit, and make it start afresh in a forked child."""
    _resources.add(resource)


def leak_object(thing: object) -> None:
    """Never collect a thing of the parent process: in a forked child.

    Its finalizers would speak of what was never closed, and take the parent's sockets out of the
    selector that both processes share.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


@atexit.register
def _at_exit() -> None:
    global _portal
    running, _portal = _portal, None
    if running is not None:
        running.close()


def _after_fork() -> None:
    """Leave the loop to the parent: its thread did not come along, and its sockets are not ours."""
    global _portal, _lock, _running
    leak_object((_portal, _running))
    _portal, _lock, _running = None, threading.Lock(), set()
    for resource in list(_resources):
        resource.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def start_coroutine(
    make: Callable[[], Coroutine[Any, Any, T]],
    loop: asyncio.AbstractEventLoop,
    partial_result: Callable[[], Any] = lambda: None,
) -> LoopFuture[T]:
    """Start a coroutine on a loop, from any thread.

    Parameters
    ----------
    make
        Makes the coroutine; called on the loop.
    partial_result
        What there is of a result when the work is cancelled; travels on the exception.

    Raises
    ------
    PortalError
        If the loop is closed.
    """
    if loop.is_closed():
        raise PortalError("the session of this client belongs to an event loop that is closed: open a new session")
    started: LoopFuture[T] = LoopFuture(loop, partial_result)
    if running_loop() is loop:
        started.begin(make)
    else:
        loop.call_soon_threadsafe(started.begin, make)
    return started


class LoopFuture(Future[T]):
    """Work on a loop, as a future of threads; `stop` cancels it from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, partial_result: Callable[[], Any]) -> None:
        super().__init__()
        self.loop = loop
        self.stopped = False
        self._partial_result = partial_result
        self._task: asyncio.Task[T] | None = None
        self.set_running_or_notify_cancel()  # only the task's end is ours
        _running.add(self)

    def begin(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Make the task; on the loop."""
        self._task = self.loop.create_task(make())
        self._task.add_done_callback(self._end)

    def stop(self) -> None:
        """Ask the task to unwind."""
        self.stopped = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing runs any more
            self.loop.call_soon_threadsafe(lambda: self._task.cancel() if self._task else None)

    def _end(self, task: asyncio.Task[T]) -> None:
        _running.discard(self)
        try:
            self.set_result(task.result())
        except asyncio.CancelledError:
            self.set_exception(self._cancelled())
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits
            self.set_exception(error)

    def _cancelled(self) -> BaseException:
        cancelled = CancelledError("the call was cancelled")
        try:
            vars(cancelled)["partial"] = self._partial_result()
        except Exception as error:  # noqa: BLE001 - a wait without an end would be worse
            return error
        return cancelled


def spawn_on_portal(make: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Run a coroutine on the portal's loop, if there still is one, and do not wait."""
    running = _portal
    if running is not None:
        with contextlib.suppress(RuntimeError):
            running.loop.call_soon_threadsafe(lambda: running.loop.create_task(make()))

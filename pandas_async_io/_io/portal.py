"""Sync ↔ async: where work runs, and how a plain call waits for it. The only file with threads and nest_asyncio.

One private event loop runs in a daemon thread of this process, started at
first use, abandoned by a forked child, closed at exit. Only a client around
the caller's own session runs on the caller's own loop.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, Protocol, TypeVar

from pandas_async_io._core.errors import PortalError
from pandas_async_io._io.wait import LOGGER, UNWIND, Wait

T = TypeVar("T")
Make = Callable[[], Coroutine[Any, Any, T]]


class Resource(Protocol):
    """What holds connections on the portal's loop."""

    async def close(self) -> None:
        """Close them."""

    def abandon(self) -> None:
        """Let go of them without a word: they are the parent process's."""


class Portal:
    """An event loop in a daemon thread of its own."""

    def __init__(self) -> None:
        self.loop = _new_loop()
        self._thread = threading.Thread(target=self._run, name="pandas_async_io", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def close(self) -> None:
        """Cancel what still runs, close every connection, end the thread."""
        self.loop.call_soon_threadsafe(lambda: self.loop.create_task(self._shut_down()))
        self._thread.join(2 * UNWIND + 1)

    async def _shut_down(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        if running and _under_way:
            LOGGER.warning("%d call(s) still running at exit: cancelled", len(_under_way))
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=UNWIND)
        for resource in list(_resources):
            await resource.close()
        await asyncio.sleep(0)
        self.loop.stop()


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
    loop.set_task_factory(_c_task)
    return loop


def _c_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    return _C_TASK(coroutine, loop=loop, **options)


_C_TASK: type[asyncio.Task[Any]]
try:
    from _asyncio import Task as _C_TASK  # type: ignore[no-redef]
except ImportError:  # an interpreter without it
    _C_TASK = asyncio.Task

_lock = threading.Lock()
_portal: Portal | None = None
_abandoned: list[object] = []
_resources: weakref.WeakSet[Resource] = weakref.WeakSet()
_under_way: set[Future[Any]] = set()


def portal() -> Portal:
    """Return this process's portal, started at first use."""
    global _portal  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _portal is None:
            _portal = Portal()
        return _portal


def keep(resource: Resource) -> None:
    """Close a resource at exit, and let go of it in a forked child."""
    _resources.add(resource)


@atexit.register
def _at_exit() -> None:
    global _portal  # noqa: PLW0603
    running, _portal = _portal, None
    if running is not None:
        running.close()


def _after_fork() -> None:
    """Forget the parent's loop: its thread did not come along, and its sockets are not ours."""
    global _portal, _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _under_way.clear()
    if _portal is not None:
        _abandoned.append(_portal)  # collected, it would warn of an unclosed loop
        _portal = None
    for resource in list(_resources):
        resource.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def start(make: Make[T], loop: asyncio.AbstractEventLoop, partial_result: Callable[[], Any]) -> Started[T]:
    """Start a coroutine on a loop, from any thread.

    Parameters
    ----------
    make
        Makes the coroutine; called on the loop.
    partial_result
        What there is of a result when the work is cancelled; travels on the exception.
    """
    started: Started[T] = Started(loop, partial_result)
    if _running_here() is loop:
        started.begin(make)
    else:
        loop.call_soon_threadsafe(started.begin, make)
    return started


class Started(Future[T]):
    """Work on a loop, as a future of threads; `stop` cancels it from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, partial_result: Callable[[], Any]) -> None:
        super().__init__()
        self.loop = loop
        self._partial_result = partial_result
        self._task: asyncio.Task[T] | None = None
        self.set_running_or_notify_cancel()  # only the task's end is ours
        _under_way.add(self)

    def begin(self, make: Make[T]) -> None:
        """Make the task; on the loop."""
        self._task = self.loop.create_task(make())
        self._task.add_done_callback(self._end)

    def stop(self) -> None:
        """Ask the task to unwind."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing runs any more
            self.loop.call_soon_threadsafe(lambda: self._task.cancel() if self._task else None)

    def _end(self, task: asyncio.Task[T]) -> None:
        _under_way.discard(self)
        if task.cancelled():
            cancelled = CancelledError("the call was cancelled")
            vars(cancelled)["partial"] = self._partial_result()
            self.set_exception(cancelled)
        elif (error := task.exception()) is not None:
            self.set_exception(error)
        else:
            self.set_result(task.result())


def spawn(make: Make[Any]) -> None:
    """Run a coroutine on the portal's loop, if there still is one, and do not wait."""
    running = _portal
    if running is not None:
        with contextlib.suppress(RuntimeError):
            running.loop.call_soon_threadsafe(lambda: running.loop.create_task(make()))


def must_nest(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a blocking call on this loop has to run inside the loop that is running right here."""
    return _running_here() is loop


def _running_here() -> asyncio.AbstractEventLoop | None:
    with contextlib.suppress(RuntimeError):
        return asyncio.get_running_loop()
    return None


def nest(make: Make[T], loop: asyncio.AbstractEventLoop) -> T:
    """Run a coroutine to its end inside the loop that is running in this thread.

    Raises
    ------
    PortalError
        If the loop can't be nested (uvloop).
    """
    import nest_asyncio2  # noqa: PLC0415 - it patches asyncio: only who needs it pays

    try:
        nest_asyncio2.apply(loop)
    except ValueError:
        raise PortalError(
            f"a blocking call can't run inside a running {type(loop).__module__} loop: use `await` with the _async "
            "function, or a Client without session="
        ) from None
    return _until_complete(make, loop)


def run_here(make: Make[T], loop: asyncio.AbstractEventLoop) -> T:
    """Run a coroutine to its end on a loop that is not running anywhere.

    Raises
    ------
    PortalError
        If the loop is closed.
    """
    if loop.is_closed():
        raise PortalError(
            "the session of this client belongs to an event loop that is closed: open a new session"
        )
    return _until_complete(make, loop)


def _until_complete(make: Make[T], loop: asyncio.AbstractEventLoop) -> T:
    """Run to the end; an interrupt cancels the task and lets it unwind first."""
    task = loop.create_task(make())
    try:
        return loop.run_until_complete(task)
    except BaseException:
        task.cancel()
        loop.run_until_complete(asyncio.wait([task], timeout=UNWIND))
        raise


def wait(started: Started[T], tick: Callable[[], None] | None = None) -> T:
    """Block until work is done; Ctrl-C cancels it, waits up to a second, and raises with its ``partial``."""
    try:
        return Wait(started, "the call", started.loop, started.stop).block(None, tick)
    finally:
        del started

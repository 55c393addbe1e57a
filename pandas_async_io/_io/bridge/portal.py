"""Run coroutines on an event loop in a daemon thread, or start them on any loop; one of two files that start threads.

The portal is one per process: started at first use, replaced in a forked child, closed at exit. Only a
``Client(session=...)`` runs on another loop, its session's.

A user's function that does not return holds the loop: then a cancellation is not seen, and the next call gets a fresh
portal. The calls that had begun on the held loop end there once the function returns.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import os
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pandas_async_io._core.errors import PortalError
from pandas_async_io._io.bridge.event_loop import new_event_loop
from pandas_async_io._io.bridge.loop_future import LoopFuture, detach_unfinished_futures, unfinished_futures
from pandas_async_io._io.bridge.loop_watch import note_loop_thread
from pandas_async_io._io.bridge.wait import LOGGER, UNWIND_SECONDS, running_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    CloseConnections = Callable[[], Coroutine[Any, Any, None]]

T = TypeVar("T")


_RETIRED = "not sent: a function of another call holds the event loop; call again, on a fresh one"


class Resource(Protocol):
    """Holds connections on the portal's loop."""

    async def close_connections(self) -> None:
        """Close the connections; runs on the portal's loop."""

    def replace_connections(self) -> CloseConnections | None:
        """Open new connections, for another loop; return what closes the old ones, None if there are none here."""

    def reset_after_fork(self) -> None:
        """Leave the connections to the parent process; called in its forked child."""


class Portal:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self.loop = new_event_loop()
        self._closed = False
        self._own_connections: list[CloseConnections] | None = None
        self._thread = threading.Thread(target=self._run, name="pandas_async_io", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        note_loop_thread(self.loop)
        while not self._closed:
            # sys.exit() in a callback ends its own call, which raises it; the loop goes on for the other calls.
            with contextlib.suppress(SystemExit, KeyboardInterrupt):
                self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    @property
    def is_held(self) -> bool:
        """Whether some function has held the loop since a call on it was cancelled."""
        return any(future.waits_for_held_loop for future in unfinished_futures(self.loop))

    def retire(self, connections: list[CloseConnections]) -> None:
        """Take no more calls: end the thread when the calls that have begun are over, and close their connections."""
        self._own_connections = connections
        for future in unfinished_futures(self.loop):
            if not future.has_begun:
                future.refuse(PortalError(_RETIRED))
        self.loop.call_soon_threadsafe(lambda: self.loop.create_task(self._end_after_calls()))

    def close(self) -> None:
        """Cancel running work, close every connection and end the thread."""
        with contextlib.suppress(RuntimeError):  # a retired portal that has ended
            self.loop.call_soon_threadsafe(lambda: self.loop.create_task(self._shut_down()))
        self._thread.join(2 * UNWIND_SECONDS)
        if self._thread.is_alive():  # held by a function; the connections' finalizers would print
            leak_object((self, self._own_connections, list(_resources)))

    async def _end_after_calls(self) -> None:
        while unfinished_futures(self.loop):
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            await (asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED) if tasks else asyncio.sleep(0))
        await self._stop()

    async def _shut_down(self) -> None:
        running = [future for future in unfinished_futures(self.loop) if not future.cancel_requested]
        if awaited := sum(not future.is_background for future in running):
            LOGGER.warning("%d call(s) still running at exit: cancelled", awaited)
        for future in running:
            future.request_cancel()
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=UNWIND_SECONDS)
        await self._stop()

    async def _stop(self) -> None:
        await _close_connections(self._own_connections)
        self._closed = True
        self.loop.stop()


async def _close_connections(of_retired: list[CloseConnections] | None = None) -> None:
    """Close the connections of a retired portal, or those of this one."""
    closing = [each.close_connections for each in list(_resources)] if of_retired is None else of_retired
    for close in closing:
        await close()
    await asyncio.sleep(0)


_lock = threading.Lock()
_portal: Portal | None = None
_resources: weakref.WeakSet[Resource] = weakref.WeakSet()
_retired: list[Portal] = []
_is_exiting = False


def get_portal() -> Portal:
    """Return this process's portal, started at first use, and again if a function holds its loop."""
    global _portal  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _portal is not None and _portal.is_held:
            replaced = [resource.replace_connections() for resource in list(_resources)]
            _portal.retire([close for close in replaced if close is not None])
            _retired.append(_portal)
            _portal = None
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
    global _portal, _is_exiting
    running, _portal, _is_exiting = _portal, None, True
    for portal in (*_retired, running):
        if portal is not None:
            portal.close()


def _after_fork() -> None:
    """Drop the portal in a forked child: its thread does not exist here, and its sockets are the parent's."""
    global _portal, _lock, _retired
    leak_object((_portal, _retired, detach_unfinished_futures()))
    _portal, _lock, _retired = None, threading.Lock(), []
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
        The loop is closed, or a function holds it.
    """
    if loop.is_closed():
        raise PortalError("the session of this client belongs to an event loop that is closed: open a new session")
    if any(portal.loop is loop for portal in _retired):
        raise PortalError(_RETIRED)
    if _is_exiting:  # the handler of `atexit` that closes the connections has run
        make_coroutine = partial(_run_and_close, make_coroutine)
    future: LoopFuture[T] = LoopFuture(loop, get_partial)
    if running_loop() is loop:
        future.create_task(make_coroutine)
    else:
        loop.call_soon_threadsafe(future.create_task, make_coroutine)
    return future


async def _run_and_close(make_coroutine: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return await make_coroutine()
    finally:
        await _close_connections()


def spawn_on_portal(make_coroutine: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Run a coroutine on the portal's loop without waiting; does nothing if there is no portal."""
    running = _portal
    if running is not None:
        with contextlib.suppress(RuntimeError):
            running.loop.call_soon_threadsafe(lambda: running.loop.create_task(make_coroutine()))

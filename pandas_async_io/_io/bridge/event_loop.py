"""The event loop of the portal: which kind, which tasks, and where it runs blocking functions."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
P = ParamSpec("P")

_CTask: type[asyncio.Task[Any]] = getattr(sys.modules.get("_asyncio"), "Task", asyncio.Task)


class ThreadPerCallExecutor(ThreadPoolExecutor):
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


def new_event_loop() -> asyncio.AbstractEventLoop:
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
    loop.set_default_executor(ThreadPerCallExecutor())
    loop.slow_callback_duration = math.inf  # under -X dev asyncio would log each large body
    return loop


def _create_c_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    return _CTask(coroutine, loop=loop, **options)

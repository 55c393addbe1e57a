"""A frame that is still being read: use it as a frame, await it, or take its ``.result()``.

Invariant: inspecting a future (repr, dir, completion, display, an attribute that no frame has) never waits; using it
as a frame does. `_io.bridge.wait` does the waiting.
"""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from pandas_async_io._core.errors import PortalError
from pandas_async_io._io.bridge.wait import CANCELLED_ERRORS, ResultWaiter, failure_of

if TYPE_CHECKING:
    from concurrent.futures import Future

_OPERATORS = "add sub mul truediv floordiv mod pow divmod matmul and or xor"
_OTHER_SPECIAL_METHODS = (
    "eq ne lt le gt ge neg pos invert abs round len contains iter getitem setitem delitem "
    "array_ufunc dataframe arrow_c_stream"
)


def _special_method_names() -> Iterator[str]:
    """Yield the special methods of a frame that wait and forward."""
    binary = (side + operator for side in ("", "r", "i") for operator in _OPERATORS.split())
    for name in (*binary, *_OTHER_SPECIAL_METHODS.split()):
        if hasattr(pd.DataFrame, f"__{name}__"):
            yield f"__{name}__"


def _is_frame_name(name: str) -> bool:
    """Whether `pd.DataFrame` itself has this public name: a method or an accessor, not a column."""
    return not name.startswith("_") and hasattr(pd.DataFrame, name) and not hasattr(type, name)


def _format_count(number: int) -> str:
    """Return a count with spaces between the thousands."""
    return f"{number:_}".replace("_", " ")


def _build_method(name: str) -> Callable[..., Any]:
    """Build a method that waits for the frame and calls the frame's method."""

    def method(self: FrameFuture, *args: Any, **kwargs: Any) -> Any:
        frames = (a.result() if isinstance(a, FrameFuture) else a for a in args)
        return getattr(self.result(), name)(*frames, **kwargs)

    method.__name__ = name
    method.__qualname__ = f"FrameFuture.{name}"
    method.__doc__ = f"Wait for the frame, then call its ``{name}``."
    vars(method)["__wrapped__"] = getattr(pd.DataFrame, name)  # for its signature
    return method


def _build_property(name: str) -> property:
    """Build a property that waits for the frame; without its annotation, completion would evaluate it."""

    def attribute(self: FrameFuture) -> object:
        return getattr(self.result(), name)

    return property(attribute, doc=f"Wait for the frame, then read its ``{name}``.")


class FrameFuture(Coroutine[Any, Any, pd.DataFrame]):
    """A frame that is still being read.

    What ``pd.DataFrame`` itself has (methods, ``columns``, ``shape``, accessors, operators, ``len``, ``in``, iteration,
    items) waits for the frame and applies to it. Anything else needs ``.result()``: columns as attributes,
    ``pd.concat``, ``pd.merge`` and ``pd.DataFrame``. ``bool(future)`` is always True. A notebook shows the repr until
    the frame is complete, then the frame.

    Parameters
    ----------
    work : concurrent.futures.Future of DataFrame
        Completed by another thread, or by a task on `loop`.
    label : str
        Names the work in the repr and in messages; without secrets.
    progress : callable
        Returns at once how many requests are done and how many there are (None if unknown).
    loop : event loop or None
        Where the work runs. A blocking wait in its thread raises, for it could never end.
    cancel : callable, optional
        Asks the work to stop, from any thread; returns False if it refuses. ``work.cancel`` by default.
    on_wait : callable, optional
        Called again and again by whoever waits, and at the end.

    Notes
    -----
    A future can be awaited any number of times, from several tasks and loops; each gets the same frame. Cancelling one
    awaiting task cancels the work for all. A failure whose result is never read is logged.

    Examples
    --------
    >>> from concurrent.futures import Future
    >>> work = Future()
    >>> posts = FrameFuture(work, label="https://a.example", progress=lambda: (412, 1000), loop=None)
    >>> posts
    <FrameFuture https://a.example still reading, 412 of 1 000>
    >>> work.set_result(pd.DataFrame({"id": [1, 2]}))
    >>> posts
    <FrameFuture https://a.example done, 2 rows x 1 columns>
    >>> len(posts), list(posts.columns), posts.query("id > 1").shape
    (2, ['id'], (1, 1))
    """

    __slots__ = ("_label", "_on_wait", "_progress", "_task_waits", "_waiter", "_work")

    __name__ = "FrameFuture"  # a Task's repr reads it from the instance
    ndim = 2  # as every frame; without it pandas and numpy treat the future as a list
    __pandas_priority__ = 5000  # above DataFrame's 4000: `df + future` calls __radd__

    def __init__(
        self,
        work: Future[pd.DataFrame],
        *,
        label: str,
        progress: Callable[[], tuple[int, int | None]],
        loop: asyncio.AbstractEventLoop | None,
        cancel: Callable[[], object] | None = None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._label = label
        self._progress = progress
        self._on_wait = on_wait
        self._waiter = ResultWaiter(work, label, loop, cancel)
        self._task_waits: weakref.WeakKeyDictionary[asyncio.Task[Any], Generator[Any, Any, pd.DataFrame]]
        self._task_waits = weakref.WeakKeyDictionary()

    def done(self) -> bool:
        """Return whether the work has ended: with a frame, a failure or a cancellation."""
        return self._work.done()

    def cancel(self) -> bool:
        """Ask the work to stop; it ends shortly after.

        Returns
        -------
        bool
            False if the work has ended, refuses, or belongs to another process.
        """
        return self._waiter.cancel()

    def result(self, timeout: float | None = None) -> pd.DataFrame:
        """Wait for the frame.

        Parameters
        ----------
        timeout : float, optional
            Seconds. No limit by default.

        Returns
        -------
        DataFrame
            The same object every time.

        Raises
        ------
        TimeoutError
            The timeout has passed; the work continues.
        concurrent.futures.CancelledError
            The work was cancelled.
        PortalError
            The wait could never end: this thread runs the work's event loop, that loop is closed, or this is a
            forked child.
        KeyboardInterrupt
            Ctrl-C cancelled the work. ``.partial`` holds the finished rows, if there are any.
        """
        try:
            return self._waiter.wait(timeout, self._on_wait)
        finally:
            self._on_wait()

    def __await__(self) -> Generator[Any, Any, pd.DataFrame]:
        try:
            return (yield from self._waiter.wait_async(self._on_wait).__await__())
        finally:
            self._on_wait()

    def _task_wait(self) -> Generator[Any, Any, pd.DataFrame]:
        """Return the wait of the current task: several tasks may run one future."""
        task = asyncio.current_task()
        if task is None:
            raise PortalError(f"{self._label} is awaited outside of a task; use `await` or asyncio.run")
        wait = self._task_waits.get(task)
        if wait is None or inspect.getgeneratorstate(wait) == inspect.GEN_CLOSED:
            wait = self._task_waits[task] = self.__await__()
        return wait

    def send(self, value: Any, /) -> Any:
        """Resume the wait of the current task (see ``collections.abc.Coroutine``)."""
        return self._task_wait().send(value)

    def throw(self, typ: Any, val: Any = None, _tb: Any = None, /) -> Any:
        """Raise inside the wait of the current task (see ``collections.abc.Coroutine``)."""
        wait = self._task_wait()
        if inspect.getgeneratorstate(wait) == inspect.GEN_CREATED:
            self.cancel()  # a generator that has not started cannot catch the cancellation of its task
        return wait.throw(typ if val is None else val)

    def close(self) -> None:
        """Do nothing: the work continues, and the wait of a task ends with the task."""

    def __getattr__(self, name: str) -> Any:
        if _is_frame_name(name):  # an accessor registered after this module was imported
            return getattr(self.result(), name)
        if name == "_typ":  # pandas recognises its own objects by it; only a TypeError stops it from guessing
            raise TypeError("pandas needs the frame itself here: take .result() (or await the FrameFuture)")
        raise AttributeError(f"pd.DataFrame has no attribute {name!r}: take .result() (or await the FrameFuture)")

    def __setattr__(self, name: str, value: object) -> None:
        if _is_frame_name(name):
            setattr(self.result(), name, value)
        elif name in FrameFuture.__slots__:
            super().__setattr__(name, value)
        else:
            raise AttributeError(f"{name!r} cannot be set: take .result() (or await the FrameFuture)")

    def __repr__(self) -> str:
        return f"<FrameFuture {self._label} {self._state()}>"

    def _state(self) -> str:
        """Return how far the work is, or how it ended."""
        if not self.done():
            done, total = self._progress()
            end = "so far" if total is None else f"of {_format_count(total)}"
            return f"still reading, {_format_count(done)} {end}"
        error = failure_of(self._work)
        if error is None:
            rows, columns = self._work.result().shape
            return f"done, {_format_count(rows)} rows x {_format_count(columns)} columns"
        return "cancelled" if isinstance(error, CANCELLED_ERRORS) else f"failed: {type(error).__name__}: {error}"

    def _repr_html_(self) -> Any:
        """Return the HTML of the finished frame for a notebook; None makes it show the repr."""
        succeeded = self.done() and failure_of(self._work) is None
        frame: Any = self._work.result() if succeeded else None
        return frame if frame is None else frame._repr_html_()

    def __bool__(self) -> bool:
        return True  # a Task's repr evaluates it; it must neither wait nor raise, as a frame's does

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        raise TypeError("a FrameFuture is not an array: take .result() (or await it) first")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a FrameFuture can't be copied or pickled: take .result() (or await it) first")


def _forward_frame_names() -> None:
    """Define the names of `pd.DataFrame` on the class, so that inspecting them does not wait."""
    for name in _special_method_names():
        setattr(FrameFuture, name, _build_method(name))
    for name in filter(_is_frame_name, set(dir(pd.DataFrame)) - set(vars(FrameFuture))):
        build = _build_method if inspect.isroutine(getattr(pd.DataFrame, name)) else _build_property
        setattr(FrameFuture, name, build(name))


_forward_frame_names()

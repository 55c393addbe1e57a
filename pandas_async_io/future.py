"""A frame that is still being read: use it as a frame, await it, or ask for ``.result()``.

Looking at a future (repr, dir, completion, display, an attribute that no frame has) never
waits; using it as a frame does. How it waits is `_io.wait`'s.
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
_OTHERS = (
    "eq ne lt le gt ge neg pos invert abs round len contains iter getitem setitem delitem "
    "array_ufunc dataframe arrow_c_stream"
)


def _special_method_names() -> Iterator[str]:
    """Name the special methods of every frame that wait and forward."""
    binary = (side + operator for side in ("", "r", "i") for operator in _OPERATORS.split())
    for name in (*binary, *_OTHERS.split()):
        if hasattr(pd.DataFrame, f"__{name}__"):
            yield f"__{name}__"


def _is_public(name: str) -> bool:
    """Tell whether every frame has this public name: methods and accessors yes, columns no."""
    return not name.startswith("_") and hasattr(pd.DataFrame, name) and not hasattr(type, name)


def _format_count(number: int) -> str:
    """Write a count with a space between its thousands."""
    return f"{number:_}".replace("_", " ")


def _method(name: str) -> Callable[..., Any]:
    """Build the method that waits when it is called, and calls the frame's own."""

    def method(self: FrameFuture, *args: Any, **kwargs: Any) -> Any:
        frames = (a.result() if isinstance(a, FrameFuture) else a for a in args)
        return getattr(self.result(), name)(*frames, **kwargs)

    method.__name__ = name
    method.__qualname__ = f"FrameFuture.{name}"
    method.__doc__ = f"Wait for the frame, then call its ``{name}``."
    vars(method)["__wrapped__"] = getattr(pd.DataFrame, name)  # for its signature
    return method


def _attribute(name: str) -> property:
    """Build the attribute that waits when it is read; annotated, or completion would read it."""

    def attribute(self: FrameFuture) -> object:
        return getattr(self.result(), name)

    return property(attribute, doc=f"Wait for the frame, then read its ``{name}``.")


class FrameFuture(Coroutine[Any, Any, pd.DataFrame]):
    """A frame that is still being read.

    Whatever ``pd.DataFrame`` itself has (methods, ``columns``, ``shape``, accessors, operators,
    ``len``, ``in``, iteration, items) waits for the frame and is the frame's. Anything else,
    columns as attributes included, needs ``.result()``, as do ``pd.concat``, ``pd.merge`` and
    ``pd.DataFrame``. A future is always true. A notebook shows the repr until the frame is
    there, then the frame.

    Parameters
    ----------
    work : concurrent.futures.Future of DataFrame
        Completed by another thread, or by a task on `loop`.
    label : str
        What is read, without secrets; stands in the repr and in the log.
    progress : callable
        Returns at once how many requests are done and how many there are (None if unknown).
    loop : event loop or None
        Where the work runs: a blocking wait in its thread could never end.
    cancel : callable, optional
        Asks the work to stop, from any thread; by default ``work.cancel``. False means refused.

    Notes
    -----
    Awaiting works any number of times, from several tasks and several loops; each gets the same
    frame. Cancelling an awaiting task cancels the work, for everybody. A failure that nobody
    reads is logged.

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

    __slots__ = ("_label", "_progress", "_turns", "_wait", "_work")

    __name__ = "FrameFuture"  # a Task's repr asks its coroutine's instance
    ndim = 2  # of every frame; pandas and numpy ask before they would take us for a list
    __pandas_priority__ = 5000  # above DataFrame's 4000: `df + future` is left to __radd__

    def __init__(
        self,
        work: Future[pd.DataFrame],
        *,
        label: str,
        progress: Callable[[], tuple[int, int | None]],
        loop: asyncio.AbstractEventLoop | None,
        cancel: Callable[[], object] | None = None,
    ) -> None:
        self._work = work
        self._label = label
        self._progress = progress
        self._wait = ResultWaiter(work, label, loop, cancel)
        self._turns: weakref.WeakKeyDictionary[asyncio.Task[Any], Generator[Any, Any, pd.DataFrame]]
        self._turns = weakref.WeakKeyDictionary()

    def done(self) -> bool:
        """Tell whether the frame is there, or failed, or was cancelled."""
        return self._work.done()

    def cancel(self) -> bool:
        """Ask the work to stop; it ends a little later.

        Returns
        -------
        bool
            False if there is nothing to stop: it has ended, refuses, or is another process's.
        """
        return self._wait.cancel()

    def result(self, timeout: float | None = None) -> pd.DataFrame:
        """Wait for the frame.

        Parameters
        ----------
        timeout : float, optional
            Seconds; by default for ever.

        Returns
        -------
        DataFrame
            The same object every time.

        Raises
        ------
        TimeoutError
            The time is over; the work goes on.
        concurrent.futures.CancelledError
            The work was cancelled.
        PortalError
            The wait could never end: in the thread of the work's own event loop, after that
            loop was closed, or in a forked child.
        KeyboardInterrupt
            Ctrl-C: the work was cancelled; ``.partial`` holds the finished rows, if it left any.
        """
        return self._wait.wait(timeout)

    def __await__(self) -> Generator[Any, Any, pd.DataFrame]:
        return (yield from self._wait.wait_async().__await__())

    def _turn(self) -> Generator[Any, Any, pd.DataFrame]:
        """Return the current task's wait: several tasks may run one future."""
        task = asyncio.current_task()
        if task is None:
            raise PortalError(f"{self._label} is awaited outside of a task; use `await` or asyncio.run")
        turn = self._turns.get(task)
        if turn is None or inspect.getgeneratorstate(turn) == inspect.GEN_CLOSED:
            turn = self._turns[task] = self.__await__()
        return turn

    def send(self, value: Any, /) -> Any:
        """Go on with the current task's wait (see ``collections.abc.Coroutine``)."""
        return self._turn().send(value)

    def throw(self, typ: Any, val: Any = None, _tb: Any = None, /) -> Any:
        """Raise inside the current task's wait (see ``collections.abc.Coroutine``)."""
        turn = self._turn()
        if inspect.getgeneratorstate(turn) == inspect.GEN_CREATED:
            self.cancel()  # a wait that has not begun cannot see that its task is cancelled
        return turn.throw(typ if val is None else val)

    def close(self) -> None:
        """Do nothing: the work goes on, and a task's wait goes with the task."""

    def __getattr__(self, name: str) -> Any:
        if _is_public(name):  # an accessor that was registered later
            return getattr(self.result(), name)
        if name == "_typ":  # how pandas recognises its own; past a TypeError it would not guess
            raise TypeError("pandas needs the frame itself here: take .result() (or await the FrameFuture)")
        raise AttributeError(f"no frame has {name!r} of itself: take .result() (or await the FrameFuture)")

    def __setattr__(self, name: str, value: object) -> None:
        if _is_public(name):
            setattr(self.result(), name, value)
        elif name in FrameFuture.__slots__:
            super().__setattr__(name, value)
        else:
            raise AttributeError(f"{name!r} cannot be set: take .result() (or await the FrameFuture)")

    def __repr__(self) -> str:
        return f"<FrameFuture {self._label} {self._state()}>"

    def _state(self) -> str:
        """Say how far the work is."""
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
        """Show a notebook the frame if it is there; None lets it show the repr."""
        there = self.done() and failure_of(self._work) is None
        frame: Any = self._work.result() if there else None
        return frame if frame is None else frame._repr_html_()

    def __bool__(self) -> bool:
        return True  # neither `len` nor an error: a Task's repr asks whether its coroutine is true

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        raise TypeError("a FrameFuture is no array: take .result() (or await it) first")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a FrameFuture is neither copied nor pickled: take .result() (or await it) first")


def _forward_frame_names() -> None:
    """Give the class what every frame has: names that are there without waiting."""
    for name in _special_method_names():
        setattr(FrameFuture, name, _method(name))
    for name in filter(_is_public, set(dir(pd.DataFrame)) - set(vars(FrameFuture))):
        build = _method if inspect.isroutine(getattr(pd.DataFrame, name)) else _attribute
        setattr(FrameFuture, name, build(name))


_forward_frame_names()

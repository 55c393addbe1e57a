"""Whether a function holds an event loop, so that no call on it goes on, and whose function it is."""

from __future__ import annotations

import contextlib
import logging
import sys
import sysconfig
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from types import CodeType

_LOGGER = logging.getLogger("pandas_async_io")

_HELD_BEATS = 25
"""Heartbeats of a wait (0.2 s each) without a turn of the loop, after which the wait says so. Counted, because time
also passes while the whole process is stopped."""

_PACKAGE = str(Path(__file__).parents[2])
_INSTALLED = tuple(sysconfig.get_paths()[kind] for kind in ("stdlib", "purelib", "platlib"))

_loop_threads: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, int] = weakref.WeakKeyDictionary()


def note_loop_thread(loop: asyncio.AbstractEventLoop) -> None:
    """Note that a loop runs in this thread."""
    _loop_threads[loop] = threading.get_ident()


class LoopWatch:
    """Logs once that a loop is held, for one wait.

    Parameters
    ----------
    loop : event loop or None
        Where the work runs that is waited for.
    label : str
        Names the work; without secrets.
    """

    __slots__ = ("_is_asked", "_label", "_loop", "_silent_beats")

    def __init__(self, loop: asyncio.AbstractEventLoop | None, label: str) -> None:
        self._loop, self._label = loop, label
        self._is_asked = False
        self._silent_beats = 0

    def beat(self) -> None:
        """Ask the loop for a sign of life; log if it has given none for `_HELD_BEATS` heartbeats."""
        loop = self._loop
        if loop is None or not loop.is_running():
            return
        if not self._is_asked:
            self._is_asked, self._silent_beats = True, 0
            with contextlib.suppress(RuntimeError):  # closed meanwhile
                loop.call_soon_threadsafe(self._answer)
            return
        self._silent_beats += 1
        if self._silent_beats == _HELD_BEATS:
            _LOGGER.warning(
                "%s waits: %s has held the event loop for 5 s, and no call on that loop goes on until it returns; "
                "Ctrl-C or cancel() ends this call, and the next one gets a fresh loop",
                self._label,
                _describe_holder(_loop_threads.get(loop)),
            )

    def _answer(self) -> None:
        self._is_asked = False


def _describe_holder(thread: int | None) -> str:
    """Return name, file and line of the user's function that a thread runs, called by this package."""
    frame = None if thread is None else sys._current_frames().get(thread)  # noqa: SLF001 - documented, CPython only
    called: list[tuple[CodeType, int]] = []
    while frame is not None and not frame.f_code.co_filename.startswith(_PACKAGE):
        called.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    if frame is not None and not called:
        called.append((frame.f_code, frame.f_lineno))
    if not called:
        return "a function"
    own = [each for each in called if not each[0].co_filename.startswith(_INSTALLED)]
    code, line = (own or called)[-1]  # the outermost
    return f"{code.co_qualname}() ({Path(code.co_filename).name}:{line})"

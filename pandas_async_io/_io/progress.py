"""The progress bars of calls; the only file that uses tqdm.

Invariant: a thread that waits for a call draws, also the bars of calls that run in the background.
"""

from __future__ import annotations

import sys
import threading
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._core.report.run_state import RunState

SHOW_AFTER_SECONDS = 1.0
_NO_EMPTY_BAR = 1e-9
"""tqdm's `delay`: above 0, it does not draw a bar at 0 before the first state."""
_DRAW_SECONDS = 1.0
"""Longest wait for a thread that is drawing: in a forked child there is none."""


class ProgressBar:
    """The bar of a call: what is done, in flight and to be repeated, and what requests wait for.

    Parameters
    ----------
    show : bool or None
        None shows it on a terminal or in a notebook, after a second.
    read_state : callable
        Returns at once how far the call is, from any thread.
    is_over : callable, optional
        Whether the call has ended: then the bar is removed when bars are drawn.
    """

    def __init__(
        self, show: bool | None, read_state: Callable[[], RunState], is_over: Callable[[], bool] = lambda: False
    ) -> None:
        self._begun = time.time()
        self._show_at = time.monotonic() + (SHOW_AFTER_SECONDS if show is None else 0.0)
        self._read_state, self._is_over = read_state, is_over
        self._bar: Any = None
        if _is_interactive() if show is None else show:
            _open.add(self)

    def close(self) -> None:
        """Remove the bar."""
        is_locked = _lock.acquire(timeout=_DRAW_SECONDS)
        try:
            self._close()
        finally:
            if is_locked:
                _lock.release()

    def _close(self) -> None:
        _open.discard(self)
        if self._bar is not None:
            self._draw()
            self._bar.close()
            self._bar = None

    def draw_if_due(self) -> None:
        """Draw the bar, once it is time to show it; bars are drawn by one thread at a time."""
        if self._is_over():
            self._close()
        elif time.monotonic() >= self._show_at:
            if self._bar is None:
                self._bar = _make_bar(self._read_state(), self._begun)
            self._draw()

    def _draw(self) -> None:
        state, bar = self._read_state(), self._bar
        bar.total = state.total
        bar.set_postfix_str(state.describe(), refresh=False)
        if not bar.update(state.done - bar.n):
            bar.refresh()


_lock = threading.Lock()
_open: weakref.WeakSet[ProgressBar] = weakref.WeakSet()
"""The bars of running calls that may be shown."""


def draw_bars() -> None:
    """Draw the bars that are due, unless another thread is drawing; call it while waiting."""
    if _open and _lock.acquire(blocking=False):
        try:
            for bar in list(_open):
                bar.draw_if_due()
        finally:
            _lock.release()


def _make_bar(state: RunState, begun: float) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm warns where ipywidgets is missing; its text bar is enough
        from tqdm.auto import tqdm  # noqa: PLC0415 - imported only when a bar is shown

    bar = tqdm(total=state.total, unit=f" {state.unit}", leave=False, dynamic_ncols=True, delay=_NO_EMPTY_BAR)
    bar.start_t = bar.last_print_t = begun  # the rate and the time left are those of the whole call
    return bar


def _is_interactive() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())

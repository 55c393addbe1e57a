"""A bar for whoever waits at a terminal or in a notebook. The only file that knows tqdm."""

from __future__ import annotations

import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SHOW_AFTER_SECONDS = 1.0


class ProgressBar:
    """Draws how far a call is, from the thread that waits for it.

    Parameters
    ----------
    show : bool or None
        None: on a terminal or in a notebook, after a second.
    state : callable
        Returns how many requests are done, and of how many; these may grow.
    """

    def __init__(self, show: bool | None, state: Callable[[], tuple[int, int]]) -> None:
        self._wanted = _is_interactive() if show is None else show
        self._from = time.monotonic() + (SHOW_AFTER_SECONDS if show is None else 0.0)
        self._state = state
        self._bar: Any = None

    def tick(self) -> None:
        """Draw, if it is time."""
        if not self._wanted or time.monotonic() < self._from:
            return
        if self._bar is None:
            self._bar = _open_bar(self._state()[1])
        self._draw()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._draw()
            self._bar.close()

    def _draw(self) -> None:
        done, self._bar.total = self._state()
        self._bar.update(done - self._bar.n)


def _open_bar(total: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a notebook without ipywidgets gets a bar of text, nobody asked for more
        from tqdm.auto import tqdm  # noqa: PLC0415 - only who watches pays for it

    return tqdm(total=total, unit="request", leave=False)


def _is_interactive() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())

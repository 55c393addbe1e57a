"""The progress bar of a blocking call; the only file that uses tqdm."""

from __future__ import annotations

import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SHOW_AFTER_SECONDS = 1.0


class ProgressBar:
    """Draws the progress of a call, from the thread that waits for it.

    Parameters
    ----------
    show : bool or None
        None shows it on a terminal or in a notebook, after a second.
    get_counts : callable
        Returns how many requests are done and how many there are; both may grow.
    """

    def __init__(self, show: bool | None, get_counts: Callable[[], tuple[int, int]]) -> None:
        self._enabled = _is_interactive() if show is None else show
        self._show_at = time.monotonic() + (SHOW_AFTER_SECONDS if show is None else 0.0)
        self._get_counts = get_counts
        self._bar: Any = None

    def draw_if_due(self) -> None:
        """Draw the bar, once it is time to show it."""
        if not self._enabled or time.monotonic() < self._show_at:
            return
        if self._bar is None:
            self._bar = _open_bar(self._get_counts()[1])
        self._draw()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._draw()
            self._bar.close()

    def _draw(self) -> None:
        done, self._bar.total = self._get_counts()
        self._bar.update(done - self._bar.n)


def _open_bar(total: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm warns where ipywidgets is missing; its text bar is enough
        from tqdm.auto import tqdm  # noqa: PLC0415 - imported only when a bar is shown

    return tqdm(total=total, unit="request", leave=False)


def _is_interactive() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())

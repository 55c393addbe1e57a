"""The stack level of the user's own line, for warnings."""

from __future__ import annotations

import sys


def find_user_stack_level() -> int:
    """Return the ``stacklevel=`` with which a warning names the user's line, not one of this package."""
    frame, level = sys._getframe(1), 1  # noqa: SLF001 - as pandas finds its caller's line
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("pandas_async_io"):
        frame, level = frame.f_back, level + 1
    return level

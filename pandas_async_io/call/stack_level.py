"""The user's own line, for warnings."""

from __future__ import annotations

import sys
import warnings
from typing import NamedTuple


class UserLine(NamedTuple):
    """A line of the user's code."""

    filename: str
    number: int


def find_user_stack_level() -> int:
    """Return the ``stacklevel=`` with which a warning names the user's line, not one of this package."""
    frame, level = sys._getframe(1), 1  # noqa: SLF001 - as pandas finds its caller's line
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("pandas_async_io"):
        frame, level = frame.f_back, level + 1
    return level


def find_user_line() -> UserLine:
    """Return the user's line that called this package: work in the background has no such line on its stack."""
    frame = sys._getframe(find_user_stack_level() - 1)  # noqa: SLF001 - as above
    return UserLine(frame.f_code.co_filename, frame.f_lineno)


def warn_user(warning: Warning, line: UserLine | None = None) -> None:
    """Warn with the user's line: the given one, or the one on the stack."""
    if line is None:
        warnings.warn(warning, stacklevel=find_user_stack_level())
    else:
        warnings.warn_explicit(warning, type(warning), *line)

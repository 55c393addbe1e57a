"""Whether a request may start."""

from __future__ import annotations

from enum import Enum, auto


class Entry(Enum):
    """Whether a request may start."""

    GO = auto()
    PROBE = auto()
    """It is the one request that finds out whether the origin is up again."""
    DOWN = auto()
    """The breaker has given the origin up."""
    TOO_LONG = auto()
    """The server asked for a longer pause than the caller waits."""
    LATE = auto()
    """The caller's deadline has passed."""

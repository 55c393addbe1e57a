"""Stable test ids: the same in every process, so that tests can run in parallel."""

from __future__ import annotations

import re


def stable(value):
    """Return the value's repr without memory addresses."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))

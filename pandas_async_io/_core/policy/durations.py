"""Durations: units in seconds, "6m30s" as seconds, seconds as text for a reader."""

from __future__ import annotations

import math
import re

SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
"""Seconds in each unit of a duration or a rate."""

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_DURATION = re.compile(f"(?:{_PART.pattern})+")
_SHOWN_UNITS = (("d", "h"), ("h", "m"), ("m", "s"))
_UNIT_TEXT = {"d": "d", "h": "h", "m": "min", "s": "s"}


def parse_duration(text: str) -> float | None:
    """Return a duration such as ``6m30s`` in seconds, or None.

    Examples
    --------
    >>> parse_duration("6m30s"), parse_duration("20ms"), parse_duration("20")
    (390.0, 0.02, None)
    """
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(part[1]) * SECONDS_PER_UNIT[part[2]] for part in _PART.finditer(text))


def format_seconds(seconds: float) -> str:
    """Return a duration as text: its two largest units, rounded up.

    Examples
    --------
    >>> [format_seconds(seconds) for seconds in (0.25, 42, 300, 301, 7500, 86400, 99999999999)]
    ['0.25 s', '42 s', '5 min', '5 min 01 s', '2 h 05 min', '1 d', '1157407 d 10 h']
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds == math.inf:  # a server's number with more digits than a float holds
        return "ever"
    large, small = next(pair for pair in _SHOWN_UNITS if seconds >= SECONDS_PER_UNIT[pair[0]])
    small_seconds = SECONDS_PER_UNIT[small]
    count, rest = divmod(math.ceil(seconds / small_seconds), round(SECONDS_PER_UNIT[large] / small_seconds))
    return f"{count} {_UNIT_TEXT[large]}" + (f" {rest:02} {_UNIT_TEXT[small]}" if rest else "")

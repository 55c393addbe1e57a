"""Counts in words."""

from __future__ import annotations


def format_count(count: int, what: str) -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> format_count(1, "row"), format_count(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count} {what}" + ("" if count == 1 else "s")

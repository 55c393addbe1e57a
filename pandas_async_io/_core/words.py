"""Counts in words."""

from __future__ import annotations


def format_count(count: int, noun: str) -> str:
    """Return a count and its noun, in the plural unless the count is 1.

    Examples
    --------
    >>> format_count(1, "row"), format_count(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count} {noun}" + ("" if count == 1 else "s")

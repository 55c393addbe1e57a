"""Counts and values in words."""

from __future__ import annotations

_MAX_SHOWN = 80
"""Characters of a value that a message shows."""


def format_count(count: int, noun: str) -> str:
    """Return a count and its noun, in the plural unless the count is 1.

    Examples
    --------
    >>> format_count(1, "row"), format_count(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count} {noun}" + ("" if count == 1 else "s")


def end_sentence(text: str) -> str:
    """Return a text with a full stop, unless it ends a sentence itself.

    Examples
    --------
    >>> end_sentence("is it spelt right?"), end_sentence("it is down")
    ('is it spelt right?', 'it is down.')
    """
    return text if text.endswith(("?", ".", "!", "…")) else f"{text}."


def name_type(value: object) -> str:
    """Return the type of a value, with its article.

    Examples
    --------
    >>> name_type("3"), name_type(3), name_type(None)
    ('a str', 'an int', 'None')
    """
    if value is None:
        return "None"
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def show_value(value: object) -> str:
    """Return a value as a message shows it: one short line, whatever the value's own ``repr`` does.

    Examples
    --------
    >>> show_value("a"), show_value(range(3)), show_value(10**5000)
    ("'a'", 'range(0, 3)', '<an int>')
    """
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - a user's object may raise anything; the message is about its type then
        return f"<{name_type(value)}>"
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"

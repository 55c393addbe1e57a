"""TODO."""

from __future__ import annotations

from pandas_async_io._core.security.secrets import redact_text

LENGTH = 200
_MOST = 1 << 16
"""A longer body is no message."""


def counted(count: int, what: str) -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count} {what}" + ("" if count == 1 else "s")


def line(text: str) -> str:
    r"""Return a text as one line of at most 200 characters, without what looks like a secret.

    Examples
    --------
    >>> line("no such user\n token: abc ")
    'no such user token: ***'
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in redact_text(text[:_MOST]))
    shown = " ".join(shown.split())
    return shown if len(shown) <= LENGTH else shown[: LENGTH - 1] + "…"

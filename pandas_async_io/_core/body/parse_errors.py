"""Errors that show where a body breaks, and mask secrets in what they show."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.body.content_type import HTML_MEDIA_TYPES, LEADING_BYTES
from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.security.secrets import mask_secrets, redact_line
from pandas_async_io._core.server_message import find_html_title, find_message

if TYPE_CHECKING:
    from collections.abc import Collection

    from pandas_async_io._core.body.content_type import ContentType

_EXCERPT_RADIUS = 99
_SECRET_REACH = 1 << 14
"""Characters before an excerpt in which a secret may begin that reaches into it."""

_TRUNCATED_TOKEN = re.compile(
    r"\s*(?:t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?|Na?|-?I[a-z]*|-|\.|[eE][+-]?|\\?u?[0-9a-fA-F]{0,4})"
)


def refuse_html(body: bytes, media_type: str) -> None:
    """Raise ParseError if a body is HTML."""
    head = body[:512].lstrip(LEADING_BYTES).lower()
    if head.startswith((b"<!doctype html", b"<html")) or (
        media_type in HTML_MEDIA_TYPES and not head.startswith((b"{", b"[", b"<?xml"))
    ):
        title = find_html_title(body[:4096].decode(errors="replace"))
        titled = f" ({_excerpt(title, 0)})" if title else ""
        raise ParseError(
            f"the body looks like HTML{titled}, probably a login or error page; format='text' would keep it"
        )


def refuse_message(payload: Any, content_type: ContentType, columns: Collection[str]) -> None:
    """Raise ParseError if a body in place of a table is a message: it has none of the columns that the call names.

    Parameters
    ----------
    payload : object
        A table without rows and with one field, or with more as in a sentence with commas; or, under the media type of
        a table, a JSON object.
    columns : collection of str
        Names in the records; without any, nothing is refused.
    """
    if not columns:
        return
    if isinstance(payload, pd.DataFrame):
        names = list(map(str, payload.columns))
        is_text = len(payload) == 0 and names and (len(names) == 1 or any(name[:1].isspace() for name in names))
        if is_text and columns_missing(names, columns):
            raise message_error(",".join(names))
    elif isinstance(payload, dict) and content_type.format in {"csv", "tsv"} and columns_missing(payload, columns):
        raise message_error(find_message(payload) or json.dumps(payload, ensure_ascii=False, default=str))


def columns_missing(names: Collection[str], columns: Collection[str]) -> bool:
    """Whether there are none of the columns; ``"a.b"`` is in the field ``"a"``.

    Examples
    --------
    >>> columns_missing(["id"], ["lat", "lon"]), columns_missing(["place"], ["place.lat"])
    (True, False)
    """
    return not any(column in names or column.partition(".")[0] in names for column in columns)


def message_error(text: str) -> ParseError:
    """Return the error of a body that is a message in place of a table.

    Examples
    --------
    >>> message_error("Invalid MAP_KEY.")
    ParseError("the body is a message in place of a table: 'Invalid MAP_KEY.'")
    """
    return ParseError(f"the body is a message in place of a table: {redact_line(text)!r}")


def describe_json_error(error: json.JSONDecodeError) -> ParseError:
    """Return the error with line, column, position and an excerpt; ``transient`` if the document ends early."""
    extra_data = error.msg == "Extra data"
    is_refused = error.msg.startswith("strict_json")
    truncated = not (extra_data or is_refused) and (
        error.msg.startswith("Unterminated string") or _TRUNCATED_TOKEN.fullmatch(error.doc, error.pos) is not None
    )
    problem = "the JSON ends early" if truncated else "not JSON"
    hint = "; format='ndjson' reads one document per line" if extra_data else ""
    return ParseError(
        f"{problem}: {error.msg} at line {error.lineno}, column {error.colno} (character {error.pos})"
        f"{hint}: {_excerpt(error.doc, error.pos)}",
        transient=truncated,
    )


def _excerpt(text: str, position: int) -> str:
    """Return at most 200 characters around a position; what looks like a secret is masked."""
    start = max(0, position - _SECRET_REACH)
    masked = mask_secrets(text[start : position + _EXCERPT_RADIUS])
    visible = masked[max(0, position - start - _EXCERPT_RADIUS) :]
    printable = "".join(letter if letter.isprintable() else " " for letter in visible)
    return f"«{re.sub(r'[*]{4,}', '***', printable.strip())}»"

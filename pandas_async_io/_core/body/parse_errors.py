"""Errors that show where a body breaks, and mask secrets in what they show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pandas_async_io._core.body.content_type import HTML_MEDIA_TYPES, LEADING_BYTES
from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.security.secrets import mask_secrets
from pandas_async_io._core.server_message import find_html_title

if TYPE_CHECKING:
    import json

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

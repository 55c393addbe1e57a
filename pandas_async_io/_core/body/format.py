"""Which format a body is in: a specific media type goes first, then the suffix of the URL, then the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.body.content_type import (
    HTML_MEDIA_TYPES,
    LEADING_BYTES,
    find_suffix_format,
    is_generic,
    sniff_format,
)
from pandas_async_io._core.body.json import is_json, looks_like_ndjson
from pandas_async_io._core.body.parse_errors import refuse_html

if TYPE_CHECKING:
    from pandas_async_io._core.body.content_type import ContentType


def choose_format(body: bytes, content_type: ContentType, url: str, strict: bool) -> str:
    r"""Return the format of a body; ``"text"`` or ``"bytes"`` if nothing names one.

    Raises
    ------
    ParseError
        The body is HTML.

    Examples
    --------
    >>> from pandas_async_io._core.body.content_type import parse_content_type
    >>> plain = parse_content_type("text/plain")
    >>> choose_format(b"a,b", plain, "https://e.com/a.csv", False), choose_format(b"a,b", plain, "", False)
    ('csv', 'text')
    """
    media_type, named = content_type.media_type, content_type.format
    generic = named is None and is_generic(media_type)
    if generic:
        named = find_suffix_format(url)
    if named in {"json", "ndjson"}:
        return named
    if body[:512].lstrip(LEADING_BYTES).startswith((b"{", b"[")):
        if generic and named is None and looks_like_ndjson(body):
            return "ndjson"
        return named if named in {"csv", "tsv"} and not is_json(body, content_type, strict) else "json"
    if named is not None:
        return named
    sniffed = sniff_format(body) if generic else None
    if sniffed is not None:
        return sniffed
    refuse_html(body, media_type)
    return "text" if not media_type or media_type.startswith("text/") or media_type in HTML_MEDIA_TYPES else "bytes"

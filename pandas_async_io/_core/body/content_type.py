"""The format and charset that the header ``Content-Type``, or a body's first bytes, name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_MEDIA_TYPES = {
    "ndjson": re.compile(r"application/(?:x-)?(?:nd-?json|json-?l(?:ines)?|stream\+json)"),
    "json": re.compile(r"(?:application|text)/(?:x-)?json|.*\+json"),
    "csv": re.compile(r"(?:application|text)/(?:x-)?(?:csv|comma-separated-values)"),
    "tsv": re.compile(r"text/(?:tsv|tab-separated-values)"),
    "xml": re.compile(r"(?:application|text)/xml|(?!application/xhtml).*\+xml"),
    "parquet": re.compile(r"application/(?:x-|vnd\.apache\.)?parquet"),
    "arrow": re.compile(r"application/(?:x-|vnd\.apache\.)?arrow(?:\.file|\.stream)?"),
}
_MAGIC_BYTES = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow", b"<?xml": "xml"}
_GENERIC_MEDIA_TYPE = re.compile(r"|text/plain|(?:application|binary)/octet-stream")
"""Media types that name no format: the body's first bytes decide."""

HTML_MEDIA_TYPES = frozenset({"text/html", "application/xhtml+xml"})
LEADING_BYTES = b" \t\r\n\x00\xef\xbb\xbf\xfe\xff"
"""What may precede the first character: white space, byte order marks, UTF-16's zeros."""

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s;"']+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ContentType:
    """A parsed ``Content-Type``; charset None is UTF-8, format None is not named."""

    media_type: str
    charset: str | None
    format: str | None


@lru_cache(maxsize=256)
def parse_content_type(header: str) -> ContentType:
    """Parse a ``Content-Type`` header.

    Examples
    --------
    >>> parse_content_type("text/csv; charset=UTF-16")
    ContentType(media_type='text/csv', charset='utf-16', format='csv')
    """
    media_type = header.partition(";")[0].strip().lower()
    named = next((name for name, pattern in _MEDIA_TYPES.items() if pattern.fullmatch(media_type)), None)
    found = _CHARSET.search(header)
    charset = found[1].lower() if found else "utf-8"
    return ContentType(media_type, None if charset in {"utf-8", "utf8"} else charset, named)


def sniff_format(body: bytes, media_type: str) -> str | None:
    """Return the format that a body's first bytes name, if the media type is generic.

    Examples
    --------
    >>> sniff_format(b"PAR1...", "application/octet-stream"), sniff_format(b"PAR1...", "image/png")
    ('parquet', None)
    """
    if not _GENERIC_MEDIA_TYPE.fullmatch(media_type):
        return None
    return next((name for start, name in _MAGIC_BYTES.items() if body.startswith(start)), None)

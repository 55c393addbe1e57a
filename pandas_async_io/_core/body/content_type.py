"""What the header ``Content-Type``, or a body's first bytes, say of its format and charset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_MEDIA = {
    "ndjson": re.compile(r"application/(?:x-)?(?:nd-?json|json-?l(?:ines)?|stream\+json)"),
    "json": re.compile(r"(?:application|text)/(?:x-)?json|.*\+json"),
    "csv": re.compile(r"(?:application|text)/(?:x-)?(?:csv|comma-separated-values)"),
    "tsv": re.compile(r"text/(?:tsv|tab-separated-values)"),
    "xml": re.compile(r"(?:application|text)/xml|(?!application/xhtml).*\+xml"),
    "parquet": re.compile(r"application/(?:x-|vnd\.apache\.)?parquet"),
    "arrow": re.compile(r"application/(?:x-|vnd\.apache\.)?arrow(?:\.file|\.stream)?"),
}
_MAGIC = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow", b"<?xml": "xml"}
_VAGUE = re.compile(r"|text/plain|(?:application|binary)/octet-stream")
"""Media types that say so little that a body's first bytes decide."""

HTML = frozenset({"text/html", "application/xhtml+xml"})
BLANK = b" \t\r\n\x00\xef\xbb\xbf\xfe\xff"
"""What may stand before the first character: white space, byte order marks, UTF-16's zeros."""

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s;"']+)""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""<\?xml[^>]{0,99}\bencoding\s*=\s*["']([\w.:-]{1,40})["']""")


@lru_cache(maxsize=256)
def reading_of(content_type: str, strict: bool) -> Reading:
    """Take a media type apart.

    Examples
    --------
    >>> reading_of("text/csv; charset=UTF-16", False)
    Reading(media='text/csv', charset='utf-16', format='csv', strict=False)
    """
    media = content_type.partition(";")[0].strip().lower()
    known = next((name for name, pattern in _MEDIA.items() if pattern.fullmatch(media)), None)
    named = _CHARSET.search(content_type)
    charset = named[1].lower() if named else "utf-8"
    return Reading(media, None if charset in {"utf-8", "utf8"} else charset, known, strict)


def by_magic(body: bytes, media: str) -> str | None:
    """Return the format that a body's first bytes name, where the media type is vague.

    Examples
    --------
    >>> by_magic(b"PAR1...", "application/octet-stream"), by_magic(b"PAR1...", "image/png")
    ('parquet', None)
    """
    if not _VAGUE.fullmatch(media):
        return None
    return next((name for start, name in _MAGIC.items() if body.startswith(start)), None)


def xml_encoding(body: bytes) -> str | None:
    """Return the encoding that XML declares for itself.

    Examples
    --------
    >>> xml_encoding(b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>')
    'ISO-8859-1'
    """
    declared = _XML_ENCODING.match(body.lstrip(BLANK))
    return declared[1].decode() if declared else None


@dataclass(frozen=True, slots=True)
class Reading:
    """What header and options say of a body; charset None is UTF-8, format None is not known yet."""

    media: str
    charset: str | None
    format: str | None
    strict: bool

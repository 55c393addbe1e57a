"""The format of a body: by its ``Content-Type``, else by its URL's suffix, else by its first bytes."""

from __future__ import annotations

import codecs
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
_GENERIC_MEDIA_TYPE = re.compile(
    r"|text/plain|(?:application|binary)/octet-stream"
    r"|application/(?:x-)?(?:gzip|zip|zip-compressed|bzip2?|zstd|(?:force-)?download)"
)
"""Media types that name no format: the URL's suffix decides, then the body's first bytes."""

_FORMATS_BY_SUFFIX = {
    "csv": "csv",
    "tsv": "tsv",
    "json": "json",
    "geojson": "json",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "xml": "xml",
    "parquet": "parquet",
    "arrow": "arrow",
}
_COMPRESSION = r"(?:gz|zip|bz2|zst)"
_SUFFIX = re.compile(
    rf"[^?#]*/[^/?#]*\.(?!{_COMPRESSION}(?:[?#]|$))(?P<name>[^/?#.]+)(?:\.{_COMPRESSION})?(?:[?#]|$)", re.IGNORECASE
)

HTML_MEDIA_TYPES = frozenset({"text/html", "application/xhtml+xml"})
LEADING_BYTES = b" \t\r\n\x00\xef\xbb\xbf\xfe\xff"
"""What may precede the first character: white space, byte order marks, UTF-16's zeros."""

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s;"']+)""", re.IGNORECASE)
_REFUSED_CODECS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""Python's own codecs that take quadratic time or interpret escapes: a server must not choose them."""


@dataclass(frozen=True, slots=True)
class ContentType:
    """A parsed ``Content-Type``; charset None is UTF-8, format None is not named."""

    media_type: str
    charset: str | None
    format: str | None
    unknown_charset: str | None = None


@lru_cache(maxsize=256)
def parse_content_type(header: str, encoding: str | None = None) -> ContentType:
    """Parse a ``Content-Type`` header; `encoding` takes the place of its charset.

    Examples
    --------
    >>> parse_content_type("text/csv; charset=UTF-16")
    ContentType(media_type='text/csv', charset='utf-16', format='csv', unknown_charset=None)
    >>> parse_content_type("text/csv; charset=foo").unknown_charset
    'foo'
    """
    media_type = header.partition(";")[0].strip().lower()
    named = next((name for name, pattern in _MEDIA_TYPES.items() if pattern.fullmatch(media_type)), None)
    found = _CHARSET.search(header)
    charset = (encoding or (found[1] if found else "utf-8")).lower()
    if charset in {"utf-8", "utf8"}:
        return ContentType(media_type, None, named)
    known = find_charset(charset)
    return ContentType(media_type, known, named, None if known else charset)


def find_charset(name: str) -> str | None:
    """Return the name under which Python knows a charset of text; None if it does not, or must not use it.

    Examples
    --------
    >>> find_charset("x-sjis"), find_charset("windows-1252"), find_charset("hex")
    ('sjis', 'windows-1252', None)
    """
    for known in (name, name.removeprefix("x-")):
        try:
            if codecs.lookup(known).name in _REFUSED_CODECS:
                continue
            b"..".decode(known)  # codecs such as hex make no text
        except UnicodeDecodeError:
            return known
        except (LookupError, ValueError):
            continue
        return known
    return None


def is_generic(media_type: str) -> bool:
    """Whether a media type names no format.

    Examples
    --------
    >>> is_generic("application/octet-stream"), is_generic("image/png")
    (True, False)
    """
    return _GENERIC_MEDIA_TYPE.fullmatch(media_type) is not None


def find_suffix_format(url: str) -> str | None:
    """Return the format that the suffix of a URL's path names; ``.gz``, ``.zip``, ``.bz2`` or ``.zst`` is ignored.

    Examples
    --------
    >>> find_suffix_format("https://e.com/raw/cities.CSV.gz?v=2"), find_suffix_format("https://e.com/a?file=b.csv")
    ('csv', None)
    """
    suffix = _SUFFIX.match(url)
    return None if suffix is None else _FORMATS_BY_SUFFIX.get(suffix["name"].lower())


def sniff_format(body: bytes) -> str | None:
    """Return the format that a body's first bytes name.

    Examples
    --------
    >>> sniff_format(b"PAR1...")
    'parquet'
    """
    return next((name for start, name in _MAGIC_BYTES.items() if body.startswith(start)), None)

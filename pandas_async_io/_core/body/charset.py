"""Bytes → text: which charset a body is in.

Invariant: every byte is decoded, or the body is refused; no byte is replaced.
"""

from __future__ import annotations

import codecs
import json
import re

from pandas_async_io._core.body.content_type import LEADING_BYTES
from pandas_async_io._core.errors import ParseError

_REFUSED_CODECS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""Python's own codecs that take quadratic time or interpret escapes: a server must not choose them."""

_TRUNCATION_REASONS = frozenset({"unexpected end of data", "truncated data", "incomplete multibyte sequence"})
"""Reasons of a UnicodeDecodeError that mean that the last character is incomplete."""

_XML_ENCODING = re.compile(rb"""<\?xml[^>]{0,99}\bencoding\s*=\s*["']([\w.:-]{1,40})["']""")


def decode_text(body: bytes, charset: str | None) -> str:
    r"""Decode by byte order mark or UTF-16's zeros (RFC 4627, 3), else by charset, else as UTF-8.

    Raises
    ------
    ParseError
        The charset is unknown, or the bytes are not in it; ``transient`` if the last character is incomplete.

    Examples
    --------
    >>> decode_text(b"caf\xe9", "latin-1"), decode_text("café".encode("utf-16"), "latin-1")
    ('café', 'café')
    """
    detected = json.detect_encoding(body)
    encoding = charset or detected if detected == "utf-8" else detected.removesuffix("-sig")
    try:
        if codecs.lookup(encoding).name in _REFUSED_CODECS:
            raise LookupError(encoding)  # noqa: TRY301 - the except below handles it as an unknown charset
        return body.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        where = f"byte 0x{body[error.start]:02x} at position {error.start}"
        problem = f"the body is not {encoding}: {where}: {error.reason}"
        truncated = error.reason in _TRUNCATION_REASONS
    except (LookupError, ValueError):
        problem = f"the charset {encoding[:40]!r} is unknown; the body from position 0 on cannot be read"
        truncated = False
    raise ParseError(problem, transient=truncated)


def declared_xml_encoding(body: bytes) -> str | None:
    """Return the encoding that an XML declaration names.

    Examples
    --------
    >>> declared_xml_encoding(b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>')
    'ISO-8859-1'
    """
    declaration = _XML_ENCODING.match(body.lstrip(LEADING_BYTES))
    return declaration[1].decode() if declaration else None

"""Bytes → text: which charset a body is in.

Invariant: every byte is decoded, or the body is refused; no byte is replaced.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pandas_async_io._core.body.content_type import LEADING_BYTES, find_charset
from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.words import show_value

_TRUNCATION_REASONS = frozenset({"unexpected end of data", "truncated data", "incomplete multibyte sequence"})
"""Reasons of a UnicodeDecodeError that mean that the last character is incomplete."""

_XML_ENCODING = re.compile(rb"""<\?xml[^>]{0,99}\bencoding\s*=\s*["']([\w.:-]{1,40})["']""")


def decode_text(body: bytes, charset: str | None) -> str:
    r"""Decode by byte order mark or UTF-16's zeros (RFC 4627, 3), else by charset, else as UTF-8.

    Raises
    ------
    ParseError
        The bytes are not in the charset; ``transient`` if the last character is incomplete.

    Examples
    --------
    >>> decode_text(b"caf\xe9", "latin-1"), decode_text("café".encode("utf-16"), "latin-1")
    ('café', 'café')
    """
    detected = json.detect_encoding(body)
    encoding = charset or detected if detected == "utf-8" else detected.removesuffix("-sig")
    try:
        return body.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        where = f"byte 0x{body[error.start]:02x} at position {error.start}"
        problem = f"the body is not {encoding}: {where}: {error.reason}; encoding= names another charset, as 'latin-1'"
        truncated = error.reason in _TRUNCATION_REASONS
    raise ParseError(problem, transient=truncated)


def check_encoding(encoding: Any) -> None:
    """Refuse an ``encoding=`` that Python does not know.

    Raises
    ------
    PlanError
        Python does not know the charset.

    Examples
    --------
    >>> check_encoding("utf-9")
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: encoding='utf-9' is not a charset that Python knows: pass 'utf-8', 'cp1252'
    """
    if encoding is not None and (not isinstance(encoding, str) or not encoding or find_charset(encoding) is None):
        raise PlanError(f"encoding={show_value(encoding)} is not a charset that Python knows: pass 'utf-8', 'cp1252'")


def declared_xml_encoding(body: bytes) -> str | None:
    """Return the encoding that an XML declaration names, if Python knows it.

    Examples
    --------
    >>> declared_xml_encoding(b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>')
    'ISO-8859-1'
    """
    declaration = _XML_ENCODING.match(body.lstrip(LEADING_BYTES))
    return find_charset(declaration[1].decode()) if declaration else None

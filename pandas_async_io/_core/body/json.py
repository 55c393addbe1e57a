"""JSON and NDJSON → payload.

Invariant: a payload is exactly what was sent, or there is none; no integer becomes a float.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any, NoReturn

import orjson

from pandas_async_io._core.body.charset import decode_text
from pandas_async_io._core.body.content_type import ContentType
from pandas_async_io._core.body.parse_errors import describe_json_error, refuse_html
from pandas_async_io._core.errors import ParseError

_DIGITS_TO_ZERO = bytes(ord("0") if chr(byte) in "-0123456789" else 0 for byte in range(256))
_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(NaN|-?Infinity)')


def parse_json(body: bytes, content_type: ContentType, strict: bool) -> Any:
    """Parse one JSON document; None if the body is blank.

    Parameters
    ----------
    strict : bool
        Refuse NaN and Infinity.

    Raises
    ------
    ParseError
        The body is not JSON; ``transient`` if it ends early.

    Examples
    --------
    >>> parse_json(b'{"id": 18446744073709551616}', ContentType("", None, None), False)
    {'id': 18446744073709551616}
    """
    refusal = ""
    if content_type.charset is None:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            refusal = error.msg
        else:
            if not _may_exceed_64_bits(body):
                return value
    if "depth" in refusal:  # the standard library's own limit depends on the version of Python
        raise _too_deep()
    refuse_html(body, content_type.media_type)
    text = decode_text(body, content_type.charset)
    return _parse_exactly(text, strict) if text.strip() else None


def parse_ndjson(body: bytes, content_type: ContentType, strict: bool) -> list[Any] | None:
    r"""Parse one JSON document per line; None if there is none.

    Raises
    ------
    ParseError
        A line is not JSON; ``transient`` if it is the last line and ends early.

    Examples
    --------
    >>> parse_ndjson(b'{"a": 1}\n\n{"a": 2}\n', ContentType("", None, None), False)
    [{'a': 1}, {'a': 2}]
    """
    refuse_html(body, content_type.media_type)
    lines = decode_text(body, content_type.charset).encode().split(b"\n")
    utf_8 = ContentType(content_type.media_type, None, content_type.format)
    records = []
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        try:
            records.append(parse_json(line, utf_8, strict))
        except ParseError as error:
            truncated = error.transient and number == len(lines)
            raise ParseError(f"line {number} of NDJSON: {error}", transient=truncated) from None
    return records or None


def is_json(body: bytes, content_type: ContentType, strict: bool) -> bool:
    """Whether a body parses as JSON."""
    try:
        parse_json(body, content_type, strict)
    except ParseError:
        return False
    return True


def _parse_exactly(text: str, strict: bool) -> Any:
    """Parse with the standard library, which is slower than orjson and keeps every integer."""
    try:
        value = json.loads(text, parse_constant=partial(_refuse_constant, text) if strict else None)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        problem = describe_json_error(error)  # raised below: as its context, `error.doc` would hold the body
    except RecursionError:
        problem = _too_deep()
    except UnicodeEncodeError:
        problem = ParseError("a string of the JSON holds a lone surrogate, half a character, such as \\ud83d")
    except ValueError as error:
        problem = ParseError(f"an integer of the JSON is too long: {error}")
    else:
        return value
    raise problem


def _may_exceed_64_bits(body: bytes) -> bool:
    """Whether twenty digits (or signs) follow each other: orjson makes a float of such an integer.

    A run of twenty covers five of every fourth byte, a cheaper check that rules out most bodies.
    """
    return b"0" * 5 in body[::4].translate(_DIGITS_TO_ZERO) and b"0" * 20 in body.translate(_DIGITS_TO_ZERO)


def _refuse_constant(text: str, name: str) -> NoReturn:
    position = next(token.start() for token in _STRING_OR_CONSTANT.finditer(text) if token[1])
    raise json.JSONDecodeError(f"strict_json refuses {name}", text, position)


def _too_deep() -> ParseError:
    return ParseError("the JSON is nested too deeply")

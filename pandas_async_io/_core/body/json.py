"""JSON and NDJSON → payload.

Invariant: a payload is exactly what was sent, or there is none; no integer becomes a float.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import orjson

from pandas_async_io._core.body.charset import decode_text
from pandas_async_io._core.body.content_type import LEADING_BYTES, ContentType
from pandas_async_io._core.body.duplicate_keys import duplicate_key, may_have_duplicate_keys
from pandas_async_io._core.body.parse_errors import describe_json_error, refuse_html
from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.security.secrets import redact_line

_DIGITS_TO_ZERO = bytes(ord("0") if chr(byte) in "-0123456789" else 0 for byte in range(256))
_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(NaN|-?Infinity)')
_STRING_OR_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(-?\d[\d.eE+-]*)')
_MAY_EXCEED_FLOAT = re.compile(rb"[eE]\+?\d{3}")
"""A number without such an exponent and with fewer than twenty digits in a row is far below 1.8e308."""
_MAX_SHOWN_DIGITS = 20


def parse_json(body: bytes, content_type: ContentType, strict: bool) -> Any:
    """Parse one JSON document; None if the body is blank.

    Parameters
    ----------
    strict : bool
        Refuse NaN, Infinity, a number beyond the range of a float, and a key twice in one object.

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
            if not _may_exceed_64_bits(body) and not (strict and _may_be_refused(body, value)):
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


def looks_like_ndjson(body: bytes) -> bool:
    r"""Whether there are several lines, each begins and the first ends as a JSON object does.

    Examples
    --------
    >>> looks_like_ndjson(b'{"a": 1}\n{"a": 2}\n'), looks_like_ndjson(b'{\n"a": 1}')
    (True, False)
    """
    first, _, rest = body.partition(b"\n")
    if not first.rstrip().endswith(b"}") or not rest or rest.isspace():
        return False
    lines = (line.lstrip() for line in rest.split(b"\n"))
    if not all(line.startswith(b"{") for line in lines if line):
        return False
    try:
        return isinstance(orjson.loads(first.lstrip(LEADING_BYTES)), dict)
    except orjson.JSONDecodeError:
        return False


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
        value = json.loads(text, **_strict_hooks(text) if strict else {})
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        problem = describe_json_error(error)  # raised below: as its context, `error.doc` would hold the body
    except ParseError as error:
        problem = ParseError(str(error))
    except RecursionError:
        problem = _too_deep()
    except UnicodeEncodeError:
        problem = ParseError("a string of the JSON holds a lone surrogate, half a character, such as \\ud83d")
    except ValueError as error:
        problem = ParseError(f"an integer of the JSON is too long: {error}")
    else:
        return value
    raise problem


def _strict_hooks(text: str) -> dict[str, Any]:
    """Return the arguments of `json.loads` that refuse what ``strict_json`` refuses."""

    def refuse_constant(name: str) -> NoReturn:
        position = next(token.start() for token in _STRING_OR_CONSTANT.finditer(text) if token[1])
        raise json.JSONDecodeError(f"strict_json refuses {name}", text, position)

    def parse_float(digits: str) -> float:
        number = float(digits)
        if math.isfinite(number):
            return number
        position = next(token.start() for token in _STRING_OR_NUMBER.finditer(text) if token[1] == digits)
        shown = digits if len(digits) <= _MAX_SHOWN_DIGITS else f"{digits[:_MAX_SHOWN_DIGITS]}…"
        raise json.JSONDecodeError(f"strict_json refuses {shown}, which no float holds", text, position)

    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if (name := duplicate_key(pairs)) is not None:
            raise ParseError(f"strict_json refuses an object that has the key {redact_line(repr(name[:40]))} twice")
        return dict(pairs)

    return {"parse_constant": refuse_constant, "parse_float": parse_float, "object_pairs_hook": refuse_duplicates}


def _may_be_refused(body: bytes, value: Any) -> bool:
    """Whether a strict parser may refuse a body that orjson accepts."""
    return _MAY_EXCEED_FLOAT.search(body) is not None or may_have_duplicate_keys(body, value)


def _may_exceed_64_bits(body: bytes) -> bool:
    """Whether twenty digits (or signs) follow each other: orjson makes a float of such an integer.

    A run of twenty covers five of every fourth byte, a cheaper check that rules out most bodies.
    """
    return b"0" * 5 in body[::4].translate(_DIGITS_TO_ZERO) and b"0" * 20 in body.translate(_DIGITS_TO_ZERO)


def _too_deep() -> ParseError:
    return ParseError("the JSON is nested too deeply")

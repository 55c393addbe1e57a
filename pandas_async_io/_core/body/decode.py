"""From bytes to payload: charset, format, and errors that show where and keep secrets.

The law of this file: a payload is exactly what was sent, or there is none. No
integer becomes a float, no byte another letter, no login page a text.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import orjson

from pandas_async_io._core.body.content_type import BLANK, HTML, Reading, by_magic, reading_of, xml_encoding
from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import EMPTY, FORMATS
from pandas_async_io._core.security.secrets import mask
from pandas_async_io._core.server_message import title_of
from pandas_async_io._core.table.tabular import read_arrow, read_csv, read_parquet, read_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pandas_async_io._core.models import Response

Payload: TypeAlias = Any
"""What a body says: JSON's values, a list of records, a DataFrame, str or bytes; None if it holds nothing."""

_NOT_FOR_TEXT = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""Codecs of Python's own: naming one would have us spend quadratic time or interpret escapes."""

_DIGITS = bytes(ord("0") if chr(byte) in "-0123456789" else 0 for byte in range(256))
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(NaN|-?Infinity)')
_CUT_TOKEN = re.compile(
    r"\s*(?:t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?|Na?|-?I[a-z]*|-|\.|[eE][+-]?|\\?u?[0-9a-fA-F]{0,4})"
)
_CUT_CHARACTER = frozenset({"unexpected end of data", "truncated data", "incomplete multibyte sequence"})

_AROUND = 99
_BEFORE = 1 << 14
"""How far back a secret may begin that reaches into an excerpt."""


def decode(
    response: Response,
    *,
    format: str = "auto",  # noqa: A002 - the public option's name
    strict_json: bool = False,
    read_options: Mapping[str, Any] = EMPTY,
    as_text: Collection[str] = (),
) -> Payload:
    """Read a body whose content codings are already undone.

    Parameters
    ----------
    response : Response
        Its body and ``Content-Type`` are read, its status is not.
    format : {"auto", "json", "ndjson", "csv", "tsv", "xml", "parquet", "arrow", "text", "bytes"}
        ``"auto"`` goes by the media type and, where that is missing or says no
        more than text, by the first bytes that are not blank. JSON that calls
        itself a table is JSON.
    strict_json : bool
        Refuse NaN and Infinity, which otherwise become floats.
    read_options, as_text
        For CSV, TSV and XML: see `formats`.

    Returns
    -------
    object
        None if the body is empty or blank, a DataFrame if it is a table. A JSON
        integer is an int of any size, ``1e400`` is inf; of equal keys in one
        object the last one wins.

    Raises
    ------
    ParseError
        The body is not that; it is ``passing`` if the body ends early, for
        then it may have been cut.
    PlanError
        There is no such format.

    Notes
    -----
    A byte order mark goes before the header's charset, that before UTF-8. A
    lone surrogate (half an emoji) is refused: no Arrow column can hold it.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> decode(Response(200, {"Content-Type": "application/json"}, b'{"id": 18446744073709551616}', ""))
    {'id': 18446744073709551616}
    """
    if format not in FORMATS:
        raise PlanError(f"format={format!r} is not one of {', '.join(FORMATS)}")
    body = response.body
    if not body or body.isspace():
        return None
    reading = reading_of(response.header("Content-Type") or "", strict_json)
    chosen = format if format != "auto" else _chosen(body, reading)
    if chosen in _PARSERS:
        return _PARSERS[chosen](body, reading)
    return _table(chosen, body, reading, read_options, as_text)


def _chosen(body: bytes, reading: Reading) -> str:
    """Choose a format by the media type, then by the first bytes."""
    media, known = reading.media, reading.format
    if known in {"json", "ndjson"}:
        return known
    if body[:512].lstrip(BLANK).startswith((b"{", b"[")):
        return known if known in {"csv", "tsv"} and not _parses(body, reading) else "json"
    if known is not None:
        return known
    magic = by_magic(body, media)
    if magic is not None:
        return magic
    _refuse_html(body, media)
    return "text" if not media or media.startswith("text/") or media in HTML else "bytes"


def _parses(body: bytes, reading: Reading) -> bool:
    try:
        _json(body, reading)
    except ParseError:
        return False
    return True


def _table(
    format: str,  # noqa: A002 - as above
    body: bytes,
    reading: Reading,
    options: Mapping[str, Any],
    as_text: Collection[str],
) -> Payload:
    if format == "parquet":
        return read_parquet(body)
    if format == "arrow":
        return read_arrow(body)
    _refuse_html(body, "")
    text = _decoded(body, reading.charset or (xml_encoding(body) if format == "xml" else None))
    if not text.strip():
        return None
    return read_xml(text, options, as_text) if format == "xml" else read_csv(text, format, options, as_text)


def _json(body: bytes, reading: Reading) -> Payload:
    refused = ""
    if reading.charset is None:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            refused = error.msg
        else:
            if not _may_exceed_64_bits(body):
                return value
    if "depth" in refused:  # the standard library's own limit differs by version of Python
        raise _too_deep()
    _refuse_html(body, reading.media)
    text = _decoded(body, reading.charset)
    return _exact(text, reading.strict) if text.strip() else None


def _ndjson(body: bytes, reading: Reading) -> Payload:
    _refuse_html(body, reading.media)
    lines = _decoded(body, reading.charset).encode().split(b"\n")
    in_utf8 = replace(reading, charset=None)
    records = []
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        try:
            records.append(_json(line, in_utf8))
        except ParseError as error:
            cut = error.passing and number == len(lines)
            raise ParseError(f"line {number} of NDJSON: {error}", passing=cut) from None
    return records or None


def _text(body: bytes, reading: Reading) -> Payload:
    text = _decoded(body, reading.charset)
    return text if text.strip() else None


def _bytes(body: bytes, _reading: Reading) -> Payload:
    return body


_PARSERS: dict[str, Callable[[bytes, Reading], Payload]] = {
    "json": _json,
    "ndjson": _ndjson,
    "text": _text,
    "bytes": _bytes,
}


def _decoded(body: bytes, charset: str | None) -> str:
    """Decode by byte order mark or UTF-16's zeros (RFC 4627, 3), else by charset, else as UTF-8."""
    seen = json.detect_encoding(body)
    encoding = charset or seen if seen == "utf-8" else seen.removesuffix("-sig")
    try:
        if codecs.lookup(encoding).name in _NOT_FOR_TEXT:
            raise LookupError(encoding)  # noqa: TRY301 - the same end as for a name that Python does not know
        return body.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        where = f"byte 0x{body[error.start]:02x} at position {error.start}"
        problem = f"the body is not {encoding}: {where}: {error.reason}"
        cut = error.reason in _CUT_CHARACTER
    except (LookupError, ValueError):
        problem = f"the charset {encoding[:40]!r} is unknown; the body from position 0 on cannot be read"
        cut = False
    raise ParseError(problem, passing=cut)


def _exact(text: str, strict: bool) -> Payload:
    """Parse with the standard library, which is slower than orjson and keeps every integer."""
    try:
        value = json.loads(text, parse_constant=partial(_refuse_constant, text) if strict else None)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        problem = _not_json(error)  # raised below: in a traceback's context its `doc` would hold the body
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
    """Tell whether digits (and a sign) run on for twenty bytes: orjson makes a float of such an integer.

    A run of twenty covers five of every fourth byte; most bodies show there that they have none.
    """
    return b"0" * 5 in body[::4].translate(_DIGITS) and b"0" * 20 in body.translate(_DIGITS)


def _refuse_constant(text: str, name: str) -> NoReturn:
    position = next(token.start() for token in _CONSTANT.finditer(text) if token[1])
    raise json.JSONDecodeError(f"strict_json refuses {name}", text, position)


def _refuse_html(body: bytes, media: str) -> None:
    head = body[:512].lstrip(BLANK).lower()
    if head.startswith((b"<!doctype html", b"<html")) or (
        media in HTML and not head.startswith((b"{", b"[", b"<?xml"))
    ):
        title = title_of(body[:4096].decode(errors="replace"))
        named = f" ({_excerpt(title, 0)})" if title else ""
        raise ParseError(
            f"the body looks like HTML{named}, probably a login or error page; format='text' would keep it"
        )


def _too_deep() -> ParseError:
    return ParseError("the JSON is nested too deeply")


def _not_json(error: json.JSONDecodeError) -> ParseError:
    more = error.msg == "Extra data"
    cut = not more and (
        error.msg.startswith("Unterminated string") or _CUT_TOKEN.fullmatch(error.doc, error.pos) is not None
    )
    what = "the JSON ends early" if cut else "not JSON"
    hint = "; format='ndjson' reads one document per line" if more else ""
    return ParseError(
        f"{what}: {error.msg} at line {error.lineno}, column {error.colno} (character {error.pos})"
        f"{hint}: {_excerpt(error.doc, error.pos)}",
        passing=cut,
    )


def _excerpt(text: str, position: int) -> str:
    """Show what stands around a position, at most 200 characters, without what looks like a secret."""
    start = max(0, position - _BEFORE)
    masked = mask(text[start : position + _AROUND])
    shown = "".join(letter if letter.isprintable() else " " for letter in masked[max(0, position - start - _AROUND) :])
    return f"«{re.sub(r'[*]{4,}', '***', shown.strip())}»"

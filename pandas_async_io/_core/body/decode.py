"""Bytes → payload: what reads each format.

Invariant: a payload is exactly what was sent, or there is none. No byte becomes another letter,
no login page a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pandas_async_io._core.body.charset import declared_xml_encoding, decode_text
from pandas_async_io._core.body.compressed_file import FIRST_BYTES, unpack
from pandas_async_io._core.body.content_type import ContentType, parse_content_type
from pandas_async_io._core.body.format import choose_format
from pandas_async_io._core.body.hints import describe_charset, describe_delimiter, describe_line_end
from pandas_async_io._core.body.json import parse_json, parse_ndjson
from pandas_async_io._core.body.parse_errors import refuse_html, refuse_message
from pandas_async_io._core.body.tabular_readers import NO_OPTIONS, NO_TABULAR_READERS, TabularReaders
from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import FORMATS, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

DEFAULT_MAX_BODY = 64 * 2**20
"""Decoded bytes of one body, if the client says nothing else."""

_LINE_FORMATS = frozenset({"csv", "tsv", "ndjson"})
"""Formats of lines: a body that is cut can still be read."""

Payload: TypeAlias = Any
"""A decoded body: JSON's values, a list of records, a DataFrame, str or bytes; None if the body is empty."""


def decode(
    response: Response,
    *,
    format: str = "auto",  # noqa: A002 - the public option's name
    strict_json: bool = False,
    read_options: Mapping[str, Any] = NO_OPTIONS,
    text_columns: Collection[str] = (),
    readers: TabularReaders = NO_TABULAR_READERS,
    max_body: int = DEFAULT_MAX_BODY,
    columns: Collection[str] = (),
    hints: list[str] | None = None,
) -> Payload:
    """Decode a body whose content codings are already undone.

    Parameters
    ----------
    response : Response
        Its body, encoding, ``Content-Type`` and URL are read, its status is not. It keeps what it holds as JSON.
    format : {"auto", "json", "ndjson", "csv", "tsv", "xml", "parquet", "arrow", "text", "bytes"}
        ``"auto"`` goes by the media type. If that is missing or generic, it goes by the suffix of the URL's path
        (``.csv``, ``.ndjson.gz``), then by the body: its first bytes, or lines that are all JSON objects. JSON under
        the media type of a table is JSON.
    strict_json : bool
        Refuse NaN, Infinity and a number beyond the range of a float, which otherwise become floats, and a key twice
        in one object, of which otherwise the last counts.
    read_options : mapping
        Options of `pandas.read_csv` or `pandas.read_xml`.
    text_columns : collection of str
        Columns of CSV, TSV and XML that stay text.
    readers : TabularReaders
        What reads the tabular formats.
    max_body : int
        Maximum of decoded bytes of a file that is compressed by itself, as ``.gz``.
    columns : collection of str
        Names of fields that the call wants; a message that has none of them, in place of a table, is refused.
    hints : list of str, optional
        Takes signs that the data may not be complete, or not what they seem.

    Returns
    -------
    object
        None if the body is empty or blank, a DataFrame if it is a table. XML is what JSON would be, unless there are
        `read_options`; its texts stay texts until their whole column is known. A JSON integer is an int of any size,
        ``1e400`` is inf; of equal keys in one object the last one wins.

    Raises
    ------
    ParseError
        The body is not in that format; ``transient`` if it ends early, because it may have been cut.
    BodyTooLargeError
        A compressed file decodes to more than `max_body` bytes.
    PlanError
        The format does not exist.

    Notes
    -----
    A byte order mark takes precedence over ``encoding`` and the header's charset; a charset that Python does not know
    is passed over. A lone surrogate (half an emoji) is refused: no Arrow column can hold it.

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
    content_type = _find_content_type(response)
    unknown = content_type.unknown_charset
    if format == "auto" and content_type.format == "json" and body[0] not in FIRST_BYTES and unknown is None:
        payload = parse_json(body, content_type, strict_json)  # the usual case: what follows makes no difference to it
        response.keep_json(payload)
        return payload
    unpacked = unpack(body, response.url, content_type, format, max_body)
    body, url = unpacked or (body, response.url)
    chosen = format if format != "auto" else choose_format(body, content_type, url, strict_json)
    if hints is not None and chosen in _LINE_FORMATS and unpacked is None:
        hints.extend(describe_line_end(response))
    try:
        if chosen in _PARSERS:
            payload = _PARSERS[chosen](body, content_type, strict_json)
        elif chosen in readers.binary:
            payload = readers.binary[chosen](body)
        else:
            text = _decode_table(body, response, content_type, chosen)
            payload = readers.text[chosen](text, read_options, text_columns) if text.strip() else None
    except ParseError as error:
        raise _name_charset(error, unknown) from None
    refuse_message(payload, content_type, columns)
    if chosen == "json":
        response.keep_json(payload)
    if hints is not None:
        hints.extend(_describe_payload(payload, chosen, unknown, read_options))
    return payload


def _find_content_type(response: Response) -> ContentType:
    """Return the parsed ``Content-Type`` of a response, with the charset that the call gives."""
    return parse_content_type(response.header("Content-Type") or "", response.encoding)


def _decode_table(body: bytes, response: Response, content_type: ContentType, chosen: str) -> str:
    """Return the text of a table; XML may declare its charset itself."""
    refuse_html(body, "")
    declares = chosen == "xml" and content_type.charset is None and response.encoding is None
    return decode_text(body, declared_xml_encoding(body) if declares else content_type.charset)


def _name_charset(error: ParseError, unknown: str | None) -> ParseError:
    """Return the error with the charset that the header names and nobody knows."""
    return error if unknown is None else ParseError(f"{error} ({describe_charset(unknown)})", transient=error.transient)


def _describe_payload(payload: Payload, chosen: str, unknown: str | None, options: Mapping[str, Any]) -> list[str]:
    """Return what is suspicious about a payload of text."""
    charset = [describe_charset(unknown)] if unknown is not None and not isinstance(payload, bytes) else []
    may_ask = chosen in {"csv", "tsv"} and {"sep", "delimiter"}.isdisjoint(options)
    return charset + (describe_delimiter(payload) if may_ask else [])


def _read_text(response: Response) -> str:
    """Return the text of a response, unpacked if it is a compressed file."""
    content_type = _find_content_type(response)
    unpacked = unpack(response.body, response.url, content_type, "text", DEFAULT_MAX_BODY)
    return decode_text(unpacked[0] if unpacked else response.body, content_type.charset)


def _read_json(response: Response) -> Any:
    """Return what a response holds as JSON."""
    return decode(response, format="json")


Response.set_readers(text=_read_text, json=_read_json)


def _parse_text(body: bytes, content_type: ContentType, _strict: bool) -> str | None:
    text = decode_text(body, content_type.charset)
    return text if text.strip() else None


def _keep_bytes(body: bytes, _content_type: ContentType, _strict: bool) -> bytes:
    return body


_PARSERS: dict[str, Callable[[bytes, ContentType, bool], Payload]] = {
    "json": parse_json,
    "ndjson": parse_ndjson,
    "text": _parse_text,
    "bytes": _keep_bytes,
}

"""Bytes → payload: which format a body is in, and what reads it.

Invariant: a payload is exactly what was sent, or there is none. No byte becomes another letter,
no login page a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pandas_async_io._core.body.charset import declared_xml_encoding, decode_text
from pandas_async_io._core.body.content_type import (
    HTML_MEDIA_TYPES,
    LEADING_BYTES,
    ContentType,
    parse_content_type,
    sniff_format,
)
from pandas_async_io._core.body.json import is_json, parse_json, parse_ndjson
from pandas_async_io._core.body.parse_errors import refuse_html
from pandas_async_io._core.body.tabular_readers import NO_OPTIONS, NO_TABULAR_READERS, TabularReaders
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pandas_async_io._core.models import Response

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
) -> Payload:
    """Decode a body whose content codings are already undone.

    Parameters
    ----------
    response : Response
        Its body and ``Content-Type`` are read, its status is not.
    format : {"auto", "json", "ndjson", "csv", "tsv", "xml", "parquet", "arrow", "text", "bytes"}
        ``"auto"`` goes by the media type and, if that is missing or generic, by the first bytes that are not
        blank. JSON under the media type of a table is JSON.
    strict_json : bool
        Refuse NaN and Infinity, which otherwise become floats.
    read_options : mapping
        Options of `pandas.read_csv` or `pandas.read_xml`.
    text_columns : collection of str
        Columns of CSV, TSV and XML that stay text.
    readers : TabularReaders
        What reads the tabular formats.

    Returns
    -------
    object
        None if the body is empty or blank, a DataFrame if it is a table. A JSON integer is an int of any size,
        ``1e400`` is inf; of equal keys in one object the last one wins.

    Raises
    ------
    ParseError
        The body is not in that format; ``transient`` if it ends early, because it may have been cut.
    PlanError
        The format does not exist.

    Notes
    -----
    A byte order mark takes precedence over the header's charset. A lone surrogate (half an emoji) is refused:
    no Arrow column can hold it.

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
    content_type = parse_content_type(response.header("Content-Type") or "")
    chosen = format if format != "auto" else _choose_format(body, content_type, strict_json)
    if chosen in _PARSERS:
        return _PARSERS[chosen](body, content_type, strict_json)
    if chosen in readers.binary:
        return readers.binary[chosen](body)
    refuse_html(body, "")
    text = decode_text(body, content_type.charset or (declared_xml_encoding(body) if chosen == "xml" else None))
    return readers.text[chosen](text, read_options, text_columns) if text.strip() else None


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


def _choose_format(body: bytes, content_type: ContentType, strict: bool) -> str:
    """Choose a format by the media type, then by the first bytes."""
    media_type, named = content_type.media_type, content_type.format
    if named in {"json", "ndjson"}:
        return named
    if body[:512].lstrip(LEADING_BYTES).startswith((b"{", b"[")):
        return named if named in {"csv", "tsv"} and not is_json(body, content_type, strict) else "json"
    if named is not None:
        return named
    sniffed = sniff_format(body, media_type)
    if sniffed is not None:
        return sniffed
    refuse_html(body, media_type)
    return "text" if not media_type or media_type.startswith("text/") or media_type in HTML_MEDIA_TYPES else "bytes"

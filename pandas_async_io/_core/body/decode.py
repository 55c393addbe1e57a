"""Bytes → payload: what reads each format.

Invariant: a payload is exactly what was sent, or there is none. No byte becomes another letter,
no login page a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pandas_async_io._core.body.charset import declared_xml_encoding, decode_text
from pandas_async_io._core.body.content_coding import decompress
from pandas_async_io._core.body.content_type import (
    GZIP_SIGNATURE,
    ContentType,
    has_gzip_suffix,
    parse_content_type,
)
from pandas_async_io._core.body.format import choose_format
from pandas_async_io._core.body.hints import describe_delimiter, describe_line_end
from pandas_async_io._core.body.json import parse_json, parse_ndjson
from pandas_async_io._core.body.parse_errors import refuse_html
from pandas_async_io._core.body.tabular_readers import NO_OPTIONS, NO_TABULAR_READERS, TabularReaders
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pandas_async_io._core.models import Response

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
    hints: list[str] | None = None,
) -> Payload:
    """Decode a body whose content codings are already undone.

    Parameters
    ----------
    response : Response
        Its body, ``Content-Type`` and URL are read, its status is not.
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
        Maximum of decoded bytes of a file whose URL ends in ``.gz``.
    hints : list of str, optional
        Takes signs that the data may not be complete.

    Returns
    -------
    object
        None if the body is empty or blank, a DataFrame if it is a table. A JSON integer is an int of any size,
        ``1e400`` is inf; of equal keys in one object the last one wins.

    Raises
    ------
    ParseError
        The body is not in that format; ``transient`` if it ends early, because it may have been cut.
    BodyTooLargeError
        A ``.gz`` file decodes to more than `max_body` bytes.
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
    if format == "auto" and content_type.format == "json" and body[0] != GZIP_SIGNATURE[0]:
        return parse_json(body, content_type, strict_json)  # the usual case, and what follows makes no difference to it
    is_gzip_file = body.startswith(GZIP_SIGNATURE) and format != "bytes" and has_gzip_suffix(response.url)
    if is_gzip_file:
        body = decompress(body, "gzip", max_body)
    chosen = format if format != "auto" else choose_format(body, content_type, response.url, strict_json)
    if hints is not None and chosen in _LINE_FORMATS and not is_gzip_file:
        hints.extend(describe_line_end(response))
    if chosen in _PARSERS:
        return _PARSERS[chosen](body, content_type, strict_json)
    if chosen in readers.binary:
        return readers.binary[chosen](body)
    refuse_html(body, "")
    text = decode_text(body, content_type.charset or (declared_xml_encoding(body) if chosen == "xml" else None))
    if not text.strip():
        return None
    table = readers.text[chosen](text, read_options, text_columns)
    if hints is not None and chosen in _LINE_FORMATS:
        hints.extend(describe_delimiter(table))
    return table


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

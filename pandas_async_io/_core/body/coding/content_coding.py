"""Undo content codings in bounded memory (RFC 9110, 8.4).

Invariant: output is counted before it is kept, so a body of any size costs at most ``max_body`` and one piece;
a stream that ends early is an error, even if the HTTP framing is complete.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

import orjson

from pandas_async_io._core.body.coding.coding_libraries import Coding, StreamDecompressor, available_codings
from pandas_async_io._core.errors import BodyTooLargeError, ParseError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECE_BYTES = 1 << 16
_MAX_CODINGS = 5
_MAX_MEMBERS = 10_000

_NO_CODINGS = frozenset({"", "identity", "none", "binary", "utf-8", "utf8"})
"""Values of ``Content-Encoding`` that stand for no coding. Only ``identity`` is defined (RFC 9110, 8.4.1); servers send
the others for a body that is not encoded."""

_TEXT_HEAD_BYTES = 256
_MIN_TEXT_BYTES = 16
_NO_TEXT = bytes({*range(32), 127} - set(b"\t\n\r"))
"""Control characters that no text holds."""


def decompress(body: bytes, content_encoding: str | None, max_body: int) -> bytes:
    """Undo all codings of a whole body.

    Parameters
    ----------
    body : bytes
        As received.
    content_encoding : str or None
        The header's value, for example ``"gzip"`` or ``"deflate, br"``.
    max_body : int
        Maximum of decoded bytes.

    Returns
    -------
    bytes
        Empty if `body` is empty, whatever its coding (HEAD, 204, 304).

    Raises
    ------
    BodyTooLargeError
        The body decodes to more than `max_body` bytes.
    TransportError
        The coding's stream ends early.
    ParseError
        The coding is unknown, or the bytes are not in it: a text, for example, which raw deflate reads as the begin
        of a stream.

    Examples
    --------
    >>> import zlib
    >>> decompress(zlib.compress(b"rows"), "deflate", 1024)
    b'rows'
    """
    if content_encoding is None:
        if len(body) > max_body:
            raise too_large(max_body)
        return body
    decompressor = Decompressor(content_encoding, max_body)
    decoded = decompressor.feed(body)
    decompressor.finish()
    return decoded


def accept_encoding() -> str:
    """Return the value of ``Accept-Encoding``: the codings that can be undone.

    Examples
    --------
    >>> accept_encoding().startswith("gzip, deflate")
    True
    """
    return ", ".join(name for name, coding in available_codings().items() if coding.is_for_http)


def is_coded(content_encoding: str | None) -> bool:
    """Whether a ``Content-Encoding`` names a coding.

    Examples
    --------
    >>> is_coded("gzip"), is_coded("identity"), is_coded(None)
    (True, False, False)
    """
    return bool(content_encoding) and bool(_coding_names(content_encoding))


class Decompressor:
    """Undo the codings of one body as it arrives.

    Parameters
    ----------
    content_encoding : str or None
        The header's value; codings are undone right to left, at most five.
    max_body : int
        Maximum of decoded bytes.
    """

    __slots__ = ("_content_encoding", "_decoded_bytes", "_layers", "_max_body")

    def __init__(self, content_encoding: str | None, max_body: int) -> None:
        self._content_encoding = content_encoding
        self._max_body = max_body
        self._layers: list[_Layer] | None = None
        self._decoded_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes; raises as `decompress`, but not for an early end."""
        if not data:
            return b""
        if self._layers is None:  # not earlier: an empty body may name any coding
            self._layers = _make_layers(self._content_encoding, self._max_body)
        if not self._layers:
            return self._count(data)
        # zlib copies the rest of its input each time it fills its output: keep that rest short
        pieces: Iterable[bytes] = (data[i : i + _PIECE_BYTES] for i in range(0, len(data), _PIECE_BYTES))
        for layer in self._layers:
            pieces = chain.from_iterable(map(layer.decode, pieces))
        return b"".join(map(self._count, pieces))

    def finish(self) -> None:
        """Raise TransportError if a coding's stream has not ended, ParseError if it never was in that coding."""
        for layer in self._layers or ():
            layer.finish()

    def _count(self, piece: bytes) -> bytes:
        self._decoded_bytes += len(piece)
        if self._decoded_bytes > self._max_body:
            raise too_large(self._max_body)
        return piece


class _Layer:
    """One coding of one body, member after member."""

    __slots__ = ("_coding", "_head", "_input_budget", "_max_body", "_members", "_name", "_stream")

    def __init__(self, name: str, coding: Coding, max_body: int) -> None:
        self._name = name
        self._coding = coding
        self._max_body = max_body
        self._stream: StreamDecompressor | None = None
        self._members = 0
        self._head = b""
        # Input of twice the size that decodes to almost nothing only burns time.
        self._input_budget = 2 * max_body + _PIECE_BYTES

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes, in pieces of about 64 KiB."""
        self._input_budget -= len(data)
        if self._input_budget < 0:
            raise too_large(self._max_body)
        while data := self._strip_padding(data):
            stream = self._current_stream(data)
            yield self._decode_piece(stream, data)
            while not (stream.eof or stream.needs_input):
                yield self._decode_piece(stream, b"")
            data = stream.unused_data if stream.eof else b""

    def finish(self) -> None:
        """Raise if the stream has begun and not ended."""
        if self._stream is None or self._stream.eof:
            return
        if _is_text(self._head):  # raw deflate and Brotli have no signature: they read a text as a stream's begin
            raise ParseError(f"the body is a text, not in the content coding {self._name!r} that it announces")
        raise TransportError(f"the {self._name} body is truncated: its stream has no end", transient=True)

    def _strip_padding(self, data: bytes) -> bytes:
        """Return what follows the zeros behind a gzip member, which tapes and `gzip` itself pad files with."""
        is_between = self._name == "gzip" and self._stream is not None and self._stream.eof
        return data.lstrip(b"\0") if is_between else data

    def _current_stream(self, data: bytes) -> StreamDecompressor:
        if self._stream is None or self._stream.eof:
            max_members = _MAX_MEMBERS if self._coding.multi_member else 1
            if self._members == max_members:
                raise ParseError(f"bytes follow the end of the {self._name} body (streams allowed: {max_members})")
            if not self._members:
                self._head = data[:_TEXT_HEAD_BYTES]
            self._members += 1
            self._stream = self._coding.open_stream()
        return self._stream

    def _decode_piece(self, stream: StreamDecompressor, data: bytes) -> bytes:
        try:
            return stream.decompress(data, _PIECE_BYTES)
        except self._coding.error as error:
            problem = f"the body is not in the content coding {self._name!r} that it announces: {error}"
        raise ParseError(problem)


def _make_layers(content_encoding: str | None, max_body: int) -> list[_Layer]:
    """Return the layers of a ``Content-Encoding``, the one to undo first at the head."""
    names = _coding_names(content_encoding)
    if len(names) > _MAX_CODINGS:
        raise ParseError(f"Content-Encoding names {len(names)} codings; at most {_MAX_CODINGS} are undone")
    known = available_codings()
    for name in names:
        if name not in known:
            raise ParseError(
                f"the body is in the content coding {name[:40]!r}, which is not supported; "
                f"supported are {accept_encoding()} (br needs brotli>=1.2, zstd needs backports.zstd)"
            )
    return [_Layer(name, known[name], max_body) for name in reversed(names)]


def _coding_names(content_encoding: str | None) -> list[str]:
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    return [name.removeprefix("x-") for name in names if name not in _NO_CODINGS]


def _is_text(head: bytes) -> bool:
    """Whether the first bytes of a body are UTF-8 without control characters, and not so by chance.

    Sixteen bytes of compressed data look like text once in millions; fewer count as text if they are whole JSON.
    """
    if len(head) < _MIN_TEXT_BYTES:
        with suppress(orjson.JSONDecodeError):
            return isinstance(orjson.loads(head), dict | list)
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.end < len(head):  # else the slice has cut a character
            return False
    return len(head.translate(None, _NO_TEXT)) == len(head)


def too_large(max_body: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"the decoded body is larger than max_body={max_body} bytes; "
        "if the API really sends this much, give Client a larger max_body"
    )

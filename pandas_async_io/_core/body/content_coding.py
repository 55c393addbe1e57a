"""Content codings undone in bounded memory (RFC 9110, 8.4).

The law of this file: output is made piece by piece and counted before it is
kept, so a body of any size costs at most ``max_body`` and a piece. A stream
that stops before its end is an error, however good the framing was.
"""

from __future__ import annotations

import importlib
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from pandas_async_io._core.errors import BodyTooLargeError, ParseError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

_PIECE = 1 << 16
_MAX_CODINGS = 5
_MAX_MEMBERS = 10_000
_ZSTD_WINDOW_LOG = 23  # RFC 9659: 8 MiB are enough for HTTP


def decompress(body: bytes, content_encoding: str | None, max_body: int) -> bytes:
    """Undo all codings of one whole body.

    Parameters
    ----------
    body : bytes
        As it came off the wire.
    content_encoding : str or None
        The header's value, say ``"gzip"`` or ``"deflate, br"``.
    max_body : int
        Most decoded bytes to accept.

    Returns
    -------
    bytes
        Empty if `body` is, whatever coding was announced (HEAD, 204, 304).

    Raises
    ------
    BodyTooLargeError
        It decodes to more than `max_body` bytes.
    TransportError
        The coding's stream ends early.
    ParseError
        The coding is unknown here, or the bytes are not in it.

    Examples
    --------
    >>> decompress(zlib.compress(b"rows"), "deflate", 1024)
    b'rows'
    """
    if content_encoding is None:
        if len(body) > max_body:
            raise _too_large(max_body)
        return body
    decompressor = Decompressor(content_encoding, max_body)
    return decompressor.feed(body) + decompressor.finish()


def accept_encoding() -> str:
    """List the codings that can be undone here, for ``Accept-Encoding``.

    Examples
    --------
    >>> accept_encoding().startswith("gzip, deflate")
    True
    """
    return ", ".join(_codings())


@cache
def _codings() -> dict[str, _Coding]:
    """Find what can be undone here: two codings always, two where a library is installed.

    Brotli before 1.2 cannot bound its output, and neither can ``zstandard``: a
    bomb would go off inside them, so they do not count as installed.
    """
    found = {
        "gzip": _Coding(lambda: _Zlib(zlib.MAX_WBITS | 16), zlib.error, members=True),
        "deflate": _Coding(lambda: _Zlib(None), zlib.error),
    }
    brotli = _first_module("brotli", "brotlicffi")
    if brotli and hasattr(brotli.Decompressor, "can_accept_more_data"):
        found["br"] = _Coding(lambda: _Brotli(brotli.Decompressor()), brotli.error)
    if zstd := _first_module("compression.zstd", "backports.zstd"):
        options = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        found["zstd"] = _Coding(lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError, members=True)
    return found


def _first_module(*names: str) -> ModuleType | None:
    """Import the first of these that is installed."""
    for name in names:
        with suppress(ImportError):
            return importlib.import_module(name)
    return None


def _layers(content_encoding: str | None, max_body: int) -> list[_Layer]:
    """Make the layers of a ``Content-Encoding``, the one to undo first at the head."""
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    names = [name.removeprefix("x-") for name in names if name not in {"", "identity"}]
    if len(names) > _MAX_CODINGS:
        raise ParseError(f"Content-Encoding names {len(names)} codings; at most {_MAX_CODINGS} are undone")
    known = _codings()
    for name in names:
        if name not in known:
            raise ParseError(
                f"the body is in the content coding {name[:40]!r}, which cannot be undone here; "
                f"known are {accept_encoding()} (br needs brotli>=1.2, zstd needs backports.zstd)"
            )
    return [_Layer(name, known[name], max_body) for name in reversed(names)]


def _too_large(max_body: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"the decoded body is larger than max_body={max_body} bytes; "
        "if the API really sends this much, give Client a larger max_body"
    )


class Decompressor:
    """Undo the codings of one body as it arrives.

    Parameters
    ----------
    content_encoding : str or None
        The header's value; codings are undone right to left, at most five.
    max_body : int
        Most decoded bytes to give out.
    """

    __slots__ = ("_content_encoding", "_given", "_layers", "_max_body")

    def __init__(self, content_encoding: str | None, max_body: int) -> None:
        self._content_encoding = content_encoding
        self._max_body = max_body
        self._layers: list[_Layer] | None = None
        self._given = 0

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes; raises what `decompress` does, but for the early end."""
        if not data:
            return b""
        if self._layers is None:  # only now: a body that is announced and empty may be in any coding
            self._layers = _layers(self._content_encoding, self._max_body)
        if not self._layers:
            return self._count(data)
        # zlib copies the rest of its input each time it fills its output: keep that rest short
        pieces: Iterable[bytes] = (data[i : i + _PIECE] for i in range(0, len(data), _PIECE))
        for layer in self._layers:
            pieces = chain.from_iterable(map(layer.undo, pieces))
        return b"".join(map(self._count, pieces))

    def finish(self) -> bytes:
        """Raise TransportError if a coding did not come to its end; the rest is always empty."""
        for layer in self._layers or ():
            layer.finish()
        return b""

    def _count(self, piece: bytes) -> bytes:
        self._given += len(piece)
        if self._given > self._max_body:
            raise _too_large(self._max_body)
        return piece


class _Coder(Protocol):
    """The interface of ``compression.zstd``'s decompressor, which the others are adapted to."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Coding:
    """How one coding is undone: by what, how that refuses, and whether its streams may follow one another."""

    start: Callable[[], _Coder]
    error: type[Exception]
    members: bool = False


class _Layer:
    """One coding of one body, member after member."""

    __slots__ = ("_coder", "_coding", "_left", "_max_body", "_members", "_name")

    def __init__(self, name: str, coding: _Coding, max_body: int) -> None:
        self._name = name
        self._coding = coding
        self._max_body = max_body
        self._coder: _Coder | None = None
        self._members = 0
        # a coded form of twice the size decodes to nothing much: it is there to burn time
        self._left = 2 * max_body + _PIECE

    def undo(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes, in pieces of about 64 KiB."""
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._max_body)
        while data:
            coder = self._current()
            yield self._step(coder, data)
            while not (coder.eof or coder.needs_input):
                yield self._step(coder, b"")
            data = coder.unused_data if coder.eof else b""

    def finish(self) -> None:
        """Raise if the stream has begun and not ended."""
        if self._coder is not None and not self._coder.eof:
            raise TransportError(f"the {self._name} body is truncated: its stream has no end", transient=True)

    def _current(self) -> _Coder:
        if self._coder is None or self._coder.eof:
            most = _MAX_MEMBERS if self._coding.members else 1
            if self._members == most:
                raise ParseError(f"bytes follow the end of the {self._name} body (streams allowed: {most})")
            self._members += 1
            self._coder = self._coding.start()
        return self._coder

    def _step(self, coder: _Coder, data: bytes) -> bytes:
        try:
            return coder.decompress(data, _PIECE)
        except self._coding.error as error:
            problem = f"the body is not in the content coding {self._name!r} that it announces: {error}"
        raise ParseError(problem)


class _Zlib:
    """zlib's object; without `wbits` deflate, whose first two bytes tell zlib-wrapped from raw."""

    __slots__ = ("_stream", "_tail", "needs_input")

    def __init__(self, wbits: int | None) -> None:
        self._stream: Any = None if wbits is None else zlib.decompressobj(wbits)
        self._tail = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream is not None and bool(self._stream.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._stream.unused_data)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        data = self._tail + data
        if self._stream is None:
            if len(data) < 2:
                self._tail = data
                return b""
            wrapped = data[0] & 0x8F == 8 and int.from_bytes(data[:2]) % 31 == 0  # RFC 1950, 2.2
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        output: bytes = self._stream.decompress(data, max_length)
        self._tail = self._stream.unconsumed_tail
        # a full output may leave more inside zlib even when all input is consumed
        self.needs_input = len(output) < max_length
        return output


class _Brotli:
    """Brotli's object; it refuses bytes behind its end by itself."""

    __slots__ = ("_stream",)

    unused_data = b""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    @property
    def eof(self) -> bool:
        return bool(self._stream.is_finished())

    @property
    def needs_input(self) -> bool:
        return bool(self._stream.can_accept_more_data())

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return bytes(self._stream.process(data, output_buffer_limit=max_length))

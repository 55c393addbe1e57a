"""The libraries for gzip, deflate, Brotli and zstd behind one interface; `content_coding` decides how they are used.

Invariant: a decompressor never makes more output at once than it is asked for.
"""

from __future__ import annotations

import bz2
import importlib
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_ZSTD_WINDOW_LOG = 23  # RFC 9659: HTTP needs at most 8 MiB


class StreamDecompressor(Protocol):
    """The interface of ``compression.zstd``'s decompressor, which the others are adapted to."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Coding:
    """How to undo one content coding.

    Attributes
    ----------
    open_stream : callable
        Makes a decompressor.
    error : type of Exception
        What the decompressor raises.
    multi_member : bool
        Whether a body may hold several streams, one after the other.
    is_for_http : bool
        Whether it is a content coding of HTTP; else files alone are in it.
    """

    open_stream: Callable[[], StreamDecompressor]
    error: type[Exception]
    multi_member: bool = False
    is_for_http: bool = True


@cache
def available_codings() -> dict[str, Coding]:
    """Return the codings that can be undone: gzip, deflate, bzip2, and those with an installed library.

    Brotli before 1.2 and ``zstandard`` cannot bound their output and are not used: a decompression bomb would
    exhaust the memory.
    """
    codings = {
        "gzip": Coding(lambda: _Zlib(zlib.MAX_WBITS | 16), zlib.error, multi_member=True),
        "deflate": Coding(lambda: _Zlib(None), zlib.error),
        "bzip2": Coding(bz2.BZ2Decompressor, OSError, multi_member=True, is_for_http=False),
    }
    brotli = import_first("brotli", "brotlicffi")
    if brotli and hasattr(brotli.Decompressor, "can_accept_more_data"):
        codings["br"] = Coding(lambda: _Brotli(brotli.Decompressor()), brotli.error)
    if zstd := import_first("compression.zstd", "backports.zstd"):
        options = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        codings["zstd"] = Coding(lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError, multi_member=True)
    return codings


def import_first(*names: str) -> ModuleType | None:
    """Import the first of the modules that is installed."""
    for name in names:
        with suppress(ImportError):
            return importlib.import_module(name)
    return None


class _Zlib:
    """zlib's decompressor; without `wbits` deflate, whose first two bytes distinguish zlib-wrapped from raw."""

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
    """Brotli's decompressor; it refuses bytes after its end by itself."""

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

"""An answer as bytes, and back: its header fields as JSON, a line break, its body; compressed if that makes it smaller.

Invariant: damaged bytes are never read as an answer: the checksum is compared first.
"""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from pandas_async_io._core.body.coding.coding_libraries import import_first

if TYPE_CHECKING:
    from collections.abc import Iterable

_MIN_COMPRESSED_BYTES = 1_024
"""Below it, compressing takes longer than it saves."""

_PLAIN, _ZLIB, _ZSTD = 0, 1, 2
"""How the bytes are coded; part of the file's layout."""

_LEVEL = 1
"""The fastest level of zlib, and a fast one of zstd: compressing must not take longer than the network."""

_SECRET_HEADERS = frozenset({"set-cookie", "set-cookie2", "authentication-info", "proxy-authentication-info"})


class PackedAnswer(NamedTuple):
    """Header fields and body as bytes.

    Attributes
    ----------
    coding : int
        How they are compressed.
    checksum : int
        CRC-32 of the key and of ``content``.
    content : bytes
        The bytes.
    """

    coding: int
    checksum: int
    content: bytes


@cache
def _find_zstd() -> Any:
    return import_first("compression.zstd", "backports.zstd")


def join_answer(headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    r"""Return header fields and body in one; cookies and the like are left out.

    Examples
    --------
    >>> join_answer([("Content-Type", "text/csv"), ("Set-Cookie", "sid=1")], b"a,b")
    b'[["Content-Type","text/csv"]]\na,b'
    """
    fields = [pair for pair in headers if pair[0].lower() not in _SECRET_HEADERS]
    try:
        head = orjson.dumps(fields)
    except TypeError:  # a header holds bytes that are no UTF-8
        head = orjson.dumps([[name, value.encode(errors="replace").decode()] for name, value in fields])
    return head + b"\n" + body


def split_answer(content: bytes) -> tuple[bytes, bytes]:
    """Return the header fields as JSON, and the body, of a joined answer.

    Raises
    ------
    ValueError
        The bytes are no answer.
    """
    head, separator, body = content.partition(b"\n")
    if not separator:
        raise ValueError("no header fields")
    return head, body


def parse_headers(head: bytes) -> list[tuple[str, str]]:
    """Return header fields from their JSON.

    Raises
    ------
    ValueError
        The bytes are damaged.
    """
    fields = orjson.loads(head)
    if not isinstance(fields, list):
        raise ValueError("no header fields")  # noqa: TRY004 - the caller passed bytes; their content is damaged
    return [(name, value) for name, value in fields]


def pack(content: bytes, key: bytes = b"") -> PackedAnswer:
    """Compress a joined answer if it is large enough.

    Parameters
    ----------
    key : bytes
        What it is kept under. It is part of the checksum: a damaged index may lead to the answer of another request.
    """
    coding = _PLAIN
    if len(content) >= _MIN_COMPRESSED_BYTES:
        zstd = _find_zstd()
        compressed = zlib.compress(content, _LEVEL) if zstd is None else zstd.compress(content, _LEVEL)
        if len(compressed) < len(content):
            coding, content = (_ZLIB if zstd is None else _ZSTD), compressed
    return PackedAnswer(coding, zlib.crc32(content, zlib.crc32(key)), content)


def unpack(coding: int, checksum: int, content: bytes, key: bytes = b"") -> bytes:
    """Return a joined answer, given the key that it was packed with.

    Raises
    ------
    ValueError
        The bytes were changed, or their coding is unknown here.

    Examples
    --------
    >>> unpack(*pack(b"[]" * 1_000)) == b"[]" * 1_000
    True
    """
    if not isinstance(content, bytes) or zlib.crc32(content, zlib.crc32(key)) != checksum:
        raise ValueError("the checksum differs")
    try:
        if coding == _ZLIB:
            return zlib.decompress(content)
        if coding == _ZSTD and (zstd := _find_zstd()) is not None:
            return bytes(zstd.decompress(content))
    except Exception as error:  # noqa: BLE001 - zlib.error, or an error of whichever zstd there is
        raise ValueError(f"cannot be decompressed: {error}") from None
    if coding != _PLAIN:
        raise ValueError("compressed with zstd, which is not installed here: pip install backports.zstd")
    return content

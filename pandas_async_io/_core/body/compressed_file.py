"""Files that are compressed by themselves (``.gz``, ``.bz2``, ``.zst``, ``.zip`` of one file), beside content codings.

Invariant: a file takes at most ``max_body`` bytes and one piece, as a content coding does.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING

from pandas_async_io._core.body.coding.content_coding import decompress, too_large
from pandas_async_io._core.body.content_type import find_suffix_format, is_generic
from pandas_async_io._core.body.format import choose_format
from pandas_async_io._core.errors import BodyTooLargeError, ParseError, TransportError
from pandas_async_io._core.security.secrets import redact_line

if TYPE_CHECKING:
    from pandas_async_io._core.body.content_type import ContentType

_SIGNATURES = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}
FIRST_BYTES = frozenset(signature[0] for signature in _SIGNATURES)
"""First bytes of compressed files; JSON begins with none of them."""

_BZIP2_BLOCK = b"1AY&SY"
_ZIP_ENTRY = b"PK\x01\x02"
_MAX_ZIP_ENTRIES = 1_000
_MAX_SHOWN_MEMBERS = 5
_ZIP_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})


def find_compression(body: bytes) -> str | None:
    r"""Return the compression that a body's first bytes name.

    Examples
    --------
    >>> find_compression(b"\x1f\x8b\x08"), find_compression(b"BZh is a text")
    ('gzip', None)
    """
    name = next((name for signature, name in _SIGNATURES.items() if body.startswith(signature)), None)
    return None if name == "bzip2" and body[4:10] != _BZIP2_BLOCK else name


def unpack(
    body: bytes,
    url: str,
    content_type: ContentType,
    format: str,  # noqa: A002 - the public option's name
    max_body: int,
) -> tuple[bytes, str] | None:
    """Return the content of a compressed file, and the URL or file name whose suffix names its format.

    None if the file is to be kept as it is: it is not compressed, or nothing names a format of rows for its content.

    Parameters
    ----------
    format, max_body
        As in `decode`.

    Raises
    ------
    ParseError, TransportError, BodyTooLargeError
        A format is named, and the file cannot be unpacked.

    Examples
    --------
    >>> import gzip
    >>> from pandas_async_io._core.body.content_type import parse_content_type
    >>> unpack(gzip.compress(b"a,b"), "https://e.com/a.csv.gz", parse_content_type(""), "auto", 1024)
    (b'a,b', 'https://e.com/a.csv.gz')
    """
    compression = None if format == "bytes" else find_compression(body)
    if compression is None:
        return None
    is_open = is_generic(content_type.media_type) and content_type.format is None
    if format != "auto" or content_type.format is not None or (is_open and find_suffix_format(url) is not None):
        return _decompress_file(body, compression, max_body)[0], url
    if not is_open:
        return None
    try:
        content, name = _decompress_file(body, compression, max_body)
        chosen = choose_format(content, content_type, f"/{name}", strict=False)
    except (ParseError, TransportError, BodyTooLargeError):
        return None
    is_kept = chosen == "bytes" or (chosen == "text" and not content_type.media_type)
    return None if is_kept else (content, f"/{name}")


def _decompress_file(body: bytes, compression: str, max_body: int) -> tuple[bytes, str]:
    """Return the content of a file, and the name of the file in a zip."""
    return _unzip(body, max_body) if compression == "zip" else (decompress(body, compression, max_body), "")


def _unzip(body: bytes, max_body: int) -> tuple[bytes, str]:
    if body.count(_ZIP_ENTRY) > _MAX_ZIP_ENTRIES:  # each costs half a kilobyte of memory
        raise ParseError(f"the zip holds more than {_MAX_ZIP_ENTRIES} files; format='bytes' keeps it")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [each for each in archive.infolist() if not (each.is_dir() or each.filename[:9] == "__MACOSX/")]
            if len(members) != 1:
                names = redact_line(", ".join(repr(each.filename) for each in members[:_MAX_SHOWN_MEMBERS]))
                raise ParseError(
                    f"the zip holds {len(members)} files, one is read{f': {names}' if names else ''}; "
                    "format='bytes' keeps it, and parser= reads response.body"
                )
            member = members[0]
            if member.flag_bits & 1 or member.compress_type not in _ZIP_METHODS:
                raise ParseError("the file in the zip is encrypted, or compressed in a rare way")
            with archive.open(member) as file:
                content = file.read(max_body + 1)
                if len(content) > max_body:
                    raise too_large(max_body)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        problem = f"the zip is broken, or its end is missing: {redact_line(str(error))}"
    else:
        return content, member.filename
    raise ParseError(problem, transient=True)

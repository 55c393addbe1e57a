"""Undo transfer codings other than chunked (RFC 9112, 6.1 and 7).

Invariant: a body whose end or coding is ambiguous is refused, not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.body.coding.content_coding import decompress
from pandas_async_io._core.errors import ParseError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUPPORTED = frozenset({"gzip", "deflate"})
"""Transfer codings of RFC 9112, 7.2, except compress, which no known server sends."""


@dataclass(frozen=True, slots=True)
class TransferCodings:
    """How a body is framed, and what is to be undone.

    Attributes
    ----------
    codings : str
        Names in the order in which they were applied, chunked left out; ``"gzip"``.
    chunked : bool
        Whether the body ends with its last chunk. Otherwise it ends with the connection.
    """

    codings: str
    chunked: bool


NO_TRANSFER_CODING = TransferCodings("", chunked=False)
_CHUNKED = TransferCodings("", chunked=True)


def parse_transfer_codings(fields: Sequence[str]) -> TransferCodings:
    """Parse the values of ``Transfer-Encoding`` in their order.

    Raises
    ------
    ProtocolError
        Chunked is not the last coding or is applied twice, or a coding is not supported.

    Examples
    --------
    >>> parse_transfer_codings(["gzip", "chunked"])
    TransferCodings(codings='gzip', chunked=True)
    >>> parse_transfer_codings(["chunked, gzip"])
    Traceback (most recent call last):
    pandas_async_io._core.errors.ProtocolError: Transfer-Encoding: chunked is not the last coding
    """
    if not fields:
        return NO_TRANSFER_CODING
    if fields == ["chunked"]:
        return _CHUNKED
    names = [name.strip().lower().removeprefix("x-") for field in fields for name in field.split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    chunked = bool(names) and names[-1] == "chunked"
    codings = names[:-1] if chunked else names
    if "chunked" in codings:
        raise ProtocolError("Transfer-Encoding: chunked is not the last coding", transient=True)
    unsupported = next((name for name in codings if name not in _SUPPORTED), None)
    if unsupported is not None:
        raise ProtocolError(f"Transfer-Encoding: {unsupported[:40]!r} is not supported", transient=True)
    return TransferCodings(", ".join(codings), chunked)


def remove_transfer_codings(body: bytes, codings: str, max_body: int) -> bytes:
    """Undo transfer codings of a whole body; raises as `decompress`, but ProtocolError for bytes not in the coding.

    Examples
    --------
    >>> import gzip
    >>> remove_transfer_codings(gzip.compress(b"rows"), "gzip", 1024)
    b'rows'
    """
    try:
        return decompress(body, codings, max_body)
    except ParseError:
        problem = f"the body is not in the transfer coding {codings!r} that it announces"
    raise ProtocolError(problem, transient=True)

"""Read a response of pyreqwest, within ``max_field_size`` and ``max_body``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from multidict import CIMultiDict, CIMultiDictProxy

from pandas_async_io._core.body.coding.content_coding import decompress
from pandas_async_io._core.errors import BodyTooLargeError, ProtocolError
from pandas_async_io._core.models import Request, Response

if TYPE_CHECKING:
    from pyreqwest.http import HeaderMap
    from pyreqwest.response import Response as Received

    from pandas_async_io._io.transport.connection import TransportOptions

_FOLLOWED_FIELDS = frozenset({"location", "link"})
"""Header fields that lead to the next request: without one, a page would pass for the last."""


async def read_response(request: Request, received: Received, options: TransportOptions) -> Response:
    """Read header fields and body, and undo the content codings.

    Raises
    ------
    AttemptError
        The body is larger, or not in the announced coding.
    PyreqwestError
        The body is cut, or has another length than announced.
    """
    max_body = options.max_body
    headers = read_fields(received.headers, options.max_field_size)
    length = headers.get("Content-Length")
    has_body = request.method != "HEAD" and received.status not in {204, 304}
    size = int(length) if has_body and length is not None else 0  # the library has checked that it is a number
    body = b""
    if has_body and size <= max_body:
        found = await received.body_reader.read(max_body + 1)  # it returns at the end of the body, or when it is full
        body = b"" if found is None else found.to_bytes()
        size = len(body)
    if size > max_body:
        raise BodyTooLargeError(
            f"the body holds {size} bytes or more, max_body is {max_body}: raise Client(max_body=...) if you want it"
        )
    return Response(received.status, headers, decompress(body, headers.get("Content-Encoding"), max_body), request.url)


def read_fields(received: HeaderMap, max_field_size: int) -> CIMultiDictProxy[str]:
    """Return the header fields of a response. A value outside ASCII, which pyreqwest does not show, is left out.

    Raises
    ------
    ProtocolError
        A field is larger than `max_field_size`; or a value that leads to the next request cannot be shown.
    """
    fields = None
    with suppress(ValueError):  # one value is not ASCII
        fields = CIMultiDict(list(received.items()))
    if fields is None:
        fields = _read_ascii_fields(received)
    if fields and max(map(len, fields.values())) > max_field_size:
        raise ProtocolError(
            f"the server sent a header of more than {max_field_size} bytes: "
            "raise Client(max_field_size=...) if you want it",
            transient=True,
        )
    return CIMultiDictProxy(fields)


def _read_ascii_fields(received: HeaderMap) -> CIMultiDict[str]:
    fields: CIMultiDict[str] = CIMultiDict()
    for name in dict.fromkeys(received.keys()):
        values = None
        with suppress(ValueError):
            values = received.getall(name)
        if values is None and name in _FOLLOWED_FIELDS:
            raise ProtocolError(
                f"the header {name} holds bytes outside ASCII, which HTTP/2 can't read here: use Client(http2=False)"
            )
        for value in values or ():
            fields.add(name, value)
    return fields

"""The head of a request as bytes: request line and header fields (RFC 9112, 3 to 6).

Invariant: one request is sent as one request. Only this module writes the fields that frame it, and no
value can end a line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import UnsafeUrlError
from pandas_async_io._core.security.secrets import redact_url

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVER_AND_TARGET = re.compile(r"(https?://[^/?#\\\s]+)([^#]*)", re.IGNORECASE)
_FRAMING_FIELDS = frozenset({"content-length", "transfer-encoding"})
_CONNECTION_FIELDS = _FRAMING_FIELDS | {"connection", "keep-alive", "proxy-connection", "te", "upgrade"}
"""Fields that an HTTP/2 request must not hold (RFC 9113, 8.2.2)."""
_METHODS_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "DELETE"})


def split_target(url: str) -> tuple[str, str]:
    """Split a URL into server and request target (RFC 9112, 3.2.1).

    Raises
    ------
    UnsafeUrlError
        The URL is not an absolute http or https URL.

    Examples
    --------
    >>> split_target("https://e.com?a=1#top")
    ('https://e.com', '/?a=1')
    """
    parts = _SERVER_AND_TARGET.match(url)
    if parts is None:
        raise UnsafeUrlError(f"{redact_url(url)!r} can't be sent: it is not an absolute http or https URL")
    server, target = parts.groups()
    return server, target if target.startswith("/") else f"/{target}"


def write_fields(defaults: Mapping[str, str], headers: Mapping[str, str]) -> str:
    r"""Write the header fields that many requests share, without those that frame a body.

    Parameters
    ----------
    defaults, headers : mapping of str to str
        A name in both has the value of ``headers``.

    Raises
    ------
    UnsafeUrlError
        A name or value would end its line.

    Examples
    --------
    >>> write_fields({"Host": "e.com", "Accept": "*/*"}, {"accept": "text/csv", "Content-Length": "7"})
    'Host: e.com\r\naccept: text/csv\r\n'
    """
    fields = {name.lower(): f"{name}: {value}\r\n" for each in (defaults, headers) for name, value in each.items()}
    text = "".join(line for name, line in fields.items() if name not in _FRAMING_FIELDS)
    lines = len(fields) - len(_FRAMING_FIELDS & fields.keys())
    if text.count("\r") != lines or text.count("\n") != lines or "\0" in text:
        raise _line_break_error()
    return text


def merge_fields(defaults: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    """Return the header fields of an HTTP/2 request by their names in lower case (RFC 9113, 8.2).

    Those that frame a body or belong to an HTTP/1.1 connection are left out.

    Parameters
    ----------
    defaults, headers : mapping of str to str
        A name in both has the value of ``headers``.

    Raises
    ------
    UnsafeUrlError
        A name or value would end its line in HTTP/1.1.

    Examples
    --------
    >>> merge_fields({"Accept": "*/*"}, {"accept": "text/csv", "Connection": "close"})
    {'accept': 'text/csv'}
    """
    fields = {name.lower(): value for each in (defaults, headers) for name, value in each.items()}
    if any(each in name or each in value for name, value in fields.items() for each in "\r\n\0"):
        raise _line_break_error()
    return {name: value for name, value in fields.items() if name not in _CONNECTION_FIELDS}


def check_request_line(method: str, target: str) -> None:
    """Refuse what would end a part of the request line.

    Raises
    ------
    UnsafeUrlError
        Method or target hold a space or a character that is not printable ASCII.
    """
    line = method + target
    if " " in line or not (line.isascii() and line.isprintable()):
        raise UnsafeUrlError(f"{redact_url(target)!r} can't be sent: it is not percent-encoded")


def _line_break_error() -> UnsafeUrlError:
    return UnsafeUrlError("a header holds a line break: it can't be sent")


def write_head(method: str, target: str, fields: str, length: int | None) -> bytes:
    r"""Write request line and header fields, up to the empty line.

    Parameters
    ----------
    method, target : str
        Of the request line.
    fields : str
        From `write_fields`.
    length : int or None
        Bytes of the body; None without a body.

    Raises
    ------
    UnsafeUrlError
        Method or target hold a space or a character that is not printable ASCII.

    Examples
    --------
    >>> write_head("GET", "/a", "Host: e.com\r\n", None)
    b'GET /a HTTP/1.1\r\nHost: e.com\r\n\r\n'
    """
    check_request_line(method, target)
    if length is None and method not in _METHODS_WITHOUT_BODY:
        length = 0
    framing = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{method} {target} HTTP/1.1\r\n{fields}{framing}\r\n".encode()

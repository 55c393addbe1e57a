"""The values that travel: ``Request → Response → Page → Result``, and the ``Outcome`` of a row.

All of them are frozen. Nothing here knows how anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
"""No headers."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that ask and change nothing (RFC 9110, 9.2.1): equal requests are sent once."""


FORMATS = ("auto", "json", "ndjson", "csv", "tsv", "xml", "parquet", "arrow", "text", "bytes")
"""What a body may be said to be."""


class Outcome(StrEnum):
    """How a row ended. Exactly one of twelve; there is no row without one."""

    OK = "ok"
    NULL_KEY = "null_key"
    UNSAFE_URL = "unsafe_url"
    HTTP_ERROR = "http_error"
    TRANSPORT_ERROR = "transport_error"
    TIMEOUT = "timeout"
    PARSE_ERROR = "parse_error"
    BODY_TOO_LARGE = "body_too_large"
    RATE_LIMITED_TOO_LONG = "rate_limited_too_long"
    BUDGET_EXHAUSTED = "budget_exhausted"
    CANCELLED = "cancelled"
    NOT_ATTEMPTED = "not_attempted"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready for the wire.

    Attributes
    ----------
    url : str
        Absolute and percent-encoded; it is sent as it stands.
    method : str
        In upper case.
    headers : mapping of str to str
        What this request adds to its client's headers.
    body : bytes or None
        The encoded body; its ``Content-Type`` is among the headers.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, its content coding already undone.

    Attributes
    ----------
    status : int
        As the server sent it.
    headers : mapping of str to str
        Case-insensitive.
    body : bytes
        The decoded body, whole.
    url : str
        Where it came from, after redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def header(self, name: str) -> str | None:
        """Return one header by its name in any case, or None.

        Examples
        --------
        >>> Response(200, {"Retry-After": "3"}, b"", "").header("retry-after")
        '3'
        """
        value = self.headers.get(name)
        if value is None:
            folded = name.lower()
            value = next((v for k, v in self.headers.items() if k.lower() == folded), None)
        return value


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded response: what paging looks at to find the next request."""

    request: Request
    response: Response
    payload: Any


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request after all its attempts.

    Attributes
    ----------
    outcome : Outcome
        Never ``null_key``: such a row has no request.
    payload : object
        The decoded body if ``ok``, else None.
    status : int or None
        Of the last response, if there was one.
    attempts : int
        The first included; 0 if nothing was sent.
    elapsed : float
        Seconds from the start of the last attempt to its last byte.
    url : str or None
        Where the answer came from, if that is not what was asked for.
    error : str or None
        What went wrong, without secrets.
    fetched_at : float or None
        Seconds since the epoch, of the last byte.
    from_store : bool
        Whether nothing had to be sent.
    """

    outcome: Outcome
    payload: Any = None
    status: int | None = None
    attempts: int = 0
    elapsed: float = 0.0
    url: str | None = None
    error: str | None = None
    fetched_at: float | None = None
    from_store: bool = False

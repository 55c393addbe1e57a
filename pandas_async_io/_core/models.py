"""The values that travel: ``Request → Response → Page → Result``, and the ``Outcome`` of a row.

Invariant: all of them are frozen, and none knows how it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
"""No headers."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that only read (RFC 9110, 9.2.1): equal requests are sent once."""

FORMATS = ("auto", "json", "ndjson", "csv", "tsv", "xml", "parquet", "arrow", "text", "bytes")
"""Values of the option ``format``."""

NA_ACTIONS = ("ignore", "omit", "send")
"""Values of the option ``na_action``."""


class Outcome(StrEnum):
    """How a row ended: every row has exactly one of these twelve."""

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
    """One request, ready to be sent.

    Attributes
    ----------
    url : str
        Absolute and percent-encoded; sent unchanged.
    method : str
        In upper case.
    headers : mapping of str to str
        Added to the client's headers.
    body : bytes or None
        The encoded body; its ``Content-Type`` is among the headers.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One response, its content coding already decoded.

    Attributes
    ----------
    status : int
        The HTTP status code.
    headers : mapping of str to str
        Case-insensitive.
    body : bytes
        The whole decoded body.
    url : str
        The URL that answered, after redirects.
    encoding : str or None
        The charset that the call gives with ``encoding=``, in place of the header's.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    encoding: str | None = None
    _json: Any = field(default=..., init=False, repr=False, compare=False)  # ...: not parsed yet
    _read_text: ClassVar[Callable[[Response], str]]
    _read_json: ClassVar[Callable[[Response], Any]]

    @property
    def text(self) -> str:
        """The body as text: by its byte order mark, else by ``encoding`` or the header's charset, else as UTF-8.

        Raises
        ------
        ParseError
            The body is not in that charset.
        """
        return Response._read_text(self)

    def json(self) -> Any:
        """Return the body as JSON, with exact integers; None if it is blank. It is parsed once.

        Raises
        ------
        ParseError
            The body is not JSON.
        """
        if self._json is ...:
            self.keep_json(Response._read_json(self))
        return self._json

    def keep_json(self, payload: Any) -> None:
        """Keep what the body holds as JSON, so that `json` does not parse it again."""
        object.__setattr__(self, "_json", payload)

    @classmethod
    def set_readers(cls, *, text: Callable[[Response], str], json: Callable[[Response], Any]) -> None:
        """Set what reads bodies: that is decided above this module."""
        cls._read_text = staticmethod(text)
        cls._read_json = staticmethod(json)

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


class NoRecords(Enum):
    """The payload of a response that holds no records, as ``empty_when`` says, or a 304."""

    NO_RECORDS = "no records"


NO_RECORDS: Final = NoRecords.NO_RECORDS


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded response: the evidence that a workflow derives the next request from."""

    request: Request
    response: Response
    payload: Any


@dataclass(frozen=True, slots=True)
class Result:
    """How one request ended, after all its attempts.

    Attributes
    ----------
    outcome : Outcome
        Never ``null_key``: a row with that outcome has no request.
    payload : object
        The decoded body if ``ok``, else None.
    status : int or None
        Of the last response, if there was one.
    attempts : int
        The first included; 0 if nothing was sent.
    elapsed : float
        Seconds from the start of the last attempt to its last byte.
    url : str or None
        The URL that answered, if it is not the request's.
    error : str or None
        The error message, without secrets.
    fetched_at : float or None
        When the last byte arrived, in seconds since the epoch.
    from_store : bool
        Whether the answer was kept before, and nothing was sent.
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

"""What happens in a run, as values. A hook is a callable that takes one of them.

Invariant: an event holds no secret: URLs and messages are redacted, and neither headers nor bodies are in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas_async_io._core.models import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a run.

    Attributes
    ----------
    run : str
        Identifies the run: a hook may listen to several at the same time.
    time : float
        Seconds since the epoch.
    """

    run: str
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Event):
    """A run started.

    Attributes
    ----------
    label : str
        The URL template, without secrets.
    rows, requests : int
        Input rows, and the distinct requests they need; further pages are not counted.
    """

    label: str
    rows: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEvent(Event):
    """Something that happened to one request.

    Attributes
    ----------
    request : int
        Number of the request in its run, from 0.
    page : int
        Number of its page, poll or other step, from 1.
    attempt : int
        Number of the attempt, from 1.
    method, url, origin : str
        The URL as it was requested, and its part before the path.
    """

    request: int
    page: int
    attempt: int
    method: str
    url: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(RequestEvent):
    """An attempt began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(RequestEvent):
    """An attempt ended: with a response, or with an error in its place.

    Attributes
    ----------
    seconds : float
        From the start of the attempt to the last byte.
    status : int or None
        None without a response.
    bytes : int
        Of the decoded body.
    error, error_type : str or None
        Why there is no response, or no payload in it; the name of the exception's class.
    refused : bool
        Whether the server said "too many requests".
    """

    seconds: float
    status: int | None
    bytes: int
    error: str | None
    error_type: str | None
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled(RequestEvent):
    """A request is to be sent again.

    Attributes
    ----------
    delay : float
        Seconds before it may start.
    reason : str
        How the attempt failed.
    """

    delay: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Event):
    """No request to an origin starts for some time.

    Attributes
    ----------
    origin : str
        The URL before the path.
    seconds : float
        How long, as it looks now.
    reason : str
        The status of the refusal, as ``"429"``; ``"limit"``: the server's limit is used up; ``"breaker"``: nothing
        came through.
    """

    origin: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFound(Event):
    """A page named a further one, which is requested next.

    Attributes
    ----------
    request : int
        Number of the request whose pages these are, from 0.
    page : int
        Number of the page that was found.
    url : str
        Its URL.
    """

    request: int
    page: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFinished(Event):
    """An input row has its outcome. Rows that share a request finish together.

    Attributes
    ----------
    row : int
        Position of the input row.
    outcome : Outcome
        As in ``.aio.outcomes``.
    status, attempts, error
        As in ``.aio.outcomes``.
    from_store : bool
        Whether the answer was kept before.
    """

    row: int
    outcome: Outcome
    status: int | None
    attempts: int
    error: str | None
    from_store: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Event):
    """A run ended; its frame is made next.

    Attributes
    ----------
    label : str
        The URL template, without secrets.
    outcomes : mapping of str to int
        Rows by outcome; those without a result are ``cancelled``.
    sent, retried, refused : int
        Attempts; those that repeat another; those answered 429 or the like.
    bytes : int
        Decoded bytes received.
    seconds : float
        From the first request to the last response.
    error_type : str or None
        Name of the class of the exception that ended the run.
    """

    label: str
    outcomes: Mapping[str, int]
    sent: int
    retried: int
    refused: int
    bytes: int
    seconds: float
    error_type: str | None


Hook = Callable[[Any], object]
"""Takes an event. With an attribute ``listens_to``, a collection of event classes, it gets only those."""

EVENT_TYPES = (Started, Sent, Received, RetryScheduled, Paused, PageFound, RowFinished, Finished)
"""The classes of events."""

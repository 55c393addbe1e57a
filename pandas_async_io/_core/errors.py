"""The exceptions of this package.

::

    ApiError
    ├── PlanError (ValueError)      before the first request, or at the first answer
    │   ├── TemplateError           a template that does not compile
    │   └── UnknownFieldError       a field that no column answers to
    ├── AttemptError                what one attempt met; ends as its row's outcome
    │   ├── TransportError          refused, reset, cut, TLS, DNS, proxy
    │   │   ├── ProtocolError       what came back is not HTTP
    │   │   └── DescriptorError     this process may open no more connections; nothing was sent
    │   ├── AttemptTimeoutError     the attempt's deadline passed
    │   ├── BodyTooLargeError       more decoded bytes than ``max_body``
    │   ├── RedirectError           a redirect that leads nowhere or round in a circle
    │   ├── ParseError              the body is not what was expected
    │   ├── PayloadError            a success whose payload is an error (``error_when``)
    │   └── UnsafeUrlError          a URL, redirect or header value that is not sent
    ├── FetchError                  the end of a run under ``errors="raise"``
    └── PortalError (RuntimeError)  a wait that could never end, or a loop we cannot use

    FetchWarning (UserWarning)      the end of a run under ``errors="coerce"`` with failed rows

A message says what, where and what to do, and holds no secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pandas_async_io._core.models import Outcome

if TYPE_CHECKING:
    import pandas as pd


class ApiError(Exception):
    """The root: ``except ApiError`` catches whatever this package raises."""


class PlanError(ApiError, ValueError):
    """Something is wrong with the arguments; nothing was sent, or only what was needed to see it."""


class TemplateError(PlanError):
    """A URL template does not compile (RFC 6570)."""


class UnknownFieldError(PlanError):
    """A template names a field that is neither a column nor an index level."""


class AttemptError(ApiError):
    """What one attempt met instead of an answer.

    Parameters
    ----------
    message : str
        What, where, what to do; free of secrets.
    transient : bool
        Whether the same request may succeed if it is sent again.
    received : bool
        Whether the server may have received the request: it is not repeated
        unless its method is idempotent.
    retry_after : float, optional
        If the server refused the request before processing it: the seconds of
        silence that it asks for.
    """

    outcome: ClassVar[Outcome] = Outcome.TRANSPORT_ERROR

    def __init__(
        self, message: str, *, transient: bool = False, received: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.received = received
        self.retry_after = retry_after


class TransportError(AttemptError):
    """The connection was refused, reset or cut."""


class ProtocolError(TransportError):
    """What came back is not HTTP."""


class DescriptorError(TransportError):
    """No more connections may be opened by this process; the request did not leave it."""


class AttemptTimeoutError(AttemptError):
    """The attempt did not end within its timeout."""

    outcome = Outcome.TIMEOUT


class BodyTooLargeError(AttemptError):
    """The decoded body is larger than ``max_body``."""

    outcome = Outcome.BODY_TOO_LARGE


class RedirectError(AttemptError):
    """A redirect leads nowhere, or round in a circle."""

    outcome = Outcome.HTTP_ERROR


class ParseError(AttemptError):
    """The body is not what ``format`` says, or is not decodable."""

    outcome = Outcome.PARSE_ERROR


class PayloadError(AttemptError):
    """A response of success whose payload ``error_when`` calls an error."""

    outcome = Outcome.HTTP_ERROR


class UnsafeUrlError(AttemptError):
    """A URL or header value that must not be sent."""

    outcome = Outcome.UNSAFE_URL


class FetchError(ApiError):
    """Rows failed and ``errors="raise"`` asked to hear of it.

    Attributes
    ----------
    partial : DataFrame
        The frame as far as it came: the failed rows hold missing values.
    failures : DataFrame
        One line per failed row, as ``partial.aio.failures``.
    """

    def __init__(self, message: str, *, partial: pd.DataFrame, failures: pd.DataFrame) -> None:
        super().__init__(message)
        self.partial = partial
        self.failures = failures


class PortalError(ApiError, RuntimeError):
    """A wait that could never end, or an event loop that we cannot work on."""


class FetchWarning(UserWarning):
    """Rows failed; the message counts them by cause.

    Attributes
    ----------
    partial : DataFrame or None
        The frame that the fetch returns, or would have: where warnings are errors (``-W error``),
        ``except FetchWarning as warning: warning.partial`` has it. None before anything was sent.
    """

    def __init__(self, message: str, *, partial: pd.DataFrame | None = None) -> None:
        super().__init__(message)
        self.partial = partial

"""The exceptions of this package.

::

    ApiError
    ├── PlanError (ValueError)      wrong arguments: raised before the first request, or at the first response
    │   ├── TemplateError           a URL template does not compile
    │   └── UnknownFieldError       a template's field is not a column
    ├── AttemptError                one attempt failed: becomes the outcome of its row
    │   ├── TransportError          the connection failed: refused, reset, cut, TLS, DNS, proxy
    │   │   ├── ProtocolError       the answer is not HTTP
    │   │   ├── StaleConnectionError  a reused connection ended before the first byte of the answer
    │   │   ├── DescriptorError     the process cannot open more connections; nothing was sent
    │   │   └── SessionError        code of the caller's session raised
    │   │       └── SessionClosedError  the caller's session is closed; nothing was sent
    │   ├── AttemptTimeoutError     the attempt's timeout passed
    │   ├── BodyTooLargeError       the decoded body is larger than ``max_body``
    │   ├── RedirectError           a redirect leads nowhere, or in a circle
    │   ├── ParseError              the body is not in the expected format
    │   ├── PayloadError            a successful response holds an error (``error_when``)
    │   └── UnsafeUrlError          a URL, redirect or header value must not be sent
    ├── FetchError                  rows failed, and ``errors="raise"``
    ├── DriftError                  a later chunk does not fit the columns of the first one
    └── PortalError (RuntimeError)  a wait that would never end, or an unusable event loop

    FetchWarning (UserWarning)      rows failed, and ``errors="coerce"``
    HintWarning (UserWarning)       no row failed, but the data may not be what they seem

Invariant: a message says what happened, where and what to do, and holds no secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pandas_async_io._core.models import Outcome

if TYPE_CHECKING:
    import pandas as pd


class ApiError(Exception):
    """The root of all exceptions of this package."""


class PlanError(ApiError, ValueError):
    """The arguments are wrong. Nothing was sent, or only the requests that showed it."""


class TemplateError(PlanError):
    """A URL template does not compile (RFC 6570)."""


class UnknownFieldError(PlanError):
    """A template names a field that is neither a column nor an index level."""


class AttemptError(ApiError):
    """One attempt ended without a usable response.

    Parameters
    ----------
    message : str
        What happened, where, what to do; without secrets.
    transient : bool
        Whether the same request may succeed if it is sent again.
    received : bool
        Whether the server may have received the request: then it is repeated only
        if its method is idempotent.
    retry_after : float, optional
        Seconds that the server asks to wait, if it refused the request before processing it.
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
    """The answer is not HTTP."""


class DescriptorError(TransportError):
    """The process cannot open more connections; the request was not sent."""


class StaleConnectionError(TransportError):
    """A reused connection ended before the first byte of the answer: the server had probably closed it before."""


class SessionError(TransportError):
    """Code of the caller's session raised something that is not about the network: a middleware, a connector."""


class SessionClosedError(SessionError):
    """The caller's session is closed; the request was not sent."""


class AttemptTimeoutError(AttemptError):
    """The attempt did not end within its timeout."""

    outcome = Outcome.TIMEOUT


class BodyTooLargeError(AttemptError):
    """The decoded body is larger than ``max_body``."""

    outcome = Outcome.BODY_TOO_LARGE


class RedirectError(AttemptError):
    """A redirect leads nowhere, or in a circle."""

    outcome = Outcome.HTTP_ERROR


class ParseError(AttemptError):
    """The body is not in the format that ``format`` names, or cannot be decoded."""

    outcome = Outcome.PARSE_ERROR


class PayloadError(AttemptError):
    """A successful response whose payload is an error, as ``error_when`` or GraphQL says."""

    outcome = Outcome.HTTP_ERROR


class UnsafeUrlError(AttemptError):
    """A URL or header value that must not be sent."""

    outcome = Outcome.UNSAFE_URL


class FetchError(ApiError):
    """Rows failed, and ``errors="raise"``.

    Attributes
    ----------
    partial : DataFrame
        The frame so far: failed rows hold missing values.
    failures : DataFrame
        One row per failed row, as ``partial.aio.failures``.
    """

    def __init__(self, message: str, *, partial: pd.DataFrame, failures: pd.DataFrame) -> None:
        super().__init__(message)
        self.partial = partial
        self.failures = failures


class DriftError(ApiError):
    """The records of a later chunk or part do not fit the columns of the first one; those before stay as they are."""


class PortalError(ApiError, RuntimeError):
    """A wait would never end, or the running event loop cannot be used."""


class FetchWarning(UserWarning):
    """Rows failed, and ``errors="coerce"``; the message counts them by cause.

    Attributes
    ----------
    partial : DataFrame or None
        The frame that the fetch returns. Where warnings are errors (``-W error``), it is only here.
        None if the warning came before the first request.
    """

    def __init__(self, message: str, *, partial: pd.DataFrame | None = None) -> None:
        super().__init__(message)
        self.partial = partial


class HintWarning(UserWarning):
    """No row failed, but the data may be incomplete or not what they seem; at most one a run.

    Where rows failed too, the `FetchWarning` or `FetchError` holds the hints. ``.aio.report`` always lists them.

    Attributes
    ----------
    partial : DataFrame
        The frame that the fetch returns. Where warnings are errors (``-W error``), it is only here.
    """

    def __init__(self, message: str, *, partial: pd.DataFrame) -> None:
        super().__init__(message)
        self.partial = partial

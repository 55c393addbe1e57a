"""What an attempt shows about its origin: up, refusing, failing, unreachable. `retry` decides about its row."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import (
    AttemptError,
    AttemptTimeoutError,
    DescriptorError,
    SessionError,
    StaleConnectionError,
    TransportError,
)
from pandas_async_io._core.policy.retries.retry import read_refusal_delay

if TYPE_CHECKING:
    from pandas_async_io._core.models import Response
    from pandas_async_io._core.policy.retries.retry_options import Retry


class OriginSignal(Enum):
    """What one attempt shows about its origin."""

    NONE = auto()
    """Nothing: we cut the attempt short, it never left this machine, or it met a connection that had ended."""
    ANSWERED = auto()
    """It responds, with whatever status below 500 or body."""
    REFUSED = auto()
    """It responds, and asks for fewer requests."""
    FAILED = auto()
    """It does not respond, or with a 5xx."""
    UNREACHABLE = auto()
    """It has no address, or no certificate that we trust: every row would fail the same way."""


def read_origin_signal(
    retry: Retry,
    response: Response | None,
    error: AttemptError | None,
    *,
    epoch: float,
    deadline_passed: bool = False,
    is_empty: bool = False,
) -> tuple[OriginSignal, float]:
    """Return what an attempt shows, and the seconds that a refusal asks to wait (0 if it names none).

    Parameters
    ----------
    retry : Retry
        Its statuses define which responses are refusals.
    response, error
        The response, and the error instead of it or from decoding it. Both None: the attempt was cancelled.
    epoch : float
        Our clock, in seconds since the epoch.
    deadline_passed : bool
        Whether the run's deadline ended the attempt.
    is_empty : bool
        Whether the user takes the response for an answer without records, whatever its status.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> from pandas_async_io._core.policy.retries.retry_options import Retry
    >>> read_origin_signal(Retry(), Response(429, {"Retry-After": "3"}, b"", ""), None, epoch=0.0)
    (<OriginSignal.REFUSED: 3>, 3.0)
    >>> responses = [Response(status, {}, b"", "") for status in (200, 404, 500)]
    >>> [read_origin_signal(Retry(), response, None, epoch=0.0)[0].name for response in responses]
    ['ANSWERED', 'ANSWERED', 'FAILED']
    """
    if error is None and response is not None and (response.status < 300 or is_empty):  # nearly all attempts
        return OriginSignal.ANSWERED, 0.0
    if error is not None and error.retry_after is not None:
        return OriginSignal.REFUSED, error.retry_after
    if response is None:
        return _read_error(error, deadline_passed=deadline_passed), 0.0
    delay = read_refusal_delay(retry, response, epoch=epoch)
    if delay is not None:
        return OriginSignal.REFUSED, delay
    return (OriginSignal.FAILED if response.status >= 500 else OriginSignal.ANSWERED), 0.0


def _read_error(error: AttemptError | None, *, deadline_passed: bool) -> OriginSignal:
    if error is None or isinstance(error, DescriptorError | SessionError | StaleConnectionError):
        return OriginSignal.NONE
    if deadline_passed and isinstance(error, AttemptTimeoutError):
        return OriginSignal.NONE
    if not isinstance(error, TransportError | AttemptTimeoutError):
        return OriginSignal.ANSWERED  # a redirect or a body that we reject
    return OriginSignal.FAILED if error.transient or error.received else OriginSignal.UNREACHABLE

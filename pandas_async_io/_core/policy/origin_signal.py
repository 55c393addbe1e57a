"""What an attempt tells of its origin. What becomes of its row is decided in `retry`."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import AttemptError, AttemptTimeoutError, DescriptorError, TransportError
from pandas_async_io._core.policy.retry import read_refusal_delay

if TYPE_CHECKING:
    from pandas_async_io._core.models import Response
    from pandas_async_io._core.policy.retry_options import Retry


class OriginSignal(Enum):
    """Of an origin."""

    NONE = auto()
    """The attempt was cut short by us, or never left this machine."""
    ANSWERED = auto()
    """It is there, whatever its answer is worth."""
    REFUSED = auto()
    """It is there, and wants fewer requests."""
    FAILED = auto()
    """It did not answer, or with a 5xx."""
    UNREACHABLE = auto()
    """It has no address, or no certificate that we trust: no row will fare better."""


def read_origin_signal(
    retry: Retry, response: Response | None, error: AttemptError | None, *, epoch: float, deadline_passed: bool = False
) -> tuple[OriginSignal, float]:
    """Return what an attempt tells, and the seconds of silence that a refusal asks for (0 if it says nothing).

    Parameters
    ----------
    retry : Retry
        Its statuses say what counts as a refusal.
    response, error
        What came, and what was met instead or made of it; neither, if the attempt was cancelled.
    epoch : float
        Our clock, in seconds since the epoch.
    deadline_passed : bool
        Whether it was the run's deadline that ended the attempt.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> from pandas_async_io._core.policy.retry_options import Retry
    >>> read_origin_signal(Retry(), Response(429, {"Retry-After": "3"}, b"", ""), None, epoch=0.0)
    (<OriginSignal.REFUSED: 3>, 3.0)
    >>> answers = [Response(status, {}, b"", "") for status in (200, 404, 500)]
    >>> [read_origin_signal(Retry(), answer, None, epoch=0.0)[0].name for answer in answers]
    ['ANSWERED', 'ANSWERED', 'FAILED']
    """
    if error is not None and error.retry_after is not None:
        return OriginSignal.REFUSED, error.retry_after
    if response is None:
        return _unanswered(error, deadline_passed=deadline_passed), 0.0
    asked = read_refusal_delay(retry, response, epoch=epoch)
    if asked is not None:
        return OriginSignal.REFUSED, asked
    return (OriginSignal.FAILED if response.status >= 500 else OriginSignal.ANSWERED), 0.0


def _unanswered(error: AttemptError | None, *, deadline_passed: bool) -> OriginSignal:
    if (
        error is None
        or isinstance(error, DescriptorError)
        or (deadline_passed and isinstance(error, AttemptTimeoutError))
    ):
        return OriginSignal.NONE
    if not isinstance(error, TransportError | AttemptTimeoutError):
        return OriginSignal.ANSWERED  # a redirect or a body that we do not take
    return OriginSignal.FAILED if error.transient or error.received else OriginSignal.UNREACHABLE

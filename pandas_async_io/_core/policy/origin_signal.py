"""What an attempt tells of its origin. What becomes of its row is decided in `retry`."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import AttemptError, AttemptTimeoutError, DescriptorError, TransportError
from pandas_async_io._core.policy.retry import Retry, refusal

if TYPE_CHECKING:
    from pandas_async_io._core.models import Response


class News(Enum):
    """Of an origin."""

    NOTHING = auto()
    """The attempt was cut short by us, or never left this machine."""
    ANSWERED = auto()
    """It is there, whatever its answer is worth."""
    REFUSED = auto()
    """It is there, and wants fewer requests."""
    FAILED = auto()
    """It did not answer, or with a 5xx."""
    HOPELESS = auto()
    """It has no address, or no certificate that we trust: no row will fare better."""


def news(
    retry: Retry, response: Response | None, error: AttemptError | None, *, epoch: float, late: bool = False
) -> tuple[News, float]:
    """Return what an attempt tells, and the seconds of silence that a refusal asks for (0 if it says nothing).

    Parameters
    ----------
    retry : Retry
        Its statuses say what counts as a refusal.
    response, error
        What came, and what was met instead or made of it; neither, if the attempt was cancelled.
    epoch : float
        Our clock, in seconds since the epoch.
    late : bool
        Whether it was the run's deadline that ended the attempt.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> news(Retry(), Response(429, {"Retry-After": "3"}, b"", ""), None, epoch=0.0)
    (<News.REFUSED: 3>, 3.0)
    >>> [news(Retry(), Response(status, {}, b"", ""), None, epoch=0.0)[0].name for status in (200, 404, 500)]
    ['ANSWERED', 'ANSWERED', 'FAILED']
    """
    if error is not None and error.asked is not None:
        return News.REFUSED, error.asked
    if response is None:
        return _unanswered(error, late=late), 0.0
    asked = refusal(retry, response, epoch=epoch)
    if asked is not None:
        return News.REFUSED, asked
    return (News.FAILED if response.status >= 500 else News.ANSWERED), 0.0


def _unanswered(error: AttemptError | None, *, late: bool) -> News:
    if error is None or isinstance(error, DescriptorError) or (late and isinstance(error, AttemptTimeoutError)):
        return News.NOTHING
    if not isinstance(error, TransportError | AttemptTimeoutError):
        return News.ANSWERED  # a redirect or a body that we do not take
    return News.FAILED if error.passing or error.received else News.HOPELESS

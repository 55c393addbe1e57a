"""Again? After how many seconds? The one decision about a failed attempt.

Two counts are kept apart: an attempt that the server refused before it processed
anything (429, 503 with ``Retry-After``, or in an API's own words: see `throttles`)
is repeated for every method and spends nothing; any other failure spends an attempt,
and is repeated only where that can do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import AttemptError, ParseError, ProtocolError
from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._core.policy.durations import format_seconds
from pandas_async_io._core.policy.refusals import REFUSAL_STATUSES, read_retry_hint, read_should_retry
from pandas_async_io._core.policy.retry_predicate import call_predicate
from pandas_async_io._core.server_message import describe_http_error

if TYPE_CHECKING:
    from pandas_async_io._core.policy.retry_options import Retry

MAX_REFUSALS = 10
"""A row that was refused so often is given up."""


def decide_retry(retry: Retry, failure: FailedAttempt, *, epoch: float, jitter: float) -> Decision | None:
    """Decide what follows a failed attempt.

    Parameters
    ----------
    retry : Retry
        The policy.
    failure : Failure
        What the attempt met, and how often before.
    epoch : float
        Our clock, in seconds since the epoch.
    jitter : float
        Evenly distributed in [0, 1): full jitter, so that rows that failed together
        do not come back together.

    Returns
    -------
    Again, Stop or None
        ``Again.delay`` is at most ``cap`` seconds, or ``max_wait`` where the server asked for a delay.
        None: nothing failed, and ``when`` does not ask for more.

    Examples
    --------
    >>> from pandas_async_io._core.policy.retry_options import Retry
    >>> failure = FailedAttempt(Request("https://example.com"), None, AttemptError("reset", transient=True))
    >>> decide_retry(Retry(), failure, epoch=0.0, jitter=0.5)
    Repeat(delay=0.05, refused=False)
    >>> decide_retry(Retry(attempts=1), failure, epoch=0.0, jitter=0.5)
    Stop(outcome=<Outcome.TRANSPORT_ERROR: 'transport_error'>, error='reset')
    """
    try:
        said = None if retry.when is None else call_predicate(retry.when, failure.response, failure.error)
    except ParseError as exc:
        return Stop(exc.outcome, str(exc))
    if failure.error is None and 200 <= failure.status < 300 and not said:
        return None
    if said is None and failure.error is None and failure.response is not None:
        said = read_should_retry(failure.response)
    if retry.attempts == 1 or said is False:
        return stop_row(failure)
    floor, refused = _refusal(retry, failure, epoch)
    turn = failure.refusals + 1 if refused else failure.attempts
    if refused:
        note = f"refused {turn} times" if turn >= MAX_REFUSALS else None
    elif said or _passing(retry, failure):
        note = _forbidden(retry, failure, turn)
    else:
        note = ""
    if note is not None:
        return stop_row(failure, note)
    if floor > retry.max_wait:
        text = f"the server asks for {format_seconds(floor)}; max_wait is {format_seconds(retry.max_wait)}"
        return Stop(Outcome.RATE_LIMITED_TOO_LONG, f"{_cause(failure)} ({text})")
    base = retry.throttle_base if refused else retry.base
    # The exponent is bounded: floats overflow.
    reach = min(retry.cap, base * 2.0 ** min(turn - 1, 64))
    delay = min(floor + jitter * reach, retry.max_wait)
    return Repeat(delay, refused)


def read_refusal_delay(retry: Retry, response: Response, *, epoch: float) -> float | None:
    """Return the seconds of silence that a refusal asks for, 0 if it says nothing; None if it is none.

    Examples
    --------
    >>> from pandas_async_io._core.policy.retry_options import Retry
    >>> [read_refusal_delay(Retry(), Response(status, {}, b"", ""), epoch=0.0) for status in (429, 503)]
    [0.0, None]
    """
    if response.status not in REFUSAL_STATUSES:
        return None
    asked, refused = _refusal(retry, FailedAttempt(Request(""), response), epoch)
    return asked if refused else None


def stop_row(failure: FailedAttempt, note: str = "") -> Stop:
    """Return how a row ends that is not sent again, here or where a budget or deadline forbids it.

    Examples
    --------
    >>> failure = FailedAttempt(Request("https://example.com"), Response(503, {}, b"", ""))
    >>> stop_row(failure, "3 attempts").error
    'HTTP 503 Service Unavailable (3 attempts)'
    """
    text = f"{_cause(failure)} ({note})" if note else _cause(failure)
    if failure.error is not None:
        return Stop(failure.error.outcome, text)
    return Stop(Outcome.HTTP_ERROR, text)


def _refusal(retry: Retry, failure: FailedAttempt, epoch: float) -> tuple[float, bool]:
    """Return the seconds the server asks for, and whether it refused before processing."""
    if failure.error is not None and failure.error.retry_after is not None:
        return failure.error.retry_after, True
    if failure.response is None:
        return 0.0, False
    seconds, refusing = read_retry_hint(failure.response, epoch=epoch)
    return seconds, refusing in retry.statuses


def _passing(retry: Retry, failure: FailedAttempt) -> bool:
    return failure.error.transient if failure.error is not None else failure.status in retry.statuses


def _forbidden(retry: Retry, failure: FailedAttempt, spent: int) -> str | None:
    """Return why an attempt that is worth repeating must not be, or None."""
    method, key = failure.request.method, retry.idempotency_key or "Idempotency-Key"
    unseen = failure.error is not None and not failure.error.received
    named = {name.lower() for name in failure.request.headers}
    if not (unseen or failure.repeatable or method in retry.methods or key.lower() in named):
        remedy = f"send {key} or name {method} in Retry(methods=...)"
        return f"{method} is not repeated: the server may have received it; {remedy}"
    once = isinstance(failure.error, (ProtocolError, ParseError))
    return f"{spent} attempts" if spent >= (min(retry.attempts, 2) if once else retry.attempts) else None


def _cause(failure: FailedAttempt) -> str:
    if failure.error is not None:
        return str(failure.error)
    return describe_http_error(failure.response) if failure.response is not None else "no answer"


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One attempt that brought no result.

    Attributes
    ----------
    request : Request
        What was sent.
    response : Response or None
        What came back.
    error : AttemptError or None
        What was met instead, or made of it.
    attempts : int
        Attempts spent so far, this one included and refused ones not.
    refusals : int
        How often it was refused before: the number of ``Again.refused`` so far.
    repeatable : bool
        Whether it may be repeated in spite of its method, as a GraphQL query may.
    """

    request: Request
    response: Response | None = None
    error: AttemptError | None = None
    attempts: int = 1
    refusals: int = 0
    repeatable: bool = False

    @property
    def status(self) -> int:
        """Of the response; 0 if there is none."""
        return self.response.status if self.response is not None else 0


@dataclass(frozen=True, slots=True)
class Repeat:
    """Send it again.

    Attributes
    ----------
    delay : float
        Seconds after which to send it.
    refused : bool
        Whether the server refused it before processing: the attempt is not counted.
    """

    delay: float
    refused: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """The row ends so."""

    outcome: Outcome
    error: str


Decision = Repeat | Stop

"""Whether a failed attempt is repeated, and after how many seconds.

Invariant: a refusal is repeated for every method and spends no attempt: the server
did not process the request (429, 503 with ``Retry-After``, or an API's own form,
see `refusals`). A 503 that a limiter seems to have sent (see `unavailable`) spends no attempt
either, but only a request that may be sent twice is repeated. Any other failure spends an
attempt, and is repeated only if the request may be sent twice. The delay before a row's last attempt
is stretched to the end of its patience, so that no row is lost to a trouble that passes sooner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import AttemptError, ParseError, ProtocolError, StaleConnectionError
from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._core.policy.durations import format_seconds
from pandas_async_io._core.policy.predicate import ask_retry, no_payload
from pandas_async_io._core.policy.retries.refusals import REFUSAL_STATUSES, read_retry_hint, read_should_retry
from pandas_async_io._core.server_message import describe_http_error

if TYPE_CHECKING:
    from pandas_async_io._core.policy.predicate import Predicate, ReadPayload
    from pandas_async_io._core.policy.retries.retry_options import Retry

MAX_REFUSALS = 10
"""Refusals of one row, while no other request is accepted, after which it ends."""

_MAX_WAITING_BODY = 8_192
"""Bytes of an error's body that a waiting row keeps: enough for a message, and many rows may wait."""

_MAX_DOUBLINGS = 64
"""Bound of the exponent: a float overflows at 1 024."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One attempt that brought no result.

    Attributes
    ----------
    request : Request
        The request that was sent.
    response : Response or None
        Its response, if one came.
    error : AttemptError or None
        The error instead of a response, or from decoding it.
    attempts : int
        Attempts spent so far, this one included, refused ones not.
    refused : bool
        Whether a limiter seems to have refused this attempt, although the response does not say so.
    refusals, refusals_in_a_row : int
        Earlier refusals of this request, and those since the endpoint last accepted any request.
    repeatable : bool
        Whether the request may be repeated whatever its method, as a GraphQL query may.
    reconnected : bool
        Whether the request was already sent again at once on a new connection.
    failing_for : float
        Seconds since the first failure of this request; infinity in a run that has had no answer below 500.
    read_payload : callable
        Returns the payload of the response, for a path in ``Retry(when=...)``.
    """

    request: Request
    response: Response | None = None
    error: AttemptError | None = None
    attempts: int = 1
    refused: bool = False
    refusals: int = 0
    refusals_in_a_row: int = 0
    repeatable: bool = False
    reconnected: bool = False
    failing_for: float = math.inf
    read_payload: ReadPayload = no_payload

    @property
    def status(self) -> int:
        """Status of the response; 0 without a response."""
        return self.response.status if self.response is not None else 0

    def shorten(self) -> FailedAttempt:
        """Return the attempt with no more of its body than a row keeps while it waits for the next one."""
        if self.response is None or len(self.response.body) <= _MAX_WAITING_BODY:
            return self
        return replace(self, response=replace(self.response, body=self.response.body[:_MAX_WAITING_BODY]))


@dataclass(frozen=True, slots=True)
class Repeat:
    """The request is sent again.

    Attributes
    ----------
    delay : float
        Seconds to wait before.
    refused : bool
        Whether the server refused the request before processing it: the attempt is not counted.
    reconnect : bool
        Whether it takes a new connection, because a reused one had ended: the attempt is not counted.
    """

    delay: float
    refused: bool
    reconnect: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """The row ends with this outcome and error text; ``is_outage``: because its origin did not answer others."""

    outcome: Outcome
    error: str
    is_outage: bool = field(default=False, repr=False)


Decision = Repeat | Stop


def decide_retry(retry: Retry, failed: FailedAttempt, *, epoch: float, jitter: float) -> Decision | None:
    """Decide what follows a failed attempt.

    Parameters
    ----------
    retry : Retry
        The options.
    failed : FailedAttempt
        The attempt and the counts of its row.
    epoch : float
        Our clock, in seconds since the epoch.
    jitter : float
        Uniform in [0, 1). Full jitter spreads the retries of rows that failed together.

    Returns
    -------
    Repeat, Stop or None
        ``Repeat.delay`` is at most ``cap`` seconds. It is at most ``max_wait`` if the server asked for a delay, and
        at least the rest of ``patience`` before the last attempt.
        None: the attempt succeeded, and ``when`` asks for no other.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from pandas_async_io._core.policy.retries.retry_options import Retry
    >>> failed = FailedAttempt(Request("https://example.com"), None, AttemptError("reset", transient=True))
    >>> decide_retry(Retry(), failed, epoch=0.0, jitter=0.5)
    Repeat(delay=0.05, refused=False, reconnect=False)
    >>> decide_retry(Retry(attempts=2), replace(failed, failing_for=1.5), epoch=0.0, jitter=0.5).delay
    3.5
    >>> decide_retry(Retry(attempts=1), failed, epoch=0.0, jitter=0.5)
    Stop(outcome=<Outcome.TRANSPORT_ERROR: 'transport_error'>, error='reset')
    """
    try:
        wanted = None if retry.condition is None else _ask_user(retry.condition, failed)
    except ParseError as exc:
        return Stop(exc.outcome, str(exc))
    if failed.error is None and retry.accepts(failed.status) and not wanted:
        return None
    if wanted is None and failed.error is None and failed.response is not None:
        wanted = read_should_retry(failed.response)
    if retry.attempts == 1 or wanted is False:
        return stop_row(failed)
    if isinstance(failed.error, StaleConnectionError) and not failed.reconnected and not _method_against(retry, failed):
        return Repeat(0.0, refused=False, reconnect=True)  # RFC 9110, 9.2.2
    requested, unprocessed = _read_refusal(retry, failed.response, failed.error, epoch)
    refused = unprocessed or failed.refused
    count = failed.refusals + 1 if refused else failed.attempts
    if refused:
        note = None if unprocessed else _method_against(retry, failed)
        note = f"refused {count} times" if failed.refusals_in_a_row + 1 >= MAX_REFUSALS else note
    elif wanted or _is_transient(retry, failed):
        note = _reason_against(retry, failed)
    else:
        note = ""
    if note is not None:
        return stop_row(failed, note)
    base = retry.throttle_base if refused else retry.base
    longest = min(retry.cap, base * 2.0 ** min(count - 1, _MAX_DOUBLINGS))
    return _repeat_after(retry, failed, requested, jitter * longest, refused=refused)


def _ask_user(condition: Predicate, failed: FailedAttempt) -> bool | None:
    return ask_retry(condition, failed.response, failed.error, failed.read_payload)


def _repeat_after(retry: Retry, failed: FailedAttempt, requested: float, backoff: float, *, refused: bool) -> Decision:
    """Repeat after the seconds that the server asks for and a backoff, unless the server asks for too many."""
    if requested > retry.max_wait:
        text = f"the server asks for {format_seconds(requested)}; max_wait is {format_seconds(retry.max_wait)}"
        return Stop(Outcome.RATE_LIMITED_TOO_LONG, f"{_describe_cause(failed)} ({text})")
    least = 0.0 if refused else _patience_left(retry, failed)
    return Repeat(max(min(requested + backoff, retry.max_wait), least), refused)


def _patience_left(retry: Retry, failed: FailedAttempt) -> float:
    """Return the seconds for which the last attempt of a row waits at least; 0 before any other."""
    if failed.attempts + 1 < retry.attempts or _is_unreadable(failed):
        return 0.0
    return max(retry.patience - failed.failing_for, 0.0)


def read_refusal_delay(retry: Retry, response: Response, *, epoch: float) -> float | None:
    """Return the seconds that a refusal asks to wait, 0 if it names none; None if the response is no refusal.

    Examples
    --------
    >>> from pandas_async_io._core.policy.retries.retry_options import Retry
    >>> [read_refusal_delay(Retry(), Response(status, {}, b"", ""), epoch=0.0) for status in (429, 503)]
    [0.0, None]
    """
    if response.status not in REFUSAL_STATUSES:
        return None
    requested, refused = _read_refusal(retry, response, None, epoch)
    return requested if refused else None


def stop_row(failed: FailedAttempt, note: str = "") -> Stop:
    """Return how a row ends after its last attempt, with a note on why it is not repeated.

    Examples
    --------
    >>> failed = FailedAttempt(Request("https://example.com"), Response(503, {}, b"", ""))
    >>> stop_row(failed, "3 attempts").error
    'HTTP 503 Service Unavailable (3 attempts)'
    """
    cause = _describe_cause(failed)
    outcome = failed.error.outcome if failed.error is not None else Outcome.HTTP_ERROR
    return Stop(outcome, f"{cause} ({note})" if note else cause)


def _read_refusal(
    retry: Retry, response: Response | None, error: AttemptError | None, epoch: float
) -> tuple[float, bool]:
    """Return the seconds that the server asks to wait, and whether it refused before processing."""
    if error is not None and error.retry_after is not None:
        return error.retry_after, True
    if response is None:
        return 0.0, False
    delay, refusal_status = read_retry_hint(response, epoch=epoch)
    return delay, refusal_status in retry.statuses


def _is_transient(retry: Retry, failed: FailedAttempt) -> bool:
    return failed.error.transient if failed.error is not None else failed.status in retry.statuses


def _reason_against(retry: Retry, failed: FailedAttempt) -> str | None:
    """Return why a failure is not repeated although it is transient, or None."""
    if (note := _method_against(retry, failed)) is not None:
        return note
    allowed = min(retry.attempts, 2) if _is_unreadable(failed) else retry.attempts
    return f"{failed.attempts} attempts" if failed.attempts >= allowed else None


def _is_unreadable(failed: FailedAttempt) -> bool:
    """Whether the answer is not HTTP, or cannot be decoded: then it is repeated once, for it rarely passes."""
    return isinstance(failed.error, (ProtocolError, ParseError))


def _method_against(retry: Retry, failed: FailedAttempt) -> str | None:
    """Return why a request must not be sent twice, or None."""
    if failed.error is not None and not failed.error.received:
        return None
    if failed.repeatable or may_send_twice(retry, failed.request):
        return None
    method, key = failed.request.method, retry.idempotency_key or "Idempotency-Key"
    remedy = f"send {key} or name {method} in Retry(methods=...)"
    return f"{method} is not repeated: the server may have received it; {remedy}"


def may_send_twice(retry: Retry, request: Request) -> bool:
    """Return whether a request may reach the server twice: by its method or its idempotency key.

    Examples
    --------
    >>> from pandas_async_io._core.policy.retries.retry_options import Retry
    >>> post = Request("https://example.com", "POST", {"Idempotency-Key": "k"})
    >>> may_send_twice(Retry(), post), may_send_twice(Retry(), Request("https://example.com", "POST"))
    (True, False)
    """
    if request.method in retry.methods:
        return True
    key = (retry.idempotency_key or "Idempotency-Key").lower()
    return key in {name.lower() for name in request.headers}


def _describe_cause(failed: FailedAttempt) -> str:
    if failed.error is not None:
        return str(failed.error)
    return describe_http_error(failed.response) if failed.response is not None else "no answer"

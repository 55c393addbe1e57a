"""Again? After how many seconds? The one decision about a failed attempt.

Two counts are kept apart: an attempt that the server refused before it processed
anything (429, or 503 with ``Retry-After``) is repeated for every method and spends
nothing; any other failure spends an attempt, and is repeated only where that can
do no harm.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from pandas_async_io._core.budgets import budget
from pandas_async_io._core.errors import AttemptError, ParseError, PlanError, ProtocolError
from pandas_async_io._core.message import http_error, raised
from pandas_async_io._core.models import EMPTY, Outcome, Request, Response
from pandas_async_io._core.waits import asked_delay

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

REFUSALS = 10
"""A row that was refused so often is given up."""

When = Callable[[Response | None, AttemptError | None], bool | None]
"""True: worth another attempt. False: never. None: as without a predicate."""


def as_retry(value: Retry | int | None) -> Retry:
    """Return what the option ``retry`` says: a number counts attempts, the first included.

    Raises
    ------
    PlanError
        It is neither.

    Examples
    --------
    >>> as_retry(1).attempts, as_retry(None).attempts
    (1, 3)
    """
    if value is None:
        return Retry()
    return value if isinstance(value, Retry) else Retry(attempts=value)


def decide(retry: Retry, failure: Failure, *, epoch: float, dice: float) -> Verdict | None:
    """Decide what follows a failed attempt.

    Parameters
    ----------
    retry : Retry
        The policy.
    failure : Failure
        What the attempt met, and how often before.
    epoch : float
        Our clock, in seconds since the epoch.
    dice : float
        Evenly distributed in [0, 1): full jitter, so that rows that failed together
        do not come back together.

    Returns
    -------
    Again, Stop or None
        ``Again.delay`` is at most ``cap`` seconds, or ``max_wait`` where the server asked for a delay.
        None: nothing failed, and ``when`` does not ask for more.

    Examples
    --------
    >>> failure = Failure(Request("https://example.com"), None, AttemptError("reset", passing=True))
    >>> decide(Retry(), failure, epoch=0.0, dice=0.5)
    Again(delay=0.05, refused=False)
    >>> decide(Retry(attempts=1), failure, epoch=0.0, dice=0.5)
    Stop(outcome=<Outcome.TRANSPORT_ERROR: 'transport_error'>, error='reset')
    """
    try:
        said = retry.when(failure.response, failure.error) if retry.when else None
    except Exception as exc:  # noqa: BLE001 - the user's own predicate; the other rows go on
        return Stop(Outcome.PARSE_ERROR, raised("Retry(when=...)", exc))
    if failure.error is None and 200 <= failure.status < 300 and not said:
        return None
    if retry.attempts == 1 or said is False:
        return ending(failure)
    floor, refused = _refusal(retry, failure, epoch)
    turn = failure.refusals + 1 if refused else failure.attempts
    if refused:
        note = f"refused {turn} times" if turn >= REFUSALS else None
    elif said or _passing(retry, failure):
        note = _forbidden(retry, failure, turn)
    else:
        note = ""
    if note is not None:
        return ending(failure, note)
    if floor > retry.max_wait:
        text = f"{_cause(failure)} (the server asks for {floor:g} s, max_wait is {retry.max_wait:g} s)"
        return Stop(Outcome.RATE_LIMITED_TOO_LONG, text)
    base = retry.throttle_base if refused else retry.base
    # The exponent is bounded: floats overflow.
    reach = min(retry.cap, base * 2.0 ** min(turn - 1, 64))
    delay = min(floor + dice * reach, retry.max_wait)
    return Again(delay, refused)


def refusal(retry: Retry, response: Response, *, epoch: float) -> float | None:
    """Return the seconds of silence that a refusal asks for, 0 if it says nothing; None if it is none.

    Examples
    --------
    >>> [refusal(Retry(), Response(status, {}, b"", ""), epoch=0.0) for status in (429, 503)]
    [0.0, None]
    """
    if response.status not in {403, 429, 503, 529}:
        return None
    asked, refused = _refusal(retry, Failure(Request(""), response), epoch)
    return asked if refused else None


def ending(failure: Failure, note: str = "") -> Stop:
    """Return how a row ends that is not sent again, here or where a budget or deadline forbids it.

    Examples
    --------
    >>> failure = Failure(Request("https://example.com"), Response(503, {}, b"", ""))
    >>> ending(failure, "3 attempts").error
    'HTTP 503 Service Unavailable (3 attempts)'
    """
    text = f"{_cause(failure)} ({note})" if note else _cause(failure)
    if failure.error is not None:
        return Stop(failure.error.outcome, text)
    return Stop(Outcome.HTTP_ERROR, text)


def _refusal(retry: Retry, failure: Failure, epoch: float) -> tuple[float, bool]:
    """Return the seconds the server asks for, and whether it refused before processing."""
    if failure.error is not None and failure.error.asked is not None:
        return failure.error.asked, True
    status, headers = failure.status, failure.headers
    asked = asked_delay(headers, epoch=epoch)
    spent = headers.get("x-ratelimit-remaining") == "0"
    # GitHub says 403 where others say 429.
    limited = status == 429 or (status == 403 and (spent or asked is not None))
    refused = (429 if limited else status) in retry.statuses and (
        limited or (status in {503, 529} and asked is not None)
    )
    if asked is None and limited and (left := budget(headers, epoch=epoch)) and left.remaining <= 0:
        asked = left.reset_in
    return asked or 0.0, refused


def _passing(retry: Retry, failure: Failure) -> bool:
    return failure.error.passing if failure.error is not None else failure.status in retry.statuses


def _forbidden(retry: Retry, failure: Failure, spent: int) -> str | None:
    """Return why an attempt that is worth repeating must not be, or None."""
    method, key = failure.request.method, retry.idempotency_key or "Idempotency-Key"
    unseen = failure.error is not None and not failure.error.received
    named = {name.lower() for name in failure.request.headers}
    if not (unseen or failure.harmless or method in retry.methods or key.lower() in named):
        remedy = f"send {key} or name {method} in Retry(methods=...)"
        return f"{method} is not repeated: the server may have received it; {remedy}"
    once = isinstance(failure.error, (ProtocolError, ParseError))
    return f"{spent} attempts" if spent >= (min(retry.attempts, 2) if once else retry.attempts) else None


def _cause(failure: Failure) -> str:
    if failure.error is not None:
        return str(failure.error)
    return http_error(failure.response) if failure.response is not None else "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When a failed request is sent again.

    Parameters
    ----------
    attempts : int
        The first included; 1 never repeats anything.
    statuses : collection of int
        Answers that are worth another attempt.
    methods : collection of str
        Methods that may be repeated after the server may have received them.
    base, throttle_base : float
        Seconds that the first delay is at most: after a failure, after a refusal. They double each time.
    cap : float
        Seconds that no delay of our own exceeds.
    max_wait : float
        Seconds that a server may ask for; beyond, the row ends as ``rate_limited_too_long``.
    when : callable or None
        ``when(response, error)``, asked first: True is worth another attempt, False
        is not, None leaves it to the rules. ``attempts`` and ``methods`` hold all the same.
    idempotency_key : str or None
        Name of a header that carries a fresh key per row, so that every method may be repeated.
    budget : float
        Retries stay within this share of the requests sent.

    Raises
    ------
    PlanError
        A value is out of its range.
    """

    attempts: int = 3
    statuses: Collection[int] = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
    methods: Collection[str] = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
    base: float = 0.1
    throttle_base: float = 1.0
    cap: float = 20.0
    max_wait: float = 300.0
    when: When | None = None
    idempotency_key: str | None = None
    budget: float = 0.2

    def __post_init__(self) -> None:
        if type(self.attempts) is not int or self.attempts < 1:
            raise PlanError(f"Retry: attempts={self.attempts!r} counts the first: a whole number from 1.")
        for name in ("base", "throttle_base", "cap", "max_wait", "budget"):
            value = getattr(self, name)
            if type(value) not in {int, float} or not (math.isfinite(value) and value >= 0):
                raise PlanError(f"Retry: {name}={value!r} is a finite number from 0.")
        for name, kind in (("statuses", int), ("methods", str)):
            several = getattr(self, name)
            listed = isinstance(several, Collection) and not isinstance(several, str)
            if not (listed and all(type(one) is kind for one in several)):
                raise PlanError(f"Retry: {name}={several!r} is a collection of {kind.__name__}.")
        if self.when is not None and not callable(self.when):
            raise PlanError(f"Retry: when={self.when!r} is called with a response and an error.")
        if self.idempotency_key is not None and not _TOKEN.fullmatch(self.idempotency_key):
            raise PlanError(f"Retry: idempotency_key={self.idempotency_key!r} is the name of a header.")
        object.__setattr__(self, "statuses", frozenset(self.statuses))
        object.__setattr__(self, "methods", frozenset(name.upper() for name in self.methods))


@dataclass(frozen=True, slots=True)
class Failure:
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
    harmless : bool
        Whether it may be repeated in spite of its method, as a GraphQL query may.
    """

    request: Request
    response: Response | None = None
    error: AttemptError | None = None
    attempts: int = 1
    refusals: int = 0
    harmless: bool = False

    @property
    def status(self) -> int:
        """Of the response; 0 if there is none."""
        return self.response.status if self.response is not None else 0

    @property
    def headers(self) -> dict[str, str]:
        """Of the response, with names in lower case."""
        headers = self.response.headers if self.response is not None else EMPTY
        return {name.lower(): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class Again:
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


Verdict = Again | Stop

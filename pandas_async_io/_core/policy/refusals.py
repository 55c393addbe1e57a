"""Who says it how: refusals by a rate limit, and waits, that a status and ``Retry-After`` do not tell.

The law of this file: what an API says in a way of its own is a line of a table here,
and nowhere else. ``Retry-After`` beats all, a header beats a body. A body is looked
at only where the status is one with which somebody refuses so, and only if it is
JSON of at most 64 KiB; an answer that is fine costs nothing. What is malformed is ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from pandas_async_io._core.numbers import as_number
from pandas_async_io._core.policy.header_times import get_field_lines, parse_number, read_requested_delay
from pandas_async_io._core.policy.server_budgets import read_budget

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pandas_async_io._core.models import Response

REFUSAL_STATUSES = frozenset({400, 403, 429, 503, 529})
"""The statuses that may be a refusal."""

_SPOKEN = frozenset({400, 403, 429, 503})
"""Those behind which a body is looked at."""

_MOST = 1 << 16
"""Bytes of a body that is looked at."""


class RetryHint(NamedTuple):
    """What an answer says of coming back.

    Attributes
    ----------
    seconds : float
        To wait at least; 0 if it says nothing.
    refusal : int
        The status that its refusal amounts to: 429 in whatever way it was said, 503 or 529
        where a wait goes with it. 0: it may have been processed, or will never be.
    """

    seconds: float
    refusal: int


def read_retry_hint(response: Response, *, epoch: float) -> RetryHint:
    """Return what an answer says of coming back, in any API's way.

    Parameters
    ----------
    response : Response
        Not a success.
    epoch : float
        Our clock, in seconds since the epoch.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> read_retry_hint(Response(429, {}, b'{"retry_after": 2.5}', ""), epoch=0.0)
    RetryHint(seconds=2.5, refusal=429)
    >>> read_retry_hint(Response(400, {}, b'{"__type": "com.amazonaws#ThrottlingException"}', ""), epoch=0.0)
    RetryHint(seconds=0.0, refusal=429)
    >>> read_retry_hint(Response(400, {}, b'{"error": "no such field"}', ""), epoch=0.0)
    RetryHint(seconds=0.0, refusal=0)
    """
    status = response.status
    asked = read_requested_delay(response.headers, epoch=epoch)
    limited = status == 429 or (status == 403 and asked is not None) or _in_headers(response)
    if status in _SPOKEN and (asked is None or not (limited or status == 503)):
        payload = _payload(response.body)
        least = _in_body(status, payload)
        limited = limited or least is not None
        if asked is None and (limited or status == 503):
            waits = (_reset(response, epoch) if limited else None, _usage(response), _wait(payload), least or None)
            asked = next((each for each in waits if each is not None), None)
    waiting = status in {503, 529} and asked is not None
    return RetryHint(asked or 0.0, 429 if limited else status if waiting else 0)


def read_should_retry(response: Response) -> bool | None:
    """Return what a server says of sending the request again; None if it says nothing.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> read_should_retry(Response(409, {"Stripe-Should-Retry": "true"}, b"", ""))
    True
    """
    for name in _SHOULD:
        for text in get_field_lines(response.headers, name):
            if (said := text.strip().lower()) in _SAID:
                return _SAID[said]
    return None


_SHOULD = ("stripe-should-retry", "x-should-retry")
"""Stripe's, and that of the APIs whose clients Stainless writes: Anthropic's, OpenAI's."""

_SAID = {"true": True, "false": False}


_AWS = (
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "ProvisionedThroughputExceededException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
)
_FACEBOOK = frozenset({4, 17, 32, 613, *range(80_000, 80_100)})
_GITHUB = ("secondary rate limit", "abuse detection mechanism")
_SALESFORCE = re.compile(r"api-usage=([0-9]{1,15})/([0-9]{1,15})")


def _names_throttling(text: str) -> bool:
    """Look at AWS' error type: a namespace may go before, a colon and an address behind."""
    return text.partition(":")[0].endswith(_AWS)


def _is_used_up(text: str) -> bool:
    return any(int(used) >= int(limit) for used, limit in _SALESFORCE.findall(text))


_HEADERS: tuple[tuple[frozenset[int], str, Callable[[str], bool]], ...] = (
    (frozenset({400, 503}), "x-amzn-errortype", _names_throttling),
    (frozenset({403}), "x-ratelimit-remaining", lambda text: parse_number(text) == 0),  # GitHub
    (frozenset({403}), "sforce-limit-info", _is_used_up),
)
"""Headers that tell a refusal: behind which statuses, and with which text."""


def _in_headers(response: Response) -> bool:
    return any(
        says(text.strip())
        for statuses, name, says in _HEADERS
        if response.status in statuses
        for text in get_field_lines(response.headers, name)
    )


def _aws(payload: Any) -> bool:
    kinds = (payload.get("__type"), payload.get("code")) if isinstance(payload, dict) else ()
    return any(isinstance(kind, str) and _names_throttling(kind) for kind in kinds)


def _facebook(payload: Any) -> bool:
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict) or error.get("type", "OAuthException") != "OAuthException":
        return False  # others have codes too
    return type(error.get("code")) is int and error["code"] in _FACEBOOK


def _github(payload: Any) -> bool:
    said = payload.get("message") if isinstance(payload, dict) else None
    return isinstance(said, str) and any(words in said.lower() for words in _GITHUB)


def _salesforce(payload: Any) -> bool:
    errors = payload if isinstance(payload, list) else [payload]
    return any(isinstance(each, dict) and each.get("errorCode") == "REQUEST_LIMIT_EXCEEDED" for each in errors)


_BODIES: tuple[tuple[frozenset[int], Callable[[Any], bool], float], ...] = (
    (frozenset({400, 503}), _aws, 0.0),
    (frozenset({400, 403}), _facebook, 0.0),
    (frozenset({403, 429}), _github, 60.0),  # its documentation: at least one minute
    (frozenset({403}), _salesforce, 0.0),
)
"""Bodies that tell a refusal: behind which statuses, what they hold, and the seconds to wait at least."""


def _in_body(status: int, payload: Any) -> float | None:
    """Return the seconds to wait at least after a body that tells a refusal, None if it tells none."""
    return next((least for statuses, says, least in _BODIES if status in statuses and says(payload)), None)


def _payload(body: bytes) -> Any:
    if len(body) > _MOST or body.lstrip()[:1] not in {b"{", b"["}:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _reset(response: Response, epoch: float) -> float | None:
    """Return the seconds until a budget that is used up is whole again."""
    left = read_budget(response.headers, epoch=epoch)
    return left.reset_in if left is not None and left.remaining <= 0 else None


_USAGE = ("x-business-use-case-usage", "x-app-usage")
_REGAIN = "estimated_time_to_regain_access"


def _usage(response: Response) -> float | None:
    """Return the longest wait that Facebook's headers tell, in minutes there; 0 minutes is none."""
    texts = [text for name in _USAGE for text in get_field_lines(response.headers, name)]
    usages = [_payload(text.encode(errors="replace")) for text in texts]
    minutes = [_amount(inner.get(_REGAIN)) or 0.0 for usage in usages for inner in _objects(usage)]
    return max(minutes, default=0.0) * 60 or None


_FIELDS = {"retryafterms": 0.001, "retryafter": 1.0, "retryafterseconds": 1.0}
"""A field's name without case, dashes and underscores, and its unit in seconds; the finer one first."""


def _wait(payload: Any) -> float | None:
    """Return the seconds that a body asks to wait: its own, its error's or, as Telegram's, its parameters'."""
    for inner in _objects(payload):
        folded = {key.replace("_", "").replace("-", "").lower(): value for key, value in inner.items()}
        for name, unit in _FIELDS.items():
            if (amount := _amount(folded.get(name))) is not None:
                return amount * unit
    return None


def _objects(payload: Any) -> Iterator[dict[str, Any]]:
    """Return an object and those within it or within its lists: three storeys, and no recursion."""
    storey = [payload]
    for _ in range(3):
        yield from (each for each in storey if isinstance(each, dict))
        storey = [inner for each in storey for inner in _within(each)]


def _within(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _amount(value: Any) -> float | None:
    found = parse_number(value) if isinstance(value, str) else as_number(value)
    return found if found is not None and found >= 0 else None

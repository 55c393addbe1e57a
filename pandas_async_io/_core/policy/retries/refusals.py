"""What a failed response says about sending it again: whether it is a refusal, and how long to wait.

Invariant: an API's own form of a refusal is one line of a table here, and nowhere else.
``Retry-After`` takes precedence over every other header, a header over the body. The body is
parsed only for statuses that some API refuses with, and only if it is JSON of at
most 64 KiB. Malformed values are ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from pandas_async_io._core.numbers import as_number
from pandas_async_io._core.policy.server_limits.header_times import get_field_lines, parse_number, read_requested_delay
from pandas_async_io._core.policy.server_limits.server_budgets import read_budget

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pandas_async_io._core.models import Response

REFUSAL_STATUSES = frozenset({400, 403, 429, 503, 529})
"""Statuses that may be a refusal."""

_STATUSES_WITH_BODY = frozenset({400, 403, 429, 503})
"""Statuses whose body may say so."""

_MAX_BODY_BYTES = 1 << 16


class RetryHint(NamedTuple):
    """What a failed response says about sending the request again.

    Attributes
    ----------
    delay : float
        Seconds to wait at least; 0 if the response names none.
    refusal_status : int
        The status to which the refusal is equivalent: 429 in every form that an API uses, 503 or 529 if the
        response names a delay. 0 for any other response: the server may have processed the request.
    """

    delay: float
    refusal_status: int


def read_retry_hint(response: Response, *, epoch: float) -> RetryHint:
    """Return what a response says about sending the request again, in any API's form.

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
    RetryHint(delay=2.5, refusal_status=429)
    >>> read_retry_hint(Response(400, {}, b'{"__type": "com.amazonaws#ThrottlingException"}', ""), epoch=0.0)
    RetryHint(delay=0.0, refusal_status=429)
    >>> read_retry_hint(Response(400, {}, b'{"error": "no such field"}', ""), epoch=0.0)
    RetryHint(delay=0.0, refusal_status=0)
    """
    status = response.status
    delay = read_requested_delay(response.headers, epoch=epoch)
    limited = status == 429 or (status == 403 and delay is not None) or _has_refusal_header(response)
    if status in _STATUSES_WITH_BODY and (delay is None or not (limited or status == 503)):
        payload = _parse_json(response.body)
        minimum = _match_refusal_body(status, payload)
        limited = limited or minimum is not None
        if delay is None and (limited or status == 503):
            reset = _read_reset(response, epoch) if limited else None
            delays = (reset, _read_facebook_delay(response), _read_body_delay(payload), minimum or None)
            delay = next((each for each in delays if each is not None), None)
    unavailable = status in {503, 529} and delay is not None
    return RetryHint(delay or 0.0, 429 if limited else status if unavailable else 0)


# Stripe's header, and that of the APIs whose clients Stainless writes: Anthropic's, OpenAI's.
_SHOULD_RETRY_FIELDS = ("stripe-should-retry", "x-should-retry")
_SHOULD_RETRY_VALUES = {"true": True, "false": False}


def read_should_retry(response: Response) -> bool | None:
    """Return whether the server's headers allow another attempt; None if they do not say.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> read_should_retry(Response(409, {"Stripe-Should-Retry": "true"}, b"", ""))
    True
    """
    for name in _SHOULD_RETRY_FIELDS:
        for text in get_field_lines(response.headers, name):
            if (value := text.strip().lower()) in _SHOULD_RETRY_VALUES:
                return _SHOULD_RETRY_VALUES[value]
    return None


_AWS_ERRORS = (
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
_FACEBOOK_CODES = frozenset({4, 17, 32, 613, *range(80_000, 80_100)})
_GITHUB_MESSAGES = ("secondary rate limit", "abuse detection mechanism")
_GITHUB_SECONDARY_SECONDS = 60.0
"""GitHub's documentation: wait for at least one minute."""
_SALESFORCE_USAGE = re.compile(r"api-usage=([0-9]{1,15})/([0-9]{1,15})")


def _is_aws_throttling(text: str) -> bool:
    """Return whether an AWS error type means throttling; a namespace may precede it, a colon and a URL may follow."""
    return text.partition(":")[0].endswith(_AWS_ERRORS)


def _is_salesforce_usage_spent(text: str) -> bool:
    return any(int(used) >= int(limit) for used, limit in _SALESFORCE_USAGE.findall(text))


_REFUSAL_HEADERS: tuple[tuple[frozenset[int], str, Callable[[str], bool]], ...] = (
    (frozenset({400, 503}), "x-amzn-errortype", _is_aws_throttling),
    (frozenset({403}), "x-ratelimit-remaining", lambda text: parse_number(text) == 0),  # GitHub
    (frozenset({403}), "sforce-limit-info", _is_salesforce_usage_spent),
)
"""Headers that make a response a refusal: its statuses, the field, the condition on its value."""


def _has_refusal_header(response: Response) -> bool:
    return any(
        is_refusal(text.strip())
        for statuses, name, is_refusal in _REFUSAL_HEADERS
        if response.status in statuses
        for text in get_field_lines(response.headers, name)
    )


def _is_aws_body(payload: Any) -> bool:
    types = (payload.get("__type"), payload.get("code")) if isinstance(payload, dict) else ()
    return any(isinstance(each, str) and _is_aws_throttling(each) for each in types)


def _is_facebook_body(payload: Any) -> bool:
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict) or error.get("type", "OAuthException") != "OAuthException":
        return False  # other APIs use numeric codes too
    return type(error.get("code")) is int and error["code"] in _FACEBOOK_CODES


def _is_github_body(payload: Any) -> bool:
    message = payload.get("message") if isinstance(payload, dict) else None
    return isinstance(message, str) and any(part in message.lower() for part in _GITHUB_MESSAGES)


def _is_salesforce_body(payload: Any) -> bool:
    errors = payload if isinstance(payload, list) else [payload]
    return any(isinstance(each, dict) and each.get("errorCode") == "REQUEST_LIMIT_EXCEEDED" for each in errors)


_REFUSAL_BODIES: tuple[tuple[frozenset[int], Callable[[Any], bool], float], ...] = (
    (frozenset({400, 503}), _is_aws_body, 0.0),
    (frozenset({400, 403}), _is_facebook_body, 0.0),
    (frozenset({403, 429}), _is_github_body, _GITHUB_SECONDARY_SECONDS),
    (frozenset({403}), _is_salesforce_body, 0.0),
)
"""Bodies that make a response a refusal: its statuses, the condition on its payload, the least seconds to wait."""


def _match_refusal_body(status: int, payload: Any) -> float | None:
    """Return the least seconds to wait after a body that is a refusal, None if it is none."""
    return next(
        (least for statuses, is_refusal, least in _REFUSAL_BODIES if status in statuses and is_refusal(payload)), None
    )


def _parse_json(body: bytes) -> Any:
    if len(body) > _MAX_BODY_BYTES or body.lstrip()[:1] not in {b"{", b"["}:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _read_reset(response: Response, epoch: float) -> float | None:
    """Return the seconds until a spent budget is reset."""
    left = read_budget(response.headers, epoch=epoch)
    return left.reset_in if left is not None and left.remaining <= 0 else None


_FACEBOOK_USAGE_FIELDS = ("x-business-use-case-usage", "x-app-usage")
_FACEBOOK_MINUTES = "estimated_time_to_regain_access"


def _read_facebook_delay(response: Response) -> float | None:
    """Return the longest delay in Facebook's usage headers in seconds, None if all are 0."""
    texts = [text for name in _FACEBOOK_USAGE_FIELDS for text in get_field_lines(response.headers, name)]
    usages = [_parse_json(text.encode(errors="replace")) for text in texts]
    minutes = [_read_amount(each.get(_FACEBOOK_MINUTES)) or 0.0 for usage in usages for each in _iterate_objects(usage)]
    return max(minutes, default=0.0) * 60 or None


_DELAY_KEYS = {"retryafterms": 0.001, "retryafter": 1.0, "retryafterseconds": 1.0}
"""Keys of a body without case, dashes and underscores, and their unit in seconds; the finest unit first."""


def _read_body_delay(payload: Any) -> float | None:
    """Return the seconds that a body asks to wait: at its top, in its error, in its parameters (Telegram)."""
    for each in _iterate_objects(payload):
        folded = {key.replace("_", "").replace("-", "").lower(): value for key, value in each.items()}
        for key, unit in _DELAY_KEYS.items():
            if (amount := _read_amount(folded.get(key))) is not None:
                return amount * unit
    return None


def _iterate_objects(payload: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects on the first three levels of a payload, without recursion: a body may be nested deeply."""
    level = [payload]
    for _ in range(3):
        yield from (each for each in level if isinstance(each, dict))
        level = [inner for each in level for inner in _get_children(each)]


def _get_children(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _read_amount(value: Any) -> float | None:
    amount = parse_number(value) if isinstance(value, str) else as_number(value)
    return amount if amount is not None and amount >= 0 else None

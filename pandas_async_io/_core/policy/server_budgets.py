"""What a server says of its own limits, and how far apart starts keep within them.

Read are the RateLimit fields of all IETF drafts, the X-RateLimit family in every
spelling (also Anthropic's, HubSpot's, Jira's, OpenAI's), Shopify's and Salesforce's
``used/limit``, and Kinto's ``Backoff``. What is malformed is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.policy.header_times import get_field_lines, parse_number, parse_reset
from pandas_async_io._core.policy.structured_fields import Item, Parameters, parse_dictionary, parse_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_USED = re.compile(r"(?:api-usage=)?([0-9]{1,15})/([0-9]{1,15})")
_MEMBERS = re.compile(r"(?<![A-Za-z]{3}),")
"""The commas of a list; one behind a day's name is a date's."""
_WIDEST = 60.0
"""Seconds between two starts beyond which a budget is used up rather than spread: a day's, say."""
_USED_FIELDS = ("x-shopify-shop-api-call-limit", "sforce-limit-info")


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a server's limit.

    Attributes
    ----------
    remaining : float
        Requests (or the server's own unit) that it will still accept.
    reset_in : float or None
        Seconds until the limit is whole again.
    limit : float or None
        What it is then.
    """

    remaining: float
    reset_in: float | None = None
    limit: float | None = None


def read_budget(headers: Mapping[str, str], *, epoch: float, date: str | None = None) -> Budget | None:
    """Return the limit among a response's headers that binds first, or None.

    Parameters
    ----------
    headers : mapping of str to str
        Names in any case; of a multidict, a field's lines are one list.
    epoch : float
        Our clock, in seconds since the epoch.
    date : str or None
        The server's clock; by default the ``Date`` among the headers.

    Examples
    --------
    >>> read_budget({"RateLimit": '"burst";r=0;t=7, "daily";r=900;t=50000'}, epoch=0.0)
    Budget(remaining=0.0, reset_in=7.0, limit=None)
    >>> read_budget({"X-RateLimit-Remaining": "lots"}, epoch=0.0)
    """
    fields: dict[str, str] = {}
    for name, value in headers.items():
        if "limit" in (key := name.lower()) or key == "backoff":
            fields[key] = f"{fields[key]}, {value}" if key in fields else value  # one list (RFC 9110, 5.3)
    if not fields:
        return None
    if date is None:
        date = next((v for name, v in headers.items() if name.lower() == "date"), None)
    found = [*_structured(fields, headers), *_family(fields, epoch, date), *_used(fields), *_backoff(fields)]
    return min(found, key=_tightness, default=None)


def compute_spacing(left: Budget | None, in_flight: int, *, waiting: float = float("inf")) -> float:
    """Return the seconds to leave between starts, so that a budget lasts until its reset.

    Parameters
    ----------
    left : Budget or None
        The origin's last budget, its ``reset_in`` counted from now.
    in_flight : int
        Requests that may already be drawing on it.
    waiting : float
        Requests without an answer yet, if known: a budget that is enough for them slows nothing.

    Examples
    --------
    >>> [compute_spacing(left, 8) for left in (Budget(50, 30, 100), Budget(5, 30, 100), Budget(0, 30))]
    [0.0, 6.0, 30.0]
    >>> compute_spacing(Budget(50, 86_400, 1_000), 8)
    0.0
    """
    if left is None or left.remaining >= waiting:
        return 0.0
    # A budget that names no reset leaks back all the time (Shopify): a second is a guess that settles.
    seconds = 1.0 if left.reset_in is None else left.reset_in
    low = max(in_flight * 2, (left.limit or 0) / 10, 1)
    gap = seconds / max(left.remaining, 1)
    return gap if left.remaining < low and gap <= _WIDEST else 0.0


def _tightness(left: Budget) -> tuple[bool, float, float, float]:
    spent = left.remaining <= 0
    share = left.remaining / left.limit if left.limit else 1.0
    return not spent, -(left.reset_in or 0.0) if spent else 0.0, share, left.remaining


def _structured(fields: Mapping[str, str], headers: Mapping[str, str]) -> Iterator[Budget]:
    """Read ``RateLimit`` as a list (drafts 8 and later) or a dictionary (draft 7)."""
    field = fields.get("ratelimit", "")
    try:
        yield from _policies(parse_list(field), _quotas(fields.get("ratelimit-policy", "")))
    except ValueError:
        # Of a dictionary's equal keys the last one counts, but two proxies send two dictionaries.
        for text in {field, *get_field_lines(headers, "ratelimit")}:
            yield from _draft_7(text)


def _policies(items: list[Item], quotas: Mapping[object, Parameters]) -> Iterator[Budget]:
    for name, parameters in items:
        left, reset = _count(parameters, "r"), _count(parameters, "t")
        if left is None or (reset is None and "t" in parameters):
            continue
        quota = quotas.get(name, {})
        yield Budget(left, _count(quota, "w") if reset is None else reset, _count(quota, "q"))


def _draft_7(field: str) -> Iterator[Budget]:
    try:
        members = {key: value for key, (value, _) in parse_dictionary(field).items()}
    except ValueError:
        return
    if (left := _count(members, "remaining")) is not None:
        yield Budget(left, _count(members, "reset"), _count(members, "limit"))


def _quotas(field: str) -> dict[object, Parameters]:
    try:
        return dict(parse_list(field))
    except ValueError:
        return {}


def _count(parameters: Mapping[str, object], key: str) -> float | None:
    value = parameters.get(key)
    return float(value) if type(value) is int and value >= 0 else None


def _family(fields: Mapping[str, str], epoch: float, date: str | None) -> Iterator[Budget]:
    """Read ``<stem>-remaining<suffix>`` and what goes with it, whoever's stem it is."""
    for name, value in fields.items():
        stem, found, suffix = name.partition("-remaining")
        if not found:
            continue
        reset = fields.get(f"{stem}-reset-after{suffix}") or fields.get(f"{stem}-reset{suffix}")
        limit = fields.get(f"{stem}-limit{suffix}") or fields.get(f"{stem}-max")
        window = parse_number(fields.get(f"{stem}-interval-milliseconds"))
        for at, text in enumerate(_members(value)):
            if (left := parse_number(text)) is None:
                continue
            seconds = parse_reset(_at(reset, at), epoch=epoch, date=date)
            if seconds is None and window is not None:
                seconds = window / 1000
            yield Budget(left, seconds, parse_number(_at(limit, at)))


def _members(field: str) -> list[str]:
    return _MEMBERS.split(field) if "," in field else [field]


def _at(field: str | None, at: int) -> str | None:
    """Return what belongs to the n-th member of another list; who says a thing once means it for all."""
    if field is None or "," not in field:
        return field
    members = _members(field)
    return members[min(at, len(members) - 1)]


def _used(fields: Mapping[str, str]) -> Iterator[Budget]:
    for name in _USED_FIELDS:
        for used, limit in _USED.findall(fields.get(name, "")):
            yield Budget(max(0.0, float(limit) - float(used)), None, float(limit))


def _backoff(fields: Mapping[str, str]) -> Iterator[Budget]:
    """Kinto asks for a silence on answers that are themselves fine."""
    for text in _members(fields.get("backoff", "")):
        if seconds := parse_number(text):
            yield Budget(0.0, seconds)

"""Rate-limit budgets in response headers, and the spacing of starts that keeps within them.

Reads the RateLimit fields of all IETF drafts, the X-RateLimit family in every
spelling (also Anthropic's, HubSpot's, Jira's, OpenAI's), Shopify's and Salesforce's
``used/limit``, and Kinto's ``Backoff``. Malformed values are ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.policy.server_limits.header_times import get_field_lines, parse_number, parse_reset
from pandas_async_io._core.policy.server_limits.structured_fields import Item, Parameters, parse_dictionary, parse_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_USAGE = re.compile(r"(?:api-usage=)?([0-9]{1,15})/([0-9]{1,15})")
_USAGE_FIELDS = ("x-shopify-shop-api-call-limit", "sforce-limit-info")
_LIST_COMMA = re.compile(r"(?<![A-Za-z]{3}),")
"""The commas of a list; a comma after a day's name is part of a date."""
_MAX_SPACING_SECONDS = 60.0
"""Spacing above which a budget is used up without spacing: a day's budget, for example."""
_LEAK_SECONDS = 1.0
"""Assumed reset of a budget that names none: it leaks back continuously (Shopify)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The requests that a server still accepts, and when its limit is reset.

    Attributes
    ----------
    remaining : float
        Requests (or units of the server) that it will still accept.
    reset_in : float or None
        Seconds until the limit is reset.
    limit : float or None
        What remains after the reset.
    """

    remaining: float
    reset_in: float | None = None
    limit: float | None = None


def read_budget(headers: Mapping[str, str], *, epoch: float, date: str | None = None) -> Budget | None:
    """Return the budget in a response's headers that runs out first, or None.

    Parameters
    ----------
    headers : mapping of str to str
        Names in any case; the lines of a field in a multidict are one list.
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
    found = [
        *_read_ratelimit(fields, headers),
        *_read_remaining_family(fields, epoch, date),
        *_read_usage(fields),
        *_read_backoff(fields),
    ]
    return min(found, key=_rank_by_tightness, default=None)


def compute_spacing(left: Budget | None, in_flight: int, *, waiting: float = float("inf")) -> float:
    """Return the seconds between starts with which a budget lasts until its reset.

    Parameters
    ----------
    left : Budget or None
        The origin's last budget, with ``reset_in`` counted from now.
    in_flight : int
        Requests that may not be counted in it yet.
    waiting : float
        Requests without a response yet, if known: a budget that suffices for them needs no spacing.

    Examples
    --------
    >>> [compute_spacing(left, 8) for left in (Budget(50, 30, 100), Budget(5, 30, 100), Budget(0, 30))]
    [0.0, 6.0, 30.0]
    >>> compute_spacing(Budget(50, 86_400, 1_000), 8)
    0.0
    """
    if left is None or left.remaining >= waiting:
        return 0.0
    seconds = _LEAK_SECONDS if left.reset_in is None else left.reset_in
    low = max(in_flight * 2, (left.limit or 0) / 10, 1)
    gap = seconds / max(left.remaining, 1)
    return gap if left.remaining < low and gap <= _MAX_SPACING_SECONDS else 0.0


def _rank_by_tightness(left: Budget) -> tuple[bool, float, float, float]:
    """Return a sort key: spent budgets first, the longest reset before others, then the smallest share."""
    spent = left.remaining <= 0
    share = left.remaining / left.limit if left.limit else 1.0
    return not spent, -(left.reset_in or 0.0) if spent else 0.0, share, left.remaining


def _read_ratelimit(fields: Mapping[str, str], headers: Mapping[str, str]) -> Iterator[Budget]:
    """Read ``RateLimit`` as a list (drafts 8 and later) or a dictionary (draft 7)."""
    field = fields.get("ratelimit", "")
    try:
        yield from _read_list(parse_list(field), _read_policies(fields.get("ratelimit-policy", "")))
    except ValueError:
        # The last of a dictionary's equal keys counts, but two proxies send two dictionaries.
        for text in {field, *get_field_lines(headers, "ratelimit")}:
            yield from _read_draft_7(text)


def _read_list(items: list[Item], policies: Mapping[object, Parameters]) -> Iterator[Budget]:
    for name, parameters in items:
        left, reset = _get_count(parameters, "r"), _get_count(parameters, "t")
        if left is None or (reset is None and "t" in parameters):
            continue
        policy = policies.get(name, {})
        yield Budget(left, _get_count(policy, "w") if reset is None else reset, _get_count(policy, "q"))


def _read_draft_7(field: str) -> Iterator[Budget]:
    try:
        members = {key: value for key, (value, _) in parse_dictionary(field).items()}
    except ValueError:
        return
    if (left := _get_count(members, "remaining")) is not None:
        yield Budget(left, _get_count(members, "reset"), _get_count(members, "limit"))


def _read_policies(field: str) -> dict[object, Parameters]:
    try:
        return dict(parse_list(field))
    except ValueError:
        return {}


def _get_count(parameters: Mapping[str, object], key: str) -> float | None:
    value = parameters.get(key)
    return float(value) if type(value) is int and value >= 0 else None


def _read_remaining_family(fields: Mapping[str, str], epoch: float, date: str | None) -> Iterator[Budget]:
    """Read ``<stem>-remaining<suffix>`` with its limit and reset, for any stem."""
    for name, value in fields.items():
        stem, found, suffix = name.partition("-remaining")
        if not found:
            continue
        reset = fields.get(f"{stem}-reset-after{suffix}") or fields.get(f"{stem}-reset{suffix}")
        limit = fields.get(f"{stem}-limit{suffix}") or fields.get(f"{stem}-max")
        window = parse_number(fields.get(f"{stem}-interval-milliseconds"))
        for position, text in enumerate(_split_list(value)):
            if (left := parse_number(text)) is None:
                continue
            seconds = parse_reset(_get_member(reset, position), epoch=epoch, date=date)
            if seconds is None and window is not None:
                seconds = window / 1000
            yield Budget(left, seconds, parse_number(_get_member(limit, position)))


def _split_list(field: str) -> list[str]:
    return _LIST_COMMA.split(field) if "," in field else [field]


def _get_member(field: str | None, position: int) -> str | None:
    """Return a member of a list; a shorter list repeats its last member."""
    if field is None or "," not in field:
        return field
    members = _split_list(field)
    return members[min(position, len(members) - 1)]


def _read_usage(fields: Mapping[str, str]) -> Iterator[Budget]:
    for name in _USAGE_FIELDS:
        for used, limit in _USAGE.findall(fields.get(name, "")):
            yield Budget(max(0.0, float(limit) - float(used)), None, float(limit))


def _read_backoff(fields: Mapping[str, str]) -> Iterator[Budget]:
    """Read the pause that Kinto asks for, also on successful responses."""
    for text in _split_list(fields.get("backoff", "")):
        if seconds := parse_number(text):
            yield Budget(0.0, seconds)

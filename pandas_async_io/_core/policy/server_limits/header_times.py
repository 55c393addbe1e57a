"""Times in response headers as seconds from now: ``Retry-After``, dates, resets.

Invariant: a date is compared with the server's own ``Date``, if there is one: the two
clocks may differ, and ours may jump.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from pandas_async_io._core.policy.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DATE = re.compile(r"[A-Z][a-z]{2,8},? .*[0-9]{2}:[0-9]{2}:[0-9]{2}.*", re.ASCII)
_MILLISECOND_FIELDS = ("retry-after-ms", "x-ms-retry-after-ms")
_LEAST_EPOCH_SECONDS = 1e9
"""A larger number is an epoch in seconds, not a delay;"""
_LEAST_EPOCH_MILLISECONDS = 1e11
"""above this, an epoch in milliseconds."""


def parse_number(value: str | None) -> float | None:
    """Return an unsigned decimal number in ASCII digits, or None.

    Examples
    --------
    >>> parse_number(" 2.0 "), parse_number("+1"), parse_number("²")
    (2.0, None, None)
    """
    if value is None or not _NUMBER.fullmatch(text := value.strip(" \t")):
        return None
    return float(text)


@lru_cache(maxsize=64)  # a thousand responses a second carry the same Date
def parse_http_date(value: str | None) -> float | None:
    """Return a date in any of HTTP's three forms (RFC 9110, 5.6.7) as epoch seconds, or None.

    Examples
    --------
    >>> parse_http_date("Thu, 01 Jan 1970 00:01:00 GMT"), parse_http_date("Thu Jan  1 00:01:00 1970")
    (60.0, 60.0)
    >>> parse_http_date("tomorrow")
    """
    if value is None or not _DATE.fullmatch(text := value.strip(" \t")):
        return None
    try:
        return _to_epoch(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def parse_retry_after(value: str | None, *, epoch: float, date: str | None = None) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for (RFC 9110, 10.2.3), or None.

    Parameters
    ----------
    value : str or None
        A number of seconds, with or without decimals, or a date. Anything else is ignored.
    epoch : float
        Our clock, in seconds since the epoch.
    date : str or None
        The response's ``Date``, which replaces our clock.

    Examples
    --------
    >>> parse_retry_after("120", epoch=0.0)
    120.0
    >>> until = "Thu, 01 Jan 1970 00:01:00 GMT"
    >>> parse_retry_after(until, epoch=0.0), parse_retry_after(until, epoch=7e5, date="Thu, 01 Jan 1970 00:00:30 GMT")
    (60.0, 30.0)
    >>> parse_retry_after("-1", epoch=0.0)
    """
    seconds = parse_number(value)
    if seconds is None and (moment := parse_http_date(value)) is not None:
        seconds = max(0.0, moment - _read_clock(epoch, date))
    return seconds


def parse_reset(value: str | None, *, epoch: float, date: str | None = None) -> float | None:
    """Return the seconds until a limit is reset, in any form that APIs use, or None.

    A number above 10^9 is an epoch in seconds, above 10^11 in milliseconds, any other
    number a delay. Durations, ISO 8601 (UTC by default) and HTTP dates are recognised
    by their form. A moment in the past is 0.

    Examples
    --------
    >>> parse_reset("12", epoch=0.0), parse_reset("1559559660", epoch=1559559600.0)
    (12.0, 60.0)
    >>> parse_reset("6m30s", epoch=0.0), parse_reset("1970-01-01T00:01Z", epoch=0.0)
    (390.0, 60.0)
    """
    if value is None:
        return None
    if (seconds := parse_duration(text := value.strip(" \t"))) is not None:
        return seconds
    moment = parse_number(text)
    if moment is None:
        moment = parse_http_date(text)
        moment = _parse_iso_date(text) if moment is None else moment
    elif moment <= _LEAST_EPOCH_SECONDS:
        return moment
    elif moment > _LEAST_EPOCH_MILLISECONDS:
        moment /= 1000
    return None if moment is None else max(0.0, moment - _read_clock(epoch, date))


def get_field_lines(headers: Mapping[str, str], name: str) -> list[str]:
    """Return the lines of one field in their order; a multidict has one item per line.

    Parameters
    ----------
    headers : mapping of str to str
        Names in any case.
    name : str
        In lower case.

    Examples
    --------
    >>> get_field_lines({"Retry-After": "3"}, "retry-after"), get_field_lines({}, "date")
    (['3'], [])
    """
    return [value for key, value in headers.items() if key.lower() == name]


def read_requested_delay(headers: Mapping[str, str], *, epoch: float) -> float | None:
    """Return the seconds that a response asks to wait, or None.

    Reads ``retry-after-ms`` and ``x-ms-retry-after-ms``, which are finer, before
    ``Retry-After``. Of several lines, the longest delay counts.

    Parameters
    ----------
    headers : mapping of str to str
        Names in any case.
    epoch : float
        Our clock, in seconds since the epoch.

    Examples
    --------
    >>> read_requested_delay({"Retry-After": "1", "retry-after-ms": "250"}, epoch=0.0)
    0.25
    """
    for name in _MILLISECOND_FIELDS:
        milliseconds = [each for text in get_field_lines(headers, name) if (each := parse_number(text)) is not None]
        if milliseconds:
            return max(milliseconds) / 1000
    date = next(iter(get_field_lines(headers, "date")), None)
    seconds = [parse_retry_after(text, epoch=epoch, date=date) for text in get_field_lines(headers, "retry-after")]
    return max((each for each in seconds if each is not None), default=None)


def _parse_iso_date(text: str) -> float | None:
    try:
        return _to_epoch(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _to_epoch(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _read_clock(epoch: float, date: str | None) -> float:
    server = parse_http_date(date)
    return epoch if server is None else server

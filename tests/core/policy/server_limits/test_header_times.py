"""Times in response headers: every form, any clock."""

import json
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from pandas_async_io._core.policy.server_limits.header_times import (
    parse_http_date,
    parse_number,
    parse_reset,
    parse_retry_after,
    read_requested_delay,
)

NOW = datetime(2019, 6, 3, 11, tzinfo=UTC).timestamp()
SERVER_DATE = "Mon, 03 Jun 2019 11:00:00 GMT"
MAX_WAIT = 300.0
VECTORS = Path("../shared/data/headers.json")
CASES = json.loads(VECTORS.read_text())["retry_after"] if VECTORS.exists() else []


@pytest.mark.parametrize(("value", "expected"), CASES)
def test_fault_29_to_33_retry_after_vectors(value, expected):
    """Every form of Retry-After is read as the vectors say, or ignored."""
    seconds = parse_retry_after(value, epoch=NOW)
    if expected == "too_long":
        assert seconds > MAX_WAIT
    else:
        assert seconds == expected


@pytest.mark.parametrize("skew", [-86400.0, -7.0, 0.0, 86400.0])
def test_fault_30_the_servers_date_replaces_a_skewed_clock(skew):
    """A date is compared with the response's Date."""
    until = "Mon, 03 Jun 2019 11:03:12 GMT"
    assert parse_retry_after(until, epoch=NOW + skew, date=SERVER_DATE) == 192
    assert read_requested_delay({"retry-after": until, "date": SERVER_DATE}, epoch=NOW + skew) == 192


def test_fault_30_a_malformed_date_is_ignored():
    """Our own clock is used."""
    assert parse_retry_after("Mon, 03 Jun 2019 11:03:12 GMT", epoch=NOW, date="now") == 192


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_fault_70_a_clock_jump_does_not_move_a_reset(jump):
    """A reset given as an epoch is compared with the server's Date."""
    assert parse_reset(str(int(NOW) + 60), epoch=NOW + jump, date=SERVER_DATE) == 60


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "3", "retry-after-ms": "2500"}, 2.5),
        ({"retry-after": "3", "x-ms-retry-after-ms": "40"}, 0.04),
        ({"retry-after": "3", "retry-after-ms": "soon"}, 3),
        ({"Retry-After": "3"}, 3),
        ({"Retry-After": "3", "Retry-After-Ms": "2500"}, 2.5),
        (CIMultiDict([("Retry-After", "3"), ("retry-after", "7"), ("Retry-After", "soon")]), 7),
        (CIMultiDict([("retry-after-ms", "3"), ("retry-after-ms", "7")]), 0.007),
    ],
)
def test_fault_31_milliseconds_take_precedence_over_seconds(headers, seconds):
    """A malformed value is ignored; the longest delay of several lines counts."""
    assert read_requested_delay(headers, epoch=NOW) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12", 12),
        ("12.5", 12.5),
        ("1559559660", 60),
        ("1559559660.5", 60.5),
        ("1559559660000", 60),
        ("1507651200000", 0),
        ("2019-06-03T11:01Z", 60),
        ("2019-06-03T11:01:00", 60),
        ("2019-06-03T13:01:00+02:00", 60),
        ("Mon, 03 Jun 2019 11:01:00 GMT", 60),
        ("6m30s", 390),
        ("1s", 1),
        ("20ms", 0.02),
        ("1h0m0.5s", 3600.5),
        ("1d", 86400),
        ("2018-01-01T00:00Z", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1x", None),
        ("9999-99-99T00:00Z", None),
        (None, None),
    ],
)
def test_fault_31_a_reset_is_read_in_every_form(value, seconds):
    """Epochs, delays, ISO 8601, dates and durations are recognised by size and form; a past one is 0."""
    assert parse_reset(value, epoch=NOW) == (None if seconds is None else pytest.approx(seconds))


@given(st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 31)), st.integers(-12, 12))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_date_is_read_in_each_of_its_forms(moment, hours):
    """A mail's, and HTTP's; in any time zone."""
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(hours=hours)))
    assert parse_http_date(format_datetime(aware)) == aware.timestamp()
    assert parse_http_date(format_datetime(aware.astimezone(UTC), usegmt=True)) == aware.timestamp()
    assert parse_http_date(aware.astimezone(UTC).strftime("%a %b %d %H:%M:%S %Y")) == aware.timestamp()


ODD_TEXT = st.text(alphabet="0123456789 ,:+-.TZmsGMTé²\t")


@given(ODD_TEXT | st.builds("Mon, {} {:02}:{:02}:{:02} {}".format, ODD_TEXT, *[st.integers(0, 99)] * 3, ODD_TEXT))
def test_fault_33_no_text_raises(text):
    """Any text is a number of seconds from 0, or ignored."""
    for seconds in (parse_number(text), parse_retry_after(text, epoch=NOW), parse_reset(text, epoch=NOW)):
        assert seconds is None or seconds >= 0

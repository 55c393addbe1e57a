"""Durations: parsed from text, and formatted for a reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.policy.durations import format_seconds, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m30s", 390), ("20ms", 0.02), ("1h0m0.5s", 3600.5), ("1d", 86_400), ("1x", None), ("20", None), ("", None)],
)
def test_a_duration_is_parsed_from_text(text, seconds):
    """Each number needs a unit."""
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.floats(0, 1e12))
def test_a_formatted_duration_is_never_shorter(seconds):
    """It is rounded up."""
    units = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    parts = format_seconds(seconds).split()
    read = sum(float(count) * units[unit] for count, unit in zip(parts[::2], parts[1::2], strict=True))
    assert read >= seconds * (1 - 1e-2 * (seconds < 60))
    assert read <= seconds * 1.05 + 1

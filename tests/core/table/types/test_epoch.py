"""Epoch numbers as times: exactly, in the unit of the type or by their size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.table.types.schema import compile_schema
from tests.core.table.payload_columns import schema_columns

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
NOON = 1767268800
"""2026-01-01 12:00 UTC, in seconds."""


def cast(cells, spec, **options):
    """Return the columns of a schema of one column."""
    return schema_columns([{"t": cell} for cell in cells], schema={"t": spec}, **options)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_the_unit_of_the_type_says_what_numbers_count(unit, zone):
    """Missing values stay missing; a time with a zone is the same moment."""
    found = cast([NOON * UNITS[unit], None, 0], f"datetime64[{unit}{f', {zone}' if zone else ''}]")
    times = pd.Series(found.arrays["t"])
    assert times.isna().tolist() == [False, True, False]
    expected = pd.to_datetime([NOON, 0], unit="s", utc=True)
    assert (times.dropna().dt.tz_localize("UTC") if zone is None else times.dropna()).tolist() == expected.tolist()
    assert times.dtype == pd.Series([], dtype=f"datetime64[{unit}{f', {zone}' if zone else ''}]").dtype
    assert (found.hints, found.notes) == ((), ())


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("spec", ["datetime64", np.datetime64, "datetime64[UTC]", "datetime64[Europe/Berlin]"], ids=str)
def test_without_a_unit_the_size_of_the_whole_column_decides_and_is_noted(unit, spec):
    """The largest number counts, so that zeros and early times are read as the others are."""
    found = cast([0, None, NOON * UNITS[unit]], spec)
    times = pd.Series(found.arrays["t"])
    times = times.dt.tz_localize("UTC") if times.dt.tz is None else times
    assert times.dropna().tolist() == pd.to_datetime([0, NOON], unit="s", utc=True).tolist()
    assert found.notes == (f"column 't': its numbers are read as {unit} since 1970, by the size of the largest",)
    assert found.hints == ()


@pytest.mark.parametrize(
    ("cells", "spec", "expected"),
    [
        (["1503435956.000247"], "datetime64", "2017-08-22 21:05:56.000247"),
        ([1503435956.000247], "datetime64", "2017-08-22 21:05:56.000247"),
        ([1767268800.5], "datetime64[UTC]", "2026-01-01 12:00:00.5+00:00"),
        (["1767268800000"], "datetime64[ms]", "2026-01-01 12:00:00"),
        ([1767268800.0], "datetime64[s]", "2026-01-01 12:00:00"),
        ([-86400], "datetime64[s]", "1969-12-31"),
        (["2026-01-01T12:00:00", 0], "datetime64[s]", "2026-01-01 12:00:00"),
        ([1767268800], "timestamp[s]", "2026-01-01 12:00:00"),
    ],
)
def test_fractions_and_texts_are_exact(cells, spec, expected):
    found = cast(cells, spec)
    assert not found.failures
    assert pd.Series(found.arrays["t"])[0] == pd.Timestamp(expected)


@pytest.mark.parametrize(
    ("cell", "spec"),
    [
        (1767268800.5, "datetime64[s]"),
        (True, "datetime64[s]"),
        ("20260101", "datetime64"),
        ("20260101120000", "datetime64"),
        (1e400, "datetime64"),
        (2**63, "datetime64[s]"),
        (2**80, "datetime64"),
        ([1767268800], "datetime64[s]"),
    ],
    ids=str,
)
def test_what_is_no_such_number_is_a_misfit(cell, spec):
    """Also a date without separators; no fraction is lost."""
    (error,) = cast([cell], spec).failures.values()
    assert "is not" in str(error)


def test_a_misfit_fails_its_own_row():
    found = schema_columns({"t": NOON}, {"t": "soon"}, schema={"t": "datetime64[s]"})
    assert list(found.failures) == [1]
    assert pd.Series(found.arrays["t"]).tolist() == [pd.Timestamp("2026-01-01 12:00")]


@pytest.mark.parametrize(("given", "unit"), [("ns", "s"), ("ns", "ms"), ("s", "ms"), ("ms", "s")])
def test_a_unit_that_the_numbers_belie_gives_a_hint(given, unit):
    """The type is obeyed, and the hint says what to write."""
    found = cast([NOON * UNITS[unit]], f"datetime64[{given}, UTC]")
    (hint,) = found.hints
    assert f"read as {given} since 1970" in hint
    assert f"schema={{'t': 'datetime64[{unit}, UTC]'}}" in hint


def test_lists_of_times_take_numbers_of_the_unit():
    assert cast([[NOON]], "list<datetime64[s]>").arrays["t"].tolist() == [[pd.Timestamp("2026-01-01 12:00")]]


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(PlanError, match="is not a type"):
        compile_schema({"t": "datetime64[Nowhere/City]"})


@given(st.lists(st.integers(-(10**11), 10**11), min_size=1), st.sampled_from([*UNITS]))
def test_whole_numbers_are_the_times_of_pandas(numbers, unit):
    times = pd.Series(cast(numbers, f"datetime64[{unit}, UTC]").arrays["t"])
    assert times.astype("int64").tolist() == numbers

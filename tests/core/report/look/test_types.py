"""The types that texts and numbers show."""

from __future__ import annotations

import numpy as np
import pytest

from pandas_async_io._core.report.look.shape import build_columns
from pandas_async_io._core.report.look.types import suggest_schema


@pytest.mark.parametrize(
    ("name", "values", "spec"),
    [
        ("at", ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05+02:00"], "datetime64[ns, UTC]"),
        ("day", ["2024-01-02", None], "datetime64[ns]"),
        ("hour", ["2024-01-02T03:00", "2024-01-02T04:00"], "datetime64[ns]"),
        ("n", ["1", "-20"], "int64"),
        ("n", ["1", None], "Int64"),
        ("price", ["1.50", "2"], "float64"),
        ("zip", ["01067", "10115"], None),
        ("address.zipcode", ["15190"], None),
        ("user_id", ["7"], None),
        ("text", ["1", "a"], None),
        ("day", ["2024-13-45", "2024-01-01"], None),
        ("id", [1704164645, 1704164646], None),
        ("number", [1, 2], None),
        ("flag", [True, False], None),
        ("none", [None, None], None),
    ],
)
def test_a_type_is_suggested_if_all_values_fit(name, values, spec):
    """Also where some are missing. Leading zeros are kept."""
    columns = build_columns([{name: value} for value in values], {})
    assert suggest_schema(columns) == ({} if spec is None else {name: spec})


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1000)])
@pytest.mark.parametrize("name", ["ts", "created_at", "createdAt", "time", "event.timestamp"])
def test_numbers_under_the_name_of_a_time_are_times_since_the_epoch(name, unit, factor):
    """The magnitude shows the unit."""
    columns = build_columns([{name: 1704164645 * factor}], {})
    assert suggest_schema(columns) == {name: f"datetime64[{unit}, UTC]"}
    assert columns.arrays[name].dtype == np.int64

"""One value in another type: exactly, or not at all."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.table.payload_columns import BACKENDS, BEYOND_FLOAT, schema_columns


def cast_cell(cell, spec):
    """Return the one cell of a column, or the message of its failure."""
    result = schema_columns({"a": cell}, schema={"a": spec})
    if result.failures:
        assert list(result.failures) == [0]
        assert result.counts.tolist() == [0]
        return str(result.failures[0])
    return result.arrays["a"].tolist()[0]


@pytest.mark.parametrize(
    ("spec", "cell", "value"),
    [
        ("int64", 5, 5),
        ("int64", 5.0, 5),
        ("int64", "5", 5),
        ("int64", "-5.00", -5),
        ("int64", True, 1),
        ("int64", -(2**63), -(2**63)),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("uint8", 255, 255),
        (int, BEYOND_FLOAT, BEYOND_FLOAT),
        ("float64", 5, 5.0),
        ("float64", "1e-3", 0.001),
        ("float64", 2**60, float(2**60)),
        ("float32", 0.1, float(np.float32(0.1))),
        ("bool", True, True),
        ("bool", 0, False),
        ("bool", "TRUE", True),
        ("string", "x", "x"),
        ("string", 5, "5"),
        ("string", True, "true"),
        ("string", 0.1, "0.1"),
        (str, 2**70, str(2**70)),
        ("datetime64[ns, UTC]", "2024-05-01T12:00:00+02:00", pd.Timestamp("2024-05-01T10:00Z")),
        ("datetime64[s, UTC]", "2024-05-01", pd.Timestamp("2024-05-01", tz="UTC")),
        ("datetime64[s, Europe/Berlin]", "9999-12-30T00:00Z", pd.Timestamp("9999-12-30 01:00+01:00")),
        ("datetime64[us]", "2024-05-01 12:00:00.000001", pd.Timestamp("2024-05-01 12:00:00.000001")),
        ("timestamp[ms, tz=UTC]", "2024-05-01T12:00:00.001Z", pd.Timestamp("2024-05-01T12:00:00.001Z")),
        ("list<string>", ["a", None], ["a", None]),
        ("list<int64>", ["1", 2.0], [1, 2]),
        ("list<list<bool>>", [[1], []], [[True], []]),
        ("list<item: double>", [1], [1.0]),
        ("category", "x", "x"),
        (pd.CategoricalDtype(["x", "y"]), "y", "y"),
        ("object", {"n": 1}, None),
    ],
)
def test_a_value_is_cast_if_the_type_holds_it_exactly(spec, cell, value):
    """The cells come from JSON; the type is that of the schema."""
    if isinstance(cell, dict):
        assert schema_columns({"a": cell}, schema={"a": spec}, max_level=0).arrays["a"].tolist() == [cell]
    else:
        found = cast_cell(cell, spec)
        assert found == value
        assert isinstance(value, pd.Timestamp) or type(found) is type(value)


@pytest.mark.parametrize(
    ("spec", "cell"),
    [
        ("int64", 1.5),
        ("int64", 2**63),
        ("int64", 1e300),
        ("int64", "1.5"),
        ("int64", "x"),
        ("int64", ""),
        ("int64", [1]),
        ("uint8", 256),
        ("uint8", -1),
        ("float64", BEYOND_FLOAT),
        ("float64", 2**2000),
        ("float64", "nan"),
        ("float32", 1e300),
        ("float32", 2**24 + 1),
        ("bool", 2),
        ("bool", "yes"),
        ("bool", []),
        ("string", ["a"]),
        ("string", "\ud800"),
        ("datetime64[ns, UTC]", "yesterday"),
        ("datetime64[ns, UTC]", "now"),
        ("datetime64[ns, UTC]", ""),
        ("datetime64[ns, UTC]", "2024-13-01"),
        ("datetime64[ns, UTC]", "9999-01-01"),
        ("datetime64[s, UTC]", "2024-05-01T12:00:00.5Z"),
        ("datetime64[ns]", "2024-05-01T12:00:00Z"),
        ("list<string>", "a"),
        ("list<int64>", [1, "x"]),
        (pd.CategoricalDtype(["x", "y"]), "z"),
    ],
)
def test_a_value_that_would_change_is_a_misfit(spec, cell):
    """Nothing is rounded, cut, wrapped around or guessed."""
    name = spec if isinstance(spec, str) else str(spec)
    message = cast_cell(cell, spec)
    assert message.startswith("schema: column 'a': ")
    assert message.endswith(f" is not {name}")


@given(
    st.lists(st.integers(-(2**64), 2**64) | st.floats(allow_nan=False) | st.booleans() | st.none(), max_size=8),
    st.sampled_from(["int64", "uint64", "int8", "float64", "bool"]),
    st.sampled_from(BACKENDS),
)
def test_only_misfits_fail_and_all_other_cells_are_exact(cells, spec, backend):
    """This holds for every backend."""
    result = schema_columns(*({"a": cell} for cell in cells), schema={"a": spec}, backend=backend)
    kept = [cell for at, cell in enumerate(cells) if at not in result.failures]
    found = result.arrays["a"].tolist()
    assert [None if pd.isna(cell) else cell for cell in found] == kept
    assert result.counts.tolist() == [0 if at in result.failures else 1 for at in range(len(cells))]


def test_times_of_a_frame_are_cast_too():
    """If unit and zone can hold them."""
    frame = pd.DataFrame({"at": pd.to_datetime(["2024-01-01T00:00:00.5Z", None]), "day": [dt.date(2024, 1, 1), None]})
    result = schema_columns(frame, schema={"at": "datetime64[ms, UTC]", "day": "datetime64[s]"})
    assert result.arrays["at"].tolist() == [pd.Timestamp("2024-01-01T00:00:00.5Z"), pd.NaT]
    assert result.arrays["day"].tolist() == [pd.Timestamp("2024-01-01"), pd.NaT]
    assert "is not datetime64[s, UTC]" in str(schema_columns(frame, schema={"at": "datetime64[s, UTC]"}).failures[0])

"""Frames among the payloads: columns by name, and dtypes that hold every value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.table.columns.collectors import BLOCK_PAYLOADS
from tests.core.table.payload_columns import BEYOND_FLOAT, STRING_DTYPE, collect_columns

numbers = st.integers(-3, 3) | st.sampled_from([BEYOND_FLOAT, -BEYOND_FLOAT, 2**62])
records = st.lists(st.fixed_dictionaries({"a": numbers, "b": st.text(max_size=2), "c": st.booleans()}), max_size=3)


def to_frame(rows):
    """Return records as a frame with the same values."""
    return pd.DataFrame(rows, columns=["a", "b", "c"]).astype({"a": "int64", "c": "bool"})


@pytest.mark.slow
@given(st.lists(st.tuples(records.filter(bool), st.booleans()), min_size=1, max_size=5), st.booleans())
def test_records_and_frames_of_the_same_rows_give_the_same_columns(payloads, nullable):
    """In any mixture."""
    mixed = collect_columns(*(to_frame(rows) if table else rows for rows, table in payloads), nullable=nullable)
    plain = collect_columns(*(rows for rows, _ in payloads), nullable=nullable)
    assert {name: (array.dtype, list(array)) for name, array in mixed.arrays.items()} == {
        name: (array.dtype, list(array)) for name, array in plain.arrays.items()
    }
    assert mixed.counts.tolist() == plain.counts.tolist()
    assert mixed.drifted == plain.drifted


@pytest.mark.parametrize(
    "array",
    [
        np.array([1, 2], "int16"),
        np.array([1.5, 2.5], "float32"),
        pd.Categorical(["x", "y"]),
        pd.array(["2024-01-01", "2024-01-02"], dtype="datetime64[s]"),
        pd.array(["2024-01-01", "2024-01-02"], dtype="datetime64[ns, UTC]"),
        pd.array([1, 2], dtype="timedelta64[s]"),
        pd.array([1, 2], dtype="int64[pyarrow]"),
        pd.period_range("2024-01", periods=2, freq="M").array,
    ],
    ids=lambda array: str(array.dtype),
)
@pytest.mark.parametrize("count", [1, 2])
def test_a_dtype_is_kept_if_all_frames_agree(array, count):
    """Extension dtypes are kept, too."""
    result = collect_columns(*[pd.DataFrame({"a": array})] * count).arrays["a"]
    assert result.dtype == array.dtype
    assert list(result) == list(array) * count


@pytest.mark.parametrize(
    ("cells", "dtype", "nullable"),
    [
        (pd.array([BEYOND_FLOAT, None], dtype="Int64"), "Int64", False),
        (pd.array([1, 2], dtype="Int8"), "int8", False),
        (pd.array([1, 2], dtype="Int8"), "Int8", True),
        (np.array([1, 2]), "Int64", True),
        (pd.array([True, None], dtype="boolean"), "boolean", False),
        (pd.array([0.5, None], dtype="Float64"), "float64", False),
        (pd.array(["x", "y"], dtype="string"), str(STRING_DTYPE), False),
        (pd.array(["x", None], dtype="string"), str(STRING_DTYPE), False),
        (pd.array([None, None], dtype="Int64"), "Int64", False),
    ],
    ids=str,
)
def test_a_column_is_nullable_under_the_rule_for_records(cells, dtype, nullable):
    """If a value is missing, however the frame was made."""
    result = collect_columns(pd.DataFrame({"a": cells}), nullable=nullable).arrays["a"]
    assert str(result.dtype) == dtype
    assert [None if pd.isna(cell) else cell for cell in result] == [None if pd.isna(cell) else cell for cell in cells]


@pytest.mark.parametrize(
    ("first", "second", "dtype", "drifts"),
    [
        (np.array([1], "int8"), np.array([300], "int64"), "int64", False),
        (np.array([1], "int8"), [{"a": 2**63}], "uint64", False),
        (np.array([-1], "int8"), [{"a": 2**63}], "object", False),
        (np.array([1], "int64"), np.array([0.5], "float32"), "float64", False),
        (np.array([BEYOND_FLOAT]), np.array([0.5]), "object", True),
        (pd.array(["x"], dtype="string"), [{"a": "y"}], str(STRING_DTYPE), False),
        (pd.Categorical(["x"]), [{"a": "y"}], "object", True),
        (np.array([1]), [{"a": "y"}], "object", True),
    ],
)
def test_fault_66_different_dtypes_widen_exactly(first, second, dtype, drifts):
    """Under the rule for records."""
    second = second if isinstance(second, list) else pd.DataFrame({"a": second})
    result = collect_columns(pd.DataFrame({"a": first}), second)
    assert str(result.arrays["a"].dtype) == dtype
    assert bool(result.drifted) is drifts


def test_columns_are_matched_by_name():
    """A column that one frame lacks is missing in its rows; labels become text, levels are joined."""
    levels = pd.DataFrame([[3]], columns=pd.MultiIndex.from_tuples([("x", "y")]))
    result = collect_columns(pd.DataFrame({"a": [1], 5: ["t"]}), pd.DataFrame({"b": [2]}), levels).arrays
    assert list(result) == ["a", "5", "b", "x.y"]
    assert result["a"].tolist() == [1, pd.NA, pd.NA]


def test_columns_selects_and_renames_in_frames():
    """As in records; record_path, meta and max_level do not apply to a frame."""
    frame = pd.DataFrame({"a": [1], "b": [2], "c": [{"d": 1}]})
    assert {n: list(c) for n, c in collect_columns(frame, columns={"b": "x", "z": "y"}).arrays.items()}["x"] == [2]
    assert list(collect_columns(frame, columns={"b": "x", "z": "y"}).arrays) == ["x", "y"]
    assert list(collect_columns(frame, record_path="items", meta="page", max_level=3).arrays) == ["a", "b", "c"]


def test_a_frame_with_two_columns_of_one_name_fails_alone():
    """Its columns are ambiguous."""
    result = collect_columns(pd.DataFrame({"a": [1]}), pd.DataFrame([[1, 2]], columns=["a", "a"]), {"a": 2})
    assert "two columns of the table are called 'a'" in str(result.failures[1])
    assert result.counts.tolist() == [1, 0, 1]
    assert result.arrays["a"].tolist() == [1, 2]


def test_a_failure_does_not_make_a_column_nullable():
    """If every record has a value, integers are plain."""
    result = collect_columns({"items": [{"a": 1}]}, {"items": 1}, pd.DataFrame({"a": [2]}), record_path="items")
    assert list(result.failures) == [1]
    assert result.arrays["a"].dtype == np.dtype("int64")
    rows = [{"a": 1}] * BLOCK_PAYLOADS
    assert collect_columns(*rows, *[None] * BLOCK_PAYLOADS, *rows).arrays["a"].dtype == np.dtype("int64")


def test_without_a_request_there_are_the_selected_columns():
    """As with requests."""
    assert list(collect_columns(columns=["a", "b"]).arrays) == ["a", "b"]
    assert collect_columns().arrays == {}


def test_the_index_of_a_frame_is_dropped():
    """Rows have positions, not labels."""
    result = collect_columns(pd.DataFrame({"a": [1, 2]}, index=["x", "x"]), pd.DataFrame(index=[1, 2]))
    assert result.counts.tolist() == [2, 2]
    assert result.arrays["a"].tolist() == [1, 2, pd.NA, pd.NA]

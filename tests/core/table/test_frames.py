"""Frames beside records: columns by name, types kept where all agree, one widening rule for all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.table.collectors import BLOCK_PAYLOADS, PayloadCollector
from pandas_async_io._core.table.shape import compile_shape

BIG = 2**53 + 1
TEXT = pd.Series(["a"]).dtype
numbers = st.integers(-3, 3) | st.sampled_from([BIG, -BIG, 2**62])
records = st.lists(st.fixed_dictionaries({"a": numbers, "b": st.text(max_size=2), "c": st.booleans()}), max_size=3)


def columns_of(*payloads, nullable=False, **options):
    collector = PayloadCollector(len(payloads), compile_shape(**options))
    for at, payload in enumerate(payloads):
        collector.add(at, payload)
    return collector.build_columns(nullable=nullable)


def tabular(rows):
    """Return records as a frame that says no less."""
    return pd.DataFrame(rows, columns=["a", "b", "c"]).astype({"a": "int64", "c": "bool"})


@given(st.lists(st.tuples(records.filter(bool), st.booleans()), min_size=1, max_size=5), st.booleans())
def test_it_does_not_matter_which_answers_are_frames(collector, nullable):
    """The same rows as records or as a frame give the same columns."""
    mixed = columns_of(*(tabular(rows) if table else rows for rows, table in collector), nullable=nullable)
    plain = columns_of(*(rows for rows, _ in collector), nullable=nullable)
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
def test_types_are_kept_where_all_frames_agree(array, count):
    """However special they are."""
    result = columns_of(*[pd.DataFrame({"a": array})] * count).arrays["a"]
    assert result.dtype == array.dtype
    assert list(result) == list(array) * count


@pytest.mark.parametrize(
    ("cells", "dtype", "nullable"),
    [
        (pd.array([BIG, None], dtype="Int64"), "Int64", False),
        (pd.array([1, 2], dtype="Int8"), "int8", False),
        (pd.array([1, 2], dtype="Int8"), "Int8", True),
        (np.array([1, 2]), "Int64", True),
        (pd.array([True, None], dtype="boolean"), "boolean", False),
        (pd.array([0.5, None], dtype="Float64"), "float64", False),
        (pd.array(["x", "y"], dtype="string"), str(TEXT), False),
        (pd.array(["x", None], dtype="string"), str(TEXT), False),
        (pd.array([None, None], dtype="Int64"), "Int64", False),
    ],
    ids=str,
)
def test_what_is_nullable_is_decided_as_for_records(cells, dtype, nullable):
    """By whether a value is missing, not by how the frame was made."""
    result = columns_of(pd.DataFrame({"a": cells}), nullable=nullable).arrays["a"]
    assert str(result.dtype) == dtype
    assert [None if pd.isna(cell) else cell for cell in result] == [None if pd.isna(cell) else cell for cell in cells]


@pytest.mark.parametrize(
    ("first", "second", "dtype", "drifts"),
    [
        (np.array([1], "int8"), np.array([300], "int64"), "int64", False),
        (np.array([1], "int8"), [{"a": 2**63}], "uint64", False),
        (np.array([-1], "int8"), [{"a": 2**63}], "object", False),
        (np.array([1], "int64"), np.array([0.5], "float32"), "float64", False),
        (np.array([BIG]), np.array([0.5]), "object", True),
        (pd.array(["x"], dtype="string"), [{"a": "y"}], str(TEXT), False),
        (pd.Categorical(["x"]), [{"a": "y"}], "object", True),
        (np.array([1]), [{"a": "y"}], "object", True),
    ],
)
def test_fault_66_types_that_differ_widen_exactly(first, second, dtype, drifts):
    """By the one rule that holds for records, too."""
    second = second if isinstance(second, list) else pd.DataFrame({"a": second})
    result = columns_of(pd.DataFrame({"a": first}), second)
    assert str(result.arrays["a"].dtype) == dtype
    assert bool(result.drifted) is drifts


def test_columns_are_matched_by_name():
    """What one frame lacks is missing in its rows; labels are text, levels are joined."""
    levels = pd.DataFrame([[3]], columns=pd.MultiIndex.from_tuples([("x", "y")]))
    result = columns_of(pd.DataFrame({"a": [1], 5: ["t"]}), pd.DataFrame({"b": [2]}), levels).arrays
    assert list(result) == ["a", "5", "b", "x.y"]
    assert result["a"].tolist() == [1, pd.NA, pd.NA]


def test_columns_select_and_rename_in_frames():
    """As in records; record_path, meta and max_level are about JSON and leave a frame alone."""
    frame = pd.DataFrame({"a": [1], "b": [2], "c": [{"d": 1}]})
    assert {n: list(c) for n, c in columns_of(frame, columns={"b": "x", "z": "y"}).arrays.items()}["x"] == [2]
    assert list(columns_of(frame, columns={"b": "x", "z": "y"}).arrays) == ["x", "y"]
    assert list(columns_of(frame, record_path="items", meta="page", max_level=3).arrays) == ["a", "b", "c"]


def test_a_frame_with_two_columns_of_one_name_fails_alone():
    """Which of them is meant can't be known."""
    result = columns_of(pd.DataFrame({"a": [1]}), pd.DataFrame([[1, 2]], columns=["a", "a"]), {"a": 2})
    assert "two columns of the table are called 'a'" in str(result.failures[1])
    assert result.counts.tolist() == [1, 0, 1]
    assert result.arrays["a"].tolist() == [1, 2]


def test_a_failure_makes_no_other_row_nullable():
    """Where a read has every value, integers are plain."""
    result = columns_of({"items": [{"a": 1}]}, {"x": 1}, pd.DataFrame({"a": [2]}), record_path="items")
    assert list(result.failures) == [1]
    assert result.arrays["a"].dtype == np.dtype("int64")
    rows = [{"a": 1}] * BLOCK_PAYLOADS
    assert columns_of(*rows, *[None] * BLOCK_PAYLOADS, *rows).arrays["a"].dtype == np.dtype("int64")


def test_without_a_request_selected_columns_appear():
    """An empty frame's fetch has the columns of any other."""
    assert list(columns_of(columns=["a", "b"]).arrays) == ["a", "b"]
    assert columns_of().arrays == {}


def test_the_index_of_a_frame_is_let_go():
    """Rows are counted, not labelled."""
    result = columns_of(pd.DataFrame({"a": [1, 2]}, index=["x", "x"]), pd.DataFrame(index=[1, 2]))
    assert result.counts.tolist() == [2, 2]
    assert result.arrays["a"].tolist() == [1, 2, pd.NA, pd.NA]

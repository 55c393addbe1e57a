"""Records beside the rows of the user's frame: by position; its index, dtypes and labels stay."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_index_equal

from pandas_async_io._core.arrays import object_array
from pandas_async_io._core.table.output.join import align_records, join_columns, records_frame

TWO_NUMBERS = np.array([10, 20])
BOTH = np.arange(2)


def join_at(frame, columns, rows=None, take=BOTH, **options):
    """Join at positions given as lists."""
    positions = None if rows is None else np.array(rows, np.int64)
    return join_columns(frame, columns, rows=positions, take=np.array(take, np.int64), **options)


@given(
    st.lists(st.integers(0, 3), max_size=5).flatmap(
        lambda counts: st.tuples(st.just(counts), st.lists(st.integers(-1, len(counts) - 1), max_size=8))
    ),
    st.sampled_from(["left", "inner"]),
)
def test_each_row_meets_the_records_of_its_request(case, how):
    """Records keep their order; a row without records stays (left) or is dropped (inner)."""
    counts, requests = case
    expected = []
    for row, request in enumerate(requests):
        start = sum(counts[:request])
        found = [] if request < 0 else range(start, start + counts[request])
        expected.extend((row, record) for record in found or ([-1] if how == "left" else []))
    rows, take = align_records(np.array(requests, np.int64), np.array(counts, np.int64), how=how)
    identity = rows is None
    rows = np.arange(len(requests)) if identity else rows
    assert list(zip(rows.tolist(), take.tolist(), strict=True)) == expected
    assert identity == ([row for row, _ in expected] == list(range(len(requests))))


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7], name="dup"),
        pd.Index(["b", "a"]),
        pd.Index([np.nan, np.nan]),
        pd.Index([None, "x"], dtype=object),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 1)], names=["k", None]),
        pd.DatetimeIndex(["2024-01-02", "2024-01-01"], tz="Europe/Berlin"),
        pd.CategoricalIndex(["x", "x"]),
        pd.RangeIndex(5, 9, 2, name="r"),
        pd.IntervalIndex.from_breaks([0, 1, 2]),
    ],
    ids=lambda index: type(index).__name__,
)
def test_fault_56_any_index_comes_back_unchanged(index):
    """Where rows are repeated, so are their labels."""
    frame = pd.DataFrame({"a": [1, 2]}, index=index)
    assert_index_equal(join_at(frame, {"n": TWO_NUMBERS}).index, index, exact=True)
    repeated = join_at(frame, {"n": TWO_NUMBERS}, [1, 1, 0], [0, 1, -1])
    assert_index_equal(repeated.index, index.take([1, 1, 0]), exact=True)
    assert repeated["a"].tolist() == [2, 2, 1]


@pytest.mark.parametrize(
    "values",
    [
        pd.Categorical(["x", "y"]),
        pd.array([1, None], dtype="Int64"),
        pd.array([True, None], dtype="boolean"),
        pd.array(["a", None], dtype="string"),
        pd.array([1, 2], dtype="int64[pyarrow]"),
        pd.to_datetime(["2024-01-01", None]),
        np.array([1, 2], np.int8),
        np.array([[1], {}], dtype=object),
    ],
    ids=lambda values: str(values.dtype),
)
def test_fault_56_the_frames_own_columns_keep_their_dtype(values):
    """Their values stay, whether rows are repeated or not."""
    frame = pd.DataFrame({"a": pd.Series(values)})
    assert_frame_equal(join_at(frame, {"n": TWO_NUMBERS})[["a"]], frame)
    assert_frame_equal(
        join_at(frame, {"n": TWO_NUMBERS}, [0, 0, 1], [0, 1, -1])[["a"]],
        frame.take([0, 0, 1]),
    )


def test_fault_56_duplicate_labels_stay():
    """Two columns of one name stay two."""
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    assert join_at(frame, {"a": TWO_NUMBERS, "b": TWO_NUMBERS}).columns.tolist() == ["a", "a", "a_api", "b"]


@pytest.mark.parametrize(
    ("columns", "names", "expected"),
    [
        (pd.MultiIndex.from_tuples([("a", "x"), ("b", "")]), ["a", "b"], [("a", ""), ("b_api", "")]),
        (pd.MultiIndex.from_tuples([("a",), ("b",)], names=["l"]), ["a", "c"], [("a_api",), ("c",)]),
        (pd.Index([1, 2], name="cols"), ["1", "2"], ["1", "2"]),
        (pd.Index(["a", "b"], name="cols"), ["b"], ["b_api"]),
        (pd.CategoricalIndex(["a", "b"]), ["a"], ["a_api"]),
        (pd.Index([("a", "x"), "b"], tupleize_cols=False), ["b"], ["b_api"]),
    ],
)
def test_fault_58_new_labels_have_the_kind_of_the_old_ones(columns, names, expected):
    """The old ones and the names of their axis stay."""
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=columns)
    result = join_at(frame, dict.fromkeys(names, TWO_NUMBERS))
    assert result.columns.tolist() == [*columns.tolist(), *expected]
    assert result.columns.names == columns.names


@pytest.mark.parametrize(
    ("old", "new", "options", "expected"),
    [
        (["a"], ["a"], {}, ["a_api"]),
        (["a", "a_api"], ["a"], {}, ["a_api2"]),
        (["a", "a_api", "a_api2"], ["a"], {}, ["a_api3"]),
        (["a"], ["a", "a_api"], {}, ["a_api2", "a_api"]),
        (["a"], ["a"], {"prefix": "r_"}, ["r_a"]),
        (["r_a"], ["a"], {"prefix": "r_", "suffix": "!"}, ["r_a!"]),
        (["a"], ["a"], {"suffix": ""}, ["a2"]),
    ],
)
def test_fault_58_a_column_that_collides_gets_a_suffix(old, new, options, expected):
    """No column replaces another, and no other column is renamed."""
    frame = pd.DataFrame([[0] * len(old)] * 2, columns=old)
    result = join_at(frame, dict.fromkeys(new, TWO_NUMBERS), **options)
    assert result.columns.tolist() == [*old, *expected]
    assert (result[old] == 0).all(axis=None)


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (TWO_NUMBERS, "Int64"),
        (TWO_NUMBERS.astype(np.uint64), "UInt64"),
        (np.array([True, False]), "boolean"),
        (np.array([0.5, 1.5]), "float64"),
        (np.array([[1], None], dtype=object), "object"),
        (pd.array([1, None], dtype="Int64"), "Int64"),
        (pd.array(["a", "b"], dtype="string"), "string"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]).array, None),
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_a_row_without_a_record_has_missing_values(array, dtype):
    """An integer does not become a float, with records or without any."""
    frame = pd.DataFrame({"id": [1, 2, 3]})
    result = join_at(frame, {"n": array}, take=[1, -1, 0])["n"]
    assert result.dtype == (dtype or array.dtype)
    assert result.isna()[1]
    assert result.tolist()[2] == array[0]
    none = join_at(frame, {"n": array[:0]}, take=[-1, -1, -1])["n"]
    assert none.dtype == (dtype or array.dtype)
    assert none.isna().all()


def test_large_integers_beside_missing_values_are_exact():
    """2**53 + 1 and 2**64 - 1 are not rounded."""
    for value, dtype in ((2**53 + 1, np.int64), (2**64 - 1, np.uint64)):
        result = join_at(pd.DataFrame(index=[0, 1]), {"n": np.array([value], dtype)}, take=[0, -1])
        assert int(result["n"][0]) == value


@pytest.mark.parametrize("rows", [None, [0, 1]])
@pytest.mark.parametrize("columns", [{"n": TWO_NUMBERS}, {}], ids=["columns", "nothing"])
def test_a_write_to_the_result_changes_nothing_else(rows, columns):
    """The frame and the records stay; a write to the frame does not change the result."""
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    before, numbers = frame.copy(), TWO_NUMBERS.copy()
    result = join_at(frame, columns, rows)
    result.loc[0, "a"] = 99
    result.iloc[1, 0] = 7
    assert_frame_equal(frame, before)
    assert TWO_NUMBERS.tolist() == numbers.tolist()
    frame.loc[1, "a"] = 55
    assert result["a"].tolist() == [99, 7]


@pytest.mark.parametrize("columns", [[], ["a"]])
@pytest.mark.parametrize("new", [{}, {"n": TWO_NUMBERS[:0]}])
def test_fault_56_an_empty_frame_keeps_its_columns(columns, new):
    """The new columns are added."""
    frame = pd.DataFrame({name: pd.Series([], dtype="Int64") for name in columns})
    result = join_at(frame, new, take=[])
    assert (len(result), result.columns.tolist()) == (0, [*columns, *new])
    assert result.dtypes[columns].tolist() == frame.dtypes.tolist()


def test_fault_56_a_frame_without_columns_can_be_joined():
    """Its labels are those of a frame of strings."""
    frame = pd.DataFrame(index=pd.Index([5, 5], name="i"))
    result = join_at(frame, {"n": TWO_NUMBERS})
    assert_frame_equal(result, pd.DataFrame({"n": TWO_NUMBERS}, index=frame.index))


def test_fault_54_rows_of_one_request_share_nested_cells():
    """As after a merge."""
    result = join_at(pd.DataFrame({"a": [1, 2]}), {"tags": object_array([["x"]])}, take=[0, 0])
    assert result["tags"][0] is result["tags"][1]


@pytest.mark.parametrize("rows", [None, [0, 0]])
def test_attrs_are_copied_one_level_deep(rows):
    """The result has a dict of its own."""
    frame = pd.DataFrame({"a": [1, 2]})
    frame.attrs["source"] = note = ["here"]
    result = join_at(frame, {"n": TWO_NUMBERS}, rows)
    assert result.attrs["source"] is note
    result.attrs["more"] = 1
    assert frame.attrs == {"source": note}


def test_a_wide_result_is_not_fragmented():
    """Adding a column gives no performance warning of pandas."""
    result = join_at(pd.DataFrame({"a": [1, 2]}), {f"c{i}": np.array([0.5, 1.5]) for i in range(150)})
    result["new"] = 1
    assert result.shape == (2, 152)


def test_records_alone_have_the_position_of_their_row():
    """Column row comes first; a field of that name gets the suffix."""
    result = records_frame({"row": TWO_NUMBERS, "x": TWO_NUMBERS}, rows=np.array([3, 1]), take=BOTH)
    assert_frame_equal(result, pd.DataFrame({"row": [3, 1], "row_api": TWO_NUMBERS, "x": TWO_NUMBERS}))


def test_with_one_record_per_row_the_positions_are_counted():
    """The count starts at 0."""
    assert records_frame({"x": TWO_NUMBERS}, rows=None, take=BOTH)["row"].tolist() == [0, 1]


@pytest.mark.parametrize(("rows", "allows"), [([0, 0], True), ([1], False), (None, False)])
def test_fault_56_a_frame_without_duplicate_labels_may_repeat_its_rows(rows, allows):
    """Otherwise pandas raises, and the records are lost. Where no row is repeated, the flag stays."""
    frame = pd.DataFrame({"id": [1, 2]}).set_flags(allows_duplicate_labels=False)
    joined = join_at(frame, {"n": TWO_NUMBERS}, rows, BOTH if rows is None else range(len(rows)))
    assert joined["n"].tolist() == TWO_NUMBERS[: len(joined)].tolist()
    assert joined.flags.allows_duplicate_labels is allows
    assert not frame.flags.allows_duplicate_labels


@pytest.mark.parametrize("index", [[7, 7], pd.MultiIndex.from_tuples([("a", 1), ("a", 1)])])
def test_objects_stay_objects_where_all_of_them_are_texts(index):
    """As ``schema={"name": "object"}`` asks."""
    joined = join_at(pd.DataFrame({"id": [1, 2]}, index=index), {"name": object_array(["x", "y"])}, take=[1, -1])
    assert joined["name"].dtype == object
    assert joined["name"].iloc[0] == "y"
    assert pd.isna(joined["name"].iloc[1])

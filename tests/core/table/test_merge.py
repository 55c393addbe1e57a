"""Two outputs become one: no row is lost or doubled, no value changes its type."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.table.merge import Provenance, plan_merge, stack_columns, stack_frames
from tests.core.table.payload_columns import BEYOND_FLOAT


def series(values, dtype):
    return pd.Series(values, dtype=dtype)


@pytest.mark.parametrize(
    ("upper", "lower", "values", "dtype"),
    [
        (series([1], "int64"), series([None], "Int64"), [1, pd.NA], "Int64"),
        (series([1, 2], "int64"), None, [1, 2, pd.NA], "Int64"),
        (None, series([1, 2], "int64"), [pd.NA, 1, 2], "Int64"),
        (series([True], "bool"), None, [True, pd.NA], "boolean"),
        (series([], "object"), series([1], "int64"), [1], "int64"),
        (series([True], "bool"), series([None, False], "boolean"), [True, pd.NA, False], "boolean"),
        (series([1, None], "Int64"), series([2.5], "float64"), [1.0, np.nan, 2.5], "float64"),
        (series([1, None], "Int64"), series([2.5], "Float64"), [1.0, pd.NA, 2.5], "Float64"),
        (series([1], "int64[pyarrow]"), series([2.5], "double[pyarrow]"), [1.0, 2.5], "double[pyarrow]"),
        (series([BEYOND_FLOAT], "Int64"), series([2.5], "float64"), [BEYOND_FLOAT, 2.5], "object"),
        (series([True, None], "boolean"), series([1], "Int64"), [True, np.nan, 1], "object"),
        (series([1, None], "Int64"), series(["x"], "object"), [1, np.nan, "x"], "object"),
        (series([None, None], "Int64"), series(["x"], "string"), [pd.NA, pd.NA, "x"], "string"),
        (series(["x"], "string"), series([np.nan], "object"), ["x", pd.NA], "string"),
        (series([[1], None], "object"), series([pd.NA], "object"), [[1], None, pd.NA], "object"),
        (series(["2024-01-01"], "datetime64[s, UTC]"), series(["x"], "object"), [pd.Timestamp(0, tz="UTC"), "x"], None),
    ],
)
def test_a_stacked_column_has_a_dtype_that_holds_both_parts(upper, lower, values, dtype):
    """The narrowest one that changes no value, else object."""
    found = stack_columns(upper, lower, 1 if upper is None else len(upper), 1 if lower is None else len(lower))
    if dtype is None:
        assert found.tolist() == [upper[0], lower[0]]
        return
    assert str(found.dtype) == dtype
    for got, expected in zip(found.tolist(), values, strict=True):
        assert got is expected or got == expected or (got != got and expected != expected)  # noqa: PLR0124 - NaN
        assert type(got) is type(expected)


@pytest.mark.parametrize(
    "columns",
    [
        pd.Index(["a", "b"], name="C"),
        pd.Index([3, 7]),
        pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")], names=["p", "q"]),
        pd.Index(["a", "a"]),
    ],
)
def test_labels_keep_their_names_and_their_kind(columns):
    """With duplicate labels, and with a new label after them."""
    old, new = pd.DataFrame([[1, 2]], columns=columns), pd.DataFrame([[3, 4]], columns=columns)
    assert stack_frames(old, new, np.array([1, 0])).columns.identical(columns)
    new[("z", "") if columns.nlevels > 1 else "z"] = 5
    found = stack_frames(old, new, np.array([1, 0]))
    assert found.columns.names == columns.names
    assert found.iloc[:, 2].isna().tolist() == [False, True]
    assert found.iloc[0, 2] == 5


@given(st.data())
def test_every_row_is_there_once_and_in_order(data):
    """A row that was sent resent has its new output rows only."""
    count = data.draw(st.integers(1, 8))
    resent = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1)))), dtype=np.int64)
    repeats = st.lists(st.integers(0, 3), min_size=count, max_size=count)
    before, after = (np.repeat(np.arange(count), data.draw(repeats)) for _ in range(2))
    after = after[np.isin(after, resent)]
    zeros = Provenance(before, np.zeros(len(before), np.int64)), Provenance(after, np.zeros(len(after), np.int64))
    plan = plan_merge(*zeros, resent=resent)
    expected = sorted([*before[~np.isin(before, resent)].tolist(), *after.tolist()])
    assert plan.provenance.rows.tolist() == expected
    assert np.concatenate([before[plan.kept], after[plan.added]])[plan.order].tolist() == expected


def test_a_resumed_row_keeps_its_pages_and_gets_the_missing_ones():
    """In the order of the pages; the empty output row of a row without pages goes."""
    old = Provenance(np.array([0, 0, 1, 2]), np.array([1, 3, 0, 1]))
    new = Provenance(np.array([0, 1]), np.array([2, 1]))
    plan = plan_merge(old, new, resent=np.array([0, 1]), resumed={0})
    assert plan.kept.tolist() == [0, 1, 3]
    assert (plan.provenance.rows.tolist(), plan.provenance.pages.tolist()) == ([0, 0, 0, 1, 2], [1, 2, 3, 1, 1])
    none = plan_merge(old, Provenance(np.array([0, 1]), np.array([0, 0])), resent=np.array([0, 1]), resumed={0})
    assert none.provenance.rows.tolist() == [0, 0, 1, 2]


def test_a_column_of_objects_stays_a_column_of_objects():
    """This holds if all of them are strings."""
    old, new = (pd.DataFrame({"o": pd.Series([text], dtype=object)}) for text in "ab")
    assert stack_frames(old, new, np.array([1, 0]))["o"].dtype == object

"""Lists inside records: exploded, and at positions."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.table.records.list_cells import explode_records
from pandas_async_io._core.table.records.shape import compile_shape
from tests.core.table.payload_columns import collect_columns, flatten_columns, to_cells


@given(
    st.lists(
        st.fixed_dictionaries({"id": st.integers(0, 9), "tags": st.lists(st.integers(0, 9), max_size=3) | st.none()}),
        min_size=1,
        max_size=6,
    )
)
def test_one_list_explodes_as_in_pandas(records):
    """Null and an empty list are one row."""
    expected = pd.DataFrame({"id": [r["id"] for r in records], "tags": [r["tags"] for r in records]}).explode("tags")
    exploded = explode_records(records, ["tags"])
    assert [row["id"] for row in exploded] == expected["id"].tolist()
    assert [row["tags"] for row in exploded] == [None if pd.isna(each) else each for each in expected["tags"]]


@pytest.mark.parametrize(
    ("record", "names", "expected"),
    [
        ({"a": [1, 2], "b": ["x", "y"]}, ["a", "b"], [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        ({"a": [1, 2], "b": []}, ["a", "b"], [{"a": 1, "b": None}, {"a": 2, "b": None}]),
        ({"a": [1, 2], "b": 5}, ["a", "b"], [{"a": 1, "b": 5}, {"a": 2, "b": 5}]),
        ({"a": [[1], [2]]}, ["a"], [{"a": [1]}, {"a": [2]}]),
        ({"o": {"p.q": [1, 2], "z": 0}}, ["o.p.q"], [{"o": {"p.q": 1, "z": 0}}, {"o": {"p.q": 2, "z": 0}}]),
        ({"a": "x"}, ["a"], [{"a": "x"}]),
        ({"b": 1}, ["a"], [{"b": 1}]),
        ({"o": None}, ["o.p"], [{"o": None}]),
    ],
)
def test_lists_of_a_record_are_taken_side_by_side(record, names, expected):
    """Anything else than a list is repeated."""
    assert explode_records([record], names) == expected


def test_lists_of_different_lengths_fail_their_payload_alone():
    """The message has the lengths."""
    good, bad = {"a": [1, 2], "b": [3, 4]}, {"a": [1, 2], "b": [3]}
    result = flatten_columns([good, bad, good], explode=["a", "b"])
    assert result.counts.tolist() == [2, 0, 2]
    with pytest.raises(ParseError, match="different lengths: 'a' 2, 'b' 1"):
        raise result.failures[1]


def test_the_fields_of_elements_become_columns():
    """With `meta`, a record path, and exact types."""
    payload = {"page": 7, "orders": [{"id": 1, "lines": [{"sku": "a", "n": 2**60}, {"sku": "b"}]}, {"id": 2}]}
    result = flatten_columns([payload], record_path="orders", meta="page", explode="lines")
    assert list(result.arrays) == ["id", "lines.sku", "lines.n", "page"]
    assert to_cells(result.arrays["id"]) == [1, 1, 2]
    assert to_cells(result.arrays["lines.n"])[0] == 2**60
    assert to_cells(result.arrays["page"]) == [7, 7, 7]
    chosen = flatten_columns([payload], record_path="orders", columns={"lines.sku": "sku"}, explode="lines")
    assert to_cells(chosen.arrays["sku"])[:2] == ["a", "b"]


def test_a_table_explodes_too():
    """Its arrays are lists."""
    frame = pd.DataFrame({"id": [1, 2], "tags": [["a", "b"], None]})
    arrays = collect_columns(frame, {"id": 3, "tags": ["c"]}, explode="tags").arrays
    assert to_cells(arrays["id"]) == [1, 1, 2, 3]
    assert [None if pd.isna(each) else each for each in arrays["tags"]] == ["a", "b", None, "c"]


def test_a_column_that_no_record_has_is_a_hint():
    """With the nearest name; it is no error, because a list may be optional."""
    missing = flatten_columns([{"id": 1, "lines": []}], explode="lnies").missing_paths
    assert missing == (("no record has explode='lnies'; nearest: explode='lines'",), False)
    assert flatten_columns([{"id": 1, "lines": []}, {"id": 2}], explode="lines").missing_paths.hints == ()


@pytest.mark.parametrize("explode", ["", [], [""], 5, {"a"}, ["a", "a"], [None]])
def test_a_wrong_explode_is_refused(explode):
    """Before anything is sent."""
    with pytest.raises(PlanError, match="explode"):
        compile_shape(explode=explode)


CHOICES = {"choices": [{"message": {"content": "x"}, "n": 1}, {"message": {"content": "y"}}], "years": {"2024": 5}}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("choices.0.message.content", "x"),
        ("choices.1.message.content", "y"),
        ("choices.*.message.content", ["x", "y"]),
        ("choices.*.n", [1]),
        ("years.2024", 5),
    ],
)
def test_a_selected_column_has_positions(source, expected):
    """A star gives the list of all values; a number that is a key is a key."""
    result = flatten_columns([CHOICES, {"other": 1}, CHOICES], columns={source: "c"}, cuts=(1,))
    cells = to_cells(result.arrays["c"])
    assert (cells[0], cells[2]) == (expected, expected)
    assert pd.isna(cells[1])
    assert result.missing_columns == ()


def test_a_position_that_no_record_has_is_a_hint():
    """As any other column."""
    result = flatten_columns([CHOICES], columns=["choices.5.message"])
    assert "no record has 'choices.5.message'" in result.missing_columns[0]

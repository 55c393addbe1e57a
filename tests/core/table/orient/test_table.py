"""One value in one of pandas' forms: its columns."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.orient.table import read_tables
from tests.core.table.payload_columns import flatten_columns, plain_cells, to_cells

NAMES = ["a", "b", "é", "a.b", "1"]
integers = st.integers(-(2**63), 2**63 - 1)
cells = st.sampled_from(["", "x", "007", None, True, False, 0.5, -1.25, []]) | st.integers(-2, 2) | integers


@st.composite
def frames(draw):
    """Return a frame of JSON values with at least one column."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    size = draw(st.integers(0, 4))
    kinds = st.one_of([st.just(cells), st.just(integers), st.just(st.booleans()), st.just(st.sampled_from("xyz"))])
    columns = {name: draw(st.lists(draw(kinds), min_size=size, max_size=size)) for name in names}
    return pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in columns.items()})


@pytest.mark.parametrize("orient", ["records", "columns", "index", "values", "split"])
@given(frame=frames())
def test_what_to_json_writes_is_read_as_the_frame(orient, frame):
    """Values, order, and the dtypes of records; a form without names takes them from names=."""
    payload = json.loads(frame.to_json(orient=orient))
    found = flatten_columns([payload], orient=orient, names=list(frame.columns) if orient == "values" else None)
    if orient == "index" and len(frame):
        assert to_cells(found.arrays.pop("key")) == list(map(str, range(len(frame))))
    if len(frame) or orient in {"columns", "split", "values"}:
        assert list(found.arrays) == list(frame.columns)
    if not len(frame):
        return
    records = flatten_columns([json.loads(frame.to_json(orient="records"))])
    for name, array in found.arrays.items():
        assert array.dtype == records.arrays[name].dtype
        assert plain_cells(array) == frame[name].tolist()


@pytest.mark.parametrize(
    ("orient", "names", "value", "columns"),
    [
        ("columns", None, {"t": [1, 2], "v": [3, None]}, {"t": [1, 2], "v": [3, None]}),
        ("columns", None, {"s": "ok", "t": [1, 2]}, {"s": ["ok", "ok"], "t": [1, 2]}),
        ("columns", None, {"a": {"0": 1, "1": 2}, "b": {"0": 3, "1": 4}}, {"a": [1, 2], "b": [3, 4]}),
        ("columns", None, {"a": {"x": 1}, "b": {"y": 4}}, {"key": ["x", "y"], "a": [1, None], "b": [None, 4]}),
        ("columns", ["day"], {"a": {"0": 1}}, {"day": ["0"], "a": [1]}),
        ("columns", None, {"a": [], "b": []}, {"a": [], "b": []}),
        ("columns", None, {}, {}),
        ("columns", None, {"a": [{"v": 1}, None, {"v": 2}]}, {"a": [1, None, 2]}),
        ("columns", None, {"a": [{"v": 1}, {"v": 2, "f": 3}]}, {"a": [{"v": 1}, {"v": 2, "f": 3}]}),
        ("index", None, {"x": [1, 2], "y": [3, 4]}, {"key": ["x", "y"], "0": [1, 3], "1": [2, 4]}),
        ("index", None, {"x": 1, "y": None}, {"key": ["x", "y"], "value": [1, None]}),
        ("index", ["day", "rate"], {"x": 1}, {"day": ["x"], "rate": [1]}),
        ("index", ["day", "o", "c"], {"x": [1, 2], "y": None}, {"day": ["x", "y"], "o": [1, None], "c": [2, None]}),
        ("index", ["day", "o"], {}, {"day": [], "o": []}),
        ("values", None, [[1, "a"], [2, "b"]], {"0": [1, 2], "1": ["a", "b"]}),
        ("values", None, [1, None, 2], {"0": [1, None, 2]}),
        ("values", ["t", "v"], [1, "2"], {"t": [1], "v": ["2"]}),
        ("values", None, [{"v": "1"}, {"v": None}], {"0": ["1"], "1": [None]}),
        ("values", ["a"], [[{"value": "1"}], [{"value": "2"}]], {"a": ["1", "2"]}),
        ("values", ["a", "b"], [], {"a": [], "b": []}),
        ("values", 0, [["a", "a"], [1, 2]], {"a": [1], "a.1": [2]}),
        ("values", 1, [["title"], ["a"], [1]], {"a": [1]}),
        ("values", 0, [], {}),
        ("split", None, {"columns": ["a"], "index": [0, 1], "data": [[1], [2]]}, {"a": [1, 2]}),
        ("split", None, {"columns": ["a"], "index": ["x"], "data": [[1]]}, {"key": ["x"], "a": [1]}),
        ("split", None, {"columns": [{"name": "a", "type": "int"}, ["b", 1]], "data": []}, {"a": [], "b.1": []}),
        ("split", None, {"columns": ["a"], "data": None}, {"a": []}),
    ],
)
def test_each_form_has_its_columns(orient, names, value, columns):
    """Keys and row labels are the first column, unless the labels are 0, 1, …"""
    (table,) = read_tables(value, orient, names)
    assert table.columns == columns
    assert list(table.columns) == list(columns)
    assert table.size == max(map(len, columns.values()), default=0)


def test_an_index_of_objects_has_their_fields_beside_the_keys():
    """Null is a record without fields, another value beside objects is a value."""
    found = flatten_columns([{"a": {"x": {"y": 1}}, "b": None, "c": [1]}], orient="index")
    assert {name: plain_cells(array) for name, array in found.arrays.items()} == {
        "key": ["a", "b", "c"],
        "x.y": [1, None, None],
        "value": [None, None, [1]],
    }


@pytest.mark.parametrize("orient", ["columns", "index", "split"])
def test_a_list_of_objects_is_many_tables(orient):
    """One per element; null has no records."""
    value = {"columns": ["a"], "data": [[1]]} if orient == "split" else {"a": [1]}
    assert [table.size for table in read_tables([value, None, value], orient)] == [1, 1]
    assert [table.size for table in read_tables(None, orient)] == [0]


@pytest.mark.parametrize(
    ("orient", "names", "value", "message"),
    [
        ("columns", None, {"t": [1, 2], "v": [3], "w": [4]}, "2 values in 't'; 1 value in 'v', 'w'"),
        ("index", None, {"x": [1, 2], "y": [3]}, "2 values in row 1, 1 value in row 2"),
        ("values", None, [[1], None, [2], [3, 4]], "1 value in row 1, 2 values in row 4"),
        ("values", ["a"], [[1, 2]], "1 name for rows of 2 values"),
        ("split", None, {"columns": ["a", "b"], "data": [[1], [2]]}, "2 names for rows of 1 value"),
        ("split", None, {"columns": ["a"], "index": [5], "data": []}, "'index' has 1 value, 'data' has 0"),
    ],
)
def test_fault_94_ragged_arrays_are_a_parse_error_with_the_lengths(orient, names, value, message):
    """The message names the form, the lengths, and where they are."""
    with pytest.raises(ParseError, match=f"^orient='{orient}': .*{message}"):
        read_tables(value, orient, names)


@pytest.mark.parametrize(
    ("orient", "names", "value", "message"),
    [
        ("columns", None, {"error": "no data"}, "no field holds an array or an object; there is 'error'"),
        ("columns", None, {"a": [1], "units": {"a": "m"}}, "'units' holds an object, beside arrays"),
        ("columns", None, 5, "found 5, not an object"),
        ("index", None, {"a": {"key": 1}}, "a field 'key' of their own: .* names="),
        ("index", ["k", "x"], {"a": {"b": 1}}, "'x' for fields that have names of their own"),
        ("values", None, {"rows": [[1]], "page": 1}, "an object, not a list of rows; record_path= .*: 'rows'"),
        ("values", None, [[1], 2], "row 2 is 2, not a list"),
        ("values", None, [{"a": 1}], "row 1 is an object, not a list"),
        ("values", 2, [["a"]], "names=2 is no row of names; the answer has 1 row"),
        ("split", None, {"cols": [], "rows": []}, "no keys 'columns' and 'data'; there is 'cols', 'rows'"),
    ],
)
def test_another_form_is_a_parse_error(orient, names, value, message):
    """The message says what was found, and what to write."""
    with pytest.raises(ParseError, match=message):
        read_tables(value, orient, names)

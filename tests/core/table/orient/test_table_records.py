"""The records of many tables: beside records of other names, meta fields, and payloads that fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.table.records.records import extract_records
from pandas_async_io._core.table.records.shape import compile_shape
from tests.core.table.payload_columns import flatten_columns, plain_cells, scalars, to_cells

rows = st.dictionaries(st.sampled_from("abc"), scalars, max_size=3).flatmap(
    lambda names: st.lists(st.fixed_dictionaries(dict.fromkeys(names, scalars | st.just({"x": 1}))), max_size=3)
)


@given(st.lists(rows, max_size=6), st.lists(st.integers(0, 6), max_size=2))
def test_tables_have_the_columns_of_their_records(payloads, cuts):
    """Whatever columns each of them has, and wherever blocks begin."""
    tables = [{name: [row[name] for row in each] for name in (each[0] if each else ())} for each in payloads]
    sizes = [len(each) if table else 0 for each, table in zip(payloads, tables, strict=True)]
    mine = flatten_columns(tables, cuts=[cut for cut in cuts if cut < len(tables)], orient="columns")
    theirs = flatten_columns([each if size else [] for each, size in zip(payloads, sizes, strict=True)])
    assert mine.counts.tolist() == sizes
    assert set(mine.arrays) == set(theirs.arrays)
    for name, array in mine.arrays.items():
        assert array.dtype == theirs.arrays[name].dtype
        assert plain_cells(array) == plain_cells(theirs.arrays[name])


def test_names_stand_beside_the_rows_that_they_belong_to():
    """A path of names starts at the root and enters the lists that record_path= enters."""
    series = [
        {"name": "cpu", "columns": ["t", "load"], "values": [[1, 0.5], [2, 0.7]]},
        {"name": "disk", "columns": ["t", "free"], "values": [[1, 7]]},
    ]
    shape = {"record_path": "results.series.values", "names": "results.series.columns", "orient": "values"}
    found = flatten_columns([{"results": [{"series": series}]}], meta="results.series.name", **shape)
    assert to_cells(found.arrays["t"]) == [1, 2, 1]
    assert to_cells(found.arrays["free"])[2] == 7
    assert to_cells(found.arrays["results.series.name"]) == ["cpu", "cpu", "disk"]


def test_names_are_fields_of_a_list_of_objects():
    """Each row may be a list of wrapped cells, at the end of a path through a list."""
    payload = {"schema": {"fields": [{"name": "a"}, {"name": "b"}]}, "rows": [{"f": [{"v": "1"}, {"v": None}]}]}
    options = {"record_path": "rows.f", "orient": "values", "names": "schema.fields.name"}
    assert extract_records(payload, compile_shape(**options)) == [{"a": "1", "b": None}]
    assert extract_records({"rows": None}, compile_shape(**options)) == []


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"rows": [[1]]}, "names ['cols'] is not in the answer"),
        ({"rows": [[1]], "cols": ["a", "b"]}, "2 names for rows of 1 value"),
    ],
)
def test_a_payload_that_fails_does_not_affect_the_others(payload, message):
    """Its failure says why."""
    good = {"rows": [[2]], "cols": ["a"]}
    found = flatten_columns([good, payload, good], record_path="rows", orient="values", names="cols")
    assert to_cells(found.arrays["a"]) == [2, 2]
    assert found.counts.tolist() == [1, 0, 1]
    assert message in str(found.failures[1])


def test_columns_are_selected_by_their_flat_names():
    """A name that no table has gives the names that there are."""
    found = flatten_columns([[[1, {"x": 2}]]], orient="values", names=["a", "b"], columns={"b.x": "x", "c": "c"})
    assert to_cells(found.arrays["x"]) == [2]
    assert found.missing_columns == ("no record has 'c': the first one has 'a', 'b.x'",)

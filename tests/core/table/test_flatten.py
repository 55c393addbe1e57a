"""Payloads to columns: equal to json_normalize, exact where it is not."""

from __future__ import annotations

import weakref
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.table.columns import concat_blocks
from pandas_async_io._core.table.flatten import flatten
from pandas_async_io._core.table.records import extract_records
from pandas_async_io._core.table.shape import compile_shape

BIG = 2**53 + 1
TEXT = pd.Series(["a"]).dtype

plain_keys = st.sampled_from(["a", "b", "c", "é", "日本", ""])
dotted_keys = st.sampled_from(["a", "b", "a.b", "b.a", "a.b.a", "", "."])
numbers = st.integers(-3, 3) | st.sampled_from([BIG, -BIG, 2**63, -(2**63), 2**64, -(2**70)])
scalars = st.none() | st.booleans() | numbers | st.floats(allow_nan=False) | st.text(max_size=3)


def objects_of(keys):
    """Return a strategy of nested objects."""
    leaves = scalars | st.lists(scalars, max_size=2)
    cells = st.recursive(
        leaves,
        lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=2),
        max_leaves=6,
    )
    return st.dictionaries(keys, cells, max_size=4)


def columns_of(payloads, *, nullable=False, cuts=(), **options):
    """Flatten payloads, in blocks that begin at the cuts, and return all columns."""
    bounds = sorted({0, *cuts, len(payloads)}) if payloads else [0, 0]
    blocks = [flatten(payloads[start:end], compile_shape(**options)) for start, end in pairwise(bounds)]
    return concat_blocks(blocks, nullable=nullable)


def one(*cells, nullable=False):
    """Return the array of one column with these cells."""
    return columns_of([{"a": cell} for cell in cells], nullable=nullable).arrays["a"]


def cells_of(array):
    """Return Python's own objects."""
    return np.asarray(array, dtype=object).tolist()


def missing(cell):
    """Tell whether a cell is None, NaN or NA."""
    return cell is None or cell is pd.NA or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124 - that is NaN


def same(mine, theirs):
    """Compare two cells; json_normalize rounds integers to floats, and leaves them mixed in meta."""
    if missing(mine) or missing(theirs):
        return missing(mine) and missing(theirs)
    if type(theirs) is float and type(mine) is int:
        return float(mine) == theirs
    if type(theirs) is int and type(mine) is float:
        return mine == theirs
    return type(mine) is type(theirs) and mine == theirs


def assert_equal(result, frame):
    """Assert that the columns are those of json_normalize: names, order, number and values."""
    assert list(result.arrays) == list(frame.columns)
    assert result.counts.sum() == len(frame)
    for name, array in result.arrays.items():
        mine, theirs = cells_of(array), cells_of(frame[name])
        assert all(map(same, mine, theirs)), name
        if array.dtype == frame[name].dtype == object:
            assert [cell is None for cell in mine] == [cell is None for cell in theirs], name


@given(st.lists(objects_of(plain_keys) | objects_of(dotted_keys), max_size=5))
def test_equals_json_normalize(payloads):
    """Any objects give json_normalize's columns, even if different paths make the same name."""
    assert_equal(columns_of(payloads), pd.json_normalize(payloads))


@given(
    st.lists(objects_of(plain_keys), max_size=5),
    st.integers(0, 3) | st.none(),
    st.sampled_from([".", "__", ""]),
)
def test_equals_json_normalize_with_options(payloads, max_level, sep):
    """max_level and sep mean what they mean to json_normalize."""
    assume(sep or max_level is None)  # without sep, names collide and json_normalize loses fields
    frame = pd.json_normalize(payloads, sep=sep, max_level=max_level)
    assert_equal(columns_of(payloads, sep=sep, max_level=max_level), frame)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "page": scalars,
                "info": st.fixed_dictionaries({"by": scalars}),
                "items": st.none() | st.lists(objects_of(plain_keys), max_size=3),
            }
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 2) | st.none(),
)
def test_equals_json_normalize_with_record_path_and_meta(payloads, max_level):
    """The records at a path carry the fields of their envelope."""
    meta = ["page", ["info", "by"]]
    frame = pd.json_normalize(payloads, "items", meta, max_level=max_level)
    result = columns_of(payloads, record_path="items", meta=meta, max_level=max_level)
    assert_equal(result, frame)


@given(st.lists(objects_of(plain_keys), min_size=1, max_size=6), st.sets(st.integers(0, 6)), st.booleans())
def test_blocks_do_not_show(payloads, cuts, nullable):
    """Wherever the blocks begin, the columns, dtypes and cells are those of one block."""
    whole = columns_of(payloads, nullable=nullable)
    parts = columns_of(payloads, nullable=nullable, cuts={cut for cut in cuts if cut < len(payloads)})
    assert list(parts.arrays) == list(whole.arrays)
    assert parts.drifted == whole.drifted
    for name, array in whole.arrays.items():
        assert parts.arrays[name].dtype == array.dtype
        assert repr(cells_of(parts.arrays[name])) == repr(cells_of(array))


@given(st.lists(objects_of(plain_keys), max_size=5), st.sets(st.sampled_from(["a", "b", "a.b", "é.a", "a.c.b"])))
def test_selected_columns_are_those_of_all(payloads, names):
    """A selection holds what the whole would have held, under the names and in the order asked for."""
    every = columns_of(payloads).arrays
    rename = {name: name.upper() for name in sorted(names)}
    some = columns_of(payloads, columns=rename).arrays
    assert list(some) == list(rename.values())
    for name, new in rename.items():
        cells = cells_of(every[name]) if name in every else [np.nan] * len(payloads)
        assert repr(cells_of(some[new])) == repr(cells)


STATES = [
    {
        "state": "Florida",
        "shortname": "FL",
        "info": {"governor": "Rick Scott"},
        "counties": [{"name": "Dade", "population": 12345}, {"name": "Broward", "population": 40000}],
    },
    {
        "state": "Ohio",
        "shortname": "OH",
        "info": {"governor": "John Kasich"},
        "counties": [{"name": "Summit", "population": 1234}],
    },
]
PEOPLE = [
    {"id": 1, "name": {"first": "Coleen", "last": "Volk"}},
    {"name": {"given": "Mark", "family": "Regner"}},
    {"id": 2, "name": "Faye Raker"},
]
FITNESS = [
    {"id": 1, "name": "Cole Volk", "fitness": {"height": 130, "weight": 60}},
    {"name": "Mark Reg", "fitness": {"height": 130, "weight": 60}},
]


@pytest.mark.parametrize(
    ("payloads", "options"),
    [
        (PEOPLE, {}),
        (FITNESS, {"max_level": 0}),
        (FITNESS, {"max_level": 1}),
        (STATES, {"record_path": "counties", "meta": ["state", "shortname", ["info", "governor"]]}),
        ([{"a": {}, "b": 1}, {"a": {"b": {}}}], {}),
        ([{"a": {}, "b": 1}], {"max_level": 0}),
        ([{}, {}], {}),
    ],
)
def test_equals_json_normalize_where_pandas_documents_it(payloads, options):
    """The examples in pandas' documentation, and empty objects, come out as they do there."""
    assert_equal(columns_of(payloads, **options), pd.json_normalize(payloads, **options))


def test_a_nested_field_overrides_a_plain_one_of_its_name():
    """Of fields that get one name the last counts, and nested ones come after plain ones."""
    payloads = [{"a": {"b": 2}, "a.b": 1, "c": 0}]
    result = columns_of(payloads)
    assert_equal(result, pd.json_normalize(payloads))
    assert cells_of(result.arrays["a.b"]) == [2]


@pytest.mark.parametrize(
    ("cells", "dtype", "nullable_dtype"),
    [
        ((1, 2), "int64", "Int64"),
        ((1, None), "Int64", "Int64"),
        ((2**63, 1), "uint64", "UInt64"),
        ((2**64 - 1, None), "UInt64", "UInt64"),
        ((2**63, -1), "object", "object"),
        ((2**64, 1), "object", "object"),
        ((True, False), "bool", "boolean"),
        ((True, None), "boolean", "boolean"),
        ((0.5, 1.5), "float64", "float64"),
        ((0.5, None), "float64", "float64"),
        ((0.5, 2**53), "float64", "float64"),
        ((0.5, BIG), "object", "object"),
        (("a", "b"), TEXT, TEXT),
        (("a", None), TEXT, TEXT),
        ((1, "a"), "object", "object"),
        ((1, True), "object", "object"),
        (([1], [2]), "object", "object"),
        ((None, None), "object", "object"),
    ],
)
@pytest.mark.parametrize("cuts", [(), (1,)], ids=["one block", "two blocks"])
def test_fault_23_types_are_exact(cells, dtype, nullable_dtype, cuts):
    """Every cell keeps its value and, but for integers that floats hold, its type."""
    payloads = [{"a": cell} for cell in cells]
    for nullable, expected in ((False, dtype), (True, nullable_dtype)):
        array = columns_of(payloads, nullable=nullable, cuts=cuts).arrays["a"]
        assert array.dtype == expected
        for mine, cell in zip(cells_of(array), cells, strict=True):
            assert mine == cell or (cell is None and missing(mine))
            assert type(mine) is type(cell) or cell is None or array.dtype == "float64"


def test_fault_23_an_integer_beside_a_gap_is_no_float():
    """2**53 + 1 survives a record without the field, which json_normalize rounds."""
    payloads = [{"a": BIG}, {}]
    assert int(columns_of(payloads).arrays["a"][0]) == BIG
    assert int(pd.json_normalize(payloads)["a"][0]) != BIG


def test_fault_28_kinds_that_drift_are_kept_and_reported():
    """An int in one answer and a string in another stay what they are, and the column is reported."""
    result = columns_of([{"a": 1, "b": 1}, {"a": "x", "b": 0.5}, {"a": None}], cuts=(1, 2))
    assert cells_of(result.arrays["a"]) == [1, "x", None]
    assert result.drifted == {"a": ("int", "str")}


def test_null_and_missing_differ_in_object_columns():
    """A JSON null is None and a missing key NaN where the column can tell them."""
    array = columns_of([{"a": [1]}, {"a": None}, {}], cuts=(2,)).arrays["a"]
    assert array[1] is None
    assert np.isnan(array[2])


def test_a_field_that_is_an_object_here_and_a_scalar_there():
    """Both become columns; neither takes cells from the other."""
    payloads = [{"a": {"b": 1}}, {"a": 5}, {"a": None}, {}]
    result = columns_of(payloads)
    assert_equal(result, pd.json_normalize(payloads))
    assert list(result.arrays) == ["a.b", "a"]


def test_a_lone_surrogate_is_kept():
    """A string that is no Unicode text makes its column object instead of failing the run."""
    assert cells_of(one("a", "\ud800", None)) == ["a", "\ud800", None]


def test_a_parsers_own_types_are_inferred():
    """Timestamps that a user's parser made become a datetime column."""
    assert one(pd.Timestamp("2024-01-01"), None).dtype.kind == "M"


def test_nesting_deeper_than_pythons_stack():
    """A thousand objects within each other are one column."""
    payload = 1
    for _ in range(3000):
        payload = {"a": payload}
    (name,) = columns_of([payload]).arrays
    assert name.count("a") == 3000


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (None, []),
        ([], []),
        ({}, [{}]),
        ({"a": 1}, [{"a": 1}]),
        ([{"a": 1}, None], [{"a": 1}, {}]),
        ([{"a": 1}, 5], [{"a": 1}, {"value": 5}]),
        (5, [{"value": 5}]),
        ("x", [{"value": "x"}]),
        ([1, None], [{"value": 1}, {"value": None}]),
        ([[1, 2], [3]], [{"value": [1, 2]}, {"value": [3]}]),
    ],
)
def test_fault_28_records_of_any_payload(payload, expected):
    """Objects, lists, scalars and nothing each have their records."""
    assert extract_records(payload, compile_shape()) == expected
    if isinstance(payload, list | dict | None):
        assert extract_records({"data": payload}, compile_shape(record_path="data")) == expected


def test_fault_26_payloads_without_records():
    """null and [] count no record and leave the others in place."""
    result = columns_of([None, {"a": 1}, [], [{"a": 2}, {"a": 3}]])
    assert result.counts.tolist() == [0, 1, 0, 2]
    assert cells_of(result.arrays["a"]) == [1, 2, 3]


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("data.items", {"data": {"items": [{"x": 1}]}}),
        (["data", "items"], {"data": {"items": [{"x": 1}]}}),
        (["a.b"], {"a.b": [{"x": 1}]}),
        ("data.items", {"data": [{"items": [{"x": 1}]}, {"items": None}]}),
        ("items", [{"items": {"x": 1}}]),
        ("a.b", {"a": {"b": {"x": 1}}}),
    ],
)
def test_record_path(path, payload):
    """A string is a dotted path, a list literal keys; lists on the way are entered."""
    assert extract_records(payload, compile_shape(record_path=path)) == [{"x": 1}]


@pytest.mark.parametrize("payload", [None, [], {"data": None}, {"data": {"items": None}}, {"data": []}])
def test_null_on_the_way_has_no_records(payload):
    """A null instead of a list or object is an answer without records."""
    assert extract_records(payload, compile_shape(record_path="data.items")) == []


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"date": []}, "no key 'data'; the keys are 'date'"),
        ({}, "the keys are none"),
        ({"data": 5}, "'data' holds int"),
        ("text", "is str, not an object"),
        ([None], "is null, not an object"),
        ({"data": {"items": [], "page": 1}}, "meta .*no key 'total'"),
    ],
)
def test_a_path_that_leads_nowhere_fails_its_payload_only(payload, message):
    """The failure says what is there instead; the other payloads have their records."""
    good = {"data": {"items": [{"a": 1}]}, "total": 9}
    options = {"record_path": "data.items", "meta": "total"}
    result = columns_of([good, payload, good], cuts=(1,), **options)
    assert result.counts.tolist() == [1, 0, 1]
    assert cells_of(result.arrays["total"]) == [9, 9]
    assert list(result.failures) == [1]
    with pytest.raises(ParseError, match=message):
        raise result.failures[1]


def test_a_failure_does_not_hold_its_payload():
    """The traceback is gone, for its frames would keep the payload alive."""
    (failure,) = flatten([{"b": 1}], compile_shape(record_path="a")).failures.values()
    assert failure.__traceback__ is None


def test_meta_follows_the_lists_that_the_records_are_in():
    """A field comes from the element its record lies in, or from beside it."""
    payloads = [{"by": "me", "rows": [{"id": 1, "cells": [{"x": 1}, {"x": 2}]}, {"id": 2, "cells": [{"x": 3}]}]}]
    options = {"record_path": ["rows", "cells"], "meta": ["by", ["rows", "id"]]}
    result = columns_of(payloads, **options)
    assert_equal(result, pd.json_normalize(payloads, **options))
    assert cells_of(result.arrays["rows.id"]) == [1, 1, 2]


def test_meta_never_overwrites_a_field():
    """Where json_normalize raises after all answers are in, the envelope's field gets a suffix."""
    result = columns_of([{"id": 7, "items": [{"id": 1}]}], record_path="items", meta="id")
    assert {name: cells_of(array) for name, array in result.arrays.items()} == {"id": [1], "id_meta": [7]}


def test_meta_is_renamed_too():
    """A mapping speaks of all columns."""
    options = {"record_path": "items", "meta": "page", "columns": {"page": "p", "id": "key"}}
    result = columns_of([{"page": 7, "items": [{"id": 1, "x": 2}]}], **options)
    assert {name: cells_of(array) for name, array in result.arrays.items()} == {"key": [1], "p": [7]}


def test_selected_columns_exist_without_any_record():
    """With ``columns`` the schema does not depend on the answers."""
    assert list(columns_of([], columns=["a", "b"]).arrays) == ["a", "b"]
    assert list(columns_of([{"c": 1}], columns=["a", "b"]).arrays) == ["a", "b"]


@pytest.mark.parametrize(
    "options",
    [
        {"sep": None},
        {"max_level": -1},
        {"max_level": True},
        {"record_path": ""},
        {"record_path": []},
        {"record_path": [1]},
        {"meta": [[]]},
        {"meta": ["a", "a"]},
        {"columns": "a"},
        {"columns": ["a", "a"]},
        {"columns": {"a": "x", "b": "x"}},
        {"columns": [1]},
    ],
)
def test_options_that_mean_nothing_raise(options):
    """A mistake in the options is found before anything is sent."""
    with pytest.raises(PlanError, match=next(iter(options))):
        compile_shape(**options)


class Payload(dict):
    """An object that can be watched."""

    __slots__ = ("__weakref__",)


def test_a_block_lets_its_payloads_go():
    """What is left of payloads are their cells."""
    payload = Payload(a=1, b=Payload(c="x"), d=[Payload(e=1)])
    watched = [weakref.ref(payload), weakref.ref(payload["b"])]
    block = flatten([payload], compile_shape())
    del payload
    assert [ref() for ref in watched] == [None, None]
    assert list(block.columns) == ["a", "d", "b.c"]


def test_concat_uses_the_blocks_up():
    """The peak is the result and one column, not the result and the blocks."""
    block = flatten([{"a": 1}], compile_shape())
    assert list(concat_blocks([block], nullable=True).arrays) == ["a"]
    assert block.columns == {}


def test_no_blocks_at_all():
    """A frame without rows has no columns to add."""
    result = concat_blocks([], nullable=True)
    assert (result.arrays, result.counts.tolist()) == ({}, [])

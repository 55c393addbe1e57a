"""Payloads to columns: the names, order and values of json_normalize."""

from __future__ import annotations

import weakref

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.records.shape import compile_shape
from tests.core.table.payload_columns import (
    flatten_columns,
    is_missing,
    objects_of,
    plain_keys,
    scalars,
    to_cells,
)

dotted_keys = st.sampled_from(["a", "b", "a.b", "b.a", "a.b.a", "", "."])


def is_same(mine, theirs):
    """Compare two cells; json_normalize rounds integers to floats, and leaves them mixed in meta."""
    if is_missing(mine) or is_missing(theirs):
        return is_missing(mine) and is_missing(theirs)
    if type(theirs) is float and type(mine) is int:
        return float(mine) == theirs
    if type(theirs) is int and type(mine) is float:
        return mine == theirs
    return type(mine) is type(theirs) and mine == theirs


def assert_equals_frame(result, frame):
    """Assert that names, order, number and values are those of json_normalize, but for nulls in place of objects."""
    assert list(result.arrays) == [name for name in frame.columns if name in result.arrays]
    assert frame.drop(columns=list(result.arrays)).isna().all(axis=None)
    assert result.counts.sum() == len(frame)
    for name, array in result.arrays.items():
        mine, theirs = to_cells(array), to_cells(frame[name])
        assert all(map(is_same, mine, theirs)), name
        if array.dtype == frame[name].dtype == object:
            assert [cell is None for cell in mine] == [cell is None for cell in theirs], name


@given(st.lists(objects_of(plain_keys) | objects_of(dotted_keys), max_size=5))
def test_the_columns_are_those_of_json_normalize(payloads):
    """Different paths may lead to one name."""
    assert_equals_frame(flatten_columns(payloads), pd.json_normalize(payloads))


@given(
    st.lists(objects_of(plain_keys), max_size=5),
    st.integers(0, 3) | st.none(),
    st.sampled_from([".", "__", ""]),
)
def test_max_level_and_sep_are_those_of_json_normalize(payloads, max_level, sep):
    """The columns are equal under any of them."""
    assume(sep or max_level is None)  # without sep, names collide and json_normalize loses fields
    frame = pd.json_normalize(payloads, sep=sep, max_level=max_level)
    assert_equals_frame(flatten_columns(payloads, sep=sep, max_level=max_level), frame)


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
def test_record_path_and_meta_are_those_of_json_normalize(payloads, max_level):
    """The records at a path have the fields around them."""
    meta = ["page", ["info", "by"]]
    frame = pd.json_normalize(payloads, "items", meta, max_level=max_level)
    result = flatten_columns(payloads, record_path="items", meta=meta, max_level=max_level)
    assert_equals_frame(result, frame)


@given(st.lists(objects_of(plain_keys), max_size=5), st.sets(st.sampled_from(["a", "b", "a.b", "é.a", "a.c.b"])))
def test_selected_columns_have_the_cells_of_all_columns(payloads, names):
    """Under the given names and in the given order; an absent one is missing."""
    every = flatten_columns(payloads).arrays
    rename = {name: name.upper() for name in sorted(names)}
    some = flatten_columns(payloads, columns=rename).arrays
    assert list(some) == list(rename.values())
    for name, new in rename.items():
        cells = to_cells(some[new])
        assert repr(cells) == repr(to_cells(every[name])) if name in every else all(map(is_missing, cells))


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
def test_the_examples_of_pandas_documentation_come_out_the_same(payloads, options):
    """Empty objects do, too."""
    assert_equals_frame(flatten_columns(payloads, **options), pd.json_normalize(payloads, **options))


def test_a_nested_field_overrides_a_plain_one_of_its_name():
    """The last of several fields with one name counts, and nested ones follow plain ones."""
    payloads = [{"a": {"b": 2}, "a.b": 1, "c": 0}]
    result = flatten_columns(payloads)
    assert_equals_frame(result, pd.json_normalize(payloads))
    assert to_cells(result.arrays["a.b"]) == [2]


def test_a_field_that_is_an_object_and_a_scalar_becomes_two_columns():
    """Neither takes cells from the other."""
    payloads = [{"a": {"b": 1}}, {"a": 5}, {"a": None}, {}]
    result = flatten_columns(payloads)
    assert_equals_frame(result, pd.json_normalize(payloads))
    assert list(result.arrays) == ["a.b", "a"]


def test_nesting_may_be_deeper_than_pythons_stack():
    """3 000 objects within each other are one column."""
    payload = 1
    for _ in range(3000):
        payload = {"a": payload}
    (name,) = flatten_columns([payload]).arrays
    assert name.count("a") == 3000


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"data": 5}, "'data' holds int, not a list or an object"),
        ("Invalid key.", "the answer holds str, not a list or an object: Invalid key."),
        ({"data": {"items": "none"}}, "'items' holds str"),
        ({"error": {"message": "quota exceeded"}}, "is not in the answer, which says: quota exceeded"),
        ({"data": {}, "errors": ["no"]}, "which says: no"),
    ],
)
def test_a_payload_that_is_no_container_of_records_fails_alone(payload, message):
    """The message repeats what the server says; the other payloads have their records."""
    good = {"data": {"items": [{"a": 1}]}, "total": 9}
    options = {"record_path": "data.items", "meta": "total"}
    result = flatten_columns([good, payload, good], cuts=(1,), **options)
    assert result.counts.tolist() == [1, 0, 1]
    assert to_cells(result.arrays["total"]) == [9, 9]
    assert list(result.failures) == [1]
    with pytest.raises(ParseError, match=message):
        raise result.failures[1]


@pytest.mark.parametrize("payload", [{"total": 0}, {}, {"data": {}}, {"data": None}, [None], [{}], {"error": None}])
def test_fault_89_a_payload_that_leaves_the_record_path_out_has_no_records(payload):
    """It found nothing; so says no hint, because another payload has the path."""
    good = {"data": {"items": [{"a": 1}]}}
    result = flatten_columns([good, payload, good], record_path="data.items")
    assert (result.counts.tolist(), result.failures) == ([1, 0, 1], {})
    assert result.missing_paths == ((), False)


def test_fault_89_a_meta_field_that_a_payload_leaves_out_is_missing():
    """Its records are there all the same."""
    payloads = [{"items": [{"id": 1}], "page": 7}, {"items": [{"id": 2}]}, {"items": [{"id": 3}], "page": None}]
    result = flatten_columns(payloads, record_path="items", meta="page")
    assert to_cells(result.arrays["id"]) == [1, 2, 3]
    assert to_cells(result.arrays["page"]) == [7, pd.NA, pd.NA]
    assert (result.failures, result.missing_paths.hints) == ({}, ())


def test_fault_89_one_list_element_without_the_key_has_no_records():
    """The others along the path have theirs."""
    payload = {"users": [{"id": 1, "orders": [{"n": 1}]}, {"id": 2}, None, {"id": 3, "orders": [{"n": 2}]}]}
    result = flatten_columns([payload], record_path="users.orders", meta="users.id")
    assert to_cells(result.arrays["n"]) == [1, 2]
    assert to_cells(result.arrays["users.id"]) == [1, 3]
    assert result.missing_paths.hints == ()


@pytest.mark.parametrize(
    ("payloads", "options", "hint"),
    [
        ([{"items": []}], {"record_path": "itmes"}, "no answer has record_path='itmes'; nearest: record_path='items'"),
        (
            [{"data": {"items": []}}] * 9,
            {"record_path": "items"},
            "; nearest: record_path='data.items'",
        ),
        ([{"kind": 1, "n": 0}], {"record_path": "rows"}, "has record_path='rows'; the first one has 'kind', 'n'"),
        (
            [{"a": [1], "totl": 1}],
            {"record_path": "a", "meta": "total"},
            "meta='total'; nearest: meta='totl'",
        ),
        ([{"note": 1, "message": "wait"}], {"record_path": "rows"}, "and says: wait"),
    ],
)
def test_fault_89_a_path_that_no_payload_has_is_one_hint(payloads, options, hint):
    """It names the nearest path, else the keys of the first payload, and the server's message."""
    missing = flatten_columns(payloads, cuts=(1,), **options).missing_paths
    assert missing.is_error
    (only,) = missing.hints
    assert hint in only


def test_fault_89_a_message_in_place_of_the_record_path_is_told():
    """Although other payloads have the path."""
    result = flatten_columns([{"rows": [1]}, {"note": "x", "message": "slow down"}], record_path="rows")
    assert result.missing_paths == (("an answer without record_path='rows' says: slow down",), False)


def test_a_failure_does_not_hold_its_payload():
    """The frames of a traceback would keep the payload alive."""
    (failure,) = flatten([{"a": 1}], compile_shape(record_path="a")).failures.values()
    assert failure.__traceback__ is None


def test_meta_comes_from_the_list_elements_around_the_records():
    """It may also come from the objects beside them."""
    payloads = [{"by": "me", "rows": [{"id": 1, "cells": [{"x": 1}, {"x": 2}]}, {"id": 2, "cells": [{"x": 3}]}]}]
    options = {"record_path": ["rows", "cells"], "meta": ["by", ["rows", "id"]]}
    result = flatten_columns(payloads, **options)
    assert_equals_frame(result, pd.json_normalize(payloads, **options))
    assert to_cells(result.arrays["rows.id"]) == [1, 1, 2]


def test_columns_also_selects_and_renames_meta():
    """A mapping covers all columns."""
    options = {"record_path": "items", "meta": "page", "columns": {"page": "p", "id": "key"}}
    result = flatten_columns([{"page": 7, "items": [{"id": 1, "x": 2}]}], **options)
    assert {name: to_cells(array) for name, array in result.arrays.items()} == {"key": [1], "p": [7]}


def test_selected_columns_exist_without_any_record():
    """With columns= the result has the same columns for any response."""
    assert list(flatten_columns([], columns=["a", "b"]).arrays) == ["a", "b"]
    assert list(flatten_columns([{"c": 1}], columns=["a", "b"]).arrays) == ["a", "b"]


class Payload(dict):
    """An object that can be watched."""

    __slots__ = ("__weakref__",)


def test_a_block_does_not_keep_its_payloads_alive():
    """Only their cells stay."""
    payload = Payload(a=1, b=Payload(c="x"), d=[Payload(e=1)])
    watched = [weakref.ref(payload), weakref.ref(payload["b"])]
    block = flatten([payload], compile_shape())
    del payload
    assert [ref() for ref in watched] == [None, None]
    assert list(block.columns) == ["a", "d", "b.c"]

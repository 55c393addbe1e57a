"""Matching: each key gets its records, wherever they are, and none gets another's."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.json_path import find_value
from pandas_async_io._core.table.records.shape import Shape, compile_shape
from pandas_async_io._core.workflow.batching.matching import MatchRules, drop_path, match_records
from tests.ids import stable

DICE = st.randoms(use_true_random=True)
RULES = MatchRules("id", Shape())


def found(keys, payload, on="id", **options):
    return match_records(keys, payload, MatchRules(on, compile_shape(**options))).records


@given(
    st.lists(st.integers(0, 20), unique=True, min_size=1),
    st.lists(st.integers(0, 20)),
    DICE,
)
def test_each_key_gets_its_own_records(keys, known, dice):
    """In the answer's order within a key, whatever the order of the keys; a key without records is no error."""
    records = [{"id": key, "at": at} for at, key in enumerate([*known, keys[0]])]
    dice.shuffle(records)
    mine = [[{"at": record["at"]} for record in records if record["id"] == key] or None for key in keys]
    assert found(list(map(str, keys)), records) == found(keys, records) == mine


def test_keys_are_compared_by_their_text():
    """A number, its text and a whole float are one key; bytes are text."""
    records = [{"id": "7", "x": 1}, {"id": 8.0, "x": 2}, {"id": None, "x": 3}, {"id": 9, "x": 4}, {"id": b"\xc3\xbc"}]
    assert found(["7", "8", "10", "ü"], records) == [[{"x": 1}], [{"x": 2}], None, [{}]]


@pytest.mark.parametrize("key", [b"\xff", bytearray(b"7"), object(), 1j, [7], {"a": 7}], ids=stable)
def test_a_key_of_an_unexpected_type_matches_nothing(key):
    """The error says so."""
    with pytest.raises(ParseError, match="batch=: no"):
        found(["7"], [{"id": key, "x": 1}])
    assert match_records(["7"], [{"id": key, "x": 1}, {"id": 7, "x": 2}], RULES).records == [[{"x": 2}]]


BY_KEY = {
    "records": ({"1": {"x": 1}, "3": {"x": 3}}, [[{"x": 1}], None]),
    "lists": ({"1": [{"x": 1}, {"x": 2}], "2": []}, [[{"x": 1}, {"x": 2}], None]),
    "values": ({"1": 0.5, "2": None}, [[0.5], None]),
    "one list with ids of its own": (
        {"1": [{"id": 2, "t": "by 1"}, {"id": 5, "t": "by 1"}]},
        [[{"id": 2, "t": "by 1"}, {"id": 5, "t": "by 1"}], None],
    ),
    "one list in a value": (
        {"1": {"name": "a", "friends": [{"id": 2}]}, "2": {"name": "b"}},
        [[{"name": "a", "friends": [{"id": 2}]}], [{"name": "b"}]],
    ),
    "a usual list in each value": (
        {"1": {"items": [{"id": 2}]}, "2": {"items": [{"id": 1}]}},
        [[{"items": [{"id": 2}]}], [{"items": [{"id": 1}]}]],
    ),
    "in an envelope": (
        {"status": "ok", "data": {"1": {"name": "a", "friends": [{"id": 2}]}, "2": {"name": "b"}}},
        [[{"name": "a", "friends": [{"id": 2}]}], [{"name": "b"}]],
    ),
    "a parser's": ({1: [{"id": 2}], 2: {"x": 1}}, [[{"id": 2}], [{"x": 1}]]),
}


@pytest.mark.parametrize(("payload", "expected"), BY_KEY.values(), ids=BY_KEY.keys())
def test_an_object_by_key_is_never_taken_for_an_envelope(payload, expected):
    """A key would get the records of another."""
    assert found([1, 2], payload) == expected


def test_a_key_that_envelopes_have_as_a_name_is_matched_in_the_list_first():
    """If there is no list of records, the object is by key after all."""
    records = [{"id": "data", "x": 1}, {"id": "a", "x": 2}]
    keys = ["data", "a", "total"]
    assert found(keys, {"data": records, "total": 2}) == [[{"x": 1}], [{"x": 2}], None]
    assert found(keys, {"data": {"x": 1}, "total": {"x": 2}}) == [[{"x": 1}], None, [{"x": 2}]]
    assert found(keys, {"data": {"tags": ["u"]}}) == [[{"tags": ["u"]}], None, None]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x"},
        {"tags": ["u", "v"]},
        {"items": [{"id": 7, "sku": 1}, {"id": 9}]},
        {"a": [{}], "b": [{}]},
        {"items": None},
    ],
)
def test_an_object_that_holds_a_key_is_the_record(fields):
    """Lists in it do not change that."""
    assert found([7, 8], {"id": 7, **fields}) == [[fields], None]
    assert found([7, 8], {"user": {"id": 7}, **fields}, "user.id") == [[fields], None]


def test_an_object_with_one_key_and_a_list_of_others_is_ambiguous():
    """It may be a record, or an envelope with an id; JSON-RPC is known."""
    payload = {"id": 1, "result": [{"id": 1, "x": 1}, {"id": 2, "x": 2}]}
    with pytest.raises(ParseError, match=r"record of '1', or are the records in 'result'\? Pass record_path='result'"):
        found([1, 2], payload)
    each = [[{"x": 1}], [{"x": 2}]]
    assert found([1, 2], payload, record_path="result") == found([1, 2], {"jsonrpc": "2.0", **payload}) == each


def test_an_envelope_whose_id_is_no_key_is_an_envelope():
    assert found([1, 2], {"id": "req-7", "data": [{"id": 1, "x": 1}]}) == [[{"x": 1}], None]


@pytest.mark.parametrize("records", [[{"key": 1}], ["a"], [{"id": None, "x": 1}], [{"id": [1]}]])
def test_records_without_the_key_are_an_error(records):
    """Otherwise every row would silently have none; the message lists the names that are there."""
    with pytest.raises(ParseError, match="pass on="):
        found(["1"], records)
    assert found(["1"], []) == [None]


def test_the_names_that_a_parser_returns_need_not_be_texts():
    """Those of no key are an error of the row, not of the run."""
    with pytest.raises(ParseError, match="no record holds a key"):
        found([1], {2: [{"id": 2}]})


@pytest.mark.parametrize(
    ("record", "path", "levels", "left"),
    [
        ({"id": 7, "x": 1}, "id", None, {"x": 1}),
        ({"id": 7, "x": 1}, "id", 0, {"x": 1}),
        ({"a": {"b": {"c": 7, "d": 1}}, "x": 1}, "a.b.c", None, {"a": {"b": {"d": 1}}, "x": 1}),
        ({"a": {"b": {"c": 7}}, "x": 1}, "a.b.c", None, {"x": 1}),
        ({"a": {"b": {"c": 7}}}, "a.b.c", 2, {}),
        ({"a": {"b": {"c": 7}}}, "a.b.c", 1, {"a": {"b": {"c": 7}}}),
        ({"a.b": 7, "a": {"b": 8}}, "a.b", None, {"a": {"b": 8}}),
        ({"a.b": {"c": 7, "d": 1}}, "a.b.c", None, {"a.b": {"d": 1}}),
        ({"x": 1}, "id", None, {"x": 1}),
        ({"a": 1}, "a.b", None, {"a": 1}),
    ],
)
def test_the_key_is_dropped_where_it_would_be_a_column(record, path, levels, left):
    """Objects that hold nothing else are dropped with it. The record stays, because another row may share its parts."""
    before = repr(record)
    assert drop_path(record, path, levels) == left
    assert repr(record) == before
    if find_value(record, path) is not None and levels is None:
        assert find_value(left, path) != 7


def test_a_nested_key_is_dropped():
    """It is kept on request; an object that is one cell stays whole."""
    records = [{"user": {"id": 7, "name": "x"}, "n": 1}]
    bare = [[{"user": {"name": "x"}, "n": 1}]]
    assert found([7], records, "user.id") == bare
    assert found([7], records, "user.id", max_level=0) == [records]
    assert match_records([7], records, MatchRules("user.id", Shape(), keep_key=True)).records == [records]


def test_two_keys_with_one_text_get_the_records_of_their_type():
    """If there are any; otherwise both get all of them."""
    one, text, yes, word = {"id": 1, "x": 1}, {"id": "1", "x": 2}, {"id": True, "x": 3}, {"id": "true", "x": 4}
    xs = [[record["x"] for record in each] for each in found([1, "1", True, "true"], [word, yes, text, one])]
    assert xs == [[1], [2], [3], [4]]
    assert found([1, "1"], [one]) == found([1, "1"], {"1": {"x": 1}}) == [[{"x": 1}]] * 2
    assert found([Decimal(1), "1"], [one, text]) == [[{"x": 1}], [{"x": 2}]]
    assert found([1], [text]) == [[{"x": 2}]]


FINDINGS = {
    "another case": (["abc", "DEF"], [{"id": "abc"}, {"id": "def"}], "1 of 2 keys", "'DEF'", "1 record came", "'def'"),
    "another type": (["007", "12"], [{"id": 7}, {"id": 12}], "1 of 2 keys", "'007'", "1 record came", "(7)"),
    "a table": (["007", "12"], pd.DataFrame({"id": [7, 12]}), "1 of 2 keys", "'007'", "1 record came", "(7)"),
    "by key": (["abc", "DEF"], {"abc": {"x": 1}, "def": {"x": 2}}, "1 of 2 keys", "'DEF'", "1 record came", "'def'"),
    "many": (
        [*"ABCDE", 1],
        [{"id": key} for key in [*"abcde", 1]],
        "5 of 6",
        "'A', 'B', 'C', …",
        "5 records",
        "",
    ),
    "no key": ([1, 2], [{"id": 1}, {"error": "no 2"}], "1 of 2 keys", "'2'", "1 record came", "(None)"),
}


@pytest.mark.parametrize(
    ("keys", "payload", "parts"), [(k, p, parts) for k, p, *parts in FINDINGS.values()], ids=FINDINGS
)
def test_keys_without_records_beside_records_without_a_key_are_a_finding(keys, payload, parts):
    """A key that the answer spells or types otherwise is neither guessed nor silently dropped."""
    message = match_records(keys, payload, RULES).describe_mismatch(list(map(str, keys)))
    assert all(part in message for part in parts)


@pytest.mark.parametrize(
    ("keys", "payload"),
    [
        ([1, 2], [{"id": 1}]),
        ([1], [{"id": 1}, {"id": 2}]),
        ([1, 2], {"1": {"x": 1}, "status": "ok", "n": 7}),
        ([1, 2], {"1": {"x": 1}, "3": None}),
        ([1, 2], [{"id": 1}, None, {}]),
    ],
)
def test_a_key_without_records_alone_is_no_finding(keys, payload):
    """A record that was not requested alone is none either."""
    assert match_records(keys, payload, RULES).describe_mismatch(list(map(str, keys))) is None


@pytest.mark.parametrize("on", ["user.ids.0", ["user", "ids", 0], ["user", "ids", -2]])
def test_the_key_may_be_at_a_position(on):
    """Its list stays in the record."""
    answer = [{"user": {"ids": [n, "x"]}, "v": n} for n in (2, 1)]
    records = match_records([1, 2, 3], answer, MatchRules(on, compile_shape())).records
    assert records == [[answer[1]], [answer[0]], None]


def test_a_key_under_literal_keys_is_dropped():
    """A dot in a key is no separator."""
    assert drop_path({"a.b": {"c": 1, "d": 2}}, ("a.b", "c")) == {"a.b": {"d": 2}}
    assert drop_path({"a": 1}, ("b", "c")) == {"a": 1}

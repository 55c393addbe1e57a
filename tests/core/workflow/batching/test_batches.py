"""Batches: blocks of distinct keys, each of them fit to be sent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.expand import expand
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.workflow.batching.batches import Batches
from pandas_async_io._core.workflow.batching.key_field import find_key_field, list_fields, unwrap_list_fields

cells = st.one_of(st.none(), st.integers(0, 9).map(str))


@given(st.lists(cells, max_size=30), st.integers(1, 5))
def test_blocks_hold_each_key_once_and_rows_find_theirs(keys, size):
    """In the order of first rows, no block larger than asked; nulls have no key."""
    batches = Batches.of(pd.DataFrame({"id": pd.Series(keys, dtype=object)}), "id", size)
    distinct = list(dict.fromkeys(key for key in keys if key is not None))
    assert [text for block in batches.blocks for text in batches.texts(block)] == distinct
    assert all(len(block) == size for block in batches.blocks[:-1])
    assert all(len(block) <= size for block in batches.blocks)
    found = [None if at < 0 else distinct[at] for at in batches.row_to_key.tolist()]
    assert found == keys


@given(st.lists(st.tuples(st.sampled_from("xy"), cells), max_size=30), st.integers(1, 5))
def test_keys_go_together_only_where_the_rest_agrees(rows, size):
    """A block has one value for each other field of its request."""
    frame = pd.DataFrame(rows, columns=["org", "id"], dtype=object)
    batches = Batches.of(frame, "id", size, beside=["org"])
    sent = batches.requests(batches.blocks)
    asked = [(org, key) for org, ids in zip(sent.get("org", []), sent["id"], strict=True) for key in ids]
    assert sorted(asked) == sorted({(org, key) for org, key in rows if key is not None})
    assert all(0 < len(ids) <= size for ids in sent["id"])


def test_a_block_is_expanded_like_any_row():
    """In a URL, exploded or joined, and in a body, where the list keeps its types."""
    batches = Batches.of(pd.DataFrame({"id": [3, 1, 3, 2], "org": "e m"}), "id", 2, beside=["org"])
    frame = batches.requests(batches.blocks)
    for template, first in [
        ("https://e.com/{org}?ids={id*}", "https://e.com/e%20m?ids=3,1"),
        ("https://e.com/{org}{?id*}", "https://e.com/e%20m?id=3&id=1"),
    ]:
        recipe = compile_request_template(template)
        assert find_key_field(sorted(recipe.url_template.exploded_fields), None) == "id"
        assert expand(frame, recipe).urls[0] == first
    body = {"ids": "{id*}", "org": "{org}", "sort": [1]}
    assert find_key_field([], body) == "id"
    plan = expand(frame, compile_request_template("https://e.com/", method="POST", json=unwrap_list_fields(body)))
    assert [parse_json_body(plan.request(at, {})) for at in range(2)] == [
        {"ids": [3, 1], "org": "e m", "sort": [1]},
        {"ids": [2], "org": "e m", "sort": [1]},
    ]


def test_keys_may_be_an_index_level():
    """As any other field."""
    batches = Batches.of(pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="id")), "id", 5)
    assert batches.requests(batches.blocks)["id"].tolist() == [["a", "b"]]


def test_a_key_that_must_not_be_sent_costs_no_other_row():
    """Its row is unsafe, and its block goes without it; in a body a line break is a text."""
    frame = pd.DataFrame({"id": ["a", "b\n", None, "c"]})
    batches = Batches.of(frame, "id", 5)
    assert (batches.row_to_key.tolist(), list(batches.unsafe)) == ([0, -1, -1, 1], [1])
    assert Batches.of(frame, "id", 5, in_body=True).unsafe == {}
    with pytest.raises(PlanError, match="batch=:"):
        Batches.of(pd.DataFrame({"id": [object()]}), "id", 5)


@pytest.mark.parametrize(
    ("fields", "json"), [([], None), (["a", "b"], None), (["a"], {"x": "{b*}"}), ([], {"x": "{a*} "})]
)
def test_one_field_takes_the_keys(fields, json):
    """None, or several, is a question; the message says where a list can stand."""
    with pytest.raises(PlanError, match=r"batch=: one field .* in the URL, .* or in json=.*, not in params="):
        find_key_field(fields, json)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "50", np.bool_(1), np.float64(2)])
def test_a_batch_is_a_number_of_keys(size):
    """From one."""
    with pytest.raises(PlanError, match="batch="):
        Batches.of(pd.DataFrame({"id": [1]}), "id", size)


def test_a_size_may_be_any_whole_number():
    """As numpy counts."""
    assert len(Batches.of(pd.DataFrame({"id": range(4)}), "id", np.int64(3)).blocks) == 2


@pytest.mark.parametrize("cell", [[1], (1, 2), {"a": 1}, frozenset([1])], ids=str)
@pytest.mark.parametrize("in_body", [False, True])
def test_a_key_is_one_value(cell, in_body):
    """A list or a mapping is none: the message names the column and what to do, before anything is sent."""
    frame = pd.DataFrame({"User ID": pd.Series([cell, "a"], dtype=object)})
    with pytest.raises(PlanError, match=r"field \{User%20ID\} holds lists .*df\.explode\('User ID'\)"):
        Batches.of(frame, "User ID", 5, in_body=in_body)


def test_a_key_that_means_nothing_in_a_request_names_its_column():
    """Bytes, say."""
    with pytest.raises(PlanError, match=r"batch=: field \{id\}: a value of type bytes"):
        Batches.of(pd.DataFrame({"id": [b"a"]}), "id", 5)


def test_in_a_body_a_number_and_its_text_are_two_keys():
    """And so are a truth value and its name, but not 1 and 1.0; in a URL what is written alike is one."""
    frame = pd.DataFrame({"id": pd.Series([1, "1", True, "true", 1.0, None, float("inf")], dtype=object)})
    body = Batches.of(frame, "id", 9, in_body=True)
    assert body.row_to_key.tolist() == [0, 1, 2, 3, 0, -1, -1]
    assert body.requests(body.blocks)["id"].tolist() == [[1, "1", True, "true"]]
    assert Batches.of(frame, "id", 9).row_to_key.tolist() == [0, 0, 1, 1, 0, -1, -1]


def test_keys_go_together_only_where_the_type_of_what_is_beside_agrees():
    """In a body, where it is sent as it is; in a URL its text counts."""
    frame = pd.DataFrame({"id": [1, 2], "org": pd.Series([7, "7"], dtype=object)})
    assert len(Batches.of(frame, "id", 9, beside=["org"], wholes=["org"]).blocks) == 2
    assert len(Batches.of(frame, "id", 9, beside=["org"]).blocks) == 1


@pytest.mark.parametrize("dots", [".", "..", "%2e", "%2E%2e", ".%2e", "%252e.", "a/../b", "..%2fa", "a\\.."])
def test_security_s1_dots_in_a_path_are_found_in_every_spelling(dots):
    """Only the row of the one key is refused; elsewhere in a URL dots do no harm."""
    frame = pd.DataFrame({"id": ["a", dots, "b.c", "?/../", "v1.."]})
    assert list(Batches.of(frame, "id", 9, in_path=True).unsafe) == [1, 3]
    assert Batches.of(frame, "id", 9).unsafe == {}
    assert Batches.of(pd.DataFrame({"id": [1, 2]}), "id", 9, in_path=True).unsafe == {}


def test_a_list_stands_in_a_body_as_a_leaf_of_its_own():
    """Within a text it is none."""
    assert list_fields({"a": [{"b": "{x*}"}, "{y*}"], "c": "all {z*}", "{k*}": 1}) == ["x", "y"]
    assert list_fields(None) == []

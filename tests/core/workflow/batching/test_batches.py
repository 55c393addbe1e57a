"""Batches: distinct keys in blocks, without keys that must not be sent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.workflow.batching.batches import Batches
from pandas_async_io._core.workflow.batching.key_field import KeyField, find_key_field, unwrap_list_fields

cells = st.one_of(st.none(), st.integers(0, 9).map(str))


@given(st.lists(cells, max_size=30), st.integers(1, 5))
def test_blocks_hold_each_key_once_and_rows_refer_to_it(keys, size):
    """In the order of first rows, no block larger than the size; nulls have no key."""
    batches = Batches.build(pd.DataFrame({"id": pd.Series(keys, dtype=object)}), KeyField("id"), size)
    distinct = list(dict.fromkeys(key for key in keys if key is not None))
    assert [text for block in batches.blocks for text in batches.render_keys(block)] == distinct
    assert all(len(block) == size for block in batches.blocks[:-1])
    assert all(len(block) <= size for block in batches.blocks)
    found = [None if at < 0 else distinct[at] for at in batches.row_to_key.tolist()]
    assert found == keys


@given(st.lists(st.tuples(st.sampled_from("xy"), cells), max_size=30), st.integers(1, 5))
def test_keys_share_a_block_only_where_the_other_fields_agree(rows, size):
    frame = pd.DataFrame(rows, columns=["org", "id"], dtype=object)
    batches = Batches.build(frame, KeyField("id", other_fields=["org"]), size)
    sent = batches.build_rows(batches.blocks)
    pairs = [(org, key) for org, ids in zip(sent.get("org", []), sent["id"], strict=True) for key in ids]
    assert sorted(pairs) == sorted({(org, key) for org, key in rows if key is not None})
    assert all(0 < len(ids) <= size for ids in sent["id"])


def test_a_block_is_expanded_like_any_row():
    """In a URL, exploded or joined, and in a body, where the list keeps its types."""
    batches = Batches.build(pd.DataFrame({"id": [3, 1, 3, 2], "org": "e m"}), KeyField("id", other_fields=["org"]), 2)
    frame = batches.build_rows(batches.blocks)
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
    batches = Batches.build(pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="id")), KeyField("id"), 5)
    assert batches.build_rows(batches.blocks)["id"].tolist() == [["a", "b"]]


def test_an_unsafe_key_affects_no_other_row():
    """Its block is sent without it. In a body a line break is ordinary text."""
    frame = pd.DataFrame({"id": ["a", "b\n", None, "c"]})
    batches = Batches.build(frame, KeyField("id"), 5)
    assert (batches.row_to_key.tolist(), list(batches.unsafe_rows)) == ([0, -1, -1, 1], [1])
    assert Batches.build(frame, KeyField("id", in_body=True), 5).unsafe_rows == {}
    with pytest.raises(PlanError, match="batch=:"):
        Batches.build(pd.DataFrame({"id": [object()]}), KeyField("id"), 5)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "50", np.bool_(1), np.float64(2)])
def test_a_size_that_is_no_number_from_one_raises(size):
    with pytest.raises(PlanError, match="batch="):
        Batches.build(pd.DataFrame({"id": [1]}), KeyField("id"), size)


def test_a_size_may_be_a_numpy_integer():
    assert len(Batches.build(pd.DataFrame({"id": range(4)}), KeyField("id"), np.int64(3)).blocks) == 2


@pytest.mark.parametrize("cell", [[1], (1, 2), {"a": 1}, frozenset([1])], ids=str)
@pytest.mark.parametrize("in_body", [False, True])
def test_a_list_or_mapping_as_key_raises(cell, in_body):
    """The message names the column and what to do."""
    frame = pd.DataFrame({"User ID": pd.Series([cell, "a"], dtype=object)})
    with pytest.raises(PlanError, match=r"field \{User ID\} holds lists .*df\.explode\('User ID'\)"):
        Batches.build(frame, KeyField("User ID", in_body=in_body), 5)


def test_a_key_of_an_unsupported_type_raises_with_its_column():
    with pytest.raises(PlanError, match=r"batch=: field \{id\}: a value of type bytes"):
        Batches.build(pd.DataFrame({"id": [b"a"]}), KeyField("id"), 5)


def test_in_a_body_a_number_and_its_text_are_two_keys():
    """True and "true" are two keys, 1 and 1.0 are one. In a URL equal texts are one key."""
    frame = pd.DataFrame({"id": pd.Series([1, "1", True, "true", 1.0, None, float("inf")], dtype=object)})
    body = Batches.build(frame, KeyField("id", in_body=True), 9)
    assert body.row_to_key.tolist() == [0, 1, 2, 3, 0, -1, -1]
    assert body.build_rows(body.blocks)["id"].tolist() == [[1, "1", True, "true"]]
    assert Batches.build(frame, KeyField("id"), 9).row_to_key.tolist() == [0, 0, 1, 1, 0, -1, -1]


def test_keys_share_a_block_only_where_the_json_type_of_other_fields_agrees():
    """In a URL only the text counts."""
    frame = pd.DataFrame({"id": [1, 2], "org": pd.Series([7, "7"], dtype=object)})
    assert len(Batches.build(frame, KeyField("id", other_fields=["org"], json_fields=["org"]), 9).blocks) == 2
    assert len(Batches.build(frame, KeyField("id", other_fields=["org"]), 9).blocks) == 1


@pytest.mark.parametrize("dots", [".", "..", "%2e", "%2E%2e", ".%2e", "%252e.", "a/../b", "..%2fa", "a\\.."])
def test_security_s1_dots_in_a_path_are_found_in_every_spelling(dots):
    """Only the row of that key is refused; elsewhere in a URL dots do no harm."""
    frame = pd.DataFrame({"id": ["a", dots, "b.c", "?/../", "v1.."]})
    assert list(Batches.build(frame, KeyField("id", in_path=True), 9).unsafe_rows) == [1, 3]
    assert Batches.build(frame, KeyField("id"), 9).unsafe_rows == {}
    assert Batches.build(pd.DataFrame({"id": [1, 2]}), KeyField("id", in_path=True), 9).unsafe_rows == {}

"""Batches: blocks of distinct keys, answers back to their keys, and the search for the one bad key."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.batches import Batches, Halving, batch_field, scatter, unexploded
from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.expand import expand
from pandas_async_io._core.places import json_body
from pandas_async_io._core.recipe import compile_recipe

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
        recipe = compile_recipe(template)
        assert batch_field(sorted(recipe.template.exploded), None) == "id"
        assert expand(frame, recipe).urls[0] == first
    body = {"ids": "{id*}", "org": "{org}", "sort": [1]}
    assert batch_field([], body) == "id"
    plan = expand(frame, compile_recipe("https://e.com/", method="POST", json=unexploded(body)))
    assert [json_body(plan.request(at, {})) for at in range(2)] == [
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
    """None, or several, is a question."""
    with pytest.raises(PlanError, match="batch=: one field"):
        batch_field(fields, json)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "50"])
def test_a_batch_is_a_number_of_keys(size):
    """From one."""
    with pytest.raises(PlanError, match="batch="):
        Batches.of(pd.DataFrame({"id": [1]}), "id", size)


@given(st.lists(st.integers(0, 20), unique=True, min_size=1), st.lists(st.integers(0, 20)), st.randoms())
def test_each_key_gets_its_own_answers(keys, known, dice):
    """In the answer's order within a key, whatever the order of the keys; none is no error."""
    records = [{"id": key, "at": at} for at, key in enumerate(known)]
    dice.shuffle(records)
    found = scatter(list(map(str, keys)), records, records, "id")
    mine = [[{"at": record["at"]} for record in records if record["id"] == key] or None for key in keys]
    assert found == mine


def test_answers_are_matched_by_their_text():
    """Numbers, their texts and whole floats are one key; nested keys are found; others are left out."""
    records = [{"id": "7", "x": 1}, {"id": 8.0, "x": 2}, {"id": None, "x": 3}, {"id": 9, "x": 4}]
    assert scatter(["7", "8", "10"], records, records, "id") == [[{"x": 1}], [{"x": 2}], None]
    nested = [{"user": {"id": 7}, "x": 1}]
    assert scatter(["7"], nested, nested, "user.id") == [nested]


def test_an_object_by_key_is_understood():
    """As price APIs answer."""
    assert scatter(["a", "b"], {"a": {"usd": 1}, "c": {"usd": 2}}, [], "id") == [[{"usd": 1}], None]
    assert scatter(["a"], {"a": [{"x": 1}, {"x": 2}]}, [], "id") == [[{"x": 1}, {"x": 2}]]


@pytest.mark.parametrize("records", [[{"key": 1}], ["a"], [{"id": None}], [{"id": [1]}]])
def test_answers_without_the_key_are_an_error(records):
    """Else every row would silently have none; the message says what there is."""
    with pytest.raises(ParseError, match="pass on="):
        scatter(["1"], records, records, "id")
    assert scatter(["1"], [], [], "id") == [None]


@given(st.integers(1, 300), st.data())
def test_one_poisoned_key_is_found_alone(size, data):
    """All others are answered, with two more requests per level at most."""
    poison = data.draw(st.integers(0, size - 1))
    halving, blocks, asked, ok, bad = Halving(), [np.arange(size)], 0, set(), []
    halving.accepted()
    while blocks:
        block = blocks.pop()
        asked += 1
        if poison not in block:
            ok.update(block.tolist())
        else:
            halves = halving.refused(block, 422)
            blocks += halves
            bad += [] if halves else block.tolist()
    assert (bad, len(ok)) == ([poison], size - 1)
    assert asked - 1 <= 2 * math.ceil(math.log2(size)) if size > 1 else asked == 1


@pytest.mark.parametrize(
    ("status", "halved"),
    [(400, True), (413, True), (414, True), (422, True), (404, False), (500, False), (None, False)],
)
def test_a_block_is_halved_where_a_key_or_its_length_may_be_to_blame(status, halved):
    """Any other failure is the block's own."""
    assert bool(Halving().refused(np.arange(4), status)) is halved


def test_a_request_that_is_always_wrong_is_not_taken_apart():
    """While nothing was accepted, two keys refused alone end the search; an answer opens it again."""
    halving, blocks, asked = Halving(), [np.arange(at, at + 64) for at in range(0, 6400, 64)], 0
    while blocks:
        asked += 1
        blocks += halving.refused(blocks.pop(), 400)
    assert asked < 100 + 20
    halving.accepted()
    assert halving.refused(np.arange(2), 400)

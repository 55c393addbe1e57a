"""The one field of a request that takes the keys."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.workflow.batching.key_field import find_key_field, find_list_fields, unwrap_list_fields


@pytest.mark.parametrize(
    ("fields", "json"), [([], None), (["a", "b"], None), (["a"], {"x": "{b*}"}), ([], {"x": "{a*} "})]
)
def test_a_request_without_exactly_one_key_field_raises(fields, json):
    """The message says where a list of keys can be."""
    with pytest.raises(PlanError, match=r"batch=: one field .* in the URL, .* or in json=.*, not in params="):
        find_key_field(fields, json)


def test_a_list_field_is_a_whole_leaf_of_a_body():
    """Within a text it is none."""
    assert find_list_fields({"a": [{"b": "{x*}"}, "{y*}"], "c": "all {z*}", "{k*}": 1}) == ["x", "y"]
    assert find_list_fields(None) == []


def test_only_whole_leaves_are_unwrapped():
    body = {"a": [{"b": "{x*}"}], "c": "all {z*}", "{k*}": 1}
    assert unwrap_list_fields(body) == {"a": [{"b": "{x}"}], "c": "all {z*}", "{k*}": 1}

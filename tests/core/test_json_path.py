"""Values and counts at a path of a payload."""

from __future__ import annotations

import pytest

from pandas_async_io._core.json_path import find_count, find_value
from pandas_async_io._core.models import Page, Request, Response


def page(payload, headers=None):
    return Page(Request("http://e.com/"), Response(200, headers or {}, b"", ""), payload)


@pytest.mark.parametrize(
    ("payload", "path", "expected"),
    [
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a.b": 2, "a": {"b": 1}}, "a.b", 2),
        ({"x": {"@odata.nextLink": "u"}}, "x.@odata.nextLink", "u"),
        ({"a.b": {"c": 3}}, "a.b.c", 3),
        ({"a": {"b": None}}, "a.b", None),
        ({"a": [1]}, "a.b", None),
        ([1], "a", None),
        ({"a.b": 1}, ["a.b"], 1),
        ({"a": {"b": 1}}, ["a.b"], None),
        ({"a": 1}, (), {"a": 1}),
        ([{"pages": 3}, [{"id": 1}]], [0, "pages"], 3),
        ([{"pages": 3}, []], "0.pages", 3),
        ({"choices": [{"message": {"content": "x"}}]}, "choices.0.message.content", "x"),
        ({"a": [1, 2]}, ["a", -1], 2),
        ({"a": [1, 2]}, "a.2", None),
        ({"a": {"0": 5}}, "a.0", 5),
        ({"a": {"0": 5}}, ["a", 0], 5),
        ({"a": {"x": {"v": None}, "y": {"v": 1}}}, "a.*.v", 1),
        ({"a": [{"v": 1}, {"v": 2}]}, "a.*.v", 1),
        ({"a": {"*": {"v": 3}, "b": {"v": 4}}}, "a.*.v", 3),
        ({"a.b": [{"c.d": 6}]}, "a.b.0.c.d", 6),
        ("text", "0", None),
    ],
)
def test_a_path_is_followed_through_objects_and_positions(payload, path, expected):
    """A dot separates keys unless a key holds it. A missing value is None; of several the first that is not null."""
    assert find_value(payload, path) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(10, 10), ("10", 10), (" 7 ", 7), (True, None), (-1, None), (1.5, None), ("x", None), ("²", None)],
)
def test_a_count_is_whole_and_not_negative(value, expected):
    """In the payload or in a header; anything else is not a count."""
    assert find_count(page({"n": value}), "n") == expected
    if isinstance(value, str):
        assert find_count(page([], {"N": value}), "n") == expected

"""A payload as a tree of text."""

from __future__ import annotations

import pandas as pd

from pandas_async_io._core.report.look.payload_tree import draw_tree


def test_a_tree_is_short_whatever_the_payload():
    """Long lists, texts, objects and depths are cut."""
    deep = {}
    for _ in range(50):
        deep = {"a": deep}
    payload = {"deep": deep, "long": "x" * 10_000, "list": [{"id": 1}] * 10_000, **{f"f{n}": n for n in range(1000)}}
    lines = draw_tree(payload)
    assert len(lines) <= 61
    assert max(map(len, lines)) < 150
    assert "list of 10000 objects" in "\n".join(lines)
    assert "fields more" in "\n".join(lines)


def test_control_characters_and_secrets_are_not_shown():
    """A value may come from anybody."""
    text = "\n".join(draw_tree({"a\x1b[31m\n": "b\x1b[0m", "note": "Authorization: Bearer abcdef0123456789"}))
    assert "\x1b" not in text
    assert "abcdef0123456789" not in text


def test_a_table_shows_its_columns():
    """With their dtypes."""
    assert draw_tree(pd.DataFrame({"id": [1, 2]})) == ["table of 2 rows", "└─ id: int64"]


def test_scalars_and_empty_payloads_have_one_line():
    """As a text, a body that is empty, an empty list."""
    assert [draw_tree(each) for each in ("a", None, [], {}, b"ab")] == [
        ['"a"'],
        ["null"],
        ["empty list"],
        ["object of 0 fields"],
        ["2 bytes"],
    ]

"""Counts and values in words."""

import pytest

from pandas_async_io._core.words import format_count, show_value


class Unprintable:
    def __repr__(self):
        raise RuntimeError


class ManyLines:
    def __repr__(self):
        return "a\n\n  b\tc"


@pytest.mark.parametrize(("count", "expected"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
def test_a_count_other_than_one_has_a_plural(count, expected):
    assert format_count(count, "row") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "'a'"), (ManyLines(), "a b c"), (Unprintable(), "<an Unprintable>"), (10**5000, "<an int>")],
    ids=["text", "lines", "raises", "huge"],
)
def test_a_value_is_shown_in_one_line_whatever_its_repr_does(value, expected):
    assert show_value(value) == expected


def test_a_long_value_is_cut():
    assert show_value("x" * 200) == "'" + "x" * 79 + "…"

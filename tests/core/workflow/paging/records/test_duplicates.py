"""Duplicates: pages that come twice, and records that come twice."""

from itertools import permutations

import pytest

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.workflow.paging.records.duplicates import DuplicateTracker

SHIFTED = {1: [{"v": 1}, {"v": 2}], 2: [{"v": 2}, {"v": 3}], 3: [{"v": 4}, {"v": 5}]}
"""A record was inserted before page 2 was requested."""


@pytest.mark.parametrize("order", list(permutations(SHIFTED)), ids=str)
@pytest.mark.parametrize("key", ["id", "v"])
def test_records_that_come_twice_are_found_in_any_order_of_the_pages(order, key):
    """With a field that identifies records, and without: at the boundary of two pages."""
    tracker = DuplicateTracker()
    for number in order:
        tracker.add(number, [{key: record["v"]} for record in SHIFTED[number]], b"%d" % number)
    assert tracker.findings() == ["page 2 repeats 1 record of page 1"]


def test_records_without_an_identifier_may_be_equal_on_distant_pages():
    tracker = DuplicateTracker()
    for number, values in enumerate(([1, 2], [3, 4], [2, 5]), 1):
        tracker.add(number, [{"v": value} for value in values], b"%d" % number)
    assert tracker.findings() == []


@pytest.mark.parametrize(
    ("records", "bodies"),
    [([{"id": 1}], [b"a", b"b"]), ([{"v": 1}], [b"a", b"a"]), (["x"], [b"a", b"a"])],
    ids=["same keys", "same body", "no objects"],
)
def test_fault_44_a_page_that_comes_again_is_a_loop(records, bodies):
    tracker = DuplicateTracker()
    tracker.add(1, records, bodies[0])
    with pytest.raises(ParseError, match="the records are those of page 1 again"):
        tracker.add(2, records, bodies[1])


def test_fault_44_equal_pages_without_an_identifier_are_a_loop_after_ten():
    """Their envelopes differ. If the number of pages is known, each of them is a finding."""
    endless, bounded = DuplicateTracker(), DuplicateTracker()
    for number in range(1, 12):
        endless.add(number, [{"v": 1}], b"%d" % number)
    with pytest.raises(ParseError, match="page loop"):
        endless.add(12, [{"v": 1}], b"12")
    for number in range(1, 20):
        bounded.add(number, [{"v": 1}], b"%d" % number, is_bounded=True)
    assert bounded.findings()[0] == "page 2 has the records of page 1"
    assert len(bounded.findings()) == 18


def test_a_copy_is_independent():
    tracker = DuplicateTracker()
    tracker.add(1, [{"id": 1}], b"")
    tracker.copy().add(2, [{"id": 1}, {"id": 2}], b"")
    assert tracker.findings() == []

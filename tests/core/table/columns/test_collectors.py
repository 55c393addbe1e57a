"""Pages and payloads in any order: the columns are the same."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.columns import collectors
from pandas_async_io._core.table.columns.collectors import PageCollector, PayloadCollector
from pandas_async_io._core.table.columns.columns import concat_blocks
from pandas_async_io._core.table.columns.frames import flatten_payloads
from pandas_async_io._core.table.records.shape import Shape

CELLS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.text(max_size=2))
CELLS |= st.dictionaries(st.sampled_from("xy"), st.integers(0, 9), max_size=2) | st.lists(st.integers(), max_size=2)
RECORDS = st.dictionaries(st.sampled_from("abc"), CELLS, max_size=3)
PAGES = st.lists(RECORDS, max_size=4) | st.none()
FRAMES = st.lists(st.integers(0, 9), max_size=3).map(lambda cells: pd.DataFrame({"a": cells, "t": cells}))
POSITIONS = st.lists(st.lists(PAGES | FRAMES, max_size=8), max_size=9)


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    """Set sizes so small that a few pages fill several groups and segments."""
    with pytest.MonkeyPatch.context() as patch:
        for name, size in {"SEGMENT_PAGES": 3, "GROUP_POSITIONS": 2, "BLOCK_PAYLOADS": 3}.items():
            patch.setattr(collectors, name, size)
        yield


def to_text(columns):
    """Return names, dtypes and cells as text, so that 1 differs from True and NaN equals NaN."""
    return [(name, str(array.dtype), repr(array.tolist())) for name, array in columns.arrays.items()]


def flatten_at_once(payloads, shape, *, nullable):
    """Flatten all payloads in one step."""
    return concat_blocks(
        list(flatten_payloads(payloads, shape)) or list(flatten_payloads([None], shape)), nullable=nullable
    )


def collect_pages(positions, shape, order, completed, *, nullable=True):
    """Add each page in an order; complete a position with its last page if it is in `completed`."""
    found = PageCollector(len(positions), shape)
    left = {at: len(pages) for at, pages in enumerate(positions)}
    for at in (at for at, pages in enumerate(positions) if not pages and at in completed):
        found.complete(at)
    for at, number in order:
        found.add(at, number, positions[at][number - 1])
        left[at] -= 1
        if not left[at] and at in completed:
            found.complete(at)
    return found, found.build_columns(nullable=nullable)


@given(POSITIONS, st.data(), st.booleans())
@pytest.mark.slow
def test_the_columns_do_not_depend_on_the_order_of_the_pages(positions, dice, nullable):
    """Values, dtypes, counts and page numbers; positions completed early, late or never."""
    order = dice.draw(st.permutations([(at, n + 1) for at, pages in enumerate(positions) for n in range(len(pages))]))
    completed = dice.draw(st.sets(st.sampled_from(range(len(positions))))) if positions else set()
    found, columns = collect_pages(positions, Shape(), order, completed, nullable=nullable)
    expected = flatten_at_once([page for pages in positions for page in pages], Shape(), nullable=nullable)
    assert to_text(columns) == to_text(expected)
    lengths = [[0 if page is None else len(page) for page in pages] for pages in positions]
    assert columns.counts.tolist() == [sum(each) for each in lengths]
    assert found.pages.tolist() == [n for each in lengths for n, length in enumerate(each, 1) for _ in range(length)]


@given(st.lists(st.lists(st.booleans(), max_size=7), min_size=1, max_size=7), st.data())
def test_a_page_without_records_fails_its_position(positions, dice):
    """The message names the first such page; the records of the other pages are in place."""
    pages = [[{"data": [{"n": 1}]} if fine else {"data": 5} for fine in several] for several in positions]
    order = dice.draw(st.permutations([(at, n + 1) for at, several in enumerate(pages) for n in range(len(several))]))
    _, columns = collect_pages(pages, Shape(record_path=("data",)), order, set(range(len(pages))))
    assert columns.counts.tolist() == [sum(several) for several in positions]
    assert {at: str(error).partition(":")[0] for at, error in columns.failures.items()} == {
        at: f"page {several.index(False) + 1}" for at, several in enumerate(positions) if not all(several)
    }
    assert all(type(error) is ParseError for error in columns.failures.values())


@given(st.lists(st.lists(RECORDS, max_size=3) | st.none() | FRAMES, max_size=10), st.data())
def test_the_columns_do_not_depend_on_the_order_of_the_payloads(payloads, dice):
    """A payload that never came holds no records."""
    order = dice.draw(st.permutations(range(len(payloads))))
    came = order[: dice.draw(st.integers(0, len(order)))]
    found = PayloadCollector(len(payloads), Shape())
    for at in came:
        found.add(at, payloads[at])
    expected = flatten_at_once(
        [payload if at in came else None for at, payload in enumerate(payloads)], Shape(), nullable=True
    )
    columns = found.build_columns(nullable=True)
    assert to_text(columns) == to_text(expected)
    assert columns.counts.tolist() == (expected.counts.tolist() if payloads else [])


def test_a_long_chain_keeps_few_pages_unflattened():
    """Only pages whose predecessors are missing wait."""
    found = PageCollector(1, Shape())
    for number in range(1, 101):
        found.add(0, number, [{"n": number}])
        waiting = found._incomplete[0].waiting
        assert len(waiting) < 3
    assert found.build_columns(nullable=True).arrays["n"].tolist() == list(range(1, 101))
    assert found.pages.tolist() == list(range(1, 101))
    assert not found._incomplete


def test_without_pages_there_are_the_selected_columns():
    """There is no position, or no position got a page."""
    for count in (0, 3):
        columns = PageCollector(count, Shape(columns={"a": "A"})).build_columns(nullable=True)
        assert list(columns.arrays) == ["A"]
        assert columns.counts.tolist() == [0] * count


def test_a_resumed_chain_is_flattened_as_its_pages_arrive():
    """The pages before the first missing one came in an earlier run: it does not wait for them."""
    paged, numbers = PageCollector(1, Shape()), range(37, 37 + collectors.SEGMENT_PAGES)
    paged.resume_at(0, 37)
    for number in numbers:
        paged.add(0, number, [{"a": number}])
    assert not paged._incomplete[0].waiting
    paged.complete(0)
    assert paged.build_columns(nullable=False).arrays["a"].tolist() == list(numbers)

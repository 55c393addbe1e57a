"""Two runs become one: the columns are those of one run that collected everything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.table.columns.collectors import PageCollector, PayloadCollector
from pandas_async_io._core.table.output.join import align_records, records_frame
from pandas_async_io._core.table.output.merge import merge_blocks
from pandas_async_io._core.table.records.shape import Shape

CELLS = st.none() | st.booleans() | st.sampled_from([1, -1, 2**63, 2**64, 2.5, "x", [1]])
RECORDS = st.dictionaries(st.sampled_from("abc"), CELLS, max_size=3)
FRAMES = st.lists(st.integers(0, 9), max_size=2).map(lambda cells: pd.DataFrame({"b": cells, "a": cells}))
PAYLOADS = st.lists(st.lists(RECORDS, max_size=3) | RECORDS | FRAMES, min_size=1, max_size=6)
SHAPES = st.sampled_from([Shape(), Shape(columns={"c": "C", "a": "a"})])


def collect(payloads, shape):
    collector = PayloadCollector(len(payloads), shape)
    for at, payload in enumerate(payloads):
        collector.add(at, payload)
    return collector.collect()


def to_text(collected, row_to_request, nullable):
    """Return names, dtypes and cells of the rows, as text."""
    columns, _ = collected.build_columns(nullable=nullable)
    rows, take = align_records(row_to_request, columns.counts)
    frame = records_frame(columns.arrays, rows=rows, take=take)
    return [(name, str(frame[name].dtype), repr(frame[name].tolist())) for name in frame]


@given(PAYLOADS, SHAPES, st.booleans(), st.data())
def test_payloads_of_two_runs_make_the_columns_of_one(payloads, shape, nullable, data):
    """Whichever of them came in the second run, and in a third."""
    count = len(payloads)
    run_of = np.array(data.draw(st.lists(st.sampled_from([0, 0, 1, 2]), min_size=count, max_size=count)))
    rows = np.arange(count)
    merged = collect([payloads[at] if run_of[at] == 0 else None for at in rows], shape)
    row_to_request = rows.copy()
    for run in (1, 2):
        failed = np.flatnonzero(run_of >= run)
        new = collect([payloads[at] if run_of[at] == run else None for at in failed], shape)
        row_to_request[failed] = merged.requests + np.arange(len(failed))
        merged = merge_blocks(merged, new, row_to_request, resumed={}, are_columns_given=shape.columns is not None)
    assert to_text(merged, row_to_request, nullable) == to_text(collect(payloads, shape), rows, nullable)


@given(st.lists(RECORDS, min_size=1, max_size=9), st.integers(0, 9), st.integers(0, 9))
def test_pages_of_two_runs_are_one_chain(records, missing, others):
    """A position that resumed keeps the pages that came before, also those after the missing one."""
    missing %= len(records)
    whole, old, new = (PageCollector(2, Shape()), PageCollector(2, Shape()), PageCollector(1, Shape()))
    new.resume_at(0, missing + 1)
    for number, record in enumerate(records, 1):
        whole.add(0, number, [record])
        (new if number == missing + 1 else old).add(0, number, [record])
    for collector in (whole, old):
        collector.add(1, 1, [{"z": others}])
    row_to_request = np.array([2, 1])
    merged = merge_blocks(old.collect(), new.collect(), row_to_request, resumed={0: 2}, are_columns_given=False)
    assert to_text(merged, row_to_request, True) == to_text(whole.collect(), np.array([0, 1]), True)


@pytest.mark.parametrize("payload", [{"a": "x", "z": 1}, [{"a": 1e400}], pd.DataFrame({"z": [1]})])
def test_records_that_are_fetched_again_leave_no_column_and_no_type(payload):
    """A row that failed by its schema had records: those of the second run take their place."""
    old, new = collect([payload, {"a": 1}], Shape()), collect([{"a": 2}], Shape())
    merged = merge_blocks(old, new, np.array([2, 1]), resumed={}, are_columns_given=False)
    columns, _ = merged.build_columns(nullable=True)
    assert (list(columns.arrays), str(columns.arrays["a"].dtype), columns.infinite) == (["a"], "Int64", ())
    assert columns.counts.tolist() == [0, 1, 1]

"""Records in the order of the rows, and which requests may start meanwhile."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.table.records.shape import Shape
from pandas_async_io._core.table.stream.record_stream import RecordStream


def make_stream(rows, chunksize=10, **options):
    """Return a stream over rows that need the positions listed."""
    positions = np.array(rows, dtype=np.int64)
    return RecordStream(positions, int(positions.max(initial=-1)) + 1, Shape(), chunksize, **options)


def read_all(stream, records=10**9):
    """Return what can be taken now: (row, payload)."""
    return [(each.row, payload) for each in stream.take(records) for _, payload in each.pages]


@given(st.permutations(range(8)), st.integers(1, 9))
def test_rows_come_in_order_whatever_comes_first(order, size):
    stream, taken = make_stream(range(8)), []
    for position in order:
        stream.add(position, [{"a": position}])
        taken += read_all(stream, size)
        assert stream.ready >= 0
    taken += read_all(stream)
    assert taken == [(row, [{"a": row}]) for row in range(8)]
    assert stream.ready == 0


@given(st.permutations([(p, n) for p in range(3) for n in range(1, 4)]), st.integers(1, 5))
def test_pages_come_in_order_and_before_their_chain_is_complete(order, size):
    stream, taken = make_stream(range(3)), []
    left = {0: 3, 1: 3, 2: 3}
    for position, number in order:
        stream.add(position, number, [{"p": position, "n": number}])
        left[position] -= 1
        if not left[position]:
            stream.complete(position)
        taken += read_all(stream, size)
    taken += read_all(stream)
    assert [(each[1][0]["p"], each[1][0]["n"]) for each in taken] == [(p, n) for p in range(3) for n in range(1, 4)]
    assert stream.ready == 0


def test_a_page_is_taken_while_others_of_its_chain_are_missing():
    stream = make_stream([0, 1])
    stream.add(0, 1, [{}] * 5)
    stream.add(0, 3, [{}] * 7)
    (part,) = stream.take(1)
    assert (part.is_first, part.is_last, [number for number, _ in part.pages]) == (True, False, [1])
    assert stream.ready == 0


def test_rows_without_a_request_are_ready_at_once():
    stream = make_stream([-1, -1], keeps_rows=True)
    assert (stream.ready, [each.row for each in stream.take(5)]) == (2, [0, 1])


def test_an_answer_is_kept_until_its_last_row():
    stream = make_stream([0, 1, 0])
    stream.add(0, {"a": 1})
    assert read_all(stream) == [(0, {"a": 1})]
    stream.add(1, {"a": 2})
    assert read_all(stream) == [(1, {"a": 2}), (2, {"a": 1})]


def run_window(stream, sizes, concurrency=32):
    """Start requests as the window allows, answer the last one started first; return the most records held."""
    waiting, in_flight, held, most = list(range(len(sizes))), [], 0, 0
    while waiting or in_flight:
        while waiting and len(in_flight) < concurrency and stream.may_start(waiting[0]):
            stream.start(waiting[0])
            in_flight.append(waiting.pop(0))
        if in_flight:
            position = in_flight.pop()
            stream.add(position, [{}] * sizes[position])
            stream.end_step(position)
            held += sizes[position]
        most = max(most, held)
        if stream.ready >= 10 or not (in_flight or (waiting and stream.may_start(waiting[0]))):
            held -= sum(len(payload) for _, payload in read_all(stream, 10))
    return most


@given(st.lists(st.integers(0, 30), max_size=60))
def test_the_window_never_blocks_the_reader(sizes):
    run_window(make_stream(range(len(sizes))), sizes)


def test_at_most_two_chunks_are_held():
    for size in (1, 2, 5, 10):
        assert run_window(make_stream(range(200)), [size] * 200) <= 20


def test_a_chain_that_the_reader_waits_for_goes_on():
    stream = make_stream([0, 1])
    for number in range(1, 5):
        stream.start(1)
        stream.add(1, number, [{}] * 10)
        stream.end_step(1)
    assert (stream.may_start(0), stream.may_start(1)) == (True, True)
    stream.start(1)
    assert (stream.may_start(0), stream.may_start(1)) == (True, False)
    stream.start(0)
    assert (stream.may_start(0), stream.may_start(1)) == (False, False)


def test_what_is_taken_counts_until_it_is_written():
    stream = make_stream(range(20), is_written=True)
    stream.add(0, [{}] * 10)
    stream.take(10)
    assert not stream.may_start(1)
    stream.release()
    assert stream.may_start(1)


def test_tables_count_their_rows():
    stream = make_stream([0])
    stream.add(0, pd.DataFrame({"a": [1, 2, 3]}))
    assert stream.ready == 3


def test_a_job_that_was_submitted_goes_on_while_others_hold_the_window():
    """Its result would come after its poll without a delay: the window must not hold that request back."""
    stream = make_stream(range(3), counts_steps=False)
    for position in range(2):
        assert stream.may_start(position)
        stream.start(position)
    assert not stream.may_start(2)
    assert stream.may_start(1)
    stream.start(1)
    for position in range(2):
        stream.add(position, [{}])
        stream.complete(position)
    assert stream.may_start(2)

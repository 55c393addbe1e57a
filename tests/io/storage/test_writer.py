"""The thread that writes answers."""

from __future__ import annotations

import threading

from pandas_async_io._io.storage.writer import AnswerWriter


def test_everything_is_written_once_and_in_order():
    written = []
    writer = AnswerWriter(written.extend)
    for number in range(1_700):
        writer.put(number, 10)
    writer.close()
    assert written == list(range(1_700))


def test_a_batch_has_at_most_500_answers():
    batches, first = [], threading.Event()

    def write(batch):
        first.wait(10)
        batches.append(len(batch))

    writer = AnswerWriter(write)
    for number in range(1_700):
        writer.put(number, 10)
    first.set()
    writer.close()
    assert max(batches) == 500
    assert sum(batches) == 1_700


def test_flush_waits_until_what_came_before_is_written():
    written = []
    writer = AnswerWriter(written.extend)
    writer.flush()
    writer.put("a", 1)
    writer.flush()
    assert written == ["a"]
    writer.close()


def test_an_error_ends_the_writing_and_nothing_waits_for_it():
    calls = []

    def write(batch):
        calls.append(batch)
        raise OSError(28, "No space left on device")

    writer = AnswerWriter(write)
    writer.put("a", 1)
    writer.flush()
    writer.put("b", 1)
    writer.flush()
    writer.close()
    assert calls == [["a"]]
    assert "No space left" in str(writer.failure)


def test_a_writer_that_is_behind_says_so():
    release = threading.Event()
    writer = AnswerWriter(lambda _: release.wait(10))
    for number in range(5_000):
        writer.put(number, 1)
    assert writer.is_behind
    release.set()
    writer.flush()
    assert not writer.is_behind
    writer.put("large", 2**27)
    writer.close()


def test_closing_a_writer_that_wrote_nothing_starts_no_thread():
    before = threading.active_count()
    writer = AnswerWriter(lambda _: None)
    writer.close()
    assert threading.active_count() == before

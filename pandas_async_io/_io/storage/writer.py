"""The thread that writes a call's answers: a batch is committed at 500 answers or after 0.2 s.

Invariant: an answer is written once, in the order in which it came. An error of the disk ends the writing, never the
run. Only the loop's thread calls `put`.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MAX_BATCH = 500
_MAX_WAIT_SECONDS = 0.2
_MAX_WAITING = 4_000
"""Answers that wait to be written, above which the run waits: their bodies are in memory."""
_MAX_WAITING_BYTES = 64 * 2**20


class AnswerWriter:
    """Writes what it is given, in a thread of its own.

    Parameters
    ----------
    write : callable
        Writes a sequence of answers.
    """

    __slots__ = (
        "_changed",
        "_is_closed",
        "_is_writing",
        "_pending_flushes",
        "_queued_bytes",
        "_taken_bytes",
        "_thread",
        "_waiting",
        "_write",
        "failure",
    )

    def __init__(self, write: Callable[[Sequence[Any]], None]) -> None:
        self._write = write
        self._waiting: deque[tuple[Any, int]] = deque()
        self._queued_bytes = self._taken_bytes = self._pending_flushes = 0
        self._changed = Condition()
        self._is_writing = self._is_closed = False
        self._thread: Thread | None = None
        self.failure: Exception | None = None

    def put(self, answer: Any, size: int) -> None:
        """Queue an answer of `size` bytes, without waiting for the disk."""
        if self.failure is not None:
            return
        self._waiting.append((answer, size))  # without the lock: the thread may hold it, and the loop would wait
        self._queued_bytes += size
        if len(self._waiting) in {1, _MAX_BATCH}:
            with self._changed:
                self._changed.notify_all()
        if self._thread is None:
            self._thread = Thread(target=self._run, name="pandas_async_io store", daemon=True)
            self._thread.start()

    @property
    def is_behind(self) -> bool:
        """Whether so many answers wait to be written that the run must wait, in `flush`."""
        return len(self._waiting) > _MAX_WAITING or self._queued_bytes - self._taken_bytes > _MAX_WAITING_BYTES

    def flush(self) -> None:
        """Wait until everything so far is written."""
        with self._changed:
            self._pending_flushes += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._thread is None or not (self._waiting or self._is_writing))
            self._pending_flushes -= 1

    def close(self) -> None:
        """Write the waiting answers, and end the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                self._changed.wait_for(
                    lambda: len(self._waiting) >= _MAX_BATCH or self._pending_flushes or self._is_closed,
                    _MAX_WAIT_SECONDS,
                )
                batch = self._take_batch()
                if not batch:
                    return
                self._is_writing = True
            self._write_batch(batch)

    def _take_batch(self) -> list[Any]:
        batch: list[Any] = []
        while self._waiting and len(batch) < _MAX_BATCH:
            answer, size = self._waiting.popleft()
            self._taken_bytes += size
            batch.append(answer)
        return batch

    def _write_batch(self, batch: Sequence[Any]) -> None:
        if self.failure is not None:
            return
        try:
            self._write(batch)
        except Exception as error:  # noqa: BLE001 - whatever the disk does, the run goes on
            if len(batch) == 1 or not _is_disk_full(error):
                self.failure = error
                return
            half = len(batch) // 2
            self._write_batch(batch[:half])
            self._write_batch(batch[half:])


def _is_disk_full(error: Exception) -> bool:
    """Whether a disk was full, so that fewer answers may fit."""
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_FULL

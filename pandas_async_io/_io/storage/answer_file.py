"""An open store file: answers are looked up in blocks and written in batches.

Invariant: a batch is written as a whole or not at all.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from functools import cache
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from pandas_async_io._core.storage.answer_bytes import split_answer, unpack
from pandas_async_io._io.storage.layout import open_connection, read_salts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

BLOCK_REQUESTS = 500
"""Requests that are looked up in one query."""


class AnswerRow(NamedTuple):
    """A kept answer, as its row in the file.

    Attributes
    ----------
    fingerprint, identity : bytes
        As in `RequestKey`.
    url : str
        Of the request, without secrets.
    status : int
        The HTTP status.
    fetched_at : float
        Seconds since the epoch.
    final_url : str or None
        The URL that answered, if it is another one; without secrets.
    coding, checksum, content
        As in `PackedAnswer`.
    """

    fingerprint: bytes
    identity: bytes
    url: str
    status: int
    fetched_at: float
    final_url: str | None
    coding: int
    checksum: int
    content: bytes


_COLUMNS = "fingerprint, identity, url, status, fetched_at, final_url, coding, checksum, content"
_INSERT_ROWS = 100
"""Rows of one statement: each statement hands the interpreter lock over, which costs more than a row."""


@cache
def _insert_statement(count: int) -> str:
    """Return the statement that writes `count` answers."""
    marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * count)
    return f"""
INSERT INTO answers ({_COLUMNS}) VALUES {marks}
ON CONFLICT (fingerprint, identity) DO UPDATE SET url = excluded.url, status = excluded.status,
  fetched_at = excluded.fetched_at, final_url = excluded.final_url, coding = excluded.coding,
  checksum = excluded.checksum, content = excluded.content
"""  # noqa: S608 - constants


_INSERT_PART = "INSERT OR REPLACE INTO batch_keys SELECT ?, ?, id FROM answers WHERE fingerprint = ? AND identity = ?"


DROP_LOST_KEYS = "DELETE FROM batch_keys WHERE answer NOT IN (SELECT id FROM answers)"
"""Numbers of removed answers are given again."""


class AnswerFile:
    """A store's file, open in this process.

    Parameters
    ----------
    path : Path
        The file.
    writes : bool
        Whether answers are to be written; else the file must exist.

    Raises
    ------
    PlanError
        It cannot be opened, or it is no store of this layout.
    """

    __slots__ = ("_connection", "_lock", "path", "salts")

    def __init__(self, path: Path, *, writes: bool) -> None:
        self.path = path
        self._lock = Lock()
        self._connection = open_connection(path, writes=writes)
        try:
            self.salts = read_salts(self._connection, path)
        except BaseException:
            self._connection.close()
            raise

    def find(self, fingerprints: Sequence[bytes], *, since: float) -> dict[bytes, list[AnswerRow]]:
        """Return the answers to at most a block of requests, of all identities.

        Parameters
        ----------
        since : float
            Seconds since the epoch; older answers are left out.
        """
        marks = ",".join("?" * len(fingerprints))
        query = f"SELECT {_COLUMNS} FROM answers WHERE fingerprint IN ({marks}) AND fetched_at >= ?"  # noqa: S608 - marks
        rows = self._select(query, (*fingerprints, since))
        found: dict[bytes, list[AnswerRow]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(AnswerRow._make(row))
        return found

    def find_parts(self, fingerprints: Sequence[bytes]) -> dict[bytes, dict[bytes, int]]:
        """Return for each fingerprint of a part, by identity, the number of the answer that holds it."""
        marks = ",".join("?" * len(fingerprints))
        query = f"SELECT fingerprint, identity, answer FROM batch_keys WHERE fingerprint IN ({marks})"  # noqa: S608 - marks
        rows = self._select(query, fingerprints)
        found: dict[bytes, dict[bytes, int]] = {}
        for fingerprint, identity, answer in rows:
            found.setdefault(fingerprint, {})[identity] = answer
        return found

    def find_by_id(self, numbers: Sequence[int]) -> dict[int, AnswerRow]:
        """Return answers by their numbers."""
        marks = ",".join("?" * len(numbers))
        query = f"SELECT id, {_COLUMNS} FROM answers WHERE id IN ({marks})"  # noqa: S608 - marks
        rows = self._select(query, numbers)
        return {row[0]: AnswerRow._make(row[1:]) for row in rows}

    def _select(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except UnicodeDecodeError as error:  # SQLite quotes damaged bytes in its message
            raise sqlite3.DatabaseError(str(error)) from None

    def write(
        self,
        rows: Sequence[AnswerRow],
        parts: Sequence[tuple[bytes, bytes, bytes, bytes]] = (),
        changed_urls: Sequence[str] = (),
    ) -> None:
        """Write answers, in place of older ones to the same requests.

        Parameters
        ----------
        parts : sequence of (bytes, bytes, bytes, bytes)
            Fingerprint and identity of parts, and of the answer that holds each.
        changed_urls : sequence of str
            URLs whose answers are removed before.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            if changed_urls:
                connection.execute("CREATE TEMP TABLE IF NOT EXISTS changed (url TEXT PRIMARY KEY)")
                connection.executemany("INSERT OR IGNORE INTO changed VALUES (?)", [(url,) for url in changed_urls])
                connection.execute("DELETE FROM answers WHERE url IN (SELECT url FROM changed)")
                connection.execute(DROP_LOST_KEYS)
                connection.execute("DELETE FROM changed")
            for first in range(0, len(rows), _INSERT_ROWS):
                some = rows[first : first + _INSERT_ROWS]
                connection.execute(_insert_statement(len(some)), list(chain.from_iterable(some)))
            connection.executemany(_INSERT_PART, parts)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file; the last one that closes it leaves no other files beside it."""
        with self._lock, suppress(sqlite3.Error):  # what was committed is in the file or in its WAL
            self._connection.close()


def read_answer(row: AnswerRow, restore: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    """Return the header fields as JSON, and the body.

    Raises
    ------
    ValueError
        The answer was damaged.
    """
    if not (isinstance(row.status, int) and isinstance(row.fetched_at, float) and isinstance(row.url, str)):
        raise ValueError("the row was damaged")  # noqa: TRY004 - the argument is right; the content of the file is damaged
    content = unpack(row.coding, row.checksum, row.content, row.fingerprint + row.identity)
    return split_answer(restore(content))


def read_body(row: AnswerRow) -> bytes:
    """Return the body of an answer, b"" if it was damaged."""
    try:
        return read_answer(row, bytes)[1]
    except ValueError:
        return b""

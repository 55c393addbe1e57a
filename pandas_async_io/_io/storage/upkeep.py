"""What a user does with a store's file between calls: look at it, remove answers, merge files."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io._io.storage.answer_file import DROP_LOST_KEYS
from pandas_async_io._io.storage.layout import FILE_ERRORS, open_connection

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_COPY_SALTS = "INSERT INTO salts SELECT salt FROM other.salts WHERE salt NOT IN (SELECT salt FROM salts)"
_COPIED = "fingerprint, identity, url, status, fetched_at, final_url, coding, checksum, content"
_COPY_ANSWERS = f"""
INSERT INTO answers ({_COPIED}) SELECT {_COPIED} FROM other.answers WHERE true
ON CONFLICT (fingerprint, identity) DO UPDATE SET url = excluded.url, status = excluded.status,
  fetched_at = excluded.fetched_at, final_url = excluded.final_url, coding = excluded.coding,
  checksum = excluded.checksum, content = excluded.content
WHERE excluded.fetched_at > answers.fetched_at
"""  # noqa: S608 - constants
_COPY_BATCH_KEYS = """
INSERT OR REPLACE INTO batch_keys SELECT k.fingerprint, k.identity, mine.id FROM other.batch_keys k
  JOIN other.answers theirs ON theirs.id = k.answer
  JOIN answers mine ON mine.fingerprint = theirs.fingerprint AND mine.identity = theirs.identity
"""


def describe_file(path: Path) -> pd.DataFrame:
    """Return one line for each host: answers, their bytes in the file, the oldest and the newest."""
    with _open(path, writes=False) as connection:
        rows = connection.execute(
            """
            SELECT substr(url, 1, instr(substr(url, instr(url, '://') + 3) || '/', '/') + instr(url, '://') + 1)
              AS origin, count(*), sum(length(content)), min(fetched_at), max(fetched_at)
            FROM answers GROUP BY origin ORDER BY origin
            """
        ).fetchall()
    frame = pd.DataFrame(rows, columns=["origin", "answers", "bytes", "oldest", "newest"])
    for name in ("oldest", "newest"):
        frame[name] = pd.to_datetime(frame[name].astype("float64"), unit="s", utc=True)
    return frame.astype({"answers": "int64", "bytes": "int64"})


def remove_older(path: Path, seconds: float) -> int:
    """Remove the answers that are older, and return how many they were."""
    return _remove(path, "fetched_at < ?", (time.time() - seconds,))


def remove_urls(path: Path, prefix: str) -> int:
    """Remove the answers of URLs with a prefix, and return how many they were."""
    return _remove(path, "substr(url, 1, ?) = ?", (len(prefix), prefix))


def _remove(path: Path, where: str, values: tuple[Any, ...]) -> int:
    with _open(path, writes=True) as connection:
        connection.execute("BEGIN IMMEDIATE")
        count = connection.execute(f"DELETE FROM answers WHERE {where}", values).rowcount  # noqa: S608 - constants
        connection.execute(DROP_LOST_KEYS)
        connection.execute("COMMIT")
        if count:
            connection.execute("VACUUM")  # else what was removed could still be read from the file
    return count


def merge_files(path: Path, others: Sequence[Path]) -> int:
    """Copy the answers of other stores, the newest of each, and return how many answers there are."""
    for other in others:
        open_connection(other, writes=False).close()
    with _open(path, writes=True) as connection:
        for other in others:
            connection.execute("ATTACH ? AS other", (f"{other.absolute().as_uri()}?mode=ro",))
            connection.execute("BEGIN IMMEDIATE")
            for statement in (_COPY_SALTS, _COPY_ANSWERS, _COPY_BATCH_KEYS):
                connection.execute(statement)
            connection.execute("COMMIT")
            connection.execute("DETACH other")
        return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])


@contextmanager
def _open(path: Path, *, writes: bool) -> Iterator[sqlite3.Connection]:
    if not path.exists() and not writes:
        raise PlanError(f"store={str(path)!r} does not exist")
    with closing(open_connection(path, writes=writes)) as connection:
        try:
            yield connection
        except FILE_ERRORS as error:
            raise PlanError(f"store={str(path)!r}: {error}") from None

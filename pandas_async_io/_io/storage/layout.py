"""The layout of a store's file, and what is refused because it is another file.

Invariant: a file that this version did not make is never changed.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError

if TYPE_CHECKING:
    from pathlib import Path

FILE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What a file raises that cannot be read or written; the second if SQLite quotes damaged bytes in its message."""

LAYOUT_VERSION = 1
_APPLICATION_ID = 0x7061_696F
"""Says that a SQLite file is a store of this package ("paio")."""

BUSY_SECONDS = 60.0
"""Seconds that one process waits for another one that writes."""

_SALT_BYTES = 32
_PRIVATE_MODE = 0o600

_TABLES = """
CREATE TABLE salts (salt BLOB NOT NULL);
CREATE TABLE answers (
  id INTEGER PRIMARY KEY, fingerprint BLOB NOT NULL, identity BLOB NOT NULL, url TEXT NOT NULL, status INTEGER NOT NULL,
  fetched_at REAL NOT NULL, final_url TEXT, coding INTEGER NOT NULL, checksum INTEGER NOT NULL, content BLOB NOT NULL
);
CREATE UNIQUE INDEX answers_by_request ON answers (fingerprint, identity);
CREATE TABLE batch_keys (
  fingerprint BLOB NOT NULL, identity BLOB NOT NULL, answer INTEGER NOT NULL, PRIMARY KEY (fingerprint, identity)
) WITHOUT ROWID;
"""
# A rowid table with an index: bodies inside the index of a `WITHOUT ROWID` table take three times as long to write.


def open_connection(path: Path, *, writes: bool) -> sqlite3.Connection:
    """Open a store's file, and make it if it is missing and is to be written.

    Raises
    ------
    PlanError
        It cannot be opened, or it is no store of this layout. It is not changed.
    """
    name = f"store={str(path)!r}"
    _check_place(path, name, writes=writes)
    try:
        connection = _connect(path, writes=writes)
    except (*FILE_ERRORS, OSError) as error:
        raise PlanError(f"{name} cannot be opened: {_explain(error)}") from None
    try:
        _check_layout(connection, name, writes=writes)
        if writes:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
    except FILE_ERRORS as error:
        connection.close()
        raise PlanError(f"{name} {_explain(error)}") from None
    except BaseException:
        connection.close()
        raise
    return connection


def read_salts(connection: sqlite3.Connection, path: Path) -> list[bytes]:
    """Return the keys of the digests of credentials, the file's own first.

    Raises
    ------
    PlanError
        They cannot be read.
    """
    try:
        salts = [salt for (salt,) in connection.execute("SELECT salt FROM salts ORDER BY rowid")]
        if not salts or not all(isinstance(salt, bytes) for salt in salts):
            raise sqlite3.DatabaseError("malformed: no salt")
    except FILE_ERRORS as error:
        raise PlanError(f"store={str(path)!r} {_explain(error)}") from None
    return salts


def _check_place(path: Path, name: str, *, writes: bool) -> None:
    if path.is_dir():
        raise PlanError(f"{name} is a folder: pass the path of a file in it, as {str(path / 'answers.sqlite')!r}")
    if not path.exists():
        if not writes:
            raise PlanError(f"{name} does not exist: there is nothing to replay; record it first with mode='record'")
        if not path.parent.is_dir():
            raise PlanError(f"{name}: the folder {str(path.parent)!r} does not exist, make it first")
    if writes:
        _check_log(path, name)
    if writes and not os.access(path.parent, os.W_OK):
        raise PlanError(f"{name}: the folder {str(path.parent.absolute())!r} cannot be written to")
    if path.exists() and not os.access(path, os.R_OK | (os.W_OK if writes else 0)):
        raise PlanError(f"{name} is not {'writable' if os.access(path, os.R_OK) else 'readable'} for this user")


def _check_log(path: Path, name: str) -> None:
    """Refuse the log of a file that is missing: SQLite would remove it, and with it the answers of a crash."""
    log = path.with_name(f"{path.name}-wal")
    if _size_of(log) and not _size_of(path):  # in this order: another process may just make both
        raise PlanError(
            f"{name} is missing, but its log {str(log)!r} is there: put the file back beside it, or remove the log to "
            "start anew"
        )


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _connect(path: Path, *, writes: bool) -> sqlite3.Connection:
    if writes and not path.exists():
        # Made here, because SQLite would give it the mode of the process's umask; its -wal and -shm take it over.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, _PRIVATE_MODE))
    mode = "rw" if writes else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    if writes:
        return connection
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:  # in a folder that cannot be written to, a WAL cannot be opened
        connection.close()
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None, check_same_thread=False
        )
    return connection


def _check_layout(connection: sqlite3.Connection, name: str, *, writes: bool) -> None:
    """Make the tables of a new file; refuse the file of another program or layout."""
    application, version = _read_pragma(connection, "application_id"), _read_pragma(connection, "user_version")
    if application == 0 and version == 0 and not _has_tables(connection):
        if not writes:
            raise PlanError(f"{name} is empty: there is nothing to replay; record it first with mode='record'")
        _make_tables(connection)
        return
    if application == 0:  # another process may have made the tables since it was read
        application, version = _read_pragma(connection, "application_id"), _read_pragma(connection, "user_version")
    if application != _APPLICATION_ID:
        raise PlanError(f"{name} is a SQLite file of another program: pass another path")
    if version != LAYOUT_VERSION:
        raise PlanError(
            f"{name} has layout {version}, and this version of pandas_async_io reads layout {LAYOUT_VERSION}: pass "
            "another path, or use the version that wrote it"
        )


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process was faster."""
    connection.execute("BEGIN IMMEDIATE")
    with closing(connection.cursor()) as cursor:
        if not _has_tables(connection):
            for statement in filter(str.strip, _TABLES.split(";")):
                cursor.execute(statement)
            cursor.execute("INSERT INTO salts VALUES (?)", (secrets.token_bytes(_SALT_BYTES),))
            cursor.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            cursor.execute(f"PRAGMA user_version = {LAYOUT_VERSION}")
    connection.execute("COMMIT")


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def _read_pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _explain(error: Exception) -> str:
    """Return what an error means for the user."""
    text = str(error)
    if "not a database" in text or "malformed" in text or isinstance(error, UnicodeDecodeError):
        return f"is no store, or was damaged ({text}): pass another path, or remove it to start anew"
    if "locked" in text or "busy" in text:
        return f"has been written by another process for {BUSY_SECONDS:.0f} s ({text})"
    return text

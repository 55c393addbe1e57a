"""A lock on a folder: one writer at a time. The system gives a dead process's lock back."""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "_lock"


class FolderLock:
    """The lock of a folder, held until `release` or the end of the process.

    Parameters
    ----------
    folder : Path
        An existing folder.

    Raises
    ------
    PlanError
        Another writer holds it, or the folder is read-only.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._file = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise PlanError(f"{str(folder)!r} cannot be written to: {error.strerror}") from None
        # also where an interrupt leaves the caller without the lock
        self._release = weakref.finalize(self, _close, self._file, os.getpid())
        if not _try_lock(self._file):
            owner = os.pread(self._file, 20, 0).decode(errors="replace") if hasattr(os, "pread") else ""
            self.release()
            text = f"process {owner}" if owner else "another process"
            raise PlanError(f"{text} is writing to {str(folder)!r}: wait for its end, or name another folder")
        with contextlib.suppress(OSError):  # the disk is full: the number is for messages only
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, str(os.getpid()).encode())

    def release(self) -> None:
        """Let another writer take it."""
        self._release()


def _close(file: int, process: int) -> None:
    """Unlock and close a file; a forked child, which has a copy of it, neither keeps the lock nor gives it back."""
    if sys.platform != "win32" and os.getpid() == process:
        import fcntl  # noqa: PLC0415 - not on Windows

        fcntl.flock(file, fcntl.LOCK_UN)
    os.close(file)


def _try_lock(file: int) -> bool:
    """Lock an open file without waiting; False if another open file holds the lock."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - of Windows only

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - not on Windows

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

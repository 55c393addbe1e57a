"""A folder of parts: written beside, synced, renamed, then named in the manifest; and found again.

Invariant: a file called ``part-*.parquet`` is complete, and readers see whole parts only. Other files begin
with an underscore, which readers of Parquet folders pass over.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.storage.manifest import (
    Manifest,
    Part,
    describe_changes,
    format_job,
    format_part,
    parse_manifest,
)
from pandas_async_io._io.storage.lock import FolderLock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MANIFEST_NAME = "_manifest.jsonl"
_ASIDE_NAME = "_set_aside"
_HASHED_BYTES = 1 << 20


class PartFolder:
    """A locked folder and its manifest.

    Parameters
    ----------
    path : str or path
        The folder; it is made if it does not exist.
    job : mapping of str to object
        What makes a call the same job.

    Attributes
    ----------
    manifest : Manifest
        The job's good parts so far.

    Raises
    ------
    PlanError
        The folder cannot be used, another process writes to it, or it belongs to another job.
    """

    def __init__(self, path: str | os.PathLike[str], job: Mapping[str, Any]) -> None:
        if not isinstance(path, str | os.PathLike) or not str(path):
            raise PlanError(f"path={path!r} names no folder: pass one, as 'posts/'")
        self.path = Path(path)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise PlanError(f"{str(path)!r} is no folder to write to: {error.strerror}") from None
        self._lock = FolderLock(self.path)
        try:
            self.manifest = self._open_manifest(job)
        except OSError as error:
            self.close()
            raise PlanError(f"{str(path)!r} cannot be written to: {error.strerror}") from None
        except BaseException:
            self.close()
            raise

    def add(self, write: Callable[[Any], None], part: Callable[[str | None, int, str], Part], columns: Any) -> None:
        """Write a part and its line.

        Parameters
        ----------
        write : callable
            Writes the part to a file.
        part : callable
            Makes the line of a name, a size and a hash.
        """
        name = f"part-{sum(each.part is not None for each in self.manifest.parts):05}.parquet"
        beside = self.path / f"_{name}.tmp"
        try:
            with beside.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            size, digest = beside.stat().st_size, _hash_file(beside)
            beside.replace(self.path / name)  # on Windows, `rename` refuses a name that exists
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise
        self._sync()
        self.add_line(part(name, size, digest), columns)

    def add_line(self, part: Part, columns: Mapping[str, Any]) -> None:
        """Write the line of a part that is on disk, or of none."""
        text = format_part(part, {} if self.manifest.columns else columns)
        path = self.path / MANIFEST_NAME
        size = path.stat().st_size
        try:
            with path.open("ab") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            with contextlib.suppress(OSError):  # a torn line is passed over, too
                os.truncate(path, size)
            raise
        self.manifest = Manifest(self.manifest.job, [*self.manifest.parts, part], self.manifest.columns or columns)

    def close(self) -> None:
        """Let another writer take the folder."""
        self._lock.release()

    def _open_manifest(self, job: Mapping[str, Any]) -> Manifest:
        path = self.path / MANIFEST_NAME
        parts = {each.name for each in self.path.glob("*.parquet")}
        if not path.exists():
            if parts:
                raise PlanError(f"{str(self.path)!r} has Parquet files of another origin: name another folder")
            manifest = Manifest(job)
        else:
            manifest = self._check_manifest(path, job)
        for name in sorted(parts - {each.part for each in manifest.parts}):
            self._set_aside(name)
        for beside in self.path.glob("_*.tmp"):
            beside.unlink()
        self._write_manifest(manifest)
        return manifest

    def _check_manifest(self, path: Path, job: Mapping[str, Any]) -> Manifest:
        """Return the manifest up to its first bad part."""
        try:
            manifest = parse_manifest(path.read_text("utf-8", errors="replace"))
        except PlanError as error:
            raise PlanError(f"{str(self.path)!r}: {error}") from None
        changes = describe_changes(manifest.job, job)
        if changes:
            raise PlanError(
                f"{str(self.path)!r} holds the parts of another call: {changes}. Call as before, or name another folder"
            )
        manifest = replace(manifest, job=job)
        for number, part in enumerate(manifest.parts):
            if part.part is not None and not self._is_good(part):
                return manifest.cut(number)
        return manifest

    def _is_good(self, part: Part) -> bool:
        path = self.path / Path(str(part.part)).name
        return path.is_file() and path.stat().st_size == part.bytes and _hash_file(path) == part.sha256

    def _set_aside(self, name: str) -> None:
        """Move a part that the manifest does not name: its rows are fetched again."""
        aside = self.path / _ASIDE_NAME
        aside.mkdir(exist_ok=True)
        (self.path / name).replace(aside / name)

    def _write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest by one without torn lines."""
        beside = self.path / f"{MANIFEST_NAME}.tmp"
        lines = [format_part(part, {} if at else manifest.columns) for at, part in enumerate(manifest.parts)]
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write((format_job(manifest.job) + "".join(lines)).encode())
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(self.path / MANIFEST_NAME)
        self._sync()

    def _sync(self) -> None:
        """Sync the folder, so that a new name outlives a power cut."""
        if hasattr(os, "O_DIRECTORY"):
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASHED_BYTES):
            digest.update(block)
    return digest.hexdigest()

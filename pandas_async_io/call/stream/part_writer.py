"""Writes frames as Parquet parts of one schema, each with its line in the manifest."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.storage.manifest import Part, ResumePoint
from pandas_async_io._core.table.stream.arrow_table import find_own_types, make_arrow_table
from pandas_async_io.call.stream.job_description import has_written_index

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io._core.table.stream.first_columns import FirstColumns
    from pandas_async_io._io.storage.part_folder import PartFolder
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


class PartWriter:
    """Adds the parts of a job to its folder.

    Parameters
    ----------
    folder : PartFolder
        With the parts so far.
    prepared : PreparedCall
        The whole call.

    Attributes
    ----------
    start : int
        The first input row that the folder does not have.
    """

    def __init__(self, folder: PartFolder, prepared: PreparedCall) -> None:
        self.start = folder.manifest.next.row
        self._folder, self._rows = folder, len(prepared.frame)
        self._has_index = has_written_index(prepared)
        self._schema = self._read_schema()
        self._own_types = find_own_types(prepared.frame) if prepared.options.join else {}

    def write(
        self, frame: pd.DataFrame, rows: tuple[int, int], following: ResumePoint, first: FirstColumns | None
    ) -> None:
        """Write a frame and its line.

        Parameters
        ----------
        rows : (int, int)
            The first and the last input row that it holds.
        following : ResumePoint
            What follows it.
        first : FirstColumns or None
            The columns of all parts.
        """
        import pyarrow.parquet as pq  # noqa: PLC0415 - the extra `parquet`

        done = following.row == self._rows
        ends: dict[str, Any] = {"first": rows[0], "last": rows[1]}
        columns = first.to_json() if first else {}
        if not len(frame):
            self._folder.add_line(Part(None, 0, **ends, next=following, done=done), columns)
            return
        table = make_arrow_table(frame, self._schema, has_index=self._has_index, own_types=self._own_types)
        self._folder.add(
            partial(pq.write_table, table),
            lambda name, size, digest: Part(name, len(frame), size, digest, **ends, next=following, done=done),
            columns,
        )
        self._schema = self._schema or table.schema

    def finish(self) -> None:
        """Note that nothing follows."""
        if not self._folder.manifest.done:
            self._folder.add_line(Part(None, 0, next=ResumePoint(self._rows), done=True), {})

    def _read_schema(self) -> Any:
        """Return the schema of the first part; None if there is none."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - the extra `parquet`

        first = next((line.part for line in self._folder.manifest.parts if line.part is not None), None)
        return None if first is None else pq.read_schema(self._folder.path / first)

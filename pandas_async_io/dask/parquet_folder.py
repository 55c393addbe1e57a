"""Parquet parts of many partitions in one folder.

Invariant: each partition has a folder of its own with its own lock and manifest, and so one writer; a partition that is
written again goes on after its last complete part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pandas_async_io.call.prepare.prepare import prepare_call
from pandas_async_io.call.stream.parquet_job import write_parquet
from pandas_async_io.call.stream.parquet_parts import ParquetParts
from pandas_async_io.dask.cluster_limits import join_cluster

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from pandas_async_io.dask.partition import PartitionCall


@dataclass(frozen=True, slots=True)
class PartitionWriter:
    """Fetches one partition and writes its parts."""

    call: PartitionCall
    folder: Path

    def __dask_tokenize__(self) -> tuple[str, str]:
        return type(self).__name__, str(self.call.key)

    def __call__(self, frame: pd.DataFrame, number: int) -> ParquetParts:
        """Write what is missing of one partition."""
        options = join_cluster(replace(self.call.options, progress=False), str(self.call.key))
        prepared = prepare_call(frame, self.call.url, options, key=self.call.key_of(number))
        return write_parquet(prepared, self.folder / f"partition-{number:05}")


def list_parts(folder: Path, written: Sequence[ParquetParts]) -> ParquetParts:
    """Return the parts of all partitions, in order."""
    return ParquetParts(
        folder,
        tuple(part for each in written for part in each.parts),
        sum(each.rows for each in written),
        sum(each.bytes for each in written),
        None,
    )

"""What a job wrote to a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.table.readers.arrow import import_pyarrow
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from pathlib import Path

    from pandas_async_io._core.report.report import Report


@dataclass(frozen=True, slots=True)
class ParquetParts:
    """The Parquet files that a call wrote, of one schema and in order.

    Attributes
    ----------
    path : Path
        The folder.
    parts : tuple of Path
        The files.
    rows, bytes : int
        Of all files.
    report : Report or None
        Statistics of this run's requests; None if the folder was complete.
    """

    path: Path
    parts: tuple[Path, ...]
    rows: int
    bytes: int
    report: Report | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        size = f"{self.bytes / 1e6:.1f} MB"
        return f"<ParquetParts {str(self.path)!r}: {format_count(self.rows, 'row')} in {len(self.parts)} parts, {size}>"

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.rows

    def read(self, **options: Any) -> pd.DataFrame:
        """Return all parts as one frame; the options are those of `pandas.read_parquet`."""
        return pd.read_parquet(self.path, **options) if self.parts else pd.DataFrame()

    def dataset(self) -> Any:
        """Return the parts as a `pyarrow.dataset.Dataset`, which reads what a query needs."""
        import_pyarrow()
        from pyarrow import dataset  # noqa: PLC0415 - the extra `parquet`

        return dataset.dataset([str(part) for part in self.parts], format="parquet")

"""The records of many tables: as a sequence, and column by column."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from pandas_async_io._core.table.orient.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.table.orient.table import Record


class TableRecords(Sequence["Record"]):
    """The records of some tables, one after the other.

    Examples
    --------
    >>> from pandas_async_io._core.table.orient.table import Table
    >>> records = TableRecords([Table(1, {"a": [1]}), Table(1, {"b": [2]})])
    >>> list(records), [(columns, at.tolist()) for columns, at in records.columns()]
    ([{'a': 1}, {'b': 2}], [({'a': [1]}, [0]), ({'b': [2]}, [1])])
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = [table for table in tables if table.size]
        self._empty_tables = [table for table in tables if not table.size]
        self._sizes = np.array([table.size for table in self._tables], np.int64)
        self._ends = np.cumsum(self._sizes)

    @staticmethod
    def blank() -> Table:
        """Return one record without fields."""
        return Table(1, {})

    def __len__(self) -> int:
        return int(self._sizes.sum())

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> list[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | list[Record]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        number = int(np.searchsorted(self._ends, at, side="right"))
        table = self._tables[number]
        row = at - int(self._ends[number]) + table.size
        record = {name: cells[row] for name, cells in table.columns.items()}
        return record if table.objects is None else {**record, **table.objects[row]}

    def __iter__(self) -> Iterator[Record]:
        for table in self._tables:
            names = list(table.columns)
            rows = zip(*table.columns.values(), strict=True) if names else [()] * table.size
            objects = table.objects or [{}] * table.size
            yield from ({**dict(zip(names, row, strict=True)), **each} for row, each in zip(rows, objects, strict=True))

    def names(self, *, with_records: bool = True) -> list[str]:
        """Return the names of the columns of tables with records, or of those without."""
        tables = self._tables if with_records else self._empty_tables
        return list(dict.fromkeys(chain.from_iterable(table.columns for table in tables)))

    def columns(self) -> Iterator[tuple[dict[str, list[Any]], Positions]]:
        """Yield columns with the positions of their records, those of the same records together."""
        if all(map(self._has_columns_of_first, self._tables)):
            names, tables, at = self.names(), self._tables, np.arange(len(self))
            yield {name: list(chain.from_iterable(table.columns[name] for table in tables)) for name in names}, at
            return
        for name in self.names():
            has_column = [name in table.columns for table in self._tables]
            tables = [table for table in self._tables if name in table.columns]
            cells = list(chain.from_iterable(table.columns[name] for table in tables))
            yield {name: cells}, np.flatnonzero(np.repeat(has_column, self._sizes))

    def objects(self) -> tuple[list[Record], Positions]:
        """Return the objects beside the columns, and the positions of their records."""
        has_objects = [table.objects is not None for table in self._tables]
        objects = list(chain.from_iterable(table.objects or () for table in self._tables))
        return objects, np.flatnonzero(np.repeat(has_objects, self._sizes))

    def _has_columns_of_first(self, table: Table) -> bool:
        return table.columns.keys() == self._tables[0].columns.keys()

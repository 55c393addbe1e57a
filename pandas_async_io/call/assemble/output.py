"""Makes the output of a run from what it collected: the records beside their rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pandas_async_io._core.table.output.join import align_records, join_columns, records_frame
from pandas_async_io._core.table.types.apply_schema import apply_schema
from pandas_async_io._core.table.types.schema import text_columns
from pandas_async_io.options import FetchOptions, ReadOptions

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.table.columns.collected import CollectedBlocks
    from pandas_async_io._core.table.columns.columns import Columns


class Output(NamedTuple):
    """The output of a run, and the columns that it is made of."""

    frame: pd.DataFrame
    columns: Columns


def build_output(
    frame: pd.DataFrame,
    options: FetchOptions | ReadOptions,
    schema: Any,
    collected: CollectedBlocks,
    row_to_request: Positions,
) -> Output:
    """Return the records beside their rows; ends the collected blocks.

    Parameters
    ----------
    frame : DataFrame
        The input rows.
    schema : object
        As `compile_schema` returns it.
    row_to_request : array of int64, shape (rows,)
        The position of each row, -1 for none.
    """
    columns = build_columns(options, schema, collected, nullable=isinstance(options, FetchOptions))
    rows, take = align_records(row_to_request, columns.counts, how=options.how)
    joined = join_records(frame, options, columns, rows=rows, take=take)
    if isinstance(options, ReadOptions):
        joined = joined.reset_index(drop=True)
    return Output(joined, columns)


def build_columns(
    options: FetchOptions | ReadOptions, schema: Any, collected: CollectedBlocks, *, nullable: bool
) -> Columns:
    """Return the columns of the records, in the types of the schema; ends the collected blocks."""
    found, _ = collected.build_columns(nullable=nullable, text_columns=text_columns(schema, None))
    if options.columns is None:  # it is a table without records that has columns
        found = replace(found, missing_columns=())
    return apply_schema(found, schema, backend=options.dtype_backend, nullable=nullable)


def join_records(
    frame: pd.DataFrame,
    options: FetchOptions | ReadOptions,
    columns: Columns,
    *,
    rows: Positions | None,
    take: Positions,
) -> pd.DataFrame:
    """Return the records beside their rows, or alone if ``join=False``; rows and take are those of `align_records`."""
    names = {"prefix": options.prefix, "suffix": options.suffix}
    if options.join:
        return join_columns(frame, columns.arrays, rows=rows, take=take, **names)
    return records_frame(columns.arrays, rows=rows, take=take, **names)

"""Parquet and Arrow IPC → frame, without a loss."""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.arrays import object_array
from pandas_async_io._core.errors import BodyTooLargeError, ParseError, PlanError
from pandas_async_io._core.table.readers.pandas_reader import shorten_error

if TYPE_CHECKING:
    from types import ModuleType

_MIN_UNPACKED_LIMIT_BYTES = 64 * 2**20
_MAX_UNPACKED_RATIO = 100
"""A Parquet file may unpack to the first, or to this many times its own size, whichever is more."""


def import_pyarrow() -> ModuleType:
    """Import pyarrow.

    Raises
    ------
    PlanError
        It is not installed.
    """
    try:
        return import_module("pyarrow")
    except ImportError:
        raise PlanError("Parquet and Arrow need pyarrow: pip install 'pandas-async-io[parquet]'") from None


def read_parquet(body: bytes) -> pd.DataFrame:
    """Read a Parquet file.

    Raises
    ------
    BodyTooLargeError
        Its metadata announces more than 100 times its size, and more than 64 MiB.
    """
    pa = _pyarrow_for_body()
    pq = import_module("pyarrow.parquet")
    try:
        file = pq.ParquetFile(io.BytesIO(body))
        metadata = file.metadata
        row_groups = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
        # Runs of one value take no bytes in the file and at least one in memory.
        size = max(sum(row_groups), metadata.num_rows * metadata.num_columns)
        if size > max(_MIN_UNPACKED_LIMIT_BYTES, _MAX_UNPACKED_RATIO * len(body)):
            raise BodyTooLargeError(f"the Parquet file of {len(body)} bytes unpacks to {size} bytes or more")
        return from_arrow(file.read())
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ParseError(f"not Parquet: {shorten_error(error)}") from None


def read_arrow(body: bytes) -> pd.DataFrame:
    """Read an Arrow IPC file or stream."""
    pa = _pyarrow_for_body()
    try:
        reader = pa.ipc.open_file(body) if body.startswith(b"ARROW1") else pa.ipc.open_stream(body)
        return from_arrow(reader.read_all())
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ParseError(f"not Arrow IPC: {shorten_error(error)}") from None


def from_arrow(table: Any) -> pd.DataFrame:
    """Convert an Arrow table, or what exports one, to a frame without a loss.

    Integers and booleans are nullable, nested cells are Python's own lists and dicts.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from_arrow(pa.table({"id": [2**53 + 1, None], "tags": [["a"], None]}))
                     id  tags
    0  9007199254740993   [a]
    1              <NA>  None
    """
    pa = import_pyarrow()
    table = table if isinstance(table, pa.Table) else pa.table(table)
    columns = [_convert_column(pa, column) for column in table.columns]
    frame = pd.DataFrame(dict(enumerate(columns)), index=range(table.num_rows), copy=False)
    frame.columns = pd.Index(table.column_names, dtype=object)
    return frame


def nullable_dtype_name(name: str) -> str:
    """Return the nullable dtype that stands for one of numpy's.

    Examples
    --------
    >>> nullable_dtype_name("uint8"), nullable_dtype_name("float64"), nullable_dtype_name("bool")
    ('UInt8', 'Float64', 'boolean')
    """
    if name == "bool":
        return "boolean"
    return name.replace("int", "Int").replace("u", "U").replace("float", "Float")


def _convert_column(pa: ModuleType, column: Any) -> Any:
    arrow_type = column.type
    if pa.types.is_nested(arrow_type):
        return object_array(column.to_pylist())
    integral = pa.types.is_integer(arrow_type) or pa.types.is_boolean(arrow_type)
    nullable = pd.api.types.pandas_dtype(nullable_dtype_name(str(arrow_type))) if integral else None
    return column.to_pandas(types_mapper={arrow_type: nullable}.get if nullable is not None else None).array


def _pyarrow_for_body() -> ModuleType:
    """Import pyarrow for a body that turned out to need it: without it that row fails, the others go on."""
    try:
        return import_pyarrow()
    except PlanError as error:
        raise ParseError(str(error)) from None

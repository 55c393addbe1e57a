"""Payloads to columns in one call, for the tests of this folder."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from pandas_async_io._core.table.columns.collectors import PayloadCollector
from pandas_async_io._core.table.columns.columns import concat_blocks
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.records.shape import compile_shape
from pandas_async_io._core.table.types.apply_schema import apply_schema
from pandas_async_io._core.table.types.schema import compile_schema

BEYOND_FLOAT = 2**53 + 1
"""The least positive integer that no float holds."""

STRING_DTYPE = pd.Series(["a"]).dtype
"""pandas' default for strings: object on pandas 2, str on pandas 3."""

BACKENDS = (None, "numpy_nullable", "pyarrow")

SCHEMA = {
    "int": "int64",
    "small": np.dtype("uint8"),
    "float": float,
    "bool": "bool",
    "text": str,
    "string": "string",
    "time": "datetime64[us]",
    "zoned": "datetime64[ns, UTC]",
    "tags": "list<string>",
    "any": "object",
}
"""A column of every type."""

plain_keys = st.sampled_from(["a", "b", "c", "é", "日本", ""])
integers = st.integers(-3, 3) | st.sampled_from([BEYOND_FLOAT, -BEYOND_FLOAT, 2**63, -(2**63), 2**64, -(2**70)])
scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False) | st.text(max_size=3)


def objects_of(keys):
    """Return a strategy of nested objects."""
    leaves = scalars | st.lists(scalars, max_size=2)
    cells = st.recursive(
        leaves,
        lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=2),
        max_leaves=6,
    )
    return st.dictionaries(keys, cells, max_size=4)


def flatten_columns(payloads, *, nullable=False, cuts=(), **options):
    """Flatten payloads, in blocks that begin at the cuts, and return all columns."""
    bounds = sorted({0, *cuts, len(payloads)}) if payloads else [0, 0]
    blocks = [flatten(payloads[start:end], compile_shape(**options)) for start, end in pairwise(bounds)]
    return concat_blocks(blocks, nullable=nullable)


def collect_columns(*payloads, nullable=False, **options):
    """Return all columns of payloads of which some may be frames."""
    collector = PayloadCollector(len(payloads), compile_shape(**options))
    for at, payload in enumerate(payloads):
        collector.add(at, payload)
    return collector.build_columns(nullable=nullable)


def schema_columns(*payloads, schema=None, backend=None, nullable=False, **options):
    """Return the columns of payloads in the dtypes of a schema and a backend."""
    fields = compile_schema(schema, compile_shape(**options).columns)
    columns = collect_columns(*payloads, nullable=nullable, **options)
    return apply_schema(columns, fields, backend=backend, nullable=nullable)


def to_cells(array):
    """Return Python's own objects."""
    return np.asarray(array, dtype=object).tolist()


def plain_cells(array):
    """Return Python's own objects, None for a missing cell."""
    return [None if is_missing(cell) else cell for cell in to_cells(array)]


def is_missing(cell):
    """Whether a cell is None, NaN or NA."""
    return cell is None or cell is pd.NA or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124 - that is NaN

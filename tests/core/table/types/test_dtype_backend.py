"""Columns in nullable or Arrow dtypes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.table.payload_columns import BEYOND_FLOAT, SCHEMA, STRING_DTYPE, schema_columns


@pytest.mark.parametrize(
    ("backend", "types"),
    [
        (
            None,
            "int64 uint8 float64 bool TEXT string datetime64[us] datetime64[ns, UTC] object object",
        ),
        (
            "numpy_nullable",
            "Int64 UInt8 Float64 boolean string string datetime64[us] datetime64[ns, UTC] object object",
        ),
        (
            "pyarrow",
            (
                "int64[pyarrow] uint8[pyarrow] double[pyarrow] bool[pyarrow] string[pyarrow] string[pyarrow] "
                "timestamp[us][pyarrow] timestamp[ns, tz=UTC][pyarrow] list<item: string>[pyarrow] object"
            ),
        ),
    ],
)
def test_a_backend_gives_a_schema_its_dtypes(backend, types):
    """numpy's by default, nullable ones, or Arrow's."""
    found = [str(array.dtype) for array in schema_columns(schema=SCHEMA, backend=backend).arrays.values()]
    assert " ".join(found) == types.replace("TEXT", str(STRING_DTYPE))


PAYLOADS = (
    {"i": BEYOND_FLOAT, "f": 0.5, "b": True, "s": "x", "l": [1], "d": {}, "m": 1, "u": 2**63, "h": 2**70},
    {"i": None, "f": None, "b": None, "s": None, "l": None, "m": "x"},
)


def test_numpy_nullable_converts_numbers_booleans_and_strings():
    """A column without such a dtype does not change."""
    arrays = schema_columns(*PAYLOADS, backend="numpy_nullable", max_level=0).arrays
    assert {name: str(array.dtype) for name, array in arrays.items()} == {
        "i": "Int64",
        "f": "Float64",
        "b": "boolean",
        "s": "string",
        "l": "object",
        "d": "object",
        "m": "object",
        "u": "UInt64",
        "h": "object",
    }
    assert arrays["i"].tolist() == [BEYOND_FLOAT, pd.NA]


def test_pyarrow_converts_what_arrow_holds_exactly():
    """Mixed kinds, integers beyond 64 bits and dicts with different keys stay objects."""
    payloads = [{**one, "e": cell} for one, cell in zip(PAYLOADS, [{"a": 1}, {"b": 1}], strict=True)]
    arrays = schema_columns(*payloads, backend="pyarrow", max_level=0).arrays
    assert {name: str(array.dtype) for name, array in arrays.items()} == {
        "i": "int64[pyarrow]",
        "f": "double[pyarrow]",
        "b": "bool[pyarrow]",
        "s": "string[pyarrow]",
        "l": "list<item: int64>[pyarrow]",
        "d": "object",
        "m": "object",
        "u": "uint64[pyarrow]",
        "h": "object",
        "e": "object",
    } | {"d": str(arrays["d"].dtype)}
    assert arrays["i"].tolist() == [BEYOND_FLOAT, pd.NA]
    assert arrays["h"].tolist()[0] == 2**70
    assert arrays["e"].tolist() == [{"a": 1}, {"b": 1}]


@given(
    st.lists(st.lists(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()), max_size=4)
)
def test_pyarrow_changes_no_value(cells):
    """A column of lists becomes Arrow's only if each cell comes back equal."""
    array = schema_columns(*({"a": cell} for cell in cells), backend="pyarrow").arrays.get("a", np.empty(0))
    assert repr(list(array)) == repr(cells)

"""Columns in the types of a schema, and the failures of what does not fit."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from tests.core.table.payload_columns import BACKENDS, BEYOND_FLOAT, SCHEMA, schema_columns


def test_a_misfit_fails_its_own_request_only():
    """Its records go, in all columns; the message names record and column."""
    payloads = [{"id": 1, "n": "a"}, [{"id": 2, "n": "b"}, {"id": 2.5, "n": "c"}, {"id": "x"}], {"id": 3, "n": "d"}]
    result = schema_columns(*payloads, schema={"id": "int64"})
    assert {at: str(error) for at, error in result.failures.items()} == {
        1: "schema: record 2 of 3, column 'id': 2.5 is not int64"
    }
    assert result.counts.tolist() == [1, 0, 1]
    assert result.arrays["id"].tolist() == [1, 3]
    assert result.arrays["n"].tolist() == ["a", "d"]


def test_earlier_failures_are_kept():
    """Here, of a payload with a text in place of the records."""
    result = schema_columns(
        {"items": [{"a": 1}]}, {"items": "no"}, {"items": [{"a": "x"}]}, record_path="items", schema={"a": int}
    )
    assert "'items' holds str" in str(result.failures[1])
    assert "'x' is not int" in str(result.failures[2])


def test_the_message_of_a_misfit_is_short_and_masks_secrets():
    """The value is cut; in a column with the name of a secret it is masked."""
    result = schema_columns({"access_token": "CANARY"}, schema={"access_token": "int64"})
    assert "CANARY" not in str(result.failures[0])
    assert len(str(schema_columns({"a": "x" * 10_000}, schema={"a": "int64"}).failures[0])) < 120


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("nullable", [False, True])
def test_the_dtypes_depend_on_the_schema_only(backend, nullable):
    """No request, no record, no value or all values."""
    full = {
        "int": 1,
        "small": 2,
        "float": 0.5,
        "bool": True,
        "text": "x",
        "string": "y",
        "time": "2024-01-01",
        "zoned": "2024-01-01T00:00Z",
        "tags": ["a"],
        "any": "z",
    }
    cases = [[], [None], [[]], [full], [full, None]]
    results = [schema_columns(*case, schema=SCHEMA, backend=backend, nullable=nullable) for case in cases]
    types = [{name: str(array.dtype) for name, array in one.arrays.items()} for one in results]
    assert types == [types[-1]] * len(types) if nullable or backend else [types[0]] * len(types)
    gaps = schema_columns({}, {"int": None}, schema=SCHEMA, backend=backend, nullable=nullable).arrays
    assert all(pd.isna(array).tolist() == [True, True] for array in gaps.values())


def test_a_gap_makes_integers_and_booleans_nullable():
    """Missing is not zero and not a float."""
    result = schema_columns({"int": BEYOND_FLOAT, "bool": True}, {}, schema={"int": "int64", "bool": bool})
    assert result.arrays["int"].dtype == pd.Int64Dtype()
    assert result.arrays["int"].tolist() == [BEYOND_FLOAT, pd.NA]
    assert result.arrays["bool"].dtype == pd.BooleanDtype()


@pytest.mark.parametrize(
    "dtype",
    [
        pd.Int32Dtype(),
        pd.Float32Dtype(),
        pd.BooleanDtype(),
        pd.StringDtype(),
        pd.ArrowDtype(pa.int16()),
        pd.ArrowDtype(pa.list_(pa.string())),
        pd.ArrowDtype(pa.timestamp("ms", "UTC")),
        pd.DatetimeTZDtype("us", "Asia/Tokyo"),
        pd.CategoricalDtype(["1", "2"]),
    ],
    ids=str,
)
def test_an_extension_dtype_in_the_schema_is_the_dtype_of_the_column(dtype):
    """The column may have values or none."""
    cells = {"l": ["1"], "t": "2024-01-01T00:00Z", "D": "2024-01-01T00:00Z", "d": "2024-01-01T00:00Z"}
    cell = cells.get(str(dtype)[0], "1")
    assert schema_columns({"a": cell}, schema={"a": dtype}).arrays["a"].dtype == dtype
    assert schema_columns({}, schema={"a": dtype}).arrays["a"].dtype == dtype


def test_columns_outside_the_schema_do_not_change():
    """Their order, values and types stay; a column that no record has is added last."""
    payloads = [{"b": "1", "a": "1", "c": [1]}, {"b": None, "a": "2"}]
    plain, result = schema_columns(*payloads), schema_columns(*payloads, schema={"a": "int64", "z": "float64"})
    assert list(result.arrays) == ["b", "a", "c", "z"]
    assert result.arrays["a"].tolist() == [1, 2]
    assert repr(list(result.arrays["b"])) == repr(list(plain.arrays["b"]))
    assert repr(list(result.arrays["c"])) == repr(list(plain.arrays["c"]))


def test_a_column_of_the_schema_is_not_drifted():
    """Integers and strings were mixed, and all fit."""
    payloads = [{"a": 1, "b": 1}, {"a": "2", "b": "x"}]
    assert schema_columns(*payloads).drifted == {"a": ("int", "str"), "b": ("int", "str")}
    result = schema_columns(*payloads, schema={"a": "int64"})
    assert result.drifted == {"b": ("int", "str")}
    assert result.arrays["a"].tolist() == [1, 2]


def test_a_schema_uses_the_names_after_renaming():
    """Meta fields are renamed first as well."""
    result = schema_columns(
        {"page": "7", "items": [{"id": "1", "x": 1}]},
        record_path="items",
        meta="page",
        columns={"id": "key", "page": "page"},
        schema={"key": "int64", "page": "int64"},
    )
    assert {name: array.tolist() for name, array in result.arrays.items()} == {"key": [1], "page": [7]}

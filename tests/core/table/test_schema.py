"""Exact types: what fits into a schema, what does not and whose failure that is; backends."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.table.apply_schema import apply_schema
from pandas_async_io._core.table.collectors import PayloadCollector
from pandas_async_io._core.table.schema import compile_schema, text_columns
from pandas_async_io._core.table.shape import compile_shape

BIG = 2**53 + 1
TEXT = pd.Series(["a"]).dtype
BACKENDS = (None, "numpy_nullable", "pyarrow")
EVERY = {
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


def made(*payloads, schema=None, backend=None, nullable=False, **options):
    """Return the columns of payloads after schema and backend."""
    shape = compile_shape(**options)
    collector = PayloadCollector(len(payloads), shape)
    for at, payload in enumerate(payloads):
        collector.add(at, payload)
    fields = compile_schema(schema, shape.columns)
    return apply_schema(collector.build_columns(nullable=nullable), fields, backend=backend, nullable=nullable)


def cast(cell, spec):
    """Return the one cell of a column, or what was said of it."""
    result = made({"a": cell}, schema={"a": spec})
    if result.failures:
        assert list(result.failures) == [0]
        assert result.counts.tolist() == [0]
        return str(result.failures[0])
    return result.arrays["a"].tolist()[0]


@pytest.mark.parametrize(
    ("spec", "cell", "value"),
    [
        ("int64", 5, 5),
        ("int64", 5.0, 5),
        ("int64", "5", 5),
        ("int64", "-5.00", -5),
        ("int64", True, 1),
        ("int64", -(2**63), -(2**63)),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("uint8", 255, 255),
        (int, BIG, BIG),
        ("float64", 5, 5.0),
        ("float64", "1e-3", 0.001),
        ("float64", 2**60, float(2**60)),
        ("float32", 0.1, float(np.float32(0.1))),
        ("bool", True, True),
        ("bool", 0, False),
        ("bool", "TRUE", True),
        ("string", "x", "x"),
        ("string", 5, "5"),
        ("string", True, "true"),
        ("string", 0.1, "0.1"),
        (str, 2**70, str(2**70)),
        ("datetime64[ns, UTC]", "2024-05-01T12:00:00+02:00", pd.Timestamp("2024-05-01T10:00Z")),
        ("datetime64[s, UTC]", "2024-05-01", pd.Timestamp("2024-05-01", tz="UTC")),
        ("datetime64[s, Europe/Berlin]", "9999-12-30T00:00Z", pd.Timestamp("9999-12-30 01:00+01:00")),
        ("datetime64[us]", "2024-05-01 12:00:00.000001", pd.Timestamp("2024-05-01 12:00:00.000001")),
        ("timestamp[ms, tz=UTC]", "2024-05-01T12:00:00.001Z", pd.Timestamp("2024-05-01T12:00:00.001Z")),
        ("list<string>", ["a", None], ["a", None]),
        ("list<int64>", ["1", 2.0], [1, 2]),
        ("list<list<bool>>", [[1], []], [[True], []]),
        ("list<item: double>", [1], [1.0]),
        ("category", "x", "x"),
        (pd.CategoricalDtype(["x", "y"]), "y", "y"),
        ("object", {"n": 1}, None),
    ],
)
def test_what_says_the_same_fits(spec, cell, value):
    """A value is converted if the type holds exactly what it says."""
    if isinstance(cell, dict):
        assert made({"a": cell}, schema={"a": spec}, max_level=0).arrays["a"].tolist() == [cell]
    else:
        found = cast(cell, spec)
        assert found == value
        assert isinstance(value, pd.Timestamp) or type(found) is type(value)


@pytest.mark.parametrize(
    ("spec", "cell"),
    [
        ("int64", 1.5),
        ("int64", 2**63),
        ("int64", 1e300),
        ("int64", "1.5"),
        ("int64", "x"),
        ("int64", ""),
        ("int64", [1]),
        ("uint8", 256),
        ("uint8", -1),
        ("float64", BIG),
        ("float64", 2**2000),
        ("float64", "nan"),
        ("float32", 1e300),
        ("float32", 2**24 + 1),
        ("bool", 2),
        ("bool", "yes"),
        ("bool", []),
        ("string", ["a"]),
        ("string", "\ud800"),
        ("datetime64[ns, UTC]", "yesterday"),
        ("datetime64[ns, UTC]", "now"),
        ("datetime64[ns, UTC]", ""),
        ("datetime64[ns, UTC]", 1714564800),
        ("datetime64[ns, UTC]", "2024-13-01"),
        ("datetime64[ns, UTC]", "9999-01-01"),
        ("datetime64[s, UTC]", "2024-05-01T12:00:00.5Z"),
        ("datetime64[ns]", "2024-05-01T12:00:00Z"),
        ("list<string>", "a"),
        ("list<int64>", [1, "x"]),
        (pd.CategoricalDtype(["x", "y"]), "z"),
    ],
)
def test_what_would_lose_something_does_not(spec, cell):
    """Nothing is rounded, cut, wrapped around or guessed."""
    name = spec if isinstance(spec, str) else str(spec)
    said = cast(cell, spec)
    assert said.startswith("schema: column 'a': ")
    assert said.endswith(f" is not {name}")


@given(
    st.lists(st.integers(-(2**64), 2**64) | st.floats(allow_nan=False) | st.booleans() | st.none(), max_size=8),
    st.sampled_from(["int64", "uint64", "int8", "float64", "bool"]),
    st.sampled_from(BACKENDS),
)
def test_only_rows_that_do_not_fit_fail_and_the_others_are_exact(cells, spec, backend):
    """Each value is there as it was, or its request failed."""
    result = made(*({"a": cell} for cell in cells), schema={"a": spec}, backend=backend)
    kept = [cell for at, cell in enumerate(cells) if at not in result.failures]
    found = result.arrays["a"].tolist()
    assert [None if pd.isna(cell) else cell for cell in found] == kept
    assert result.counts.tolist() == [0 if at in result.failures else 1 for at in range(len(cells))]


def test_a_misfit_fails_its_request_and_harms_no_other():
    """All records of that answer go, in all columns; the message names record and column."""
    payloads = [{"id": 1, "n": "a"}, [{"id": 2, "n": "b"}, {"id": 2.5, "n": "c"}, {"id": "x"}], {"id": 3, "n": "d"}]
    result = made(*payloads, schema={"id": "int64"})
    assert {at: str(error) for at, error in result.failures.items()} == {
        1: "schema: record 2 of 3, column 'id': 2.5 is not int64"
    }
    assert result.counts.tolist() == [1, 0, 1]
    assert result.arrays["id"].tolist() == [1, 3]
    assert result.arrays["n"].tolist() == ["a", "d"]


def test_other_failures_stay():
    """A payload that could not be opened is still among them."""
    result = made(
        {"items": [{"a": 1}]}, {"nothing": 1}, {"items": [{"a": "x"}]}, record_path="items", schema={"a": int}
    )
    assert "no key 'items'" in str(result.failures[1])
    assert "'x' is not int" in str(result.failures[2])


def test_a_misfit_shows_no_secret_and_little_else():
    """The value is cut, and blotted out where its column says that it is a secret."""
    result = made({"access_token": "CANARY"}, schema={"access_token": "int64"})
    assert "CANARY" not in str(result.failures[0])
    assert len(cast("x" * 10_000, "int64")) < 120


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("nullable", [False, True])
def test_the_types_are_the_same_whatever_is_missing(backend, nullable):
    """No request, no record, no value or all values: one schema, one result."""
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
    seen = [made(*case, schema=EVERY, backend=backend, nullable=nullable) for case in cases]
    types = [{name: str(array.dtype) for name, array in one.arrays.items()} for one in seen]
    assert types == [types[-1]] * len(types) if nullable or backend else [types[0]] * len(types)
    gaps = made({}, {"int": None}, schema=EVERY, backend=backend, nullable=nullable).arrays
    assert all(pd.isna(array).tolist() == [True, True] for array in gaps.values())


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
def test_a_backend_decides_what_the_types_are_made_of(backend, types):
    """numpy's where nothing else is asked for, its nullable ones, or Arrow's."""
    found = [str(array.dtype) for array in made(schema=EVERY, backend=backend).arrays.values()]
    assert " ".join(found) == types.replace("TEXT", str(TEXT))


def test_a_gap_makes_integers_and_booleans_nullable():
    """As everywhere, missing is not zero and not a float."""
    result = made({"int": BIG, "bool": True}, {}, schema={"int": "int64", "bool": bool})
    assert result.arrays["int"].dtype == pd.Int64Dtype()
    assert result.arrays["int"].tolist() == [BIG, pd.NA]
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
def test_an_extension_type_that_is_asked_for_is_what_one_gets(dtype):
    """Even if nothing is missing, and if everything is."""
    cells = {"l": ["1"], "t": "2024-01-01T00:00Z", "D": "2024-01-01T00:00Z", "d": "2024-01-01T00:00Z"}
    cell = cells.get(str(dtype)[0], "1")
    assert made({"a": cell}, schema={"a": dtype}).arrays["a"].dtype == dtype
    assert made({}, schema={"a": dtype}).arrays["a"].dtype == dtype


def test_columns_that_are_not_named_stay_untouched():
    """Order, values and types of the others are those without a schema; absent ones come last."""
    payloads = [{"b": "1", "a": "1", "c": [1]}, {"b": None, "a": "2"}]
    plain, result = made(*payloads), made(*payloads, schema={"a": "int64", "z": "float64"})
    assert list(result.arrays) == ["b", "a", "c", "z"]
    assert result.arrays["a"].tolist() == [1, 2]
    assert repr(list(result.arrays["b"])) == repr(list(plain.arrays["b"]))
    assert repr(list(result.arrays["c"])) == repr(list(plain.arrays["c"]))


def test_a_schema_ends_the_drift_of_its_columns():
    """Where integers and strings were mixed and all fit, nothing has drifted."""
    payloads = [{"a": 1, "b": 1}, {"a": "2", "b": "x"}]
    assert made(*payloads).drifted == {"a": ("int", "str"), "b": ("int", "str")}
    result = made(*payloads, schema={"a": "int64"})
    assert result.drifted == {"b": ("int", "str")}
    assert result.arrays["a"].tolist() == [1, 2]


def test_a_schema_speaks_of_columns_as_they_are_called_in_the_end():
    """After renaming, and of fields of the envelope, too."""
    result = made(
        {"page": "7", "items": [{"id": "1", "x": 1}]},
        record_path="items",
        meta="page",
        columns={"id": "key", "page": "page"},
        schema={"key": "int64", "page": "int64"},
    )
    assert {name: array.tolist() for name, array in result.arrays.items()} == {"key": [1], "page": [7]}
    assert text_columns(compile_schema({"key": str, "n": int}), {"id": "key", "n": "n"}) == ["id"]


@pytest.mark.parametrize(
    ("schema", "columns", "words"),
    [
        ({"a": "int63"}, None, "schema\\['a'\\]='int63' is not a type"),
        ({"a": "timedelta64[ns]"}, None, "known are"),
        ({"a": "datetime64[D]"}, None, "known are"),
        ({"a": "list<nothing>"}, None, "'nothing'"),
        ({"a": 5}, None, "not a type"),
        ({5: "int64"}, None, "mapping of column names"),
        (["a"], None, "mapping of column names"),
        ({"a": "int64"}, ["b"], "names 'a', which columns= does not select"),
    ],
)
def test_a_schema_that_cannot_be_raises_before_anything_is_sent(schema, columns, words):
    """It is a programming error, not a row's."""
    with pytest.raises(PlanError, match=words):
        compile_schema(schema, compile_shape(columns=columns).columns)


def test_times_of_tables_are_converted_too():
    """A frame's own times fit if unit and zone can hold them."""
    frame = pd.DataFrame({"at": pd.to_datetime(["2024-01-01T00:00:00.5Z", None]), "day": [dt.date(2024, 1, 1), None]})
    result = made(frame, schema={"at": "datetime64[ms, UTC]", "day": "datetime64[s]"})
    assert result.arrays["at"].tolist() == [pd.Timestamp("2024-01-01T00:00:00.5Z"), pd.NaT]
    assert result.arrays["day"].tolist() == [pd.Timestamp("2024-01-01"), pd.NaT]
    assert "is not datetime64[s, UTC]" in str(made(frame, schema={"at": "datetime64[s, UTC]"}).failures[0])


PAYLOADS = (
    {"i": BIG, "f": 0.5, "b": True, "s": "x", "l": [1], "d": {}, "m": 1, "u": 2**63, "h": 2**70},
    {"i": None, "f": None, "b": None, "s": None, "l": None, "m": "x"},
)


def test_numpy_nullable_is_what_pandas_calls_so():
    """Numbers, booleans and strings are nullable; what has no such type is as it was."""
    arrays = made(*PAYLOADS, backend="numpy_nullable", max_level=0).arrays
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
    assert arrays["i"].tolist() == [BIG, pd.NA]


def test_pyarrow_holds_what_arrow_can_hold_exactly():
    """Mixed kinds, integers beyond 64 bits and dicts with different keys stay objects."""
    payloads = [{**one, "e": cell} for one, cell in zip(PAYLOADS, [{"a": 1}, {"b": 1}], strict=True)]
    arrays = made(*payloads, backend="pyarrow", max_level=0).arrays
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
    assert arrays["i"].tolist() == [BIG, pd.NA]
    assert arrays["h"].tolist()[0] == 2**70
    assert arrays["e"].tolist() == [{"a": 1}, {"b": 1}]


@given(
    st.lists(st.lists(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()), max_size=4)
)
def test_pyarrow_changes_no_value(cells):
    """A column of lists is Arrow's only if each cell comes back as it was."""
    array = made(*({"a": cell} for cell in cells), backend="pyarrow").arrays.get("a", np.empty(0))
    assert repr(list(array)) == repr(cells)

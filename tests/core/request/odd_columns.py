"""One column of each dtype that pandas can hold, with its odd values and their texts."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa

DAY, DAY_TEXT = pd.Timestamp(2024, 5, 1, 12, 30).to_pydatetime(), "2024-05-01T12:30:00"
HOUR = dt.timedelta(hours=1)
TEXTS = ["a", "", None, "a\r\nX: y", "é/ ?", "..", "b"]
ASCII_TEXTS = ["a", "", None, "\x00", "b"]


class Colour(str, enum.Enum):  # noqa: UP042 - the case is an enum whose str() is not its value
    """An enum whose value is a text."""

    RED = "red"
    BREAK = "a\nb"


class Level(enum.IntEnum):
    """An enum whose value is a number."""

    LOW = 1


@dataclass(frozen=True)
class OddColumn:
    """A column and the text of each cell; None where it is null, a list where the cell is one.

    ``json`` is what a JSON body holds, where it is not the text.
    """

    array: Any
    texts: list[Any]
    json: list[Any]

    @property
    def dtype(self):
        """The dtype as a test id."""
        return str(self.array.dtype)


def column(array, texts, json=None):
    """Return a column; JSON holds the texts if nothing else is given."""
    return OddColumn(array, texts, texts if json is None else json)


def objects(cells, texts, json=None):
    """Return a column of objects."""
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return column(array, texts, json)


def objects_category(cells, texts):
    """Return a column of categories that are objects."""
    categories = pd.Index([cell for cell in cells if cell is not None], dtype=object)
    return column(pd.Categorical.from_codes(categories.get_indexer(pd.Index(cells, dtype=object)), categories), texts)


def numbers(array, values):
    """Return a column of numbers, whose texts are those of the numbers."""
    return column(array, [None if value is None else f"{value:g}" for value in values], values)


def arrow(type_, cells, texts=None, json=None):
    """Return a column of an Arrow type."""
    return column(pd.array(cells, dtype=pd.ArrowDtype(type_)), cells if texts is None else texts, json)


def columns():
    """Return the columns, by name."""
    return {**_numpy(), **_objects(), **_extensions(), **_categories_and_sparse(), **_arrow()}


def _numpy():
    ints = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    found = {name: numbers(np.array([1, 2, 3], name), [1, 2, 3]) for name in ints}
    for name in ("float16", "float32", "float64", "longdouble"):
        found[name] = numbers(np.array([1, 2.5, np.nan, np.inf, -np.inf, -0.0], name), [1, 2.5, None, None, None, 0])
    found["float64 whole"] = numbers(np.array([1.0, 2.0, 3.0]), [1, 2, 3])
    found["bool"] = column(np.array([True, False]), ["true", "false"], [True, False])
    for unit in ("s", "ms", "us", "ns"):
        found[f"datetime64[{unit}]"] = column(pd.array(np.array([DAY, "NaT"], f"M8[{unit}]")), [DAY_TEXT, None])
        found[f"timedelta64[{unit}]"] = column(pd.array(np.array([HOUR, "NaT"], f"m8[{unit}]")), ["P0DT1H0M0S", None])
    return found


def _objects():
    mixed = [True, 1, 1.0, "1", None, np.nan, pd.NA, pd.NaT, np.inf, "", "a\tb", "\ud800", Decimal("NaN")]
    mixed_texts = ["true", "1", "1", "1", *[None] * 5, "", "a\tb", "\ud800", None]
    mixed_json = [True, 1, 1.0, "1", *[None] * 5, "", "a\tb", "\ud800", None]
    lists = [["a", "b\n"], [], None, ["c"], ("a", None), {"x"}, np.array([1, 2]), pd.Series([1.0])]
    list_texts = [["a", "b\n"], None, None, ["c"], ["a"], ["x"], ["1", "2"], ["1"]]
    return {
        "object of str": objects([*TEXTS, "\ud800"], [*TEXTS, "\ud800"]),
        "object of np.str_": objects([np.str_("a"), np.str_("a\n")], ["a", "a\n"]),
        "object of str enum": objects([Colour.RED, Colour.BREAK, None], ["red", "a\nb", None]),
        "object of int enum": objects([Level.LOW, None], ["1", None], [1, None]),
        "object of int": objects([1, 2**70, None], ["1", str(2**70), None], [1, 2**70, None]),
        "object of float": objects([1.0, 2.5, np.inf, None], ["1", "2.5", None, None], [1, 2.5, None, None]),
        "object of bool": objects([True, np.False_, None], ["true", "false", None], [True, False, None]),
        "object mixed": objects(mixed, mixed_texts, mixed_json),
        "object of Decimal": objects([Decimal("1.10"), Decimal("Infinity")], ["1.10", None]),
        "object of UUID": objects([UUID(int=1)], [str(UUID(int=1))]),
        "object of date": objects([dt.date(2024, 5, 1), None], ["2024-05-01", None]),
        "object of time": objects([dt.time(12, 30), None], ["12:30:00", None]),
        "object of datetime": objects([DAY, pd.NaT], [DAY_TEXT, None]),
        "object of timedelta": objects([HOUR, None], ["P0DT1H0M0S", None]),
        "object of Period": objects([pd.Period("2024-05"), pd.NaT], ["2024-05", None]),
        "object of list": objects(
            lists, list_texts, [["a", "b\n"], [], None, ["c"], ["a", None], ["x"], [1, 2], [1.0]]
        ),
        "object of dict": objects(
            [{"k\n": 1}, {"k": True}, {}, None],
            [{"k\n": "1"}, {"k": "true"}, None, None],
            [{"k\n": 1}, {"k": True}, {}, None],
        ),
        "object of null": objects([None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT", "ns")], [None] * 5),
    }


def _extensions():
    ints = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
    found = {name: numbers(pd.array([1, None, 3], name), [1, None, 3]) for name in ints}
    for name in ("Float32", "Float64"):
        found[name] = numbers(pd.array([1.0, None, np.inf, 2.5], name), [1, None, None, 2.5])
    found["boolean"] = column(pd.array([True, None, False], "boolean"), ["true", None, "false"], [True, None, False])
    found["string[python]"] = column(pd.array([*TEXTS, "\ud800"], "string[python]"), [*TEXTS, "\ud800"])
    found["string[pyarrow]"] = column(pd.array(TEXTS, "string[pyarrow]"), TEXTS)
    found["str"] = column(pd.Series(TEXTS, dtype="str").array, TEXTS)
    found["datetime64[ns, UTC]"] = column(pd.array(pd.to_datetime([DAY, None], utc=True)), [f"{DAY_TEXT}+00:00", None])
    for frequency, text in (("M", "2024-05"), ("D", "2024-05-01"), ("h", "2024-05-01 12:00")):
        found[f"period[{frequency}]"] = column(pd.PeriodIndex([DAY, None], freq=frequency).array, [text, None])
    return found


def _categories_and_sparse():
    sparse = pd.arrays.SparseArray
    return {
        "category of str": column(pd.Categorical(TEXTS), TEXTS),
        "category of object": objects_category([*TEXTS, "\ud800"], [*TEXTS, "\ud800"]),
        "category of string": column(pd.Categorical(pd.array(TEXTS, "string[python]")), TEXTS),
        "category of int": numbers(pd.Categorical([1, None, 3]), [1, None, 3]),
        "category of float": numbers(pd.Categorical([1.0, np.inf, None, 2.5]), [1, None, None, 2.5]),
        "category of bool": column(pd.Categorical([True, None]), ["true", None], [True, None]),
        "category of Decimal": column(pd.Categorical([Decimal("1.10"), Decimal(2)]), ["1.10", "2"]),
        "category of datetime": column(pd.Categorical(pd.to_datetime([DAY, None])), [DAY_TEXT, None]),
        "category with unused": column(pd.Categorical(["a", None], categories=["z", "a\n", "a"]), ["a", None]),
        "category of enum": objects_category([Colour.BREAK, Colour.RED], ["a\nb", "red"]),
        "Sparse[float]": numbers(sparse([1.0, np.nan, np.inf, 2.5]), [1, None, None, 2.5]),
        "Sparse[int]": numbers(sparse([1, 0, 3]), [1, 0, 3]),
        "Sparse[bool]": column(sparse([True, False]), ["true", "false"], [True, False]),
        "Sparse[object]": column(sparse(np.array(ASCII_TEXTS, dtype=object)), ASCII_TEXTS),
        "Sparse[datetime]": column(sparse(np.array([DAY, "NaT"], "M8[ns]")), [DAY_TEXT, None]),
    }


def _arrow():
    ints = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    found = {f"arrow {type_}": arrow(type_, [1, None, 3], ["1", None, "3"], [1, None, 3]) for type_ in ints}
    for type_ in (pa.float16(), pa.float32(), pa.float64()):
        array = pd.array(
            pa.array(np.array([1.0, np.inf, 2.5, np.nan], type_.to_pandas_dtype()), type_), pd.ArrowDtype(type_)
        )
        found[f"arrow {type_}"] = numbers(array, [1, None, 2.5, None])
    for type_ in (pa.string(), pa.large_string()):
        found[f"arrow {type_}"] = arrow(type_, TEXTS)
    dictionary = pa.dictionary(pa.int32(), pa.string())
    encoded = pd.array(pa.array(TEXTS).dictionary_encode(), dtype=pd.ArrowDtype(dictionary))
    return {
        **found,
        "arrow dictionary": column(encoded, TEXTS),
        "arrow bool": arrow(pa.bool_(), [True, None, False], ["true", None, "false"], [True, None, False]),
        "arrow null": arrow(pa.null(), [None, None]),
        "arrow date32": arrow(pa.date32(), [dt.date(2024, 5, 1), None], ["2024-05-01", None]),
        "arrow date64": arrow(pa.date64(), [dt.date(2024, 5, 1), None], ["2024-05-01", None]),
        "arrow time32": arrow(pa.time32("s"), [dt.time(12, 30), None], ["12:30:00", None]),
        "arrow time64": arrow(pa.time64("us"), [dt.time(12, 30), None], ["12:30:00", None]),
        "arrow timestamp": arrow(pa.timestamp("us"), [DAY, None], [DAY_TEXT, None]),
        "arrow timestamp UTC": arrow(
            pa.timestamp("us", "UTC"), [pd.Timestamp(DAY, tz="UTC"), None], [f"{DAY_TEXT}+00:00", None]
        ),
        "arrow duration": arrow(pa.duration("us"), [HOUR, None], ["P0DT1H0M0S", None]),
        "arrow decimal128": arrow(pa.decimal128(5, 2), [Decimal("1.10"), None], ["1.10", None]),
        "arrow decimal256": arrow(pa.decimal256(50, 2), [Decimal("1.10"), None], ["1.10", None]),
        "arrow list": arrow(
            pa.list_(pa.string()),
            [["a", "b\n"], None, ["c"], []],
            [["a", "b\n"], None, ["c"], None],
            [["a", "b\n"], None, ["c"], []],
        ),
        "arrow struct": arrow(pa.struct([("k", pa.string())]), [{"k": "a\n"}, None], [{"k": "a\n"}, None]),
    }


def unusable():
    """Return columns whose cells have no text, by name."""
    found = {
        "complex": np.array([1j, 2]),
        "bytes": np.array([b"x", b"y"], dtype=object),
        "interval": pd.array(pd.interval_range(0, 2)),
        "nested lists": objects([[["a"]], [["b"]]], []).array,
        "category of interval": pd.Categorical(pd.interval_range(0, 2)),
        "category of bytes": pd.Categorical([b"x", b"y"]),
        "Sparse[complex]": pd.arrays.SparseArray(np.array([1j, 2])),
        "arrow binary": pd.array([b"x", b"y"], dtype=pd.ArrowDtype(pa.binary())),
        "arrow list of lists": pd.array([[["a"]]], dtype=pd.ArrowDtype(pa.list_(pa.list_(pa.string())))),
    }
    return {name: pd.Series(array, dtype=array.dtype) for name, array in found.items()}

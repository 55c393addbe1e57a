"""Values that somebody passes as an option by mistake: of every kind, and some that raise when they are looked at."""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock
from uuid import UUID

import numpy as np
import pandas as pd

import pandas_async_io as paio


class Color(Enum):
    """An enumeration."""

    RED = "red"


class Odd:
    """An object whose methods raise."""

    def __init__(self, *names):
        self._names = frozenset(names)

    def _may_raise(self, name):
        if name in self._names:
            raise RuntimeError(f"{name} was called")

    def __repr__(self):
        self._may_raise("repr")
        return "Odd()"

    def __str__(self):
        self._may_raise("str")
        return "odd"

    def __bool__(self):
        self._may_raise("bool")
        return False

    def __eq__(self, other):
        self._may_raise("eq")
        return True

    def __hash__(self):
        self._may_raise("hash")
        return 0


class AsyncCallable:
    """An object that is called with await."""

    async def __call__(self, *_):
        """Do nothing."""


async def coroutine_function(*_):
    """Do nothing."""


def generator_function(*_):
    """Yield a number."""
    yield 1


def recursive_list():
    """Return a list that holds itself."""
    values = []
    values.append(values)
    return values


def recursive_dict():
    """Return a dict that holds itself."""
    values = {}
    values["a"] = values
    return values


def recursive_array():
    """Return an array that holds itself."""
    values = np.empty(1, dtype=object)
    values[0] = values
    return values


@cache
def deep_list(depth):
    """Return lists in lists, made once: a million of them take a while."""
    values = 1
    for _ in range(depth):
        values = [values]
    return values


NUMBERS = {
    "zero": lambda: 0,
    "one": lambda: 1,
    "minus one": lambda: -1,
    "three": lambda: 3,
    "2**63": lambda: 2**63,
    "10**400": lambda: 10**400,
    "10**5000": lambda: 10**5000,
    "-10**400": lambda: -(10**400),
    "1.5": lambda: 1.5,
    "0.0": lambda: 0.0,
    "-0.5": lambda: -0.5,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "1e308": lambda: 1e308,
    "5e-324": lambda: 5e-324,
    "np.int64(3)": lambda: np.int64(3),
    "np.int8(-1)": lambda: np.int8(-1),
    "np.uint64 max": lambda: np.uint64(2**64 - 1),
    "np.float64(2.5)": lambda: np.float64(2.5),
    "np.float64 nan": lambda: np.float64("nan"),
    "np.float32 inf": lambda: np.float32("inf"),
    "Decimal(1.5)": lambda: Decimal("1.5"),
    "Decimal(NaN)": lambda: Decimal("NaN"),
    "Fraction(1, 3)": lambda: Fraction(1, 3),
    "Fraction huge": lambda: Fraction(10**5000, 3),
    "complex": lambda: 1j,
    "True": lambda: True,
    "False": lambda: False,
    "np.True_": lambda: np.True_,
    "np.False_": lambda: np.False_,
}

TEXTS = {
    "empty": lambda: "",
    "space": lambda: " ",
    "a": lambda: "a",
    "auto": lambda: "auto",
    "inner": lambda: "inner",
    "digit": lambda: "1",
    "umlaut": lambda: "ü",
    "lone surrogate": lambda: "\ud800",
    "field with a surrogate": lambda: "{\ud800}",
    "nul": lambda: "\x00",
    "line break": lambda: "a\r\nb",
    "long": lambda: "x" * 10_000,
    "brace": lambda: "{",
    "braces": lambda: "{}",
    "unknown field": lambda: "{nope}",
    "field": lambda: "{id}",
    "dots": lambda: "../..",
    "many lists": lambda: "list<" * 5_000,
    "time zone": lambda: "datetime64[ns, Nowhere]",
    "many digits": lambda: "9" * 5_000,
    "many digits per second": lambda: "9" * 5_000 + "/s",
    "never": lambda: "1/" + "9" * 300 + "d",
    "bytes": lambda: b"a",
    "empty bytes": lambda: b"",
    "bytearray": lambda: bytearray(b"a"),
    "memoryview": lambda: memoryview(b"a"),
    "np.str_": lambda: np.str_("a"),
    "Path": lambda: Path("a"),
    "pattern": lambda: re.compile("a"),
    "UUID": lambda: UUID(int=7),
}

COLLECTIONS = {
    "empty list": list,
    "list of 1": lambda: [1],
    "list of a": lambda: ["a"],
    "list of None": lambda: [None],
    "list of a surrogate": lambda: ["\ud800"],
    "list of a list": lambda: [["a"]],
    "list of an array": lambda: [np.array([1, 2])],
    "list of a raising object": lambda: [Odd("repr", "str", "bool", "eq")],
    "recursive list": recursive_list,
    "deep list": lambda: deep_list(100_000),
    "list of depth 300": lambda: deep_list(300),
    "empty tuple": tuple,
    "pair of texts": lambda: ("a", "b"),
    "pair with a number": lambda: ("a", 1),
    "empty dict": dict,
    "dict of 1": lambda: {"a": 1},
    "dict of a surrogate": lambda: {"a": "\ud800"},
    "dict of a huge integer": lambda: {"a": 10**5000},
    "dict of a raising object": lambda: {"a": Odd("repr", "str", "bool", "eq")},
    "number as key": lambda: {1: 2},
    "None as key": lambda: {None: None},
    "surrogate as key": lambda: {"\ud800": 1},
    "raising key": lambda: {Odd("repr", "str", "bool"): 1},
    "recursive dict": recursive_dict,
    "empty set": set,
    "set of a": lambda: {"a"},
    "range": lambda: range(3),
    "endless range": lambda: range(10**30),
    "dict keys": {"a": 1}.keys,
    "empty iterator": lambda: iter([]),
    "generator": generator_function,
    "array": lambda: np.array([1, 2]),
    "array of one": lambda: np.array([1]),
    "empty array": lambda: np.array([]),
    "array without dimensions": lambda: np.array(3),
    "matrix": lambda: np.ones((2, 2)),
    "array of texts": lambda: np.array(["a", "b"]),
    "recursive array": recursive_array,
    "series": lambda: pd.Series([1, 2]),
    "series of texts": lambda: pd.Series(["a"]),
    "empty series": lambda: pd.Series([], dtype=object),
    "frame": lambda: pd.DataFrame({"a": [1]}),
    "empty frame": pd.DataFrame,
    "index": lambda: pd.Index(["a"]),
    "dtypes": lambda: pd.DataFrame({"a": [1]}).dtypes,
}

OTHERS = {
    "None": lambda: None,
    "pd.NA": lambda: pd.NA,
    "pd.NaT": lambda: pd.NaT,
    "Timestamp": lambda: pd.Timestamp("2024-05-01"),
    "Timedelta": lambda: pd.Timedelta(1, "s"),
    "negative Timedelta": lambda: pd.Timedelta(-1, "s"),
    "long timedelta": lambda: dt.timedelta.max,
    "np.timedelta64": lambda: np.timedelta64(1_000, "ms"),
    "np.timedelta64 NaT": lambda: np.timedelta64("NaT", "ns"),
    "np.datetime64": lambda: np.datetime64("2024-05-01"),
    "date": lambda: dt.date(2024, 5, 1),
    "object": object,
    "dtype": lambda: np.dtype("int64"),
    "type": lambda: int,
    "generic type": lambda: list[str],
    "enum": lambda: Color.RED,
    "function": lambda: lambda *_: None,
    "coroutine function": lambda: coroutine_function,
    "partial coroutine function": lambda: partial(coroutine_function, 1),
    "async callable": AsyncCallable,
    "generator function": lambda: generator_function,
    "exception": lambda: ValueError("\ud800"),
    "ellipsis": lambda: Ellipsis,
    "module": lambda: math,
    "namespace": lambda: SimpleNamespace(a=1),
    "mock": MagicMock,
    "raising repr": lambda: Odd("repr"),
    "raising str": lambda: Odd("str", "repr"),
    "raising bool": lambda: Odd("bool"),
    "raising eq": lambda: Odd("eq", "hash"),
    "raising everything": lambda: Odd("repr", "str", "bool", "eq", "hash"),
    "Client class": lambda: paio.Client,
    "Retry": paio.Retry,
    "Rate": lambda: paio.Rate(1_000),
    "Poll": paio.Poll,
    "LinkHeader": paio.LinkHeader,
    "LinkHeader class": lambda: paio.LinkHeader,
    "Bearer": lambda: paio.Bearer("s3cret"),
    "graphql": lambda: paio.graphql("{ a }"),
}

ODD_VALUES = {**NUMBERS, **TEXTS, **COLLECTIONS, **OTHERS}
"""By name, what makes the value: each test gets its own."""

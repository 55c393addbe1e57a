"""CSV and TSV → frame, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.table.pandas_reader import read_with_pandas

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_NEEDS_ROUND_TRIP = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
"""Whether exact floats are an option; from pandas 3.1 on they are the default."""


def read_csv(separator: str, text: str, options: Mapping[str, Any], text_columns: Collection[str] = ()) -> pd.DataFrame:
    r"""Read CSV, exactly.

    Parameters
    ----------
    separator : str
        Separates the fields, unless ``options`` name another.
    text : str
        The body. Without an announced length, a lost last line looks like a complete body.
    options : mapping
        Of `pandas.read_csv`.
    text_columns : collection of str
        Columns that stay text, for a schema to convert.

    Notes
    -----
    Before version 3 pandas reads -2**63, the least int64, as a missing value.

    Examples
    --------
    >>> read_csv(",", "id,zip\n9007199254740993,01234\n,\n", {}, ["zip"])
                     id    zip
    0  9007199254740993  01234
    1              <NA>    NaN
    """
    arguments = {"sep": separator, **options}
    if "delimiter" in options:
        del arguments["sep"]
    if _NEEDS_ROUND_TRIP and options.get("engine") in {None, "c"}:
        arguments.setdefault("float_precision", "round_trip")
    return read_with_pandas(pd.read_csv, text, arguments, text_columns)

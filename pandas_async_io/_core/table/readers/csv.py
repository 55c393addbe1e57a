"""CSV and TSV → frame, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.readers.pandas_reader import read_with_pandas
from pandas_async_io._core.words import format_count

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

    Raises
    ------
    ParseError
        pandas cannot read it, or its rows have more cells than the header has names. Empty ones are dropped.

    Notes
    -----
    Before version 3 pandas reads -2**63, the least int64, as a missing value.

    Examples
    --------
    >>> read_csv(",", "id,zip\n9007199254740993,01234\n,\n", {}, ["zip"])
                     id    zip
    0  9007199254740993  01234
    1              <NA>    NaN
    >>> read_csv(",", "id,zip\n1,2,\n", {})
       id  zip
    0   1    2
    """
    arguments = {"sep": separator, **options}
    if "delimiter" in options:
        del arguments["sep"]
    if _NEEDS_ROUND_TRIP and options.get("engine") in {None, "c"}:
        arguments.setdefault("float_precision", "round_trip")
    frame = read_with_pandas(pd.read_csv, text, {**arguments}, text_columns)
    if "index_col" in options or isinstance(frame.index, pd.RangeIndex):
        return frame
    # Rows with more cells than the header: pandas takes the first cells for an index, and all names shift.
    names = _check_surplus(text, arguments)
    return read_with_pandas(pd.read_csv, text, {"usecols": names, **arguments, "index_col": False}, text_columns)


def _check_surplus(text: str, arguments: Mapping[str, Any]) -> list[int]:
    """Return the positions of the columns that have a name, or refuse a table whose other cells are not empty."""
    frame = read_with_pandas(pd.read_csv, text, {**arguments, "usecols": None}, ())
    surplus = frame.index.nlevels
    if frame.iloc[:, -surplus:].notna().any(axis=None):
        raise ParseError(
            f"not CSV: rows have {format_count(surplus, 'cell')} more than the header has names: "
            "read_options={'header': 0, 'names': [...]} names them all"
        )
    return list(range(frame.shape[1]))

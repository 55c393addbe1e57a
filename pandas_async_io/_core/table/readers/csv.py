"""CSV and TSV → frame, exactly."""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.readers.pandas_reader import read_with_pandas
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_NEEDS_ROUND_TRIP = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
"""Whether exact floats are an option; from pandas 3.1 on they are the default."""

_RAGGED = "fields in line"
"""Of the message of pandas about a row with more cells than the rows before it."""

_FAST_PARSER_OPTIONS = frozenset({"float_precision", "low_memory", "engine"})
_NAMES_ADVICE = "read_options={'header': 0, 'names': [...]} names them all"
_DELIMITERS = (";", "\t", "|", ",")
_SAMPLED_LINES = 100
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


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
        pandas cannot read it; rows have more cells than the header has names (empty ones are dropped); or each line
        has the same number of another delimiter, and ``options`` name none.

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
    try:
        frame = read_with_pandas(pd.read_csv, text, {**arguments}, text_columns)
    except ParseError as error:
        if _RAGGED not in str(error) or "on_bad_lines" in options:
            raise
        names = _check_ragged(text, arguments, error)
    else:
        # Rows with more cells than the header: pandas takes the first cells for an index, and all names shift.
        is_shifted = options.get("index_col") is None and not isinstance(frame.index, pd.RangeIndex)
        if not is_shifted:
            if frame.shape[1] == 1 and len(frame):
                _refuse_other_delimiter(text, arguments, options)
            return frame
        names = _check_surplus(text, arguments, options)
    index = options.get("index_col")
    settings = {"usecols": names, **arguments, "index_col": False if index is None else index}
    return read_with_pandas(pd.read_csv, text, settings, text_columns)


def _check_surplus(text: str, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> list[int]:
    """Return the positions of the columns that have a name, or refuse a table whose other cells are not empty."""
    try:
        frame = read_with_pandas(pd.read_csv, text, {**arguments, "usecols": None}, ())
    except ParseError as error:
        if _RAGGED not in str(error) or "on_bad_lines" in options:
            raise
        return _check_ragged(text, arguments, error)
    surplus = frame.index.nlevels
    if frame.iloc[:, -surplus:].notna().any(axis=None):
        _refuse_other_delimiter(text, arguments, options)
        raise ParseError(
            f"not CSV: rows have {format_count(surplus, 'cell')} more than the header has names: {_NAMES_ADVICE}"
        )
    return list(range(frame.shape[1]))


def _check_ragged(text: str, arguments: Mapping[str, Any], error: ParseError) -> list[int]:
    """Return the positions of the columns that have a name, where some rows have more cells than others.

    The slow parser of pandas shows these rows; the frame is read by the fast one.
    """
    plain = {name: value for name, value in arguments.items() if name not in _FAST_PARSER_OPTIONS}
    header = read_with_pandas(pd.read_csv, text, {**plain, "usecols": None, "index_col": False, "nrows": 0}, ())
    width = header.shape[1]

    def drop_empty(cells: list[str]) -> list[str]:
        if any(cell and not cell.isspace() for cell in cells[width:]):
            raise ValueError(cells)
        return cells[:width]

    settings = {**plain, "usecols": None, "index_col": None, "engine": "python", "on_bad_lines": drop_empty}
    try:
        frame = read_with_pandas(pd.read_csv, text, settings, ())
    except ParseError:
        pass
    else:
        surplus = 0 if isinstance(frame.index, pd.RangeIndex) else frame.index.nlevels
        if not surplus or not frame.iloc[:, -surplus:].notna().any(axis=None):
            return list(range(width))
    _refuse_other_delimiter(text, arguments, {})
    raise ParseError(f"{error}: {_NAMES_ADVICE}") from None


def _refuse_other_delimiter(text: str, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Raise ParseError if each of the first lines has the same number of another delimiter, and none was given."""
    if not {"sep", "delimiter"}.isdisjoint(options):
        return
    found = find_other_delimiter(text, arguments["sep"])
    if found is not None:
        delimiter, decimal = found
        decimals = ", 'decimal': ','" if decimal else ""
        raise ParseError(
            f"each line has the delimiter {delimiter!r}, and it is read with {arguments['sep']!r}: which one is it? "
            f"read_options={{'sep': {delimiter!r}{decimals}}}, or {{'sep': {arguments['sep']!r}}} for one column"
        )


def find_other_delimiter(text: str, separator: str) -> tuple[str, bool] | None:
    r"""Return the delimiter that makes rows of one length of the first lines, and whether numbers have a decimal comma.

    Examples
    --------
    >>> find_other_delimiter("Ort;Wert\nUlm;1,5\n", ",")
    (';', True)
    >>> find_other_delimiter("name\nUlm; Neu-Ulm\n", ",")
    """
    lines = list(islice(io.StringIO(text), _SAMPLED_LINES))
    for delimiter in _DELIMITERS:
        with suppress(csv.Error):  # a cell beyond the module's limit
            rows = [] if delimiter == separator else [row for row in csv.reader(lines, delimiter=delimiter) if row]
            if len(rows) > 1 and len(rows[0]) > 1 and len(set(map(len, rows))) == 1:
                cells = chain.from_iterable(rows[1:])
                return delimiter, separator == "," and any(map(_DECIMAL_COMMA.fullmatch, cells))
    return None

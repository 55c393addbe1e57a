"""Tabular bodies → frames: which reader has which format, and which ``read_options`` it takes."""

from __future__ import annotations

import inspect
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.body.tabular_readers import TabularReaders
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.option_values import check_mapping
from pandas_async_io._core.table.readers.arrow import from_arrow, import_pyarrow, read_arrow, read_parquet
from pandas_async_io._core.table.readers.csv import read_csv
from pandas_async_io._core.table.readers.xml import read_xml
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PANDAS_READERS: dict[str, Any] = {"csv": pd.read_csv, "tsv": pd.read_csv, "xml": pd.read_xml}
_RESERVED_OPTIONS = frozenset(
    {"chunksize", "compression", "dtype_backend", "encoding", "encoding_errors", "filepath_or_buffer", "iterator"}
    | {"iterparse", "memory_map", "path_or_buffer", "storage_options"}
)
"""Set by this package: the source of the text, and the type that a reader returns."""


def check_read_options(format: str, options: Mapping[str, Any] | None) -> dict[str, Any]:  # noqa: A002 - the public option's name
    """Return the options for `pandas.read_csv` or `pandas.read_xml`.

    Raises
    ------
    PlanError
        The format's reader has no such option, this package sets it, or pyarrow is missing.

    Examples
    --------
    >>> check_read_options("csv", {"sep": ";"})
    {'sep': ';'}
    """
    check_mapping("read_options", options, {"sep": ";"})
    given = dict(options or {})
    if format in {"parquet", "arrow"}:
        import_pyarrow()
    if given and format not in {"auto", *_PANDAS_READERS}:
        raise PlanError(f"read_options= are those of pandas.read_csv or read_xml; format={format!r} has none")
    known = _list_options([format] if format in _PANDAS_READERS else _PANDAS_READERS) if given else ()
    for name in given:
        if isinstance(name, str) and name in {"encoding", "compression"}:
            how = "encoding= is an option of the call" if name == "encoding" else "compressed files are recognised"
            raise PlanError(f"read_options[{name!r}] is set by this package: {how}")
        if not isinstance(name, str) or name not in known:
            raise PlanError(f"read_options[{show_value(name)}] is not an option of format={format!r}")
    return given


def _list_options(formats: Iterable[str]) -> frozenset[str]:
    """Return the names of the options that the readers of some formats take."""
    return frozenset[str]().union(*map(_list_parameters, formats)) - _RESERVED_OPTIONS


@cache
def _list_parameters(format: str) -> frozenset[str]:  # noqa: A002 - as above
    return frozenset(inspect.signature(_PANDAS_READERS[format]).parameters)


TABULAR_READERS = TabularReaders(
    text={"csv": partial(read_csv, ","), "tsv": partial(read_csv, "\t"), "xml": read_xml},
    binary={"parquet": read_parquet, "arrow": read_arrow},
    check_options=check_read_options,
    from_arrow=from_arrow,
)

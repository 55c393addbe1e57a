"""Tabular bodies → frames: CSV, TSV, XML, Parquet, Arrow IPC.

The law of this file: whatever a reader makes of a malformed body ends as a
`ParseError`, and no value is rounded or renamed on the way. Integers with gaps
stay integers (``Int64``).
"""

from __future__ import annotations

import inspect
import io
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError as XmlError

import pandas as pd

from pandas_async_io._core.errors import BodyTooLargeError, ParseError, PlanError
from pandas_async_io._core.security.secrets import redact_text
from pandas_async_io._core.table.columns import objects

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import ModuleType

_READERS: dict[str, Any] = {"csv": pd.read_csv, "tsv": pd.read_csv, "xml": pd.read_xml}
_OURS = frozenset(
    {"chunksize", "compression", "dtype_backend", "encoding", "encoding_errors", "filepath_or_buffer", "iterator"}
    | {"iterparse", "memory_map", "path_or_buffer", "storage_options"}
)
"""What this package decides: where the text comes from, and what a reader returns."""

_PLENTY = 64 * 2**20
_RATIO = 100
"""A Parquet file may promise this many bytes, or this many times its own size, whichever is more."""

_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_DOCTYPE = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_ROUND_TRIP = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
"""Whether exact floats must be asked for."""


def check_read_options(format: str, options: Mapping[str, Any] | None) -> dict[str, Any]:  # noqa: A002 - the public option's name
    """Return the options that `pandas.read_csv` or `pandas.read_xml` is given.

    Raises
    ------
    PlanError
        The format's reader has no such option, or it is not the caller's to set.

    Examples
    --------
    >>> check_read_options("csv", {"sep": ";"})
    {'sep': ';'}
    """
    given = dict(options or {})
    if given and format not in {"auto", *_READERS}:
        raise PlanError(f"read_options= are those of pandas.read_csv or read_xml; format={format!r} has none")
    readers = [_READERS[format]] if format in _READERS else list(_READERS.values())
    known = {name for reader in readers for name in inspect.signature(reader).parameters} - _OURS
    for name in given:
        if name not in known:
            raise PlanError(f"read_options[{name!r}] is no option of format={format!r}")
    return given


def need_pyarrow() -> ModuleType:
    """Import pyarrow.

    Raises
    ------
    PlanError
        It is not installed.
    """
    try:
        return import_module("pyarrow")
    except ImportError:
        raise PlanError("Parquet and Arrow need pyarrow: pip install 'pandas-async-io[parquet]'") from None


def read_csv(text: str, format: str, options: Mapping[str, Any], as_text: Collection[str] = ()) -> pd.DataFrame:  # noqa: A002 - as above
    r"""Read CSV, exactly.

    Parameters
    ----------
    text : str
        The body. Where nothing else announces its length, a lost last line can't be told from a complete body.
    format : {"csv", "tsv"}
        What separates the fields, unless ``options`` say otherwise.
    options : mapping
        Of `pandas.read_csv`.
    as_text : collection of str
        Columns that are left as they are written, for a schema to read.

    Notes
    -----
    Before version 3 pandas takes -2**63 itself, the least int64, for a missing value.

    Examples
    --------
    >>> read_csv("id,zip\n9007199254740993,01234\n,\n", "csv", {}, ["zip"])
                     id    zip
    0  9007199254740993  01234
    1              <NA>    NaN
    """
    told = {"sep": "," if format == "csv" else "\t", **options}
    if "delimiter" in options:
        del told["sep"]
    if _ROUND_TRIP and options.get("engine") in {None, "c"}:
        told.setdefault("float_precision", "round_trip")
    return _read(pd.read_csv, text, told, as_text)


def read_xml(text: str, options: Mapping[str, Any], as_text: Collection[str] = ()) -> pd.DataFrame | None:
    """Read XML whose children of the root are records; None if there are none.

    A document type is refused: it may define entities that grow, or that name files.

    Examples
    --------
    >>> read_xml("<users><user><id>1</id></user></users>", {}).to_dict("list")
    {'id': [1]}
    """
    body = _DECLARATION.sub("", text, count=1)
    if _DOCTYPE.match(body):
        raise ParseError("the XML brings a document type, which is not read: it may define entities")
    try:
        return _read(pd.read_xml, body, {"parser": "etree", **options}, as_text)
    except _NothingFoundError:
        if "xpath" in options or _TAG.sub("", body).strip():
            raise
        return None


def read_parquet(body: bytes) -> pd.DataFrame:
    """Read a Parquet file, if it does not promise to be out of all proportion.

    Raises
    ------
    BodyTooLargeError
        It would be 100 times its size, and more than 64 MiB.
    """
    pa = _pyarrow()
    pq = import_module("pyarrow.parquet")
    try:
        opened = pq.ParquetFile(io.BytesIO(body))
        promised = opened.metadata
        groups = [promised.row_group(at).total_byte_size for at in range(promised.num_row_groups)]
        # Runs of one value take no bytes in the file and at least one in memory.
        size = max(sum(groups), promised.num_rows * promised.num_columns)
        if size > max(_PLENTY, _RATIO * len(body)):
            raise BodyTooLargeError(f"the Parquet file of {len(body)} bytes unpacks to {size} bytes or more")
        return from_arrow(opened.read())
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ParseError(f"not Parquet: {_said(error)}") from None


def read_arrow(body: bytes) -> pd.DataFrame:
    """Read an Arrow IPC file or stream."""
    pa = _pyarrow()
    try:
        opened = pa.ipc.open_file(body) if body.startswith(b"ARROW1") else pa.ipc.open_stream(body)
        return from_arrow(opened.read_all())
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ParseError(f"not Arrow IPC: {_said(error)}") from None


def from_arrow(table: Any) -> pd.DataFrame:
    """Return an Arrow table, or what exports one, as a frame without a loss.

    Integers and booleans are nullable, nested cells are Python's own lists and dicts.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from_arrow(pa.table({"id": [2**53 + 1, None], "tags": [["a"], None]}))
                     id  tags
    0  9007199254740993   [a]
    1              <NA>  None
    """
    pa = need_pyarrow()
    table = table if isinstance(table, pa.Table) else pa.table(table)
    columns = [_column(pa, column) for column in table.columns]
    frame = pd.DataFrame(dict(enumerate(columns)), index=range(table.num_rows), copy=False)
    frame.columns = pd.Index(table.column_names, dtype=object)
    return frame


def _column(pa: ModuleType, column: Any) -> Any:
    kind = column.type
    if pa.types.is_nested(kind):
        return objects(column.to_pylist())
    integral = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    nullable = pd.api.types.pandas_dtype(nullable_name(str(kind))) if integral else None
    return column.to_pandas(types_mapper={kind: nullable}.get if nullable is not None else None).array


def nullable_name(name: str) -> str:
    """Return the name of numpy's dtype among the nullable ones.

    Examples
    --------
    >>> nullable_name("uint8"), nullable_name("float64"), nullable_name("bool")
    ('UInt8', 'Float64', 'boolean')
    """
    if name == "bool":
        return "boolean"
    return name.replace("int", "Int").replace("u", "U").replace("float", "Float")


def _pyarrow() -> ModuleType:
    """Import pyarrow for a body that turned out to need it: without it that row fails, the others go on."""
    try:
        return need_pyarrow()
    except PlanError as error:
        raise ParseError(str(error)) from None


def _read(reader: Any, text: str, options: dict[str, Any], as_text: Collection[str]) -> pd.DataFrame:
    """Call a reader of pandas, whose nullable dtypes alone keep integers beside gaps."""
    dtype = options.get("dtype") or {}
    if as_text and isinstance(dtype, dict):
        options["dtype"] = {**dict.fromkeys(as_text, object), **dtype}
    try:
        frame: pd.DataFrame = reader(io.StringIO(text), dtype_backend="numpy_nullable", **options)
    except Exception as error:  # noqa: BLE001 - readers raise what their parsers, or the caller's converters, raise
        if isinstance(error, ValueError) and "does not return any nodes" in str(error):
            raise _NothingFoundError(f"the XML has no such nodes: {_said(error)}") from None
        early = isinstance(error, XmlError | pd.errors.ParserError) and re.search(
            r"no element found|unclosed token|EOF inside string", str(error)
        )
        name = reader.__name__.removeprefix("read_").upper()
        raise ParseError(f"not {name}: {_said(error)}", passing=bool(early)) from None
    return frame


def _said(error: Exception) -> str:
    return redact_text(" ".join(str(error).split()))[:200]


class _NothingFoundError(ParseError):
    """The XPath names no nodes."""

"""``read_api``, ``read_api_async`` and ``read_api_to_parquet``: read one URL or many into one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.option_values import is_text, list_members
from pandas_async_io._core.words import show_value
from pandas_async_io.option_signatures import with_options, with_path_and_options
from pandas_async_io.options import ReadOptions
from pandas_async_io.registration import register_function

if TYPE_CHECKING:
    import os

    from pandas_async_io.call.prepare.prepared_call import PreparedCall
    from pandas_async_io.call.run import Call
    from pandas_async_io.call.stream.parquet_parts import ParquetParts
    from pandas_async_io.future import FrameFuture


_MAX_COMBINATIONS = 10**9
"""Requests of one read; more would fill the memory before the first one is sent."""


@with_options(ReadOptions)
def read_api(url: str | list[str], **options: Any) -> pd.DataFrame:
    """Read an API into one frame with concurrent requests.

    Parameters
    ----------
    url : str or list of str
        A URL template (RFC 6570) whose fields ``over`` fills, or a list of whole URLs.
    {options}

    Returns
    -------
    DataFrame
        The values of ``over`` as leading columns, then the columns of the records, in the order of the requests,
        with a RangeIndex.

    Raises
    ------
    PlanError
        The template or an option is wrong; raised before anything is sent.
    FetchError
        Requests failed, unless ``errors="coerce"``. Its ``.partial`` holds the rows of the others.

    Examples
    --------
    >>> import pandas_async_io as paio
    >>> with paio.demo.serve() as api:
    ...     posts = paio.read_api(api + "/posts?_page={page}&_limit=10", over={"page": range(1, 11)})
    >>> posts.shape
    (100, 5)
    """
    return make_call(url, ReadOptions(**options)).get()


@with_options(ReadOptions)
def read_api_async(url: str | list[str], **options: Any) -> FrameFuture:
    """Start to read an API into one frame, and return at once.

    Parameters
    ----------
    url : str or list of str
        A URL template (RFC 6570) whose fields ``over`` fills, or a list of whole URLs.
    {options}

    Returns
    -------
    FrameFuture
        Use it as a frame (it waits), await it, or take its ``.result()``.

    Raises
    ------
    PlanError
        The template or an option is wrong; raised before anything is sent.

    Examples
    --------
    >>> import pandas_async_io as paio
    >>> with paio.demo.serve() as api:
    ...     posts = paio.read_api_async(api + "/posts?_page={page}&_limit=10", over={"page": range(1, 11)})
    ...     len(posts.query("userId == 1"))
    10
    """
    return make_call(url, ReadOptions(**options)).start()


@with_path_and_options(ReadOptions)
def read_api_to_parquet(url: str | list[str], path: str | os.PathLike[str], **options: Any) -> ParquetParts:
    """Read an API into a folder of Parquet files of one schema; the same call again goes on where it stopped.

    Each part is on disk before its line in the folder's ``_manifest.jsonl``. pandas, pyarrow, DuckDB and Polars read
    the folder as one table. The schema is that of ``schema`` or the first part.

    Parameters
    ----------
    url : str or list of str
        A URL template (RFC 6570) whose fields ``over`` fills, or a list of whole URLs.
    path : str or path
        The folder. It is made if it does not exist, and belongs to this call.
    {options}

    Returns
    -------
    ParquetParts
        The files, their rows and bytes; ``.read()`` gives one frame. ``chunksize`` is the rows of a part, 100 000.

    Raises
    ------
    PlanError
        An option is wrong, the folder cannot be used, another process writes to it, or it holds another call's parts.
    FetchError
        A request failed, unless ``errors="coerce"``, or was not sent. The parts hold what came before it.
    DriftError
        Records do not fit the schema of the first part. The parts before stay as they are.

    Examples
    --------
    >>> import tempfile
    >>> import pandas_async_io as paio
    >>> with paio.demo.serve() as api, tempfile.TemporaryDirectory() as folder:
    ...     parts = paio.read_api_to_parquet(api + "/posts", folder, pages="auto")
    ...     parts.rows, parts.read().shape
    (100, (100, 4))
    """
    from pandas_async_io.call.stream.parquet_job import write_parquet  # noqa: PLC0415 - as below

    return write_parquet(_prepare(url, ReadOptions(**options)), path)


def make_call(url: Any, options: ReadOptions) -> Call:
    """Return the call that reads a template, or a list of URLs.

    Raises
    ------
    PlanError
        The template or an option is wrong.
    """
    from pandas_async_io.call.run import Call  # noqa: PLC0415 - a call needs aiohttp, an import must not

    return Call(_prepare(url, options))


def _prepare(url: Any, options: ReadOptions) -> PreparedCall:
    from pandas_async_io.call.prepare.prepare import prepare_call  # noqa: PLC0415 - as above

    if isinstance(url, str):
        return prepare_call(_combine_values(options.over), url, options)
    if options.over is not None:
        raise PlanError("over= fills the fields of a template; a list of URLs has no fields")
    if isinstance(url, pd.DataFrame):
        raise TypeError("read_api takes URLs; for the rows of a frame use df.aio.fetch(url_template)")
    urls = list(url) if isinstance(url, Iterator) else list_members(url)
    if urls is None:
        raise TypeError(f"url must be a template or a list of URLs, not {type(url).__name__}")
    return prepare_call(pd.DataFrame(index=range(len(urls))), urls, options)


def _combine_values(over: Mapping[str, Iterable[Any]] | None) -> pd.DataFrame:
    """Return one row per combination of the values; the last field varies fastest.

    Examples
    --------
    >>> _combine_values({"year": [2023, 2024], "page": range(1, 3)})
       year  page
    0  2023     1
    1  2023     2
    2  2024     1
    3  2024     2
    """
    if over is None:
        return pd.DataFrame(index=range(1))
    if not isinstance(over, Mapping):
        raise PlanError(f"over={show_value(over)} must be a mapping of fields to their values")
    columns = [_to_column(name, values) for name, values in over.items()]
    if prod(map(len, columns)) > _MAX_COMBINATIONS:
        raise PlanError(f"over= has {prod(map(len, columns))} combinations, of which each is a request")
    if not columns:
        return pd.DataFrame(index=range(1))
    positions = pd.DataFrame(product(*(range(len(column)) for column in columns)), columns=range(len(columns)))
    values_of = {name: columns[at].array.take(positions[at].to_numpy()) for at, name in enumerate(over)}
    return pd.DataFrame(values_of, index=range(len(positions)))


def _to_column(name: object, values: Any) -> pd.Series[Any]:
    """Return the values of a field of ``over``, with the dtype that they have."""
    where = f"over[{show_value(name)}]"
    if not is_text(name):
        raise PlanError(f"{where}: a field is a str that UTF-8 can encode")
    listed = list(values) if isinstance(values, Iterator) else list_members(values)
    if listed is None:
        shown = show_value(values)
        raise PlanError(f"{where}={shown} must be a list of values: write [{shown}]")
    try:
        return pd.Series(values if hasattr(values, "dtype") else listed)
    except (TypeError, ValueError, OverflowError) as error:
        raise PlanError(f"{where}={show_value(values)} makes no column: {show_value(error)}") from None


def register() -> None:
    """Set the functions on ``pd`` under their names, unless another package has set one of them."""
    register_function(read_api)
    register_function(read_api_async)
    register_function(read_api_to_parquet)

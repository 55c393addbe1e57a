"""``read_api`` and ``read_api_async``: read one URL or many into one frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.option_values import is_text, list_members
from pandas_async_io._core.words import show_value
from pandas_async_io.option_signatures import with_options
from pandas_async_io.options import ReadOptions
from pandas_async_io.registration import register_function

if TYPE_CHECKING:
    from pandas_async_io.call.run import Call
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


def make_call(url: Any, options: ReadOptions) -> Call:
    """Return the call that reads a template, or a list of URLs.

    Raises
    ------
    PlanError
        The template or an option is wrong.
    """
    from pandas_async_io.call.prepare.prepare import prepare_call  # noqa: PLC0415 - as below
    from pandas_async_io.call.run import Call  # noqa: PLC0415 - a call needs aiohttp, an import must not

    if isinstance(url, str):
        return Call(prepare_call(_combine_values(options.over), url, options))
    if options.over is not None:
        raise PlanError("over= fills the fields of a template; a list of URLs has no fields")
    if isinstance(url, pd.DataFrame):
        raise TypeError("read_api takes URLs; for the rows of a frame use df.aio.fetch(url_template)")
    urls = list(url) if isinstance(url, Iterator) else list_members(url)
    if urls is None:
        raise TypeError(f"url must be a template or a list of URLs, not {type(url).__name__}")
    return Call(prepare_call(pd.DataFrame(index=range(len(urls))), urls, options))


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
    """Set ``pd.read_api`` and ``pd.read_api_async``, unless another package has set them."""
    register_function(read_api)
    register_function(read_api_async)

"""``read_api`` and ``read_api_async``: a URL, or many, to one frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io.options import ReadOptions, with_options

if TYPE_CHECKING:
    from pandas_async_io.call.call import Call
    from pandas_async_io.future import FrameFuture


@with_options(ReadOptions)
def read_api(url: str | list[str], **options: Any) -> pd.DataFrame:
    """Read an API into one frame, many requests at a time.

    Parameters
    ----------
    url : str or list of str
        A template whose fields ``over`` fills, or whole URLs.
    {options}

    Returns
    -------
    DataFrame
        The values of ``over`` as leading columns, then the records' columns, in the order of the requests; a
        RangeIndex.

    Raises
    ------
    PlanError
        Before anything is sent: a template or an option that can't be right.
    FetchError
        Requests failed, unless ``errors="coerce"``; its ``.partial`` has the others' rows.

    Examples
    --------
    >>> import pandas_async_io as paio
    >>> with paio.demo.serve() as api:
    ...     posts = paio.read_api(api + "/posts?_page={page}&_limit=10", over={"page": range(1, 11)})
    >>> posts.shape
    (100, 5)
    """
    return _make_call(url, ReadOptions(**options)).run()


@with_options(ReadOptions)
def read_api_async(url: str | list[str], **options: Any) -> FrameFuture:
    """Start to read an API into one frame, and return at once.

    Parameters
    ----------
    url : str or list of str
        As in `read_api`.
    {options}

    Returns
    -------
    FrameFuture
        Use it as a frame (it waits), await it, or take its ``.result()``.
    """
    return _make_call(url, ReadOptions(**options)).start()


def _make_call(url: Any, options: ReadOptions) -> Call:
    from pandas_async_io.call.call import Call  # noqa: PLC0415 - aiohttp is imported at the first call, not with pandas

    if isinstance(url, str):
        return Call(_combine_values(options.over), url, options)
    if options.over is not None:
        raise PlanError("over= fills the fields of one template; a list of URLs has none")
    if isinstance(url, pd.DataFrame):
        raise TypeError("a frame's rows are fetched with df.aio.fetch(url_template); read_api takes URLs")
    if not isinstance(url, Iterable) or isinstance(url, bytes):
        raise TypeError(f"url is a template or a list of URLs, not {type(url).__name__}")
    urls = list(url)
    return Call(pd.DataFrame(index=range(len(urls))), urls, options)


def _combine_values(over: Mapping[str, Iterable[Any]] | None) -> pd.DataFrame:
    """Return one row per combination of the values, the last field running fastest.

    Examples
    --------
    >>> _combine_values({"year": [2023, 2024], "page": range(1, 3)})
       year  page
    0  2023     1
    1  2023     2
    2  2024     1
    3  2024     2
    """
    if not over:
        return pd.DataFrame(index=range(1))
    if not isinstance(over, Mapping):
        raise PlanError(f"over= is a mapping of fields to their values, not a {type(over).__name__}")
    for name, values in over.items():
        if isinstance(values, str | bytes) or not isinstance(values, Iterable):
            raise PlanError(f"over[{name!r}] is a list of values: write [{values!r}]")
    columns = [pd.Series(values if hasattr(values, "dtype") else list(values)) for values in over.values()]
    places = pd.DataFrame(product(*(range(len(column)) for column in columns)), columns=range(len(columns)))
    taken = {name: columns[at].array.take(places[at].to_numpy()) for at, name in enumerate(over)}
    return pd.DataFrame(taken, index=range(len(places)))


def register() -> None:
    """Set ``pd.read_api`` and ``pd.read_api_async``, where the names are free."""
    for function in (read_api, read_api_async):
        name = function.__name__
        taken = getattr(pd, name, None)
        if taken is None or getattr(taken, "__module__", "") == __name__:
            setattr(pd, name, function)

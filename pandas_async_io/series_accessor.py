"""``s.aio``: pass arguments on to a `Call`, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io.option_signatures import with_options
from pandas_async_io.options import FetchOptions
from pandas_async_io.registration import Accessor

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io._core.request.dry_run import Plan
    from pandas_async_io.call.run import Call
    from pandas_async_io.future import FrameFuture


class SeriesAccessor(Accessor):
    """Fetch a column of whole URLs: ``df["url"].aio.fetch()``."""

    def __init__(self, series: pd.Series[Any]) -> None:
        self._series = series

    @with_options(FetchOptions)
    def fetch(self, **options: Any) -> pd.DataFrame:
        """Send one request per URL, equal URLs once, and return the URLs with the records as new columns.

        All hosts are allowed. A client's credentials are sent to its own origin only.

        Parameters
        ----------
        {options}

        Returns
        -------
        DataFrame
            The first column holds the URLs and is named as the series, or ``url``. The index is kept.

        Raises
        ------
        PlanError
            An option is wrong; raised before anything is sent.
        FetchError
            Rows failed and ``errors="raise"``.

        Examples
        --------
        >>> import pandas as pd
        >>> import pandas_async_io as paio
        >>> with paio.demo.serve() as url:
        ...     pd.Series([url + "/users/2"]).aio.fetch(columns=["id"])["id"].tolist()
        [2]
        """
        return self._make_call(options).get()

    @with_options(FetchOptions)
    def fetch_async(self, **options: Any) -> FrameFuture:
        """Start a `fetch` and return at once.

        Parameters
        ----------
        {options}

        Returns
        -------
        FrameFuture
            Await it, use it as a frame (it waits), or take its ``.result()``.
        """
        return self._make_call(options).start()

    @with_options(FetchOptions)
    def plan(self, **options: Any) -> Plan:
        """Return what a `fetch` would send, and send nothing.

        Parameters
        ----------
        {options}

        Returns
        -------
        Plan
            Rows, distinct requests, skipped rows, how long the rate takes, and three requests as shell commands.
        """
        return self._make_call(options).plan()

    def _make_call(self, options: dict[str, Any]) -> Call:
        from pandas_async_io.call.prepare.prepare import prepare_call  # noqa: PLC0415 - as below
        from pandas_async_io.call.run import Call  # noqa: PLC0415 - a call needs aiohttp, an import must not

        series = self._series
        frame = series.to_frame("url" if series.name is None else series.name)
        urls = series.astype(object).where(series.notna(), None).tolist()
        return Call(prepare_call(frame, urls, FetchOptions(**options)))

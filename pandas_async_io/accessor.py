"""``df.aio`` and ``s.aio``: pass arguments on to a `Call`, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io.option_signatures import with_options, with_url_and_options
from pandas_async_io.options import FetchOptions
from pandas_async_io.registration import Accessor, register_accessor

if TYPE_CHECKING:
    from pandas_async_io._core.report.history import Run
    from pandas_async_io._core.report.report import Report
    from pandas_async_io._core.request.dry_run import Plan
    from pandas_async_io.call.run import Call
    from pandas_async_io.future import FrameFuture

_NAME = "aio"


class FrameAccessor(Accessor):
    """Turn the rows of a frame into HTTP requests, and the responses into columns.

    ``df.aio.fetch("https://api.example.com/users/{user_id}")``
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    @with_url_and_options(FetchOptions)
    def fetch(self, url_template: str, **options: Any) -> pd.DataFrame:
        """Send one request per row, equal requests once, and return the rows with the records as new columns.

        Works in a script, a thread, a notebook cell and a running event loop. The frame is not changed. Its index,
        order and dtypes are kept.

        Parameters
        ----------
        url_template : str
            URL template (RFC 6570), relative to the client's base URL. ``{column}`` inserts the percent-encoded
            value of a column or index level. A column "User ID" is written ``{User%20ID}``.
        {options}

        Returns
        -------
        DataFrame
            One row for each record: a JSON object gives one, a list several. ``.aio.outcomes`` has one line per
            input row.

        Raises
        ------
        PlanError
            The template, a column or an option is wrong; raised before anything is sent.
        FetchError
            Rows failed and ``errors="raise"``.

        Examples
        --------
        >>> import pandas_async_io as paio
        >>> with paio.demo.serve() as url:
        ...     frame = pd.DataFrame({"id": [2, 1]}).aio.fetch(url + "/users/{id}", columns=["active"])
        >>> frame["active"].dtype
        BooleanDtype
        """
        return self._make_call(url_template, options).get()

    @with_url_and_options(FetchOptions)
    def fetch_async(self, url_template: str, **options: Any) -> FrameFuture:
        """Start a `fetch` and return at once.

        Parameters
        ----------
        url_template : str
            URL template (RFC 6570), relative to the client's base URL. ``{column}`` inserts the percent-encoded
            value of a column or index level.
        {options}

        Returns
        -------
        FrameFuture
            Await it, use it as a frame (it waits), or take its ``.result()``.

        Raises
        ------
        PlanError
            The template, a column or an option is wrong; raised before anything is sent.

        Examples
        --------
        >>> import pandas_async_io as paio
        >>> with paio.demo.serve() as url:
        ...     future = pd.DataFrame({"id": [2, 1]}).aio.fetch_async(url + "/users/{id}")
        ...     len(future)
        2
        """
        return self._make_call(url_template, options).start()

    @with_url_and_options(FetchOptions)
    def plan(self, url_template: str, **options: Any) -> Plan:
        """Return what a `fetch` would send, and send nothing.

        Parameters
        ----------
        url_template : str
            URL template (RFC 6570), relative to the client's base URL. ``{column}`` inserts the percent-encoded
            value of a column or index level.
        {options}

        Returns
        -------
        Plan
            Rows, distinct requests, skipped rows, how long the rate takes, and three requests as shell commands.

        Raises
        ------
        PlanError
            The template, a column or an option is wrong.

        Examples
        --------
        >>> pd.DataFrame({"id": [2, 1, 2]}).aio.plan("https://api.example.com/users/{id}").requests
        2
        """
        return self._make_call(url_template, options).plan()

    def _make_call(self, url_template: str, options: dict[str, Any]) -> Call:
        from pandas_async_io.call.prepare.prepare import prepare_call  # noqa: PLC0415 - as below
        from pandas_async_io.call.run import Call  # noqa: PLC0415 - a call needs aiohttp, an import must not

        if not isinstance(url_template, str):
            raise TypeError(f"the URL template must be a str, not {type(url_template).__name__}")
        return Call(prepare_call(self._frame, url_template, FetchOptions(**options)))

    @property
    def runs(self) -> tuple[Run, ...]:
        """The fetches that made this frame, the last one last."""
        from pandas_async_io._core.report.history import get_runs  # noqa: PLC0415 - as above

        return get_runs(self._frame)

    @property
    def outcomes(self) -> pd.DataFrame:
        """How each input row of the last fetch ended: one line per input row, in order."""
        return self._last_run().frame()

    @property
    def failures(self) -> pd.DataFrame:
        """The lines of `outcomes` about failed rows; the last column, ``row``, is the position in the input."""
        return self._last_run().failures()

    @property
    def report(self) -> Report:
        """Statistics of the last fetch: counts, latencies, waits, and what limited it."""
        return self._last_run().report()

    def retry_failed(self, **changes: Any) -> pd.DataFrame:
        """Send the failed rows of the last fetch again, and return the complete output of that fetch.

        Changes made to this frame since the fetch are not in the result: call this first. ``auth`` replaces a
        header or parameter of the same name that the fetch was given.

        Parameters
        ----------
        **changes
            Options that replace the fetch's: ``auth``, ``headers``, ``client``, ``rate``, ``retry``, ``timeout``, …

        Returns
        -------
        DataFrame
            A new frame with the earlier and the new rows. It has this method, too.

        Raises
        ------
        ValueError
            This frame's length or index differs from that of the fetch's result.
        AttributeError
            This frame does not come from a fetch.

        Examples
        --------
        >>> import pandas_async_io as paio
        >>> with paio.demo.serve() as url:
        ...     frame = pd.DataFrame({"id": [2, 1]}).aio.fetch(url + "/users/{id}")
        ...     frame.aio.retry_failed().equals(frame)
        True
        """
        self._last_run()
        from pandas_async_io.call.retry_failed import retry_failed  # noqa: PLC0415 - as above

        return retry_failed(self._frame, changes)

    def _last_run(self) -> Run:
        if not self.runs:
            raise AttributeError(
                "this frame has no record of a fetch: pandas drops attrs in merges, aggregations and concat of "
                "different runs, and files do not store them; use the frame that fetch returned"
            )
        return self.runs[-1]


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


def aio(frame: pd.DataFrame) -> FrameAccessor:
    """Return the accessor of a frame, as ``df.aio`` does, with its type.

    Parameters
    ----------
    frame : DataFrame
        The rows.

    Examples
    --------
    >>> aio(pd.DataFrame({"id": [1]})).plan("https://api.example.com/users/{id}").requests
    1
    """
    return FrameAccessor(frame)


def register() -> None:
    """Register ``df.aio`` and ``s.aio``."""
    register_accessor(_NAME, pd.DataFrame, pd.api.extensions.register_dataframe_accessor, FrameAccessor)
    register_accessor(_NAME, pd.Series, pd.api.extensions.register_series_accessor, SeriesAccessor)

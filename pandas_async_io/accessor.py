"""``df.aio``: pass arguments on to a `Call`, nothing else; and the registration of ``df.aio`` and ``s.aio``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io.option_signatures import with_url_and_options, with_url_path_and_options
from pandas_async_io.options import FetchOptions
from pandas_async_io.registration import Accessor, register_accessor
from pandas_async_io.series_accessor import SeriesAccessor

if TYPE_CHECKING:
    import os

    from pandas_async_io._core.report.history import Run
    from pandas_async_io._core.report.report import Report
    from pandas_async_io._core.request.dry_run import Plan
    from pandas_async_io.call.prepare.prepared_call import PreparedCall
    from pandas_async_io.call.run import Call
    from pandas_async_io.call.stream.parquet_parts import ParquetParts
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

    @with_url_path_and_options(FetchOptions)
    def fetch_to_parquet(self, url_template: str, path: str | os.PathLike[str], **options: Any) -> ParquetParts:
        """Write the result of a `fetch` to a folder of Parquet files; the same call again goes on where it stopped.

        Each part is on disk before its line in the folder's ``_manifest.jsonl``. pandas, pyarrow, DuckDB and Polars
        read the folder as one table. The schema is that of ``schema`` or the first part.

        Parameters
        ----------
        url_template : str
            URL template (RFC 6570), relative to the client's base URL. ``{column}`` inserts the percent-encoded
            value of a column or index level.
        path : str or path
            The folder. It is made if it does not exist, and belongs to this call.
        {options}

        Returns
        -------
        ParquetParts
            The files, their rows and bytes; ``.read()`` gives one frame. ``chunksize`` is the rows of a part.

        Raises
        ------
        PlanError
            An option is wrong, the folder cannot be used, another process writes to it, or it holds another call's
            parts.
        FetchError
            A row failed and ``errors="raise"``, or was not sent. The parts hold what came before it.
        DriftError
            Records do not fit the schema of the first part. The parts before stay as they are.

        Examples
        --------
        >>> import tempfile
        >>> import pandas_async_io as paio
        >>> with paio.demo.serve() as url, tempfile.TemporaryDirectory() as folder:
        ...     pd.DataFrame({"id": [2, 1]}).aio.fetch_to_parquet(url + "/users/{id}", folder).rows
        2
        """
        from pandas_async_io.call.stream.parquet_job import write_parquet  # noqa: PLC0415 - as below

        return write_parquet(self._prepare(url_template, options), path)

    def _make_call(self, url_template: str, options: dict[str, Any]) -> Call:
        from pandas_async_io.call.run import Call  # noqa: PLC0415 - a call needs aiohttp, an import must not

        return Call(self._prepare(url_template, options))

    def _prepare(self, url_template: str, options: dict[str, Any]) -> PreparedCall:
        from pandas_async_io.call.prepare.prepare import prepare_call  # noqa: PLC0415 - as above

        if not isinstance(url_template, str):
            raise TypeError(f"the URL template must be a str, not {type(url_template).__name__}")
        return prepare_call(self._frame, url_template, FetchOptions(**options))

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
            With a ``store`` also those that say how responses are read (``parser``, ``record_path``, ``schema``, …):
            then all rows are read anew from it.

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

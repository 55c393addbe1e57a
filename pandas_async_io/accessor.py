"""``df.aio`` and ``s.aio``: unpack arguments, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io.options import FetchOptions, with_options, with_url_and_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._core.report.history import Run
    from pandas_async_io._core.report.report import Report
    from pandas_async_io._core.request.dry_run import Plan
    from pandas_async_io.call.call import Call
    from pandas_async_io.future import FrameFuture

ACCESSOR_NAME = "aio"


class FrameAccessor:
    """Rows become requests, answers become columns.

    ``df.aio.fetch("https://api.example.com/users/{user_id}")``
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    @with_url_and_options(FetchOptions)
    def fetch(self, url_template: str, **options: Any) -> pd.DataFrame:
        """Send one request per row, each distinct one once, and return the rows with the answers beside them.

        Works in a script, in a thread, in a notebook's cell and inside a running event loop. The frame itself
        is not changed; its index, order and dtypes come back as they are.

        Parameters
        ----------
        url_template : str
            RFC 6570: ``{column}`` is percent-encoded; a column "User ID" is written ``{User%20ID}``; index levels
            go by their names. Relative to the client's base URL.
        {options}

        Returns
        -------
        DataFrame
            An object is one row, a list is several. ``.aio.outcomes`` says how each input row ended.

        Raises
        ------
        PlanError
            Before anything is sent: a template, column or option that can't be right.
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
        return self._call(url_template, options).run()

    @with_url_and_options(FetchOptions)
    def fetch_async(self, url_template: str, **options: Any) -> FrameFuture:
        """Start a `fetch` and return at once.

        Parameters
        ----------
        url_template : str
            As in `fetch`.
        {options}

        Returns
        -------
        FrameFuture
            Await it, use it as a frame (it waits), or take its ``.result()``.
        """
        return self._call(url_template, options).start()

    @with_url_and_options(FetchOptions)
    def plan(self, url_template: str, **options: Any) -> Plan:
        """Return what a `fetch` would send; sends nothing.

        Parameters
        ----------
        url_template : str
            As in `fetch`.
        {options}

        Returns
        -------
        Plan
            Rows, distinct requests, skipped rows, and three of the requests as lines for a shell.
        """
        return self._call(url_template, options).plan()

    def _call(self, url_template: str, options: dict[str, Any]) -> Call:
        from pandas_async_io.call.call import Call  # noqa: PLC0415 - aiohttp is imported at the first call, not with pandas

        if not isinstance(url_template, str):
            raise TypeError(f"the URL template is a str, not {type(url_template).__name__}")
        return Call(self._frame, url_template, FetchOptions(**options))

    @property
    def runs(self) -> tuple[Run, ...]:
        """The fetches behind this frame, the last one last."""
        from pandas_async_io._core.report.history import get_runs  # noqa: PLC0415 - as above

        return get_runs(self._frame)

    @property
    def outcomes(self) -> pd.DataFrame:
        """How each input row of the last fetch ended, one line per input row, in its order."""
        return self._last().frame()

    @property
    def failures(self) -> pd.DataFrame:
        """The failed rows of the last fetch: position, outcome, status, error, url, attempts."""
        return self._last().failures()

    @property
    def report(self) -> Report:
        """How the last fetch went: counts, latencies, waits, and what limited it."""
        return self._last().report()

    def retry_failed(self, **changes: Any) -> pd.DataFrame:
        """Send the failed rows of the last fetch again and return its complete output, the old rows and the new.

        What was done to this frame's columns and values since does not come along: call it first. ``auth`` takes
        the place of a header or parameter of that name that the fetch itself gave.

        Parameters
        ----------
        **changes
            Options in place of the fetch's own: ``auth``, ``headers``, ``client``, ``rate``, ``retry``, ``timeout`` …

        Returns
        -------
        DataFrame
            A new frame, as if these rows had not failed; call it again as often as needed.

        Raises
        ------
        ValueError
            If this frame's length or index is no longer that of what the fetch returned.
        """
        self._last()
        from pandas_async_io.call.retry_failed import retry_failed  # noqa: PLC0415 - as above

        return retry_failed(self._frame, changes)

    def _last(self) -> Run:
        if not self.runs:
            raise AttributeError(
                "this frame carries no fetch: pandas drops attrs in merges, aggregations and concat of different "
                "runs, and files keep none; look at the frame that fetch returned"
            )
        return self.runs[-1]


class SeriesAccessor:
    """A column of whole URLs becomes answers: ``df["url"].aio.fetch()``."""

    def __init__(self, series: pd.Series[Any]) -> None:
        self._series = series

    @with_options(FetchOptions)
    def fetch(self, **options: Any) -> pd.DataFrame:
        """Send one request per URL, each distinct one once, and return the column with the answers beside it.

        All hosts are allowed; a client's credentials go to its own origin only.

        Parameters
        ----------
        {options}

        Returns
        -------
        DataFrame
            The URLs as the first column, named as the series (``url`` without a name), its index kept.
        """
        return self._call(options).run()

    @with_options(FetchOptions)
    def fetch_async(self, **options: Any) -> FrameFuture:
        """Start a `fetch` and return at once.

        Parameters
        ----------
        {options}
        """
        return self._call(options).start()

    @with_options(FetchOptions)
    def plan(self, **options: Any) -> Plan:
        """Return what a `fetch` would send; sends nothing.

        Parameters
        ----------
        {options}
        """
        return self._call(options).plan()

    def _call(self, options: dict[str, Any]) -> Call:
        from pandas_async_io.call.call import Call  # noqa: PLC0415 - aiohttp is imported at the first call, not with pandas

        series = self._series
        frame = series.to_frame("url" if series.name is None else series.name)
        urls = series.astype(object).where(series.notna(), None).tolist()
        return Call(frame, urls, FetchOptions(**options))


def register() -> None:
    """Register ``df.aio`` and ``s.aio``.

    Another package may have the name already: what this one's accessor lacks is handed on to it.
    """
    _register_accessor(pd.DataFrame, pd.api.extensions.register_dataframe_accessor, FrameAccessor)
    _register_accessor(pd.Series, pd.api.extensions.register_series_accessor, SeriesAccessor)


def _register_accessor(owner: type, registrar: Any, accessor: type) -> None:
    old = getattr(owner, ACCESSOR_NAME, None)
    before = getattr(old, "_before", None) if getattr(old, "__module__", "") == __name__ else old
    members: dict[str, Any] = {"_before": before, "__module__": __name__, "__doc__": accessor.__doc__}
    if before is not None:
        members["__getattr__"] = _make_fallback(before)
    if old is not None:
        delattr(owner, ACCESSOR_NAME)
    registrar(ACCESSOR_NAME)(type(accessor.__name__, (accessor,), members))


def _make_fallback(before: Callable[[Any], Any]) -> Callable[[Any, str], Any]:
    def hand_on(self: Any, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if hasattr(type(self), name):  # ours, but it raised an AttributeError: let that be seen
            return object.__getattribute__(self, name)
        return getattr(before(self._frame if hasattr(self, "_frame") else self._series), name)

    return hand_on


def aio(frame: pd.DataFrame) -> FrameAccessor:
    """Return the accessor of a frame, as ``df.aio`` does: the spelling for typed code.

    Examples
    --------
    >>> aio(pd.DataFrame({"id": [1]})).plan("https://api.example.com/users/{id}").requests
    1
    """
    return FrameAccessor(frame)

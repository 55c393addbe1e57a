"""``ddf.aio``: fetches on the workers of a Dask cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.dataframe as dd
import pandas as pd
from dask.base import compute
from dask.dataframe.extensions import register_dataframe_accessor
from dask.delayed import delayed

from pandas_async_io._core.report.parallel_runs import merge_failures, merge_reports
from pandas_async_io.call.changed_options import check_changes
from pandas_async_io.dask.collection_call import CALL_KEY, CarriedCall, prepare_collection_call
from pandas_async_io.dask.parquet_folder import PartitionWriter, list_parts
from pandas_async_io.dask.partition import PartitionCall, RetryCall
from pandas_async_io.dask.partition_runs import PartitionRun, take_run
from pandas_async_io.option_signatures import with_url_and_options, with_url_path_and_options
from pandas_async_io.options import FetchOptions
from pandas_async_io.registration import Accessor

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from pandas_async_io._core.report.report import Report
    from pandas_async_io.call.stream.parquet_parts import ParquetParts

_LOST = (
    "this collection has no record of a fetch: Dask drops it in merges, aggregations and repartitions; call this on "
    "what fetch returned, or on its .persist()"
)


class CollectionAccessor(Accessor):
    """Turn the rows of a Dask DataFrame into HTTP requests, and the responses into columns.

    ``ddf.aio.fetch("https://api.example.com/users/{user_id}", schema={"name": "string"})``
    """

    def __init__(self, frame: dd.DataFrame) -> None:
        self._frame = frame

    @with_url_and_options(FetchOptions)
    def fetch(self, url_template: str, **options: Any) -> dd.DataFrame:
        """Return a lazy frame of the rows with the records as new columns; its partitions are fetched by the workers.

        Nothing is sent before it is computed. Each computation sends the requests: ``.persist()`` keeps the result,
        and ``store=`` the answers. A partition whose worker is lost is fetched again. ``deadline`` runs from the first
        partition of the first computation on.

        Parameters
        ----------
        url_template : str
            URL template (RFC 6570), relative to the client's base URL. ``{column}`` inserts the percent-encoded
            value of a column or index level.
        {options}

        Returns
        -------
        dask.dataframe.DataFrame
            Its columns are those of ``schema``, which gives a type to each. With ``meta="probe"`` they are those of the
            first row's answer, whose request is sent at once; ``meta`` may also be an empty frame like the result.
            Otherwise ``meta`` names fields of the envelope, as in `DataFrame.aio.fetch`.

        Raises
        ------
        PlanError
            The template, a column or an option is wrong, or many workers cannot keep it.

        Examples
        --------
        >>> import dask.dataframe as dd
        >>> import pandas_async_io as paio
        >>> import pandas_async_io.dask
        >>> users = dd.from_pandas(pd.DataFrame({"id": [2, 1, 3]}), npartitions=2)
        >>> with paio.demo.serve() as url:
        ...     fetched = users.aio.fetch(url + "/users/{id}", schema={"active": "boolean"})
        ...     fetched.compute(scheduler="threads")["active"].dtype
        BooleanDtype
        """
        if not isinstance(url_template, str):
            raise TypeError(f"the URL template must be a str, not {type(url_template).__name__}")
        call = prepare_collection_call(self._frame, url_template, options)
        source = self._frame.optimize()  # its number of partitions is final now
        numbers = dd.from_map(_number_frame, range(source.npartitions), meta=_number_frame(0))
        fetched: dd.DataFrame = source.map_partitions(
            call, numbers, meta=_carry(call), align_dataframes=False, enforce_metadata=False
        )
        return fetched

    @with_url_path_and_options(FetchOptions)
    def fetch_to_parquet(self, url_template: str, path: str | os.PathLike[str], **options: Any) -> ParquetParts:
        """Fetch all partitions now, and write them to a folder; the same call again goes on where it stopped.

        Each partition has its own folder in it, which a worker locks and writes. A lost worker's partition goes on
        after its last complete part. All workers must reach the folder.

        Parameters
        ----------
        url_template : str
            As in `fetch`.
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
            An option is wrong, or a folder cannot be used.
        """
        chunksize = options.pop("chunksize", None)
        call = prepare_collection_call(self._frame, url_template, options)
        call = replace(call, options=replace(call.options, chunksize=chunksize))
        folder = Path(path).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        write: Any = delayed(PartitionWriter(call, folder))
        partitions = self._frame.to_delayed()
        written = compute(*(write(each, number) for number, each in enumerate(partitions)))
        return list_parts(folder, written)

    def report(self) -> Report:
        """Compute the partitions, and return the statistics of the whole fetch. Call it on a ``.persist()``.

        Raises
        ------
        AttributeError
            This collection does not come from a fetch.
        """
        found = self._compute_runs()
        return merge_reports([each.run for each in found], [each.ended_at for each in found])

    def failures(self) -> pd.DataFrame:
        """Compute the partitions, and return the failed rows, as `DataFrame.aio.failures` has them.

        ``row`` is the position in the whole input; ``partition`` comes before it. Call it on a ``.persist()``.
        """
        return merge_failures([each.run for each in self._compute_runs()])

    def retry_failed(self, **changes: Any) -> dd.DataFrame:
        """Return a lazy frame in which the failed rows of the fetch are sent again.

        Call it on what ``.persist()`` returned: otherwise all requests are sent again first.

        Parameters
        ----------
        **changes
            Options that replace the fetch's: ``auth``, ``headers``, ``client``, ``rate``, ``retry``, ``timeout``, …

        Raises
        ------
        AttributeError
            This collection does not come from a fetch.
        """
        call = self._find_call()
        check_changes(changes, call.options)
        again = RetryCall(call, changes, uuid4())
        fetched: dd.DataFrame = self._frame.map_partitions(again, meta=_carry(call), enforce_metadata=False)
        return fetched

    def _find_call(self) -> PartitionCall:
        carried = self._frame._meta.attrs.get(CALL_KEY)  # noqa: SLF001 - Dask has no public name for it
        if not isinstance(carried, CarriedCall):
            raise AttributeError(_LOST)  # noqa: TRY004 - as a frame without a fetch
        return carried.call

    def _compute_runs(self) -> Sequence[PartitionRun]:
        """Compute the partitions, and return their runs."""
        self._find_call()
        take: Any = delayed(take_run)
        runs: tuple[PartitionRun | None, ...] = compute(*(take(each) for each in self._frame.to_delayed()))
        found = [run for run in runs if run is not None]
        if len(found) < len(runs):
            raise AttributeError(_LOST)
        return found


def register() -> None:
    """Register ``ddf.aio``."""
    if hasattr(dd.DataFrame, "aio"):
        del dd.DataFrame.aio
    register_dataframe_accessor("aio")(CollectionAccessor)


def _carry(call: PartitionCall) -> pd.DataFrame:
    meta = call.meta.copy()
    meta.attrs = {CALL_KEY: CarriedCall.make(call)}
    return meta


def _number_frame(number: int) -> pd.DataFrame:
    return pd.DataFrame({"number": [number]})

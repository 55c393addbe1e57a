"""``ddf.aio``: fetches on the workers of a Dask cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.dataframe as dd
import pandas as pd
from dask.base import compute
from dask.dataframe.extensions import register_dataframe_accessor
from dask.delayed import delayed

from pandas_async_io.call.changed_options import check_changes
from pandas_async_io.dask.collection_call import CALL_KEY, CarriedCall, prepare_collection_call
from pandas_async_io.dask.partition import PartitionCall, RetryCall
from pandas_async_io.dask.partition_runs import PartitionRun, take_run
from pandas_async_io.option_signatures import with_url_and_options
from pandas_async_io.options import FetchOptions
from pandas_async_io.registration import Accessor

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        and ``store=`` the answers. A partition whose worker is lost is fetched again.

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

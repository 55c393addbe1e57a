"""What a worker does for one partition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from pandas_async_io.call.prepare.prepare import prepare_call
from pandas_async_io.call.retry_failed import retry_failed
from pandas_async_io.call.run import Call
from pandas_async_io.dask.cluster_limits import join_cluster
from pandas_async_io.dask.partition_runs import attach_run, restore_source
from pandas_async_io.dask.result_meta import conform

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io.options import FetchOptions


@dataclass(frozen=True, slots=True)
class PartitionCall:
    """One call for all partitions: as a Dask task it is known by its key, so that no token holds a secret.

    Attributes
    ----------
    url : str
        The template.
    options : FetchOptions
        The same for all partitions.
    meta : DataFrame
        The columns and types of the result, without rows.
    key : UUID
        What idempotency keys derive from, with a partition's number and a row's position: a partition that is
        computed again sends the same keys.
    """

    url: str
    options: FetchOptions
    meta: pd.DataFrame
    key: UUID

    def __dask_tokenize__(self) -> tuple[str, str]:
        return type(self).__name__, str(self.key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key}>"

    def key_of(self, number: int) -> UUID:
        """Return what the idempotency keys of a partition derive from."""
        return uuid5(self.key, str(number))

    def __call__(self, frame: pd.DataFrame, number: pd.DataFrame) -> pd.DataFrame:
        """Fetch one partition."""
        key = self.key_of(int(number["number"].iloc[0]))
        options = join_cluster(replace(self.options, progress=False), str(self.key))
        prepared = prepare_call(frame, self.url, options, key=key)
        return attach_run(conform(Call(prepared).run(), self.meta))


@dataclass(frozen=True, slots=True)
class RetryCall:
    """A repetition of the failed rows of all partitions."""

    call: PartitionCall
    changes: dict[str, Any]
    key: UUID

    def __dask_tokenize__(self) -> tuple[str, str]:
        return type(self).__name__, str(self.key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key}>"

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Send the failed rows of one partition again."""
        restored = restore_source(frame, self.call.url, replace(self.call.options, progress=False))
        if restored is None:
            return frame
        join_cluster(
            replace(self.call.options, client=self.changes.get("client", self.call.options.client)), str(self.key)
        )
        return attach_run(conform(retry_failed(restored, self.changes), self.call.meta))

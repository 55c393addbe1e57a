"""``ddf.aio``: the requests of a Dask DataFrame, sent by its workers. Importing this package registers it.

- `collection`: ``ddf.aio``.
- `collection_call`: one call for all partitions, checked before a graph is built.
- `result_meta`: the columns and types of a result that has not been fetched.
- `partition`: what a worker does for one partition.
- `cluster_limits`: how a worker takes part in the limits of its cluster.
- `scheduler_plugin`: what runs on the scheduler.
- `parquet_folder`: the Parquet parts of all partitions.
- `partition_runs`: the runs of the partitions, which travel with their frames.
"""

from __future__ import annotations

from pandas_async_io.dask.collection import CollectionAccessor, register

__all__ = ["CollectionAccessor"]

register()

"""One call for all partitions of a Dask DataFrame, checked before a graph is built. What cannot be kept is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pandas as pd

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.policy.retries.retry_options import parse_retry
from pandas_async_io._core.words import show_value
from pandas_async_io.call.prepare.request_body import find_query
from pandas_async_io.dask.partition import PartitionCall
from pandas_async_io.dask.result_meta import PROBE, build_meta
from pandas_async_io.options import FetchOptions

if TYPE_CHECKING:
    import dask.dataframe as dd

CALL_KEY = "pandas_async_io_call"
"""Where a collection's meta keeps its call, for `retry_failed`."""

_IDEMPOTENT_METHODS = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}

_REFUSED = {
    "chunksize": "partitions are the chunks: ddf.repartition(npartitions=…)",
    "max_requests": "no count is common to the workers; fetch fewer partitions, as ddf.partitions[:10]",
}
"""Options that a call on many workers cannot keep, and what to do instead."""


class CarriedCall(str):
    """A call in the ``attrs`` of a meta; as text, the key of the call."""

    __slots__ = ("call",)
    call: PartitionCall

    @classmethod
    def make(cls, call: PartitionCall) -> CarriedCall:
        """Return the text that carries a call."""
        made = cls(call.key)
        made.call = call
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> CarriedCall:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return CarriedCall.make, (self.call,)  # a graph holds the call, too


def prepare_collection_call(source: dd.DataFrame, url: str, options: dict[str, Any]) -> PartitionCall:
    """Check the arguments of a call and return what each worker does.

    Raises
    ------
    PlanError
        The call cannot be right, or the cluster cannot keep an option.
    """
    given = options.get("meta")
    is_of_dask = isinstance(given, pd.DataFrame) or (isinstance(given, str) and given == PROBE)
    checked = FetchOptions(**{name: value for name, value in options.items() if name != "meta" or not is_of_dask})
    _refuse(checked)
    meta, checked = build_meta(
        source._meta.iloc[:0],  # noqa: SLF001 - Dask has no public name for it
        url,
        checked,
        given if is_of_dask else None,
        lambda: source.head(1, npartitions=-1),
    )
    return PartitionCall(url, checked, meta, uuid4())


def _refuse(options: FetchOptions) -> None:
    for name, instead in _REFUSED.items():
        if getattr(options, name) is not None:
            raise PlanError(f"{name}={show_value(getattr(options, name))} cannot be kept on Dask: {instead}")
    if not options.join:
        raise PlanError(
            "join=False cannot be kept on Dask: a row's position in its partition says nothing; select columns"
        )
    if options.client is not None and options.client.session is not None:
        raise PlanError("a client with session= cannot be sent to workers: give base_url=, headers= and auth= instead")
    method = (options.method or ("GET" if options.json is None and options.data is None else "POST")).upper()
    query = find_query(options)
    is_repeatable = method in _IDEMPOTENT_METHODS or (query is not None and query.safe)
    retry = options.retry if options.retry is not None or options.client is None else options.client.limits.retry
    if not is_repeatable and parse_retry(retry).idempotency_key is None:
        raise PlanError(
            f"{method} on Dask: a partition that is computed again sends its requests again; pass "
            "retry=Retry(idempotency_key='Idempotency-Key') if the API knows such keys"
        )

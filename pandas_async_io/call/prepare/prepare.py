"""Everything that is checked and compiled before the first request of a call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from pandas_async_io._core.body.charset import check_encoding
from pandas_async_io._core.errors import FetchWarning
from pandas_async_io._core.request.credentials import as_auth
from pandas_async_io._core.table.records.shape import check_separator, compile_shape
from pandas_async_io._core.table.types.dtype_backend import check_dtype_backend
from pandas_async_io._core.table.types.schema import compile_schema, text_columns
from pandas_async_io.call.prepare.interpreter import compile_call_interpreter
from pandas_async_io.call.prepare.prepared_call import PreparedCall
from pandas_async_io.call.prepare.redactor import make_redactor
from pandas_async_io.call.prepare.request_body import find_query
from pandas_async_io.call.prepare.requests import expand_call
from pandas_async_io.call.prepare.source import Source, copy_frame, copy_options
from pandas_async_io.call.prepare.stored_keys import use_store
from pandas_async_io.call.stack_level import warn_user
from pandas_async_io.client import get_default_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pandas_async_io.call.prepare.source import Resumption
    from pandas_async_io.options import FetchOptions, ReadOptions

_UNVERIFIED = "this client has ssl=False: certificates are not verified, and anyone in between can read along"


def prepare_call(
    frame: pd.DataFrame,
    url: str | Sequence[Any],
    options: FetchOptions | ReadOptions,
    *,
    resumption: Resumption | None = None,
    key: UUID | None = None,
) -> PreparedCall:
    """Check the arguments of a call and expand it over the rows of its frame.

    Parameters
    ----------
    url : str or sequence of str
        One template for all rows, or a whole URL for each row.
    resumption : Resumption, optional
        The part of an earlier run that the call continues.
    key : UUID, optional
        What the call's idempotency keys derive from; by default a new one.

    Raises
    ------
    PlanError
        The call cannot be right.
    """
    frame = copy_frame(frame)
    client = options.client or get_default_client()
    auth = None if options.auth is None else as_auth(options.auth)
    shape = compile_shape(
        record_path=options.record_path,
        orient=options.orient,
        names=options.names,
        meta=options.meta,
        sep=options.sep,
        max_level=options.max_level,
        columns=options.columns,
        explode=options.explode,
    )
    shape = replace(shape, keeps_meta=options.how == "left" and bool(shape.meta) and options.paging is None)
    check_separator(options.sep, options.format, options.read_options)
    check_encoding(options.encoding)
    check_dtype_backend(options.dtype_backend)
    schema = compile_schema(options.schema, shape.columns)
    wanted = schema if shape.columns is None else shape.columns
    decode = compile_call_interpreter(options, client, text_columns(schema, shape.columns), wanted)
    policy = client.limits.build_policy(
        concurrency=options.concurrency, rate=options.rate, retry=options.retry, timeout=options.timeout
    )
    if client.transport.options.ssl is False:
        warn_user(FetchWarning(_UNVERIFIED))
    query = find_query(options)
    requests = expand_call(frame, url, options, client, auth)
    source = Source(frame, url, copy_options(options), key or uuid4())
    return use_store(
        PreparedCall(
            source,
            client,
            auth,
            requests,
            shape,
            schema,
            decode,
            replace(policy, repeatable=query is not None and query.safe),
            make_redactor(source, client, auth, requests),
            resumption,
        )
    )

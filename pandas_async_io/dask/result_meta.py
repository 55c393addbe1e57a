"""The columns and types of a result that has not been fetched, and partitions that have them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import DriftError, HintWarning, PlanError
from pandas_async_io._core.words import show_value
from pandas_async_io.call.prepare.prepare import prepare_call
from pandas_async_io.call.run import Call
from pandas_async_io.call.stack_level import warn_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io.options import FetchOptions

PROBE = "probe"


def build_meta(
    rows: pd.DataFrame, url: str, options: FetchOptions, given: object, take_row: Callable[[], pd.DataFrame]
) -> tuple[pd.DataFrame, FetchOptions]:
    """Return the empty result of a call, and the options with which each partition has its columns.

    Parameters
    ----------
    rows : DataFrame
        The input's columns, without rows.
    given : DataFrame, "probe" or None
        The result's columns; what one request shows of them; or those of ``schema`` and ``columns``.
    take_row : callable
        Returns the first row of the input.

    Raises
    ------
    PlanError
        The call cannot be right, or the columns or their types are not known.
    """
    client = None if options.client is None else options.client.without_credentials()
    empty = replace(options, client=client, auth=None, store=None, progress=False)
    if isinstance(given, pd.DataFrame):
        prepare_call(rows, url, empty)
        return _strip(given), options
    if given == PROBE:
        return _probe(take_row(), url, options), options
    schema, columns = options.schema or {}, options.columns
    names = list(schema) if columns is None else list(columns.values() if isinstance(columns, dict) else columns)
    unknown = [name for name in names if name not in schema]
    if unknown or not names:
        what = f"the type of the column {show_value(unknown[0])}" if unknown else "its columns and their types"
        raise PlanError(
            f"a Dask DataFrame needs {what} before the first request: schema={{'name': 'string', 'id': 'Int64'}}, or "
            "meta='probe', which sends the request of the first row"
        )
    if columns is None:
        empty, options = replace(empty, columns=names), replace(options, columns=names)
    return _strip(Call(prepare_call(rows, url, empty)).run(quiet=True)), options


def conform(frame: pd.DataFrame, meta: pd.DataFrame) -> pd.DataFrame:
    """Return a partition with the columns and types of the whole.

    Raises
    ------
    DriftError
        A column has other values than its type allows.
    """
    surplus = [name for name in frame.columns if name not in meta.columns]
    if surplus:
        shown = ", ".join(map(show_value, surplus[:5]))
        text = f"this partition has further columns, which are left out: {shown}; name them in schema="
        warn_user(HintWarning(text, partial=frame))
    if list(frame.columns) == list(meta.columns) and (frame.dtypes == meta.dtypes).all():
        return frame
    found = {name: _cast(name, frame, dtype) for name, dtype in meta.dtypes.items()}
    result = pd.DataFrame(found, index=frame.index, columns=meta.columns)
    result.attrs = frame.attrs
    return result


def _cast(name: Any, frame: pd.DataFrame, dtype: Any) -> Any:
    if name not in frame.columns:
        return pd.Series(pd.NA, index=frame.index, dtype="object").astype(dtype)
    column = frame[name]
    if column.dtype == dtype:
        return column
    are_numbers = all(pd.api.types.is_numeric_dtype(each) for each in (column.dtype, dtype))
    if are_numbers or column.isna().all():
        try:
            return column.astype(dtype)
        except (TypeError, ValueError):
            pass
    raise DriftError(
        f"the column {show_value(name)} is {column.dtype} in this partition, and {dtype} in the first one or in meta=: "
        "give its type in schema="
    )


def _probe(row: pd.DataFrame, url: str, options: FetchOptions) -> pd.DataFrame:
    if not len(row):
        raise PlanError("meta='probe' needs a row, and the first partitions have none: give schema= instead")
    found = Call(prepare_call(row, url, replace(options, errors="raise", progress=False))).run()
    text = "meta='probe' sent the request of the first row now; it is sent again with its partition"
    warn_user(HintWarning(text, partial=found))
    return _strip(found)


def _strip(frame: pd.DataFrame) -> pd.DataFrame:
    meta = frame.iloc[:0].copy()
    meta.attrs = {}
    return meta

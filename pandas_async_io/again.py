"""``retry_failed``: send the failed rows of a run once more, and return the run's complete output."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.join import ROW
from pandas_async_io._core.runs import runs_of
from pandas_async_io.call import Call, carry
from pandas_async_io.options import FetchOptions, ReadOptions

if TYPE_CHECKING:
    from pandas_async_io._core.keys import Positions
    from pandas_async_io._core.runs import Run
    from pandas_async_io.call import Source

CHANGES = (
    "headers",
    "client",
    "auth",
    "concurrency",
    "rate",
    "retry",
    "timeout",
    "deadline",
    "max_requests",
    "errors",
    "progress",
)
"""What may differ from the first time: how the rows are sent, not what they become."""


def retry_failed(frame: pd.DataFrame, changes: dict[str, Any]) -> pd.DataFrame:
    """Send the failed rows of the last run behind a frame again.

    Parameters
    ----------
    frame : DataFrame
        As the run returned it, at least in its length and index. It is not changed.
    changes : dict
        Options in place of the run's own.

    Raises
    ------
    ValueError
        If the frame's rows are no longer those that the run returned.
    TypeError
        If a change would give the new answers another form than the old ones have.
    """
    *before, run = runs_of(frame)
    unknown = next((name for name in changes if name not in CHANGES), None)
    if unknown is not None:
        raise TypeError(f"retry_failed() can't change {unknown!r}, only how rows are sent: {', '.join(CHANGES)}")
    if len(frame) != len(run.output) or not frame.index.equals(run.output):
        raise ValueError(
            f"retry_failed() needs the {len(run.output)} rows that the fetch returned, in their order; "
            f"this frame has {len(frame)}: filter and sort after it"
        )
    source = replace(run.source, options=replace(run.source.options, **changes))
    failed = np.flatnonzero(run.outcomes.failed())
    unfinished = {at: run.unfinished[row] for at, row in enumerate(failed.tolist()) if row in run.unfinished}
    call = Call(
        source.frame.iloc[failed],
        _urls(source, failed),
        source.options,
        key=source.key,
        rows=failed,
        unfinished=unfinished,
    )
    try:
        sent = call.run(quiet=True)
    except KeyboardInterrupt as interrupt:
        sent = vars(interrupt)["partial"]
        combined, merged = _complete(frame, run, sent, failed, source)
        vars(interrupt)["partial"] = carry(combined, (*before, merged), errors="ignore")
        raise
    combined, merged = _complete(frame, run, sent, failed, source)
    return carry(combined, (*before, merged), errors=source.options.errors)


def _urls(source: Source, rows: Positions) -> Any:
    return source.url if isinstance(source.url, str) else [source.url[row] for row in rows.tolist()]


def _complete(
    frame: pd.DataFrame, run: Run, sent: pd.DataFrame, failed: Positions, source: Source
) -> tuple[pd.DataFrame, Run]:
    """Put the old rows that were fine and the new ones together, in the order of the input."""
    options, index, sent_run = source.options, source.frame.index, runs_of(sent)[-1]
    old_rows = np.arange(len(frame)) if run.rows is None else run.rows
    new_rows = failed if sent_run.rows is None else failed[sent_run.rows]
    old_pages = np.zeros(len(old_rows), np.int64) if run.pages is None else run.pages
    new_pages = np.zeros(len(new_rows), np.int64) if sent_run.pages is None else sent_run.pages
    # A row that went on where it had stopped keeps the pages that it had.
    went_on = (old_pages > 0) & np.isin(old_rows, list(run.unfinished))
    kept = np.flatnonzero(~np.isin(old_rows, failed) | went_on)
    came = np.flatnonzero((new_pages > 0) | ~np.isin(new_rows, old_rows[kept]))
    rows, pages = (
        np.concatenate([old[kept], new[came]]) for old, new in ((old_rows, new_rows), (old_pages, new_pages))
    )
    order = np.lexsort((pages, rows))
    rows, pages = rows[order], pages[order]
    alone = isinstance(options, FetchOptions) and not options.join
    new = (sent.assign(**{ROW: new_rows}) if alone else sent).iloc[came]
    combined = _stacked(frame.iloc[kept], new, order)
    if alone or isinstance(options, ReadOptions):
        combined.index = pd.RangeIndex(len(combined))
    else:
        combined.index = index if np.array_equal(rows, np.arange(len(index))) else index.take(rows)
    return combined, replace(
        sent_run,
        outcomes=run.outcomes.followed_by(sent_run.outcomes, failed),
        tally=run.tally.followed_by(sent_run.tally),
        requests=run.requests,
        index=index,
        output=combined.index,
        rows=rows,
        source=source,
        pages=None if run.pages is None else pages,
        unfinished={int(failed[row]): state for row, state in sent_run.unfinished.items()},
        findings={
            **{row: texts for row, texts in run.findings.items() if row not in set(failed.tolist())},
            **{int(failed[row]): texts for row, texts in sent_run.findings.items()},
        },
        taken=sent_run.taken or run.taken,
    )


def _stacked(old: pd.DataFrame, new: pd.DataFrame, order: Positions) -> pd.DataFrame:
    """Put rows under rows, column by column, each in a dtype that holds both parts exactly."""
    upper, lower = _numbered(old), _numbered(new)
    columns = [
        _column(upper.get(key), lower.get(key), len(old), len(new)).take(order).array
        for key in dict.fromkeys([*upper, *lower])
    ]
    labels = old.columns.append(pd.Index([label for label, number in lower if (label, number) not in upper]))
    result = pd.DataFrame(dict(enumerate(columns)))
    result.columns = labels
    return result


def _numbered(frame: pd.DataFrame) -> dict[tuple[Any, int], pd.Series[Any]]:
    """Return the columns by label and, for labels that come twice, number."""
    found: dict[tuple[Any, int], pd.Series[Any]] = {}
    for at, label in enumerate(frame.columns):
        number = next(n for n in range(at + 1) if (label, n) not in found)
        found[label, number] = frame.iloc[:, at]
    return found


def _column(upper: pd.Series[Any] | None, lower: pd.Series[Any] | None, above: int, below: int) -> pd.Series[Any]:
    upper = _missing(above, object) if upper is None else upper
    lower = _missing(below, object) if lower is None else lower
    if upper.dtype != lower.dtype:
        if not upper.notna().any():
            upper = _missing(above, lower.dtype)
        elif not lower.notna().any():
            lower = _missing(below, upper.dtype)
    if upper.dtype != lower.dtype:
        upper, lower = upper.astype(object), lower.astype(object)
    return pd.concat([upper, lower], ignore_index=True)


def _missing(length: int, dtype: Any) -> pd.Series[Any]:
    """Return a column of missing values, of a dtype if it can hold them."""
    try:
        return pd.Series([None] * length, dtype=dtype)
    except (TypeError, ValueError):
        return pd.Series([None] * length, dtype=object)

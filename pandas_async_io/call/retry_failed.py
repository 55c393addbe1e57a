"""``retry_failed``: send the failed rows of a run once more, and return the run's complete output."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.report.history import get_runs, strip_attrs
from pandas_async_io._core.request.credentials import as_auth
from pandas_async_io._core.table.join import ROW_COLUMN
from pandas_async_io._core.table.merge import Provenance, plan_merge, stack_frames
from pandas_async_io._core.words import format_count
from pandas_async_io._io.bridge.interrupt import attach_partial, defer_interrupt
from pandas_async_io.call.attach import attach_runs
from pandas_async_io.call.prepare import prepare_call
from pandas_async_io.call.run import Call
from pandas_async_io.call.source import Resumption
from pandas_async_io.options import FetchOptions, ReadOptions

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.report.history import Run
    from pandas_async_io.call.source import Source

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
        As the run returned it, at least in its length and index; its columns do not matter. It is not changed, and
        nothing is taken from it: what comes back is made of the run's own output.
    changes : dict
        Options in place of the run's own.

    Raises
    ------
    ValueError
        If the frame's rows are no longer those that the run returned.
    TypeError
        If a change would give the new answers another form than the old ones have.
    """
    *before, run = get_runs(frame)
    unknown = next((name for name in changes if name not in CHANGES), None)
    if unknown is not None:
        raise TypeError(f"retry_failed() can't change {unknown!r}, only how rows are sent: {', '.join(CHANGES)}")
    _check_rows(frame, run)
    source = replace(run.source, options=_changed(run.source.options, changes))
    failed = np.flatnonzero(run.outcomes.failed_rows())
    unfinished = {at: run.unfinished[row] for at, row in enumerate(failed.tolist()) if row in run.unfinished}
    resumption = Resumption(source.key, failed, unfinished, run.learnt)
    prepared = prepare_call(
        source.frame.iloc[failed], _select_urls(source, failed), source.options, resumption=resumption
    )
    call = Call(prepared)
    stopped: KeyboardInterrupt | None = None
    try:
        sent = call.run(quiet=True)
    except KeyboardInterrupt as interrupt:
        stopped = interrupt
        if getattr(interrupt, "partial", None) is None:
            raise
        sent = vars(interrupt)["partial"]
    with defer_interrupt() as presses:
        combined, merged = _complete(run, sent, failed, source)
        over = stopped is None and not presses
        whole = attach_runs(combined, (*before, merged), errors=source.options.errors if over else "ignore")
    if over and not presses:
        return whole
    raise attach_partial(whole) from None


def _check_rows(frame: pd.DataFrame, run: Run) -> None:
    """Refuse a frame that has lost, gained or moved rows: its user may expect a result that looks like it."""
    count, output = len(frame), run.output
    if count != len(output):
        has = f"has {count}: call it on the frame that fetch returned, and filter or concatenate what comes back"
    elif not frame.index.equals(output.index):
        has = "has another index, so it was sorted or reindexed since: call it before, and sort what comes back"
    else:
        return
    raise ValueError(
        f"retry_failed() needs the {format_count(len(output), 'row')} that the fetch returned; this frame {has}"
    )


def _changed(options: FetchOptions | ReadOptions, changes: dict[str, Any]) -> FetchOptions | ReadOptions:
    """Return the options with changes; a new credential takes the place of the one that the call itself gave.

    In one call its own headers and parameters hold against ``auth``; those of an earlier call are old.

    Examples
    --------
    >>> options = FetchOptions(headers={"authorization": "Bearer old", "Accept": "*/*"})
    >>> _changed(options, {"auth": "new"}).headers
    {'Accept': '*/*'}
    """
    auth = changes.get("auth")
    if auth is not None:
        sent = as_auth(auth)
        names = {name.lower() for name in sent.headers}
        headers = {name: value for name, value in (options.headers or {}).items() if name.lower() not in names}
        params = {name: value for name, value in (options.params or {}).items() if name not in sent.params}
        options = replace(options, headers=headers or None, params=params or None)
    return replace(options, **changes)


def _select_urls(source: Source, rows: Positions) -> Any:
    return source.url if isinstance(source.url, str) else [source.url[row] for row in rows.tolist()]


def _complete(run: Run, sent: pd.DataFrame, failed: Positions, source: Source) -> tuple[pd.DataFrame, Run]:
    """Put the run's rows that were fine and the new ones together, in the order of the input."""
    sent_run = get_runs(sent)[-1]
    there = sent_run.places()
    new = Provenance(failed[there.rows], there.pages)
    merged = plan_merge(run.places(), new, resent=failed, resumed=run.unfinished)
    alone = not source.options.join
    came = (sent.assign(**{ROW_COLUMN: new.rows}) if alone else sent).iloc[merged.added]
    combined = stack_frames(run.output.iloc[merged.kept], came, merged.order)
    if not alone and isinstance(source.options, FetchOptions):
        rows, index = merged.provenance.rows, source.frame.index
        combined.index = index if np.array_equal(rows, np.arange(len(index))) else index.take(rows)
    combined.attrs = dict(sent.attrs)
    return combined, _one(run, sent_run, combined, failed=failed, source=source, places=merged.provenance)


def _one(run: Run, sent: Run, combined: pd.DataFrame, *, failed: Positions, source: Source, places: Provenance) -> Run:
    """Return two runs as one over all rows: the second has sent those that failed in the first."""
    at = failed.tolist()
    again = set(at)
    old = {row: texts for row, texts in run.findings.items() if row not in again}
    return replace(
        sent,
        outcomes=run.outcomes.replace_rows(sent.outcomes, failed),
        tally=run.tally.append(sent.tally),
        requests=run.requests,
        index=source.frame.index,
        output=strip_attrs(combined),
        rows=places.rows,
        source=source,
        label=run.label,
        pages=None if run.pages is None else places.pages,
        unfinished={at[row]: state for row, state in sent.unfinished.items()},
        findings={**old, **{at[row]: texts for row, texts in sent.findings.items()}},
        detected=sent.detected or run.detected,
        learnt=sent.learnt or run.learnt,
    )

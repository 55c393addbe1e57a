"""Sends the failed rows of a run again, and returns the run's complete output."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import Outcome
from pandas_async_io._core.report.history import get_runs, strip_attrs
from pandas_async_io._core.table.output.merge import merge_blocks
from pandas_async_io._core.words import format_count, show_value
from pandas_async_io._io.bridge.interrupt import attach_partial, defer_interrupt
from pandas_async_io.call.assemble.attach import attach_runs
from pandas_async_io.call.assemble.output import build_output
from pandas_async_io.call.changed_options import READING_OPTIONS, change_options, check_changes
from pandas_async_io.call.prepare.prepare import prepare_call
from pandas_async_io.call.prepare.source import Resumption
from pandas_async_io.call.prepare.store import takes_answers
from pandas_async_io.call.run import Call

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.report.history import Run
    from pandas_async_io.call.prepare.prepared_call import PreparedCall
    from pandas_async_io.call.prepare.source import Source


def retry_failed(frame: pd.DataFrame, changes: dict[str, Any]) -> pd.DataFrame:
    """Send the failed rows of the last run behind a frame again.

    Parameters
    ----------
    frame : DataFrame
        The frame that the run returned; its length and index must still be the same. Its columns do not matter,
        and it is not changed: the result is built from the run's own output.
    changes : dict
        Options in place of the run's own.

    Raises
    ------
    ValueError
        The frame's rows are no longer those that the run returned.
    TypeError
        A change would give the new records another form than the old ones have.
    """
    *before, run = get_runs(frame)
    if any(name in READING_OPTIONS for name in changes):
        return _read_anew(frame, run, changes)
    check_changes(changes, run.source.options)
    _check_rows(frame, run)
    hints = _describe_lost_columns(frame, run.output)
    source = replace(run.source, options=change_options(run.source.options, changes))
    failed = np.flatnonzero(run.outcomes.failed_rows())
    if not len(failed):
        return attach_runs(run.output.copy(), (*before, run), errors=source.options.errors, hints=hints)
    unfinished = {at: run.unfinished[row] for at, row in enumerate(failed.tolist()) if row in run.unfinished}
    takes_stored = Outcome.PARSE_ERROR not in run.outcomes.row_outcomes()[failed]
    resumption = Resumption(source.key, failed, unfinished, run.learnt, takes_stored)
    prepared = prepare_call(
        source.frame.iloc[failed], _select_urls(source, failed), source.options, resumption=resumption
    )
    call = Call(prepared)
    completed = True
    try:
        sent = call.run(quiet=True)
    except KeyboardInterrupt as interrupt:
        completed = False
        if getattr(interrupt, "partial", None) is None:
            raise
        sent = vars(interrupt)["partial"]
    with defer_interrupt() as presses:
        merged, merged_run = _merge_output(run, get_runs(sent)[-1], failed, source, prepared)
        completed = completed and not presses
        errors = source.options.errors if completed else "ignore"
        output = attach_runs(merged, (*before, merged_run), errors=errors, hints=hints)
    if completed and not presses:
        return output
    raise attach_partial(output) from None


def _read_anew(frame: pd.DataFrame, run: Run, changes: dict[str, Any]) -> pd.DataFrame:
    """Return the output of the whole call with other reading options: the responses are in its store."""
    options = run.source.options
    changed = next(name for name in changes if name in READING_OPTIONS)
    check_changes({name: value for name, value in changes.items() if name not in READING_OPTIONS}, options)
    prepared = prepare_call(run.source.frame, run.source.url, change_options(options, changes))
    if not takes_answers(prepared):
        raise TypeError(
            f"retry_failed() can't change {changed!r} here: all rows are read anew, and their responses are in no "
            "store; pass store='calls.sqlite' to the fetch"
        )
    _check_rows(frame, run)
    return Call(prepared).run()


def _check_rows(frame: pd.DataFrame, run: Run) -> None:
    """Refuse a frame that lost, gained or moved rows: its user may expect a result that looks like it."""
    count, output = len(frame), run.output
    if count != len(output):
        has = f"has {count}: call it on the frame that fetch returned, and filter or concatenate what comes back"
    elif not frame.index.equals(output.index):
        has = "has another index, so it was sorted or reindexed since: call it before, and sort what comes back"
    else:
        return
    raise PlanError(
        f"retry_failed() needs the {format_count(len(output), 'row')} that the fetch returned; this frame {has}"
    )


def _describe_lost_columns(frame: pd.DataFrame, output: pd.DataFrame) -> list[str]:
    """Return which columns of a frame were added or changed since the fetch: they are not in the new output.

    Examples
    --------
    >>> import pandas as pd
    >>> output = pd.DataFrame({"id": [1], "name": ["a"]})
    >>> _describe_lost_columns(output.assign(grade=1), output)[0].partition(", without ")[2]
    "what was added since ('grade'): keep it with new['grade'] = old['grade']"
    """
    added = [name for name in dict.fromkeys(frame.columns) if name not in output.columns]
    changed = [
        name
        for name in dict.fromkeys(output.columns)
        if name in frame.columns and not frame.loc[:, [name]].equals(output.loc[:, [name]])
    ]
    lost = [
        f"{what} since ({', '.join(map(show_value, names))})"
        for what, names in (("added", added), ("changed", changed))
        if names
    ]
    if not lost:
        return []
    if changed:  # the rows may have moved, which an index of numbers does not show
        keep = "the rows are in the order of the fetch"
    else:
        name = show_value(added[0])
        keep = f"keep it with new[{name}] = old[{name}]"
    return [f"retry_failed returns the fetch's own columns, without what was {' and '.join(lost)}: {keep}"]


def _select_urls(source: Source, rows: Positions) -> Any:
    return source.url if isinstance(source.url, str) else [source.url[row] for row in rows.tolist()]


def _merge_output(
    run: Run, sent: Run, failed: Positions, source: Source, prepared: PreparedCall
) -> tuple[pd.DataFrame, Run]:
    """Return the output of all rows, made anew of what both runs collected, and the run of both."""
    outcomes = run.outcomes.replace_rows(sent.outcomes, failed)
    row_to_request = outcomes.expansion.row_to_request
    if run.collected is None or sent.collected is None:
        raise TypeError("a run with failed rows keeps what it collected")
    before = run.outcomes.expansion.row_to_request
    resumed = {int(before[row]): int(row_to_request[row]) for row in run.unfinished if row_to_request[row] >= 0}
    collected = merge_blocks(
        run.collected.copy(),
        sent.collected,
        row_to_request,
        resumed=resumed,
        are_columns_given=prepared.shape.columns is not None,
    )
    kept = collected.copy()
    frame, columns = build_output(source.frame, source.options, prepared.schema, collected, row_to_request)
    outcomes.mark_parse_errors(columns.failures)
    input_row = failed.tolist()
    resent = set(input_row)
    findings = {row: texts for row, texts in run.findings.items() if row not in resent}
    merged = replace(
        sent,
        outcomes=outcomes,
        tally=run.tally.append(sent.tally),
        requests=run.requests,
        index=source.frame.index,
        output=strip_attrs(frame),
        collected=kept if outcomes.failed_rows().any() else None,
        source=source,
        label=run.label,
        drifted=columns.drifted,
        missing_columns=(*columns.missing_columns, *columns.hints),
        infinite=columns.infinite,
        missing_paths=columns.missing_paths,
        notes=tuple(dict.fromkeys((*columns.notes, *sent.notes))),
        unfinished={input_row[row]: state for row, state in sent.unfinished.items()},
        findings={**findings, **{input_row[row]: texts for row, texts in sent.findings.items()}},
        detected=sent.detected or run.detected,
        empty_answers=tuple(dict.fromkeys([*run.empty_answers, *sent.empty_answers])),
        learnt=sent.learnt or run.learnt,
    )
    return frame, merged

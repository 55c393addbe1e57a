"""Makes the frame of a call that was sent: the records beside their rows, and the run behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pandas_async_io._core.report.history import Run, get_runs, strip_attrs
from pandas_async_io._core.request.deduplicate import find_first_rows
from pandas_async_io._core.table.apply_schema import apply_schema
from pandas_async_io._core.table.join import align_records, join_columns, records_frame
from pandas_async_io._core.workflow.paging.workflow import PagingWorkflow
from pandas_async_io.call.attach import attach_runs
from pandas_async_io.call.credentials import explain_unsent_credentials
from pandas_async_io.options import FetchOptions, ReadOptions

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.report.tally import Tally
    from pandas_async_io._core.table.collected import CollectedBlocks
    from pandas_async_io._core.table.columns import Columns
    from pandas_async_io._core.workflow.base import Workflow
    from pandas_async_io.call.prepared_call import PreparedCall
    from pandas_async_io.call.workflow import Collector


def assemble(
    call: PreparedCall, collector: Collector, workflow: Workflow, outcomes: Outcomes, tally: Tally, *, quiet: bool
) -> pd.DataFrame:
    """Return the frame of a call whose workflow is closed. Once per call.

    Raises
    ------
    FetchError
        Rows failed and ``errors="raise"``, unless ``quiet``.
    """
    options, sent = call.options, call.requests.sent
    collected = collector.collect()
    may_fail = bool(call.schema) or outcomes.failed_rows().any() or any(block.failures for block in collected.blocks)
    kept = collected.copy() if may_fail or call.resumption is not None else None
    output = build_output(call.frame, options, call.schema, collected, call.requests.rows.row_to_request)
    outcomes.mark_parse_errors(output.columns.failures)
    explain_unsent_credentials(call, outcomes)
    if isinstance(workflow, PagingWorkflow):
        workflow.discard_unfinished(output.columns.failures)
    run = Run(
        outcomes,
        call.frame.index,
        strip_attrs(output.frame),
        kept if call.resumption is not None or outcomes.failed_rows().any() else None,
        call.source,
        tally,
        len(sent),
        call.policy.concurrency * max(len(sent.origins), 1),
        output.columns.drifted,
        missing_columns=output.columns.missing_columns,
        infinite=output.columns.infinite,
        label=call.source.label,
        **_workflow_state(call, workflow),
    )
    return attach_runs(output.frame, (*get_runs(call.frame), run), errors="ignore" if quiet else options.errors)


class Output(NamedTuple):
    """The output of a run, and the columns that it is made of."""

    frame: pd.DataFrame
    columns: Columns


def build_output(
    frame: pd.DataFrame,
    options: FetchOptions | ReadOptions,
    schema: Any,
    collected: CollectedBlocks,
    row_to_request: Positions,
) -> Output:
    """Return the records beside their rows; ends the collected blocks.

    Parameters
    ----------
    frame : DataFrame
        The input rows.
    schema : object
        As `compile_schema` returns it.
    row_to_request : array of int64, shape (rows,)
        The position of each row, -1 for none.
    """
    nullable = isinstance(options, FetchOptions)
    found, _ = collected.build_columns(nullable=nullable)
    if options.columns is None:  # it is a table without records that has columns
        found = replace(found, missing_columns=())
    columns = apply_schema(found, schema, backend=options.dtype_backend, nullable=nullable)
    rows, take = align_records(row_to_request, columns.counts, how=options.how)
    names = {"prefix": options.prefix, "suffix": options.suffix}
    if options.join:
        joined = join_columns(frame, columns.arrays, rows=rows, take=take, **names)
    else:
        joined = records_frame(columns.arrays, rows=rows, take=take, **names)
    if isinstance(options, ReadOptions):
        joined = joined.reset_index(drop=True)
    return Output(joined, columns)


def _collect_findings(call: PreparedCall, workflow: Workflow) -> dict[int, list[str]]:
    """Return what the bodies and the workflow hint at, by position."""
    found = {position: [*texts] for position, texts in call.decode.findings.items()}
    for position, texts in workflow.findings.items():
        found.setdefault(position, []).extend(texts)
    return found


def _workflow_state(call: PreparedCall, workflow: Workflow) -> dict[str, Any]:
    """Return what a run keeps of its workflow: by row, and without secrets."""
    redactor, row_to_request = call.redactor, call.requests.rows.row_to_request
    first = find_first_rows(row_to_request)
    unfinished_rows = np.flatnonzero(np.isin(row_to_request, list(workflow.unfinished))).tolist()
    return {
        "findings": {
            int(first[position]): [redactor.redact_for_request(position, text) for text in texts]
            for position, texts in sorted(_collect_findings(call, workflow).items())
        },
        "detected": None if workflow.detected is None else redactor.redact(workflow.detected),
        "learnt": workflow.learnt,
        "unfinished": {row: workflow.unfinished[int(row_to_request[row])] for row in unfinished_rows},
    }

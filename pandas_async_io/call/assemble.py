"""Makes the frame of a call that was sent: the records beside their rows, and the run behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.report.history import Run, get_runs, strip_attrs
from pandas_async_io._core.request.deduplicate import find_first_rows
from pandas_async_io._core.table.apply_schema import apply_schema
from pandas_async_io._core.table.collectors import PageCollector
from pandas_async_io._core.table.join import align_records, join_columns, records_frame
from pandas_async_io._core.workflow.paging.workflow import PagingWorkflow
from pandas_async_io.call.attach import attach_runs
from pandas_async_io.options import FetchOptions, ReadOptions

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.report.tally import Tally
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
    nullable = isinstance(options, FetchOptions)
    found = collector.build_columns(nullable=nullable)
    columns = apply_schema(found, call.schema, backend=options.dtype_backend, nullable=nullable)
    outcomes.mark_parse_errors(columns.failures)
    if isinstance(workflow, PagingWorkflow):
        workflow.discard_unfinished(columns.failures)
    rows, take = align_records(call.requests.rows.row_to_request, columns.counts, how=options.how)
    names = {"prefix": options.prefix, "suffix": options.suffix}
    if options.join:
        frame = join_columns(call.frame, columns.arrays, rows=rows, take=take, **names)
    else:
        frame = records_frame(columns.arrays, rows=rows, take=take, **names)
    if isinstance(options, ReadOptions):
        frame = frame.reset_index(drop=True)
    pages = None
    if isinstance(collector, PageCollector):
        kept = np.repeat(found.counts == columns.counts, found.counts)
        pages = np.append(collector.pages[kept], 0)[take]
    run = Run(
        outcomes,
        call.frame.index,
        strip_attrs(frame),
        rows,
        call.source,
        tally,
        len(sent),
        call.policy.concurrency * max(len(sent.origins), 1),
        columns.drifted,
        pages,
        missing_columns=found.missing_columns,
        infinite=found.infinite,
        label=call.source.label,
        **_workflow_state(call, workflow),
    )
    return attach_runs(frame, (*get_runs(call.frame), run), errors="ignore" if quiet else options.errors)


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

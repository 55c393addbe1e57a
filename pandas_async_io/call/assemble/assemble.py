"""Makes the frame of a call that was sent: the records beside their rows, and the run behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.report.history import Run, get_runs, strip_attrs
from pandas_async_io._core.request.cell_values.deduplicate import find_first_rows
from pandas_async_io._core.table.columns.blocks import may_have_failed
from pandas_async_io._core.workflow.paging.workflow import PagingWorkflow
from pandas_async_io.call.assemble.attach import attach_runs
from pandas_async_io.call.assemble.output import build_output
from pandas_async_io.call.prepare.credentials import explain_unsent_credentials
from pandas_async_io.call.prepare.limits import describe_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.report.tally import Tally
    from pandas_async_io._core.workflow.base import Workflow
    from pandas_async_io._io.storage.call_store import CallStore
    from pandas_async_io.call.prepare.prepared_call import PreparedCall
    from pandas_async_io.call.stack_level import UserLine
    from pandas_async_io.call.workflow import Collector


def assemble(
    call: PreparedCall,
    collector: Collector,
    workflow: Workflow,
    outcomes: Outcomes,
    tally: Tally,
    *,
    store: CallStore | None = None,
    quiet: bool,
    line: UserLine | None = None,
) -> pd.DataFrame:
    """Return the frame of a call whose workflow is closed. Once per call.

    Raises
    ------
    FetchError
        Rows failed and ``errors="raise"``, unless ``quiet``.
    """
    options, sent = call.options, call.requests.sent
    collected = collector.collect()
    may_fail = bool(call.schema) or outcomes.failed_rows().any() or any(map(may_have_failed, collected.blocks))
    kept = collected.copy() if may_fail or call.resumption is not None else None
    output = build_output(call.frame, options, call.schema, collected, call.requests.rows.row_to_request)
    outcomes.mark_parse_errors(output.columns.failures)
    explain_failures(call, outcomes)
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
        describe_limits(call),
        output.columns.drifted,
        missing_columns=(*output.columns.missing_columns, *output.columns.hints),
        infinite=output.columns.infinite,
        missing_paths=output.columns.missing_paths,
        label=call.source.label,
        **describe_hints(call, store, output.columns.notes),
        **workflow_state(call, workflow),
    )
    errors = "ignore" if quiet else options.errors
    return attach_runs(output.frame, (*get_runs(call.frame), run), errors=errors, line=line)


def describe_hints(call: PreparedCall, store: CallStore | None, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a run says of its requests and its store, after `notes` on its columns."""
    problems, use = (store.describe_problems(), store.usage.describe()) if store else ((), ())
    return {"hints": (*call.requests.hints, *problems), "notes": (*notes, *use)}


def explain_failures(call: PreparedCall, outcomes: Outcomes) -> None:
    """Add to the errors of failed rows what the call itself explains."""
    options = call.options
    explain_unsent_credentials(call, outcomes)
    body = next((name for name in ("json", "data") if getattr(options, name) is not None), None)
    if body is not None and call.requests.sent.method == "GET":
        outcomes.add_note_to_status((400, 405), f"{body}= with GET: method='POST'?")


def _collect_findings(call: PreparedCall, workflow: Workflow) -> dict[int, list[str]]:
    """Return what the bodies and the workflow hint at, by position."""
    found = {position: [*texts] for position, texts in call.decode.findings.items()}
    for position, texts in workflow.findings.items():
        found.setdefault(position, []).extend(texts)
    return found


def workflow_state(call: PreparedCall, workflow: Workflow) -> dict[str, Any]:
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
        "empty_answers": tuple(filter(None, [workflow.describe_empty()])),
        "unfinished": {row: workflow.unfinished[int(row_to_request[row])] for row in unfinished_rows},
    }

"""How far a call is: what is done, and what its requests wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.report.run_state import RunState
from pandas_async_io._core.workflow.paging.workflow import PagingWorkflow

if TYPE_CHECKING:
    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.workflow.base import Workflow
    from pandas_async_io._io.engine.context import CallContext
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


def read_run_state(call: PreparedCall, workflow: Workflow, outcomes: Outcomes, context: CallContext | None) -> RunState:
    """Return how far a call is, from any thread; with pages, those that were found so far are counted."""
    requests = call.requests
    origins = () if context is None else tuple(run.read_state() for run in list(context.runs))
    if isinstance(workflow, PagingWorkflow):
        total = max(workflow.pages_requested, len(requests.sent))
        return RunState(workflow.pages_done, total, "page", origins)
    return RunState(outcomes.done, len(requests.rows), "request" if requests.batches is None else "key", origins)

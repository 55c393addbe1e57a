"""What all runs of one call share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.models import Response

if TYPE_CHECKING:
    from pandas_async_io._core.policy.policy import Policy
    from pandas_async_io._core.policy.run_budget import RunBudget
    from pandas_async_io._core.policy.server_budgets import Budget
    from pandas_async_io._core.report.tally import Tally
    from pandas_async_io._core.security.origins import Origin
    from pandas_async_io._core.workflow.base import Workflow
    from pandas_async_io._io.gate.gate import Gate

Send = Callable[..., Awaitable[Response]]
"""Sends a `Request` within a timeout in seconds; raises `AttemptError`. ``new_connection=True`` avoids kept ones."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """The parts that each attempt of a call works with.

    Attributes
    ----------
    send : callable
        Sends one request once.
    workflow : Workflow
        Decodes responses, says which requests follow, and takes the results.
    policy : Policy
        Concurrency, rates, retries and timeout.
    budget : RunBudget
        What the whole call may spend.
    tally : Tally
        Counts what the whole call did.
    gate_of : callable
        Returns the client's gate of an origin.
    read_budget : callable, optional
        Returns what a payload says is left of the server's limit.
    """

    send: Send
    workflow: Workflow
    policy: Policy
    budget: RunBudget
    tally: Tally
    gate_of: Callable[[Origin], Gate]
    read_budget: Callable[[Any], Budget | None] | None = None

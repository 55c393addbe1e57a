"""What all runs of one call share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

from pandas_async_io._core.models import Outcome, Response
from pandas_async_io._core.policy.predicate import no_payload
from pandas_async_io._core.policy.retries.retry import Stop

if TYPE_CHECKING:
    from pandas_async_io._core.policy.policy import Policy
    from pandas_async_io._core.policy.run_budget import RunBudget
    from pandas_async_io._core.policy.server_limits.server_budgets import Budget
    from pandas_async_io._core.report.run_state import OriginState
    from pandas_async_io._core.report.tally import Tally
    from pandas_async_io._core.security.origins import Origin
    from pandas_async_io._core.workflow.base import Workflow
    from pandas_async_io._io.engine.backlog import Window
    from pandas_async_io._io.engine.run_events import RunEvents
    from pandas_async_io._io.gate.gate import Gate
    from pandas_async_io._io.storage.call_store import CallStore

Send = Callable[..., Awaitable[Response]]
"""Sends a `Request` within a timeout in seconds; raises `AttemptError`. ``new_connection=True`` avoids kept ones."""


_OVER = Stop(Outcome.CANCELLED, "not sent: the call is over")


@dataclass(slots=True)
class Delivery:
    """Keeps the results that come in apart from the frame that another thread makes after Ctrl-C.

    Invariant: while `lock` is held, each result is in the workflow and the collector as a whole or not at all.
    """

    lock: RLock = field(default_factory=RLock)
    closed: bool = False

    def close(self) -> None:
        """Take no more results; waits for the one that is being delivered."""
        with self.lock:
            self.closed = True


class ActiveRun(Protocol):
    """The run of one origin while it sends."""

    def wake(self) -> None:
        """End every wait, because the call was ended."""

    def resume(self) -> None:
        """Look again whether the window lets more requests start."""

    def read_state(self) -> OriginState:
        """Return how far the run is, from any thread."""


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
    delivery : Delivery
        Decides whether results are still taken.
    runs : set of ActiveRun
        The runs that are sending.
    read_budget : callable, optional
        Returns what a payload says is left of the server's limit.
    has_no_records : callable, optional
        Whether the user takes a response that is no success for an answer without records.
    read_error_body : callable
        Returns the payload of such a response, for a path in ``Retry(when=...)``.
    window : Window, optional
        Holds requests back, so that a reader of the results keeps up.
    store : CallStore, optional
        Where answers are kept, and taken from.
    events : RunEvents, optional
        Tells the hooks what happens, if there are any.
    """

    send: Send
    workflow: Workflow
    policy: Policy
    budget: RunBudget
    tally: Tally
    gate_of: Callable[[Origin], Gate]
    delivery: Delivery = field(default_factory=Delivery)
    runs: set[ActiveRun] = field(default_factory=set)
    read_budget: Callable[[Any], Budget | None] | None = None
    has_no_records: Callable[[Response], bool] | None = None
    read_error_body: Callable[[Response], Any] = no_payload
    window: Window | None = None
    store: CallStore | None = None
    events: RunEvents | None = None

    def resume(self) -> None:
        """Look again whether the window lets more requests start; call it on the loop."""
        for run in self.runs:
            run.resume()

    def close(self) -> None:
        """Take no more results and send nothing more: the frame is made. Call it from any thread."""
        self.delivery.close()
        self.budget.end(_OVER)

    def end(self, stop: Stop) -> None:
        """Let the unsent requests end with `stop`, those under way finish; call it on the loop."""
        self.budget.end(stop)
        for run in self.runs:
            run.wake()

"""What follows an attempt: a repetition, the next steps of the workflow, or a result.

Invariant: each step ends with exactly one result, which the workflow takes as a whole or, once the frame is being
made, not at all. `_core` takes every decision about it.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, DescriptorError, SessionClosedError
from pandas_async_io._core.models import Outcome, Page, Response, Result
from pandas_async_io._core.policy.retries.retry import FailedAttempt, Repeat, Stop, decide_retry, stop_row
from pandas_async_io._core.policy.run_budget import describe_cancelled
from pandas_async_io._io.engine.attempt import read_stored, uncount_sent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pandas_async_io._core.storage.freshness import StoredAnswer
    from pandas_async_io._core.workflow.base import Step
    from pandas_async_io._io.engine.attempt import Attempt
    from pandas_async_io._io.engine.backlog import Backlog, PendingRequest
    from pandas_async_io._io.engine.context import CallContext
    from pandas_async_io._io.gate.origins import OriginGates

    AddSteps = Callable[..., None]
    """Takes a position, its next steps, and ``replacing=True`` if they replace a failed one."""

_MAX_WITHOUT_SOCKET = 10
"""Attempts of a request without a socket, after which it spends one as for any failure."""
_NO_SOCKET_SECONDS = 0.02
"""Seconds that double each time the process has no socket for a request."""


class FollowUp:
    """Settles the attempts of one origin's run.

    Parameters
    ----------
    call : CallContext
        What the call shares.
    backlog : Backlog
        Takes the requests that are repeated.
    gates : OriginGates
        Counts the requests that have no result yet.
    add_steps : callable
        Takes a position and the steps that follow at it.
    """

    __slots__ = ("_add_steps", "_backlog", "_call", "_delivery", "_gates")

    def __init__(self, call: CallContext, backlog: Backlog, gates: OriginGates, add_steps: AddSteps) -> None:
        self._call, self._backlog, self._gates, self._add_steps = call, backlog, gates, add_steps
        self._delivery = call.delivery

    def settle(self, pending: PendingRequest, attempt: Attempt) -> None:
        """Take the answer, or put the request back, or end it."""
        error, response = attempt.error, attempt.response
        if error is None:
            if response is not None and response.status == 304 and pending.stale is not None:
                self._ask_without_condition(pending, attempt)
                return
            retry = self._call.policy.retry
            if response is not None and attempt.is_empty:
                self._take_empty(pending, response)
                return
            if retry.condition is None and response is not None and retry.accepts(response.status):
                self._take(pending, response, attempt.payload)
                return
        elif isinstance(error, DescriptorError) and pending.without_socket < _MAX_WITHOUT_SOCKET:
            self._put_back_unsent(pending, attempt)
            return
        elif isinstance(error, SessionClosedError):
            uncount_sent(self._call, pending, attempt)
            self.give_up(pending, Stop(Outcome.NOT_ATTEMPTED, f"not sent: {error}"))
            return
        self._repeat_or_end(pending, attempt)

    def take_stored(self, pending: PendingRequest, answer: StoredAnswer) -> bool:
        """Take the kept answer of a request, read with this call's options; return whether it stands.

        An answer that `error_when` calls an error does not, nor one whose status is repeated: it is requested again.
        """
        attempt, response = read_stored(self._call, pending, answer.response), answer.response
        if attempt is None:
            pending.answer = None
            return False
        if attempt.is_empty:
            self._take_empty(pending, response)
        elif attempt.error is None and self._call.policy.retry.accepts(response.status):
            self._take(pending, response, attempt.payload)
        else:
            failure = FailedAttempt(pending.request, response, attempt.error, attempts=0)
            self._fail(pending, response, stop_row(failure))
        return True

    def give_up(self, pending: PendingRequest, stop: Stop) -> None:
        """End a request that is not sent any more: with its last failure, if it was ever sent."""
        failure = pending.last_failure
        if failure is None:
            if not self._take_stale(pending, None, stop):
                self.finish(pending, None, stop.outcome, error=stop.error)
            return
        last = stop_row(failure, stop.error.replace("not sent", "not sent again", 1))
        if not self._take_stale(pending, failure.response, last):
            self.finish(pending, failure.response, last.outcome, error=last.error)

    def cancel(self, pending: PendingRequest) -> None:
        """End a request that was in flight when the run was stopped."""
        self.finish(pending, None, Outcome.CANCELLED, error=describe_cancelled(pending.request.method))

    def _take_stale(self, pending: PendingRequest, response: Response | None, stop: Stop) -> bool:
        """Take the stale answer in place of a failure of the server, if it allows that; return whether it was taken."""
        store, stale, pending.stale = self._call.store, pending.stale, None
        if store is None or store.cache is None or stale is None:
            return False
        pending.answer = store.cache.take_stale(stale, stop, response, time.time())
        if pending.answer is None:
            return False
        pending.note = f"stale answer taken: {stop.error}"
        return self.take_stored(pending, pending.answer)

    def _ask_without_condition(self, pending: PendingRequest, attempt: Attempt) -> None:
        """Send a request again whose 304 is about another answer than the kept one."""
        pending.stale = None
        pending.attempts -= not attempt.probe
        self._backlog.put(pending, 0.0, "backoff")

    def _repeat_or_end(self, pending: PendingRequest, attempt: Attempt) -> None:
        """Decide whether to send again. A probe, a refused attempt and a reconnection cost no attempt."""
        response, refused, policy = attempt.response, attempt.refused, self._call.policy
        ended = pending.started + pending.elapsed
        if refused and pending.accepted != (accepted := pending.gate.accepted):
            pending.accepted, pending.refusals_in_a_row = accepted, 0
        elif not refused:
            pending.failing_since = min(pending.failing_since, ended)
        pending.last_failure = failure = FailedAttempt(
            pending.request,
            response,
            attempt.error,
            attempts=pending.attempts,
            refused=refused,
            refusals=pending.refusals,
            refusals_in_a_row=pending.refusals_in_a_row,
            repeatable=policy.repeatable,
            reconnected=pending.reconnected,
            failing_for=self._failing_for(pending, ended),
            read_payload=self._call.read_error_body,
        )
        decision = decide_retry(policy.retry, failure, epoch=time.time(), jitter=random.random())  # noqa: S311 - jitter
        if isinstance(decision, Repeat):
            pending.last_failure = failure.shorten()
            self._put_back(pending, failure, decision, free=refused or decision.reconnect, probe=attempt.probe)
        elif decision is None and response is not None:
            self._take(pending, response, attempt.payload)
        else:
            stop = decision if isinstance(decision, Stop) else stop_row(failure)
            self._fail(pending, response, stop, attempt.error or AttemptError(stop.error))

    def _failing_for(self, pending: PendingRequest, now: float) -> float:
        """Return the seconds since a request first failed; infinity if the run has had no answer below 500."""
        answered = pending.gate.has_answered_since(self._call.tally.started_at)
        return now - pending.failing_since if answered else math.inf

    def _put_back(
        self, pending: PendingRequest, failure: FailedAttempt, repeat: Repeat, *, free: bool, probe: bool
    ) -> None:
        """Have a request sent again; the retry budget orders repeats that are not `free`."""
        pending.attempts -= free and not probe
        pending.reconnected |= repeat.reconnect
        pending.refusals += repeat.refused
        pending.refusals_in_a_row += repeat.refused
        if self._call.events is not None:
            self._call.events.schedule_retry(pending, failure, repeat.delay)
        if free:
            self._backlog.put(pending, repeat.delay, "pause" if repeat.refused else "backoff")
        else:
            self._backlog.put_repeat(pending, repeat.delay)

    def _put_back_unsent(self, pending: PendingRequest, attempt: Attempt) -> None:
        """Wait until another connection is closed: this process may open no more."""
        pending.gate.slots.shrink_to_descriptors(pending.started + pending.elapsed)
        uncount_sent(self._call, pending, attempt)
        pending.without_socket += 1
        self._backlog.put(pending, _NO_SOCKET_SECONDS * 2.0**pending.without_socket, "files")

    def _take(self, pending: PendingRequest, response: Response, payload: Any) -> None:
        """Take an answer and the steps that follow from it."""
        workflow = self._call.workflow
        if workflow.one_request:
            if self._call.store is not None:
                self._keep(pending, response)
            self.finish(pending, response, Outcome.OK, payload=payload)
            return
        with self._delivery.lock:
            if not self._delivery.closed:
                page = Page(pending.request, response, payload)
                now = asyncio.get_running_loop().time()
                try:
                    steps = workflow.next_steps(pending.position, pending.number, page, now, time.time())
                except AttemptError as exc:
                    self._keep(pending, response, exc)
                    self._void(pending.position)
                    self.finish(pending, response, exc.outcome, error=str(exc))
                    return
                self._keep(pending, response, following=steps)
                self._add_steps(pending.position, steps)
            self.finish(pending, response, Outcome.OK, payload=payload)

    def _take_empty(self, pending: PendingRequest, response: Response) -> None:
        """Take an answer without records and the steps that follow from it."""
        with self._delivery.lock:
            if not self._delivery.closed:
                steps = self._call.workflow.take_empty(pending.position, pending.number, response)
                self._keep(pending, response, following=steps, is_empty=True)
                self._add_steps(pending.position, steps)
            self.finish(pending, response, Outcome.OK)

    def _keep(
        self,
        pending: PendingRequest,
        response: Response,
        error: AttemptError | None = None,
        following: Sequence[Step] = (),
        *,
        is_empty: bool = False,
    ) -> None:
        """Keep an answer that is not from the store."""
        store, key = self._call.store, pending.key
        if store is None or pending.answer is not None:
            return
        if key is None:
            store.invalidate(pending.request, response)
        else:
            requests = [step.request for step in following]
            parts = self._call.workflow.list_part_keys(pending.position, pending.number)
            store.keep(
                key,
                pending.request,
                response,
                error=error,
                following=requests,
                parts=parts,
                is_empty=is_empty,
                delay=pending.elapsed,
            )

    def _void(self, position: int) -> None:
        """Let the store forget what leads nowhere any more."""
        if self._call.store is not None:
            self._call.store.void(self._call.workflow.list_void_requests(position))

    def _fail(
        self, pending: PendingRequest, response: Response | None, stop: Stop, error: AttemptError | None = None
    ) -> None:
        """End a request that failed for good, after adding the steps that replace it."""
        if pending.stale is not None and self._take_stale(pending, response, stop):
            return
        if response is not None:
            self._keep(pending, response, error)
        with self._delivery.lock:
            if stop.outcome is Outcome.HTTP_ERROR and response is not None and not self._delivery.closed:
                workflow, position = self._call.workflow, pending.position
                steps = workflow.replacement_steps(position, pending.number, pending.request, response.status)
                self._add_steps(position, steps, replacing=True)
                self._void(position)
            self.finish(pending, response, stop.outcome, error=stop.error)

    def finish(
        self,
        pending: PendingRequest,
        response: Response | None,
        outcome: Outcome,
        *,
        payload: Any = None,
        error: str | None = None,
    ) -> None:
        """End a request with its result."""
        self._gates.settle(pending.gate)
        status = url = fetched_at = None
        if response is not None:
            status = response.status
            url = response.url if response.url is not pending.request.url else None
            fetched_at = time.time() if pending.answer is None else pending.answer.fetched_at
        from_store = pending.answer is not None
        error = error or pending.note
        result = Result(outcome, payload, status, pending.sent, pending.elapsed, url, error, fetched_at, from_store)
        delivery = self._delivery
        with delivery.lock:
            if not delivery.closed:
                self._call.workflow.finish_step(pending.position, pending.number, result)
        if self._call.window is not None:
            self._call.window.end_step(pending.position)

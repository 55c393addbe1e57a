"""One attempt: a request sent once, its response decoded, and its result recorded by the gate."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import AttemptError, PayloadError, SessionError, StaleConnectionError
from pandas_async_io._core.models import NO_RECORDS
from pandas_async_io._core.policy.outages.origin_signal import OriginSignal, read_origin_signal
from pandas_async_io._core.policy.predicate import is_not_modified
from pandas_async_io._core.policy.run_budget import to_deadline_error
from pandas_async_io._core.request.head import split_target
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.storage.cache_fields import read_cache_fields
from pandas_async_io._core.storage.revalidation import make_conditional

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._core.models import Request, Response
    from pandas_async_io._core.storage.freshness import StoredAnswer
    from pandas_async_io._io.engine.backlog import PendingRequest
    from pandas_async_io._io.engine.context import CallContext


_STRAY_CANCELLATION = (
    "CancelledError was raised while the request was sent, and nobody cancelled the call: "
    "a middleware or the connector of the session raised it"
)


@dataclass(slots=True)
class Attempt:
    """The outcome of sending a request once.

    Attributes
    ----------
    probe : bool
        Whether the breaker let it through to find out if the origin is up again.
    response, payload
        What came back, and what it holds if it was decoded.
    error : AttemptError or None
        Why there is no response, or the error in its body.
    signal : OriginSignal
        What it says about the origin.
    """

    probe: bool
    response: Response | None = None
    payload: Any = None
    error: AttemptError | None = None
    signal: OriginSignal = OriginSignal.NONE

    @property
    def is_empty(self) -> bool:
        """Whether the response is an answer without records, whatever its status."""
        return self.payload is NO_RECORDS

    @property
    def refused(self) -> bool:
        """Whether the server refused the request before it processed it."""
        return self.signal is OriginSignal.REFUSED


async def send_once(call: CallContext, pending: PendingRequest, clock: Callable[[], float], *, probe: bool) -> Attempt:
    """Send a request that has a slot, decode its response if that is a success, and give the slot back."""
    attempt, budget = Attempt(probe), call.budget
    _count_sent(call, pending, probe=probe)
    pending.started = now = clock()
    validated: StoredAnswer | None = None
    try:
        timeout = min(call.policy.timeout, budget.deadline - now)
        request = pending.request if pending.stale is None else _add_condition(pending.request, pending.stale)
        if pending.gate.connections.lost and _needs_new_connection(call, pending):
            response = await call.send(request, timeout, new_connection=True)
        else:
            response = await call.send(request, timeout)
        attempt.response = response
        if response.status == 304 and pending.stale is not None:
            validated = _validate(call, pending, pending.stale, response)
        if validated is not None:
            attempt.payload = read_payload(call, pending, validated.response)
        elif response.status != 304 or pending.stale is None:
            attempt.payload = read_payload(call, pending, response)
    except AttemptError as exc:
        attempt.error = to_deadline_error(exc) if budget.is_past_deadline(clock()) else exc
    except asyncio.CancelledError:
        if is_cancel_requested():
            raise
        attempt.error = SessionError(_STRAY_CANCELLATION)
    finally:
        now = clock()
        _report(call, pending, attempt, now)
        pending.gate.leave()
    pending.elapsed = now - pending.started
    if validated is not None:
        pending.answer, pending.stale, attempt.response = validated, None, validated.response
    return attempt


def _add_condition(request: Request, stale: StoredAnswer) -> Request:
    """Return a request that asks whether a stale answer still holds."""
    return make_conditional(request, read_cache_fields(stale.response.headers)) or request


def _validate(
    call: CallContext, pending: PendingRequest, stale: StoredAnswer, not_modified: Response
) -> StoredAnswer | None:
    store, key = call.store, pending.key
    return None if store is None or key is None else store.validate(key, pending.request, stale, not_modified)


def read_payload(call: CallContext, pending: PendingRequest, response: Response) -> Any:
    """Return the payload of a success, `NO_RECORDS` for an answer without records, None for what is neither.

    Raises
    ------
    AttemptError
        The body is not what the call expects, or a function of the user's raised.
    """
    if call.policy.retry.accepts(response.status):
        return call.workflow.decode(pending.position, pending.number, response)
    has_no_records = call.has_no_records
    is_empty = is_not_modified(pending.request, response) or (has_no_records is not None and has_no_records(response))
    return NO_RECORDS if is_empty and call.workflow.may_be_empty(pending.position) else None


def read_stored(call: CallContext, pending: PendingRequest, response: Response) -> Attempt | None:
    """Read a kept answer with this call's options; None if it is to be requested again.

    That is one that `error_when` calls an error, or whose status is no success or is repeated.
    """
    attempt, store = Attempt(probe=False, response=response), call.store
    try:
        attempt.payload = read_payload(call, pending, response)
    except AttemptError as exc:
        attempt.error = exc
    is_repeated = not (attempt.is_empty or call.policy.retry.accepts(response.status))
    is_failure = isinstance(attempt.error, PayloadError) or is_repeated
    return None if is_failure and store is not None and not store.replays else attempt


def _needs_new_connection(call: CallContext, pending: PendingRequest) -> bool:
    policy = call.policy
    return pending.reconnected or pending.gate.connections.need_new(
        policy.retry, pending.request, repeatable=policy.repeatable
    )


def is_cancel_requested() -> bool:
    """Whether somebody asked the current task to cancel; else its CancelledError comes from a user's code."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _count_sent(call: CallContext, pending: PendingRequest, *, probe: bool) -> None:
    """Count an attempt that begins, and tell the hooks."""
    tally = call.tally
    call.budget.count_sent()
    tally.sent += 1
    tally.retried += pending.last_failure is not None
    pending.sent += 1
    pending.attempts += not probe
    if call.events is not None:
        call.events.send(pending)


def uncount_sent(call: CallContext, pending: PendingRequest, attempt: Attempt) -> None:
    """Take back the count of an attempt that never got on the wire."""
    call.budget.uncount_sent()
    call.tally.sent -= 1
    call.tally.retried -= pending.last_failure is not None
    pending.sent -= 1
    pending.attempts -= not attempt.probe


def _report(call: CallContext, pending: PendingRequest, attempt: Attempt, now: float) -> None:
    """Record the attempt at the gate and in the tally, and tell the hooks. The slot is still taken."""
    events = call.events
    if events is None:
        _record(call, pending, attempt, now)
        return
    open_at, _ = pending.gate.held_until(now)
    _record(call, pending, attempt, now)
    events.receive(pending, attempt.response, attempt.error, refused=attempt.refused, open_at=open_at, now=now)


def _record(call: CallContext, pending: PendingRequest, attempt: Attempt, now: float) -> None:
    gate, response, error, started, epoch = pending.gate, attempt.response, attempt.error, pending.started, time.time()
    retry = call.policy.retry
    late = error is not None and call.budget.is_past_deadline(now)
    signal, asked = read_origin_signal(
        retry, response, error, epoch=epoch, deadline_passed=late, is_empty=attempt.is_empty
    )
    size = 0
    if response is not None:
        if response.status == 503 and signal is OriginSignal.FAILED and 503 in retry.statuses:
            signal = OriginSignal.REFUSED if gate.is_limiter(started, now) else signal
        size = len(response.body)
        gate.obey_headers(response.headers, now=now, epoch=epoch)
        if call.read_budget is not None and (announced := call.read_budget(attempt.payload)) is not None:
            gate.obey_budget(announced, now=now)
    attempt.signal = signal
    refused = signal is OriginSignal.REFUSED
    if error is not None or response is not None:
        call.tally.count_attempt(started, now, size, refused=refused, in_flight=gate.slots.in_use)
    if signal is OriginSignal.ANSWERED:
        gate.record_answer(started, now)
    elif refused:
        reason = "refused" if response is None or response.status < 400 else str(response.status)
        gate.record_refusal(started, now, asked, cap=retry.cap, reason=reason)
    elif signal is not OriginSignal.FAILED:
        if isinstance(error, StaleConnectionError):
            gate.connections.lost += 1
            call.tally.count_lost_connection(redact_url(split_target(pending.request.url)[0]))
        gate.record_no_signal(started, now)
    elif pending.last_failure is None or attempt.probe:  # a row that fails again says more about the row
        gate.record_failure(started, now)

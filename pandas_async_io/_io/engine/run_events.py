"""Builds the events of a run and gives them to its hooks: none is built that nobody listens to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.errors import StaleConnectionError
from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.retries.retry import stop_row
from pandas_async_io._core.report import events
from pandas_async_io._core.security.origins import origin_prefix
from pandas_async_io._core.security.secrets import redact_url

if TYPE_CHECKING:
    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.models import Request, Response, Result
    from pandas_async_io._core.policy.retries.retry import FailedAttempt
    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.report.tally import Tally
    from pandas_async_io._core.security.redaction import SecretRedactor
    from pandas_async_io._io.engine.backlog import PendingRequest
    from pandas_async_io._io.hooks import Hooks

_SAME_PAUSE_SECONDS = 1.0
"""A pause that is extended by less is the same one: requests that were in flight are refused together."""


class RunEvents:
    """Tells the hooks of one run what happens; all methods are called on the run's event loop.

    Parameters
    ----------
    hooks : Hooks
        Who listens.
    run, label : str
        As in `Started`.
    redactor : SecretRedactor
        Hides the call's credentials.
    rows : array of int64, optional
        For each row of the run its position in the input; by default the same.
    """

    __slots__ = ("_hooks", "_is_over", "_label", "_outcomes", "_redactor", "_rows", "_rows_by_request", "run")

    def __init__(
        self, hooks: Hooks, run: str, label: str, redactor: SecretRedactor, rows: Positions | None = None
    ) -> None:
        self.run = run
        self._hooks, self._label, self._redactor, self._rows = hooks, label, redactor, rows
        self._outcomes: Outcomes | None = None
        self._rows_by_request: tuple[Positions, Positions] | None = None
        self._is_over = False

    def start(self, outcomes: Outcomes, requests: int) -> None:
        """Tell that the run starts, and which rows are not sent; its outcomes are told from now on."""
        self._outcomes = outcomes
        rows = len(outcomes.expansion.row_to_request)
        if self._hooks.hear(events.Started):
            self._call(events.Started(**self._now(), label=self._label, rows=rows, requests=requests))
        if self._hooks.hear(events.RowFinished):
            outcomes.on_put = self.finish_request
            self._tell_unsent(outcomes)

    def send(self, pending: PendingRequest) -> None:
        """Tell that an attempt begins."""
        if self._hooks.hear(events.Sent):
            self._call(events.Sent(**self._now(), **self._describe(pending)))

    def receive(
        self,
        pending: PendingRequest,
        response: Response | None,
        error: Exception | None,
        *,
        refused: bool,
        open_at: float,
        now: float,
    ) -> None:
        """Tell that an attempt ended, and whether it paused its origin.

        Parameters
        ----------
        open_at : float
            As `held_until` returned it before the gate learnt from the attempt.
        now : float
            On the loop's clock.
        """
        if self._hooks.hear(events.Received) and (response is not None or error is not None):
            self._call(
                events.Received(
                    **self._now(),
                    **self._describe(pending),
                    seconds=now - pending.started,
                    status=None if response is None else response.status,
                    bytes=0 if response is None else len(response.body),
                    error=None if error is None else self._redact(pending, str(error)),
                    error_type=None if error is None else type(error).__name__,
                    refused=refused,
                )
            )
        if self._hooks.hear(events.Paused):
            until, reason = pending.gate.held_until(now)
            if until > max(open_at + _SAME_PAUSE_SECONDS, now):
                origin = self._find_origin(pending.request)
                self._call(events.Paused(**self._now(), origin=origin, seconds=until - now, reason=reason))

    def schedule_retry(self, pending: PendingRequest, failure: FailedAttempt, delay: float) -> None:
        """Tell that a request is to be sent again."""
        if self._hooks.hear(events.RetryScheduled):
            reason = self._redact(pending, stop_row(failure).error)
            if isinstance(failure.error, StaleConnectionError):
                reason = "the kept connection had ended"
            self._call(events.RetryScheduled(**self._now(), **self._describe(pending), delay=delay, reason=reason))

    def find_page(self, position: int, number: int, request: Request) -> None:
        """Tell that a page named a further one."""
        if self._hooks.hear(events.PageFound):
            url = self._redactor.redact_for_request(position, redact_url(request.url))
            self._call(events.PageFound(**self._now(), request=position, page=number, url=url))

    def finish_request(self, position: int, result: Result, error: str | None) -> None:
        """Tell that the rows of a request have their outcome; ``error`` is redacted."""
        for row in self._find_rows(position):
            self._finish_row(row, result.outcome, result.status, result.attempts, error, from_store=result.from_store)

    def finish(self, tally: Tally, error: BaseException | None) -> None:
        """Tell that the run ended; nothing is told after it."""
        if self._outcomes is not None and self._hooks.hear(events.Finished):
            self._call(
                events.Finished(
                    **self._now(),
                    label=self._label,
                    outcomes=self._outcomes.count_by_outcome(),
                    sent=tally.sent,
                    retried=tally.retried,
                    refused=tally.refused,
                    bytes=tally.received_bytes,
                    seconds=max(tally.ended_at - tally.started_at, 0.0),
                    error_type=None if error is None else type(error).__name__,
                )
            )
        self._is_over = True

    def _call(self, event: Any) -> None:
        if not self._is_over:
            self._hooks.call(event)

    def _now(self) -> dict[str, Any]:
        return {"run": self.run, "time": time.time()}

    def _describe(self, pending: PendingRequest) -> dict[str, Any]:
        request = pending.request
        return {
            "request": pending.position,
            "page": pending.number,
            "attempt": pending.sent,
            "method": request.method,
            "url": self._redact(pending, redact_url(request.url)),
            "origin": self._find_origin(request),
        }

    def _find_origin(self, request: Request) -> str:
        return redact_url(origin_prefix(request.url)).rstrip("/")

    def _redact(self, pending: PendingRequest, text: str) -> str:
        return self._redactor.redact_for_request(pending.position, text)

    def _tell_unsent(self, outcomes: Outcomes) -> None:
        expansion = outcomes.expansion
        for row in np.flatnonzero(expansion.row_to_request < 0).tolist():
            unsafe = expansion.unsafe.get(row)
            missing = None if expansion.missing is None else expansion.missing[row]
            if unsafe is None:
                self._finish_row(row, Outcome.NULL_KEY, None, 0, missing)
            else:
                self._finish_row(row, Outcome.UNSAFE_URL, None, 0, unsafe)

    def _find_rows(self, position: int) -> list[int]:
        """Return the rows that need a request."""
        if self._outcomes is None:
            return []
        if self._rows_by_request is None:
            row_to_request = self._outcomes.expansion.row_to_request
            order = np.argsort(row_to_request, kind="stable")
            self._rows_by_request = row_to_request[order], order
        requests, rows = self._rows_by_request
        first, last = np.searchsorted(requests, [position, position + 1])
        found: list[int] = rows[first:last].tolist()
        return found

    def _finish_row(
        self,
        row: int,
        outcome: Outcome,
        status: int | None,
        attempts: int,
        error: str | None,
        *,
        from_store: bool = False,
    ) -> None:
        self._call(
            events.RowFinished(
                **self._now(),
                row=row if self._rows is None else int(self._rows[row]),
                outcome=outcome,
                status=status,
                attempts=attempts,
                error=error,
                from_store=from_store,
            )
        )

"""The plain workflow: one request and one response for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pandas_async_io._core.models import NO_RECORDS
from pandas_async_io._core.workflow.base import Step, Workflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Page, Request, Response, Result
    from pandas_async_io._core.workflow.base import Deliver


class AnswerCheck(Protocol):
    """Looks at the first answers of a call, for a hint."""

    @property
    def is_done(self) -> bool:
        """Whether no other answer needs to be looked at."""

    def describe(self, position: int, response: Response, payload: Any) -> str | None:
        """Return what to say about an answer, if anything."""


class Plain(Workflow):
    """Delivers the payload of each response.

    Parameters
    ----------
    decode : Interpreter
        Takes a response and returns its payload.
    deliver : callable
        Takes the result of each position.
    checks : sequence of AnswerCheck
        What looks at the first answers, for a hint.
    """

    one_request = True

    def __init__(self, decode: Interpreter, deliver: Deliver, checks: Sequence[AnswerCheck] = ()) -> None:
        super().__init__(decode)
        self._deliver = deliver
        self._checks = list(checks)

    def begin(self, position: int, request: Request) -> Sequence[Step]:  # noqa: ARG002 - of the interface
        """Return the request."""
        return (Step(1, request),)

    def decode(self, position: int, number: int, response: Response) -> Any:  # noqa: ARG002 - of the interface
        """Return the payload; the first ones are looked at."""
        payload = self._decode(response, position)
        if self._checks and payload is not NO_RECORDS:
            self._check(position, response, payload)
        return payload

    def _check(self, position: int, response: Response, payload: Any) -> None:
        found = [check.describe(position, response, payload) for check in self._checks]
        if hints := [hint for hint in found if hint is not None]:
            self.findings.setdefault(position, []).extend(hints)
        self._checks = [check for check in self._checks if not check.is_done]

    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - of the interface
        """Return nothing: the response completes its row."""
        return ()

    def finish_step(self, position: int, number: int, result: Result) -> None:  # noqa: ARG002 - of the interface
        """Deliver the result."""
        self._deliver(position, result)

    def close(self) -> None:
        """Keep nothing: the engine has delivered every result."""

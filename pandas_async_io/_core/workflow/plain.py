"""The plain workflow: one request and one response for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.workflow.base import Step, Workflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Page, Request, Result
    from pandas_async_io._core.workflow.base import Deliver


class Plain(Workflow):
    """Delivers the payload of each response.

    Parameters
    ----------
    decode : Interpreter
        Takes a response and returns its payload.
    deliver : callable
        Takes the result of each position.
    """

    one_request = True

    def __init__(self, decode: Interpreter, deliver: Deliver) -> None:
        super().__init__(decode)
        self._deliver = deliver

    def begin(self, position: int, request: Request) -> Sequence[Step]:  # noqa: ARG002 - of the interface
        """Return the request."""
        return (Step(1, request),)

    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - of the interface
        """Return nothing: the response completes its row."""
        return ()

    def finish_step(self, position: int, number: int, result: Result) -> None:  # noqa: ARG002 - of the interface
        """Deliver the result."""
        self._deliver(position, result)

    def close(self) -> None:
        """Keep nothing: the engine has delivered every result."""

"""The plain workflow: one request and one response for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.models import NO_RECORDS
from pandas_async_io._core.workflow.base import Step, Workflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Page, Request, Response, Result
    from pandas_async_io._core.workflow.base import Deliver
    from pandas_async_io._core.workflow.paging.further_pages import FurtherPages


class Plain(Workflow):
    """Delivers the payload of each response.

    Parameters
    ----------
    decode : Interpreter
        Takes a response and returns its payload.
    deliver : callable
        Takes the result of each position.
    further_pages : FurtherPages, optional
        Looks for further pages in the first answers, for a hint.
    """

    one_request = True

    def __init__(self, decode: Interpreter, deliver: Deliver, further_pages: FurtherPages | None = None) -> None:
        super().__init__(decode)
        self._deliver = deliver
        self._further_pages = further_pages

    def begin(self, position: int, request: Request) -> Sequence[Step]:  # noqa: ARG002 - of the interface
        """Return the request."""
        return (Step(1, request),)

    def decode(self, position: int, number: int, response: Response) -> Any:  # noqa: ARG002 - of the interface
        """Return the payload; the first ones may be pages of many."""
        payload = self._decode(response, position)
        if self._further_pages is not None and payload is not NO_RECORDS:
            self._look_for_further_pages(self._further_pages, position, response, payload)
        return payload

    def _look_for_further_pages(self, hint: FurtherPages, position: int, response: Response, payload: Any) -> None:
        finding = hint.describe(position, response, payload)
        if finding is not None:
            self.findings.setdefault(position, []).append(finding)
        if hint.is_done:
            self._further_pages = None

    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - of the interface
        """Return nothing: the response completes its row."""
        return ()

    def finish_step(self, position: int, number: int, result: Result) -> None:  # noqa: ARG002 - of the interface
        """Deliver the result."""
        self._deliver(position, result)

    def close(self) -> None:
        """Keep nothing: the engine has delivered every result."""

"""Multi-request workflows: which requests follow a response, and when a row is complete.

A call has one workflow for all its requests: paging, batching, a job per request, or plain
(one request, one response).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pandas_async_io._core.models import Outcome, Result

if TYPE_CHECKING:
    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Page, Request, Response

Deliver = Callable[[int, Result], None]
"""Takes the result of a position, exactly once."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a position.

    Attributes
    ----------
    number : int
        Distinguishes the requests of a position; the first has 1.
    request : Request
        The complete request.
    after : float
        Seconds to wait before it is sent. The wait holds no slot.
    """

    number: int
    request: Request
    after: float = 0.0


class Workflow(ABC):
    """Decides the requests of each position.

    Invariant: the engine calls `finish_step` exactly once for each step.

    Attributes
    ----------
    unfinished : dict of int to object
        Positions that a later run can continue, and the state that it needs.
    findings : dict of int to list of str
        Notes about a position for the report; its outcome may be ``ok``.
    detected : str or None
        How paging was detected, for the report; None without detection.
    learnt : object
        What a later run of the same call need not find out again.
    empty_statuses : Counter of int
        Statuses of the answers that were taken for no records.
    one_request : bool
        Whether each position has exactly one request. Then the engine calls neither `begin` nor `next_steps`:
        the two take a fifth of its own time per request.
    reads_pages : bool
        Whether the steps that follow a response are further pages.
    replaces_failed : bool
        Whether `replacement_steps` replaces a request that the server calls wrong.
    """

    one_request: ClassVar[bool] = False
    reads_pages: ClassVar[bool] = False
    replaces_failed: ClassVar[bool] = False
    empty_label: ClassVar[str] = "answers taken for no records"

    def __init__(self, decode: Interpreter) -> None:
        self.unfinished: dict[int, Any] = {}
        self.findings: dict[int, list[str]] = {}
        self.detected: str | None = None
        self.learnt: Any = None
        self.empty_statuses: Counter[int] = Counter()
        self._decode = decode

    @abstractmethod
    def begin(self, position: int, request: Request) -> Sequence[Step]:
        """Return the first steps of a position."""

    def decode(self, position: int, number: int, response: Response) -> Any:  # noqa: ARG002 - others need it
        """Return the payload of a success; `NO_RECORDS` if it is an answer without records.

        Raises
        ------
        AttemptError
            The body is not what the call expects; the retry policy decides whether to try again.
        """
        return self._decode(response, position)

    def may_be_empty(self, position: int) -> bool:  # noqa: ARG002 - others need it
        """Whether a position's response that is no success may be an answer without records."""
        return True

    def take_empty(self, position: int, number: int, response: Response) -> Sequence[Step]:
        """Take an answer without records; return the steps that follow."""
        self.empty_statuses[response.status] += 1
        return self._follow_empty(position, number)

    def _follow_empty(self, position: int, number: int) -> Sequence[Step]:  # noqa: ARG002 - others need them
        return ()

    def describe_empty(self) -> str | None:
        """Return how many answers were taken for no records, by status; None if there were none."""
        counts = ", ".join(f"{count} x HTTP {status}" for status, count in self.empty_statuses.most_common())
        return f"{self.empty_label}: {counts}" if counts else None

    @abstractmethod
    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:
        """Take the page of a step and return the steps that follow from it.

        Parameters
        ----------
        now, epoch : float
            Seconds of the engine's clock, and since the epoch.

        Raises
        ------
        AttemptError
            The page ends its row.
        PlanError
            The page ends the run.
        """

    def replacement_steps(self, position: int, number: int, request: Request, status: int) -> Sequence[Step]:  # noqa: ARG002 - others need them
        """Return the steps that replace one that failed with an HTTP status; empty if the failure stands."""
        return ()

    def list_part_keys(self, position: int, number: int) -> Sequence[Any]:  # noqa: ARG002 - others need them
        """Return what the parts of a step's answer are kept under in a store, if each may be needed alone."""
        return ()

    def list_void_requests(self, position: int) -> Sequence[Request]:  # noqa: ARG002 - others need it
        """Return the requests of a position whose kept answers lead nowhere any more."""
        return ()

    @abstractmethod
    def finish_step(self, position: int, number: int, result: Result) -> None:
        """Take the result of a step."""

    @abstractmethod
    def close(self) -> None:
        """End the run: deliver or keep what is still open."""


@dataclass(slots=True)
class StepResults:
    """The results of a position's steps, combined into one.

    Attributes
    ----------
    open_steps : int
        Steps without a result.
    last : Result or None
        The result that came last.
    from_store : bool
        Whether all of them were kept answers.
    failed : (int, Result) or None
        Number and result of the first step that failed, in the order of the steps.
    note : str or None
        The first error of a step that did not fail.
    """

    open_steps: int
    attempts: int = 0
    elapsed: float = 0.0
    last: Result | None = None
    from_store: bool = True
    failed: tuple[int, Result] | None = None
    note: str | None = None

    def add(self, number: int, result: Result) -> None:
        """Add the result of a step."""
        self.open_steps -= 1
        self.attempts += result.attempts
        self.elapsed = max(self.elapsed, result.elapsed)
        self.last = result
        self.from_store &= result.from_store
        if result.outcome is Outcome.OK:
            self.note = self.note or result.error
        elif self.failed is None or number < self.failed[0]:
            self.failed = number, result

    def combine(self) -> Result:
        """Return one result: the failure or else the last result, all attempts, the slowest step's seconds.

        Examples
        --------
        >>> results = StepResults(2)
        >>> results.add(1, Result(Outcome.OK, attempts=1, elapsed=0.5, status=200))
        >>> results.add(2, Result(Outcome.HTTP_ERROR, attempts=3, status=500, error="HTTP 500"))
        >>> combined = results.combine()
        >>> combined.outcome, combined.status, combined.attempts, combined.elapsed
        (<Outcome.HTTP_ERROR: 'http_error'>, 500, 4, 0.5)
        """
        chosen = self.failed[1] if self.failed else self.last
        if chosen is None:
            return Result(Outcome.CANCELLED)
        return Result(
            chosen.outcome,
            chosen.payload,
            chosen.status,
            self.attempts,
            self.elapsed,
            chosen.url,
            chosen.error if self.failed else self.note,
            chosen.fetched_at,
            self.from_store,
        )

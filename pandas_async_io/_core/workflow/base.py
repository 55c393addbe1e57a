"""The course of a request: what its answer asks for next, and when all of it is over.

The engine knows requests and answers only. Without a course an answer is the result
of its row. Whether it is a page of many (`paging`), a job that runs (`polling`) or a
block of keys (`batching`) is decided by one course for all requests of a call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.models import Outcome, Result

if TYPE_CHECKING:
    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Page, Request, Response

Deliver = Callable[[int, Result], None]
"""Takes the result of a position, exactly once."""


@dataclass(frozen=True, slots=True)
class Step:
    """Send this.

    Attributes
    ----------
    number : int
        Tells it from the other requests of its position; the first has 1.
    request : Request
        Complete.
    after : float
        Seconds to wait before; no slot is held meanwhile.
    """

    number: int
    request: Request
    after: float = 0.0


class Course(ABC):
    """What the engine asks; every step ends with one call of `ended`.

    Attributes
    ----------
    unfinished : dict of int to object
        Positions that another run may go on with, and what it has to know of them.
    findings : dict of int to list of str
        What is to be said of a position, though it may be ``ok``.
    taken : str or None
        How the pages were recognised, if that was asked for.
    known : object
        What another run of the same call need not find out again.
    """

    def __init__(self, decode: Interpreter) -> None:
        self.unfinished: dict[int, Any] = {}
        self.findings: dict[int, list[str]] = {}
        self.taken: str | None = None
        self.known: Any = None
        self._decode = decode

    @abstractmethod
    def begin(self, position: int, request: Request) -> Sequence[Step]:
        """Return what is sent first for a position."""

    def decode(self, position: int, number: int, response: Response) -> Any:  # noqa: ARG002 - courses differ
        """Return what an answer of success holds.

        Raises
        ------
        AttemptError
            If it is no such answer; another attempt may be.
        """
        return self._decode(response)

    @abstractmethod
    def answered(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:
        """Return what an answer asks for next.

        Parameters
        ----------
        now, epoch : float
            Seconds of the engine's clock, and since the epoch.

        Raises
        ------
        AttemptError
            If the answer ends the row's hopes.
        PlanError
            If it ends the run's.
        """

    def refused(self, position: int, number: int, request: Request, status: int) -> Sequence[Step]:  # noqa: ARG002 - as above
        """Return what is sent in place of a step that failed for good; nothing if it counts as failed."""
        return ()

    @abstractmethod
    def ended(self, position: int, number: int, result: Result) -> None:
        """Take what became of a step."""

    @abstractmethod
    def close(self) -> None:
        """Take note that nothing more is sent, be it over or not."""


@dataclass(slots=True)
class Sum:
    """The results of a position's steps, as one.

    Attributes
    ----------
    open : int
        Steps that have no result yet.
    """

    open: int
    attempts: int = 0
    elapsed: float = 0.0
    last: Result | None = None
    failed: tuple[int, Result] | None = None

    def add(self, number: int, result: Result) -> None:
        """Take one more; of several failures the first step's counts, of several answers the last one."""
        self.open -= 1
        self.attempts += result.attempts
        self.elapsed = max(self.elapsed, result.elapsed)
        self.last = result
        if result.outcome is not Outcome.OK and (self.failed is None or number < self.failed[0]):
            self.failed = number, result

    def result(self) -> Result:
        """Return the whole: attempts added up, the slowest step's seconds, the failure if there is one.

        Examples
        --------
        >>> whole = Sum(2)
        >>> whole.add(1, Result(Outcome.OK, attempts=1, elapsed=0.5, status=200))
        >>> whole.add(2, Result(Outcome.HTTP_ERROR, attempts=3, status=500, error="HTTP 500"))
        >>> found = whole.result()
        >>> found.outcome, found.status, found.attempts, found.elapsed
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
            chosen.error,
            chosen.fetched_at,
        )

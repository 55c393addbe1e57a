"""The course of requests that hold many keys: each key gets its own answer, a refused block is halved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.batches import Batches, Halving, scatter
from pandas_async_io._core.course import Step
from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import Outcome, Result
from pandas_async_io._core.places import open_records
from pandas_async_io._core.records import records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pandas_async_io._core.course import Deliver
    from pandas_async_io._core.keys import Positions
    from pandas_async_io._core.models import Page, Request
    from pandas_async_io._core.shape import Shape

    Requests = Callable[[Sequence[Positions]], Sequence[Request]]


class Batching:
    """Asks for blocks of keys and delivers to each key.

    Parameters
    ----------
    batches : Batches
        The keys.
    blocks : sequence of array of int64
        The keys in each position's request.
    requests : callable
        Makes the requests for other blocks.
    on : str
        The path of the key in a record.
    shape : Shape
        Where the records are.
    deliver : callable
        Takes the result of each key, its records as the payload.
    """

    def __init__(
        self,
        batches: Batches,
        blocks: Sequence[Positions],
        requests: Requests,
        *,
        on: str,
        shape: Shape,
        deliver: Deliver,
    ) -> None:
        self._batches, self._requests, self._on, self._shape, self._deliver = batches, requests, on, shape, deliver
        self._halving = Halving()
        self._blocks = {(position, 1): block for position, block in enumerate(blocks)}
        self._steps = [1] * len(blocks)
        self._found: dict[tuple[int, int], list[list[Any] | None]] = {}

    def begin(self, position: int, request: Request) -> Sequence[Step]:  # noqa: ARG002 - of the protocol
        """Return the whole block's request."""
        return [Step(1, request)]

    def answered(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - as above
        """Take the answers of a block's keys."""
        self._halving.accepted()
        keys = self._batches.texts(self._blocks[position, number])
        self._found[position, number] = scatter(keys, page.payload, self._records(page.payload), self._on)
        return ()

    def _records(self, payload: Any) -> Sequence[Any]:
        if isinstance(payload, pd.DataFrame):
            return payload.to_dict("records")
        if self._shape.path is not None:
            return records(payload, self._shape)
        try:
            return records(payload, replace(self._shape, path=open_records(payload) or None))
        except PlanError as exc:
            raise ParseError(str(exc).replace("pages=", "batch=", 1)) from None

    def refused(self, position: int, number: int, request: Request, status: int) -> Sequence[Step]:
        """Return the requests of a block's halves, if its keys or its length may be at fault."""
        halves = self._halving.refused(self._blocks[position, number], status)
        if not halves:
            return ()
        del self._blocks[position, number]
        steps = []
        for half, made in zip(halves, self._requests(halves), strict=True):
            self._steps[position] = at = self._steps[position] + 1
            self._blocks[position, at] = half
            steps.append(Step(at, replace(made, headers=request.headers)))
        return steps

    def ended(self, position: int, number: int, result: Result) -> None:
        """Deliver what became of a block to each of its keys."""
        block = self._blocks.pop((position, number), None)
        if block is None:  # its halves are asked for
            return
        found = self._found.pop((position, number), None)
        if found is None or result.outcome is not Outcome.OK:
            found = [None] * len(block)
        for key, mine in zip(block.tolist(), found, strict=True):
            self._deliver(key, replace(result, payload=mine))

    def close(self) -> None:
        """Do nothing."""

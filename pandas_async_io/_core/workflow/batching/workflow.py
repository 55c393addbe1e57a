"""The course of requests that hold many keys: each key gets its own answer, a refused block is halved.

The law of this file: each key is delivered exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid5

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.models import SAFE_METHODS, Outcome, Result
from pandas_async_io._core.workflow.base import Step, Workflow
from pandas_async_io._core.workflow.batching.halving import SPLITTABLE_STATUSES, Halving, split_block
from pandas_async_io._core.workflow.batching.matching import match_records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Page, Request
    from pandas_async_io._core.table.shape import Shape
    from pandas_async_io._core.workflow.base import Deliver
    from pandas_async_io._core.workflow.batching.batches import Batches

    Requests = Callable[[Sequence[Positions]], Sequence[Request]]


@dataclass(slots=True)
class Block:
    """The keys of a request.

    Attributes
    ----------
    url : str or None
        Of the request, where it is not the one that was planned for these keys.
    headers : mapping of str to str or None
        Of the request, once it was refused.
    found : list or None
        The records of each key, once they came.
    error : ParseError or None
        What was wrong with the answer.
    result : Result or None
        What became of it, if it was refused and its halves may yet be asked for.
    halved : bool
        Whether they are.
    """

    keys: Positions
    url: str | None = None
    headers: Mapping[str, str] | None = None
    found: list[list[Any] | None] | None = None
    error: ParseError | None = None
    result: Result | None = None
    halved: bool = False


class BatchingWorkflow(Workflow):
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
    decode : Interpreter
        Takes a response and returns its payload.
    deliver : callable
        Takes the result of each key, its records as the payload.
    key : (str, UUID), optional
        The header whose value tells a request that changes something from any other, and what it is derived from.
    """

    def __init__(
        self,
        batches: Batches,
        blocks: Sequence[Positions],
        requests: Requests,
        *,
        on: str,
        shape: Shape,
        decode: Interpreter,
        deliver: Deliver,
        key: tuple[str, UUID] | None = None,
    ) -> None:
        super().__init__(decode)
        self._batches, self._requests, self._on, self._shape, self._deliver = batches, requests, on, shape, deliver
        self._key = key
        self._keep = not {on, on.replace(".", shape.sep)}.isdisjoint(shape.columns or batches.typed)
        self._halving = Halving(blocks)
        self._blocks = {(position, 1): Block(block) for position, block in enumerate(blocks)}
        self._steps = [1] * len(blocks)
        self._waiting: dict[int, Block] = {}

    def begin(self, position: int, request: Request) -> Sequence[Step]:  # noqa: ARG002 - of the protocol
        """Return the whole block's request."""
        return [Step(1, replace(request, headers={**request.headers, **self._keyed(request)}))]

    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - as above
        """Take the answers of a block's keys; return the halves of the blocks that waited for any answer."""
        block = self._blocks[position, number]
        try:
            self._take(block, page.payload)
        except ParseError as error:  # raised, it would keep back what the others waited for
            block.error = error
        return self._halved(position, self._halving.accepted(block.keys))

    def _take(self, block: Block, payload: Any) -> None:
        matched = match_records(self._batches.keys(block.keys), payload, self._on, self._shape, keep=self._keep)
        block.found = matched.found
        if (text := matched.finding(self._batches.texts(block.keys))) is not None:
            self.findings.setdefault(int(block.keys[matched.found.index(None)]), []).append(text)

    def replacement_steps(self, position: int, number: int, request: Request, status: int) -> Sequence[Step]:
        """Return the requests of a block's halves, if its keys or its length may be at fault."""
        block = self._blocks[position, number]
        block.headers = request.headers
        if status in SPLITTABLE_STATUSES and len(block.keys) > 1:
            self._waiting[int(block.keys[0])] = block
        return self._halved(position, self._halving.refused(block.keys, status))

    def _halved(self, position: int, due: Sequence[Positions]) -> list[Step]:
        steps = []
        for keys in due:
            block, parts = self._waiting.pop(int(keys[0])), split_block(keys)
            block.halved = True
            for part, made in zip(parts, self._requests(parts), strict=True):
                self._steps[position] = at = self._steps[position] + 1
                self._blocks[position, at] = Block(part, made.url)
                headers = {**(block.headers or {}), **self._keyed(made)}
                steps.append(Step(at, replace(made, headers=headers)))
        return steps

    def _keyed(self, request: Request) -> dict[str, str]:
        """Return the key of a request's own: with that of other keys the server would answer as it did to them."""
        if self._key is None or request.method in SAFE_METHODS:
            return {}
        name, call = self._key
        given = name.lower() in map(str.lower, request.headers)
        return {} if given else {name: str(uuid5(call, f"{request.url} {request.body!r}"))}

    def finish_step(self, position: int, number: int, result: Result) -> None:
        """Deliver what became of a block to each of its keys, unless its halves are asked for, or may yet be."""
        block = self._blocks.pop((position, number))
        if self._waiting.get(int(block.keys[0])) is block:
            block.result = result
        elif not block.halved:
            self._halving.lost(block.keys)
            self._close(block, result)

    def close(self) -> None:
        """Deliver what waited in vain."""
        for block in self._waiting.values():
            self._close(block, block.result or Result(Outcome.CANCELLED))
        self._waiting = {}

    def _close(self, block: Block, result: Result) -> None:
        if block.error is not None:
            result = replace(result, outcome=block.error.outcome, error=str(block.error))
        found = block.found if result.outcome is Outcome.OK else None
        url = result.url or block.url
        for key, mine in zip(block.keys.tolist(), found or [None] * len(block.keys), strict=True):
            self._deliver(key, replace(result, payload=mine, url=url))

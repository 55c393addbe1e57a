"""The course of requests that hold many keys: each key gets its own answer, a refused block is halved.

The law of this file: each key is delivered exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

import pandas as pd

from pandas_async_io._core.batches import Batches, Halving, by_key, divisible, halves, scatter
from pandas_async_io._core.course import Step
from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import Outcome, Result
from pandas_async_io._core.places import open_records
from pandas_async_io._core.records import records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pandas_async_io._core.course import Deliver
    from pandas_async_io._core.keys import Positions
    from pandas_async_io._core.models import Page, Request
    from pandas_async_io._core.shape import Shape

    Requests = Callable[[Sequence[Positions]], Sequence[Request]]


@dataclass(slots=True)
class Block:
    """The keys of a request.

    Attributes
    ----------
    url : str or None
        Of the request, where it is not the one that was planned for these keys.
    found : list or None
        The records of each key, once they came.
    headers : mapping of str to str or None
        Of the request, if it was refused and its halves have yet to be asked for.
    """

    keys: Positions
    url: str | None = None
    found: list[list[Any] | None] | None = None
    headers: Mapping[str, str] | None = None


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
    key : str, optional
        The header whose value tells a request that changes something from any other.
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
        key: str | None = None,
    ) -> None:
        self._batches, self._requests, self._on, self._shape, self._deliver = batches, requests, on, shape, deliver
        self._key = key
        self._keep = shape.columns is not None and on in shape.columns
        self._halving = Halving()
        self._blocks = {(position, 1): Block(block) for position, block in enumerate(blocks)}
        self._steps = [1] * len(blocks)
        self._waiting: list[tuple[Block, Result]] = []

    def begin(self, position: int, request: Request) -> Sequence[Step]:  # noqa: ARG002 - of the protocol
        """Return the whole block's request."""
        return [Step(1, request)]

    def answered(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - as above
        """Take the answers of a block's keys; return the halves of the blocks that waited for any answer."""
        self._halving.accepted()
        block = self._blocks[position, number]
        block.found = self._scattered(self._batches.texts(block.keys), page.payload)
        waiting, self._waiting = self._waiting, []
        return [step for each, _ in waiting for step in self._halved(position, each, halves(each.keys))]

    def _scattered(self, keys: Sequence[str], payload: Any) -> list[list[Any] | None]:
        every = self._records(keys, payload)
        whole = payload if self._shape.path is None else every[0] if len(every) == 1 else None
        found = scatter(keys, whole, every, self._on, keep=self._keep)
        if len(every) and not any(found):
            others = list(dict.fromkeys(str(find(record, self._on)) for record in every))[:3]
            raise ParseError(
                f"batch=: none of the keys is in the answer: {', '.join(map(repr, keys[:3]))} were asked for, "
                f"{', '.join(map(repr, others))} came at {self._on!r}"
            )
        return found

    def _records(self, keys: Sequence[str], payload: Any) -> Sequence[Any]:
        if isinstance(payload, pd.DataFrame):
            return payload.to_dict("records")
        if payload == {}:
            return []
        if self._shape.path is not None:
            return records(payload, self._shape)
        try:
            return records(payload, replace(self._shape, path=open_records(payload) or None))
        except PlanError as exc:
            if by_key(keys, payload):
                return []
            raise ParseError(str(exc).replace("pages=", "batch=", 1)) from None

    def refused(self, position: int, number: int, request: Request, status: int) -> Sequence[Step]:
        """Return the requests of a block's halves, if its keys or its length may be at fault."""
        block = self._blocks[position, number]
        if not divisible(block.keys, status):
            return ()
        block.headers = request.headers
        parts = self._halving.refused(block.keys, status)
        if not parts:
            return ()
        del self._blocks[position, number]
        return self._halved(position, block, parts)

    def _halved(self, position: int, block: Block, parts: Sequence[Positions]) -> list[Step]:
        steps = []
        for part, made in zip(parts, self._requests(parts), strict=True):
            self._steps[position] = at = self._steps[position] + 1
            self._blocks[position, at] = Block(part, made.url)
            headers = dict(block.headers or {})
            given = None if self._key is None else headers.get(self._key)
            if self._key is not None and given is not None:  # with the whole block's the server would answer as before
                headers[self._key] = str(uuid5(NAMESPACE_OID, f"{given} {made.url} {made.body!r}"))
            steps.append(Step(at, replace(made, headers=headers)))
        return steps

    def ended(self, position: int, number: int, result: Result) -> None:
        """Deliver what became of a block to each of its keys."""
        block = self._blocks.pop((position, number), None)
        if block is None:  # its halves are asked for
            return
        if block.headers is not None:
            self._waiting.append((block, result))
        else:
            self._close(block, result)

    def close(self) -> None:
        """Deliver what waited in vain."""
        for block, result in self._waiting:
            self._close(block, result)
        self._waiting = []

    def _close(self, block: Block, result: Result) -> None:
        found = block.found if result.outcome is Outcome.OK else None
        url = result.url or block.url
        for key, mine in zip(block.keys.tolist(), found or [None] * len(block.keys), strict=True):
            self._deliver(key, replace(result, payload=mine, url=url))

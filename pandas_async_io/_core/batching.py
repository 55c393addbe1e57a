"""The course of requests that hold many keys: each key gets its own answer, a refused block is halved.

The law of this file: each key is delivered exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid5

import pandas as pd

from pandas_async_io._core.batches import TOO_MUCH, Batches, Halving, by_key, scatter
from pandas_async_io._core.course import Step
from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.models import SAFE_METHODS, Outcome, Result
from pandas_async_io._core.places import find, open_records
from pandas_async_io._core.records import records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from pandas_async_io._core.course import Decode, Deliver
    from pandas_async_io._core.keys import Positions
    from pandas_async_io._core.models import Page, Request, Response
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
    decode : callable
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
        decode: Decode,
        deliver: Deliver,
        key: tuple[str, UUID] | None = None,
    ) -> None:
        self._batches, self._requests, self._on, self._shape, self._deliver = batches, requests, on, shape, deliver
        self._decode = decode
        self._key = key
        self._keep = shape.columns is not None and on in shape.columns
        self._halving = Halving()
        self._blocks = {(position, 1): Block(block) for position, block in enumerate(blocks)}
        self._steps = [1] * len(blocks)
        self._waiting: list[tuple[Block, Result]] = []

    def begin(self, position: int, request: Request) -> Sequence[Step]:  # noqa: ARG002 - of the protocol
        """Return the whole block's request."""
        return [Step(1, replace(request, headers={**request.headers, **self._keyed(request)}))]

    def decode(self, position: int, number: int, response: Response) -> Any:  # noqa: ARG002 - of the protocol
        """Return what an answer holds."""
        return self._decode(response)

    def answered(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - as above
        """Take the answers of a block's keys; return the halves of the blocks that waited for any answer."""
        self._halving.accepted()
        block = self._blocks[position, number]
        block.found = self._scattered(self._batches.texts(block.keys), page.payload)
        waiting, self._waiting = self._waiting, []
        return [step for each in waiting for step in self._resumed(position, *each)]

    def _scattered(self, keys: Sequence[str], payload: Any) -> list[list[Any] | None]:
        # An object without fields, or null, is no answer: some write so what they do not know.
        every = [record for record in self._records(keys, payload) if any(one is not None for one in record.values())]
        whole = payload if self._shape.path is None else every[0] if len(every) == 1 else None
        found = scatter(keys, whole, every, self._on, keep=self._keep)
        if every and not any(found):
            others = list(dict.fromkeys(str(find(record, self._on)) for record in every))[:3]
            raise ParseError(
                f"batch=: none of the keys is in the answer: {', '.join(map(repr, keys[:3]))} were asked for, "
                f"{', '.join(map(repr, others))} came at {self._on!r}"
            )
        return found

    def _records(self, keys: Sequence[str], payload: Any) -> Sequence[dict[str, Any]]:
        if isinstance(payload, pd.DataFrame):
            rows: list[Any] = payload.to_dict("records")
            return rows
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
        parts = self._halving.refused(block.keys, status)
        if parts:
            del self._blocks[position, number]
            block.headers = request.headers
            return self._halved(position, block, parts)
        if len(block.keys) > 1 and status in TOO_MUCH:
            block.headers = request.headers
        elif self._waiting and (steps := self._resumed(position, *self._waiting[-1])):
            self._waiting.pop()  # a key was refused alone: the search goes on among others
            return steps
        return ()

    def _resumed(self, position: int, block: Block, result: Result) -> list[Step]:
        return self._halved(position, block, self._halving.refused(block.keys, result.status))

    def _halved(self, position: int, block: Block, parts: Sequence[Positions]) -> list[Step]:
        steps = []
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

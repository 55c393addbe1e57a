"""The workflow of blocks of keys: each key gets its own result, and a refused block is split.

Invariant: each key is delivered exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid5

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.models import SAFE_METHODS, Outcome, Result
from pandas_async_io._core.words import format_count
from pandas_async_io._core.workflow.base import Step, Workflow
from pandas_async_io._core.workflow.batching.answer_layout import describe_empty_answer
from pandas_async_io._core.workflow.batching.halving import SPLITTABLE_STATUSES, Halving, split_block
from pandas_async_io._core.workflow.batching.matching import match_records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._core.models import Page, Request, Response
    from pandas_async_io._core.workflow.base import Deliver
    from pandas_async_io._core.workflow.batching.batches import Batches
    from pandas_async_io._core.workflow.batching.matching import MatchRules

    BuildRequests = Callable[[Sequence[Positions]], Sequence[Request]]


@dataclass(slots=True)
class Block:
    """The keys of one request, until they are delivered.

    Attributes
    ----------
    keys : array of int64
        The numbers of the keys.
    url : str or None
        The request's URL, if it is not the one planned for these keys.
    headers : mapping of str to str or None
        The request's headers, once it was refused.
    records : list or None
        The records of each key, once they were received.
    error : ParseError or None
        What was wrong with the answer.
    result : Result or None
        The result of a refused block that may still be split.
    is_split : bool
        Whether its halves are sent in its place.
    """

    keys: Positions
    url: str | None = None
    headers: Mapping[str, str] | None = None
    records: list[list[Any] | None] | None = None
    error: ParseError | None = None
    result: Result | None = None
    is_split: bool = False


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A kept answer to some keys.

    Attributes
    ----------
    keys : array of int64
        The numbers of the keys.
    payload : object
        What this call reads in it.
    error : AttemptError or None
        Why it cannot be read.
    status : int
        The HTTP status.
    fetched_at : float
        When it came, in seconds since the epoch.
    """

    keys: Positions
    payload: Any
    error: AttemptError | None
    status: int
    fetched_at: float


class BatchingWorkflow(Workflow):
    """Sends blocks of keys and delivers a result for each key.

    Parameters
    ----------
    batches : Batches
        The keys; block n is the request at position n.
    build_requests : callable
        Builds the requests of other blocks.
    rules : MatchRules
        How records are matched to keys.
    decode : Interpreter
        Takes a response and returns its payload.
    deliver : callable
        Takes the result of each key; its payload is the list of records.
    idempotency_key : (str, UUID), optional
        The header that distinguishes requests that change something, and the id from which values are derived.
    """

    replaces_failed = True

    def __init__(
        self,
        batches: Batches,
        build_requests: BuildRequests,
        *,
        rules: MatchRules,
        decode: Interpreter,
        deliver: Deliver,
        idempotency_key: tuple[str, UUID] | None = None,
        part_keys: Sequence[Any] = (),
        stored: Sequence[StoredBlock] = (),
    ) -> None:
        super().__init__(decode)
        self._batches, self._build_requests, self._rules, self._deliver = batches, build_requests, rules, deliver
        self._idempotency_key = idempotency_key
        self._part_keys, self._stored = part_keys, [*stored]
        self._halving = Halving(batches.blocks)
        self._blocks = {(position, 1): Block(block) for position, block in enumerate(batches.blocks)}
        self._last_numbers = [1] * len(batches.blocks)
        self._waiting: dict[int, Block] = {}
        self._matched_keys = 0
        self._has_records = False
        self._first_empty: tuple[int, str] | None = None

    def begin(self, position: int, request: Request) -> Sequence[Step]:  # noqa: ARG002 - of the interface
        """Return the request of a whole block."""
        self._deliver_stored()
        return [Step(1, replace(request, headers={**request.headers, **self._idempotency_header(request)}))]

    def decode(self, position: int, number: int, response: Response) -> Any:
        """Return the payload; hints about it belong to the first key of its block."""
        return self._decode(response, int(self._blocks[position, number].keys[0]))

    def next_steps(self, position: int, number: int, page: Page, now: float, epoch: float) -> Sequence[Step]:  # noqa: ARG002 - as above
        """Match the records of a block; return the halves of the blocks that waited for the first answer."""
        block = self._blocks[position, number]
        try:
            self._match(block, page.payload)
        except ParseError as error:  # raised here, it would hold back the waiting blocks
            block.error = error
        return self._split(position, self._halving.accept(block.keys))

    def replacement_steps(self, position: int, number: int, request: Request, status: int) -> Sequence[Step]:
        """Return the requests of a block's halves, if the status may be due to its keys or its length."""
        block = self._blocks[position, number]
        block.headers = request.headers
        if status in SPLITTABLE_STATUSES and len(block.keys) > 1:
            self._waiting[int(block.keys[0])] = block
        return self._split(position, self._halving.refuse(block.keys, status))

    def finish_step(self, position: int, number: int, result: Result) -> None:
        """Deliver the result of a block to each of its keys, unless it is split or may still be."""
        block = self._blocks.pop((position, number))
        if self._waiting.get(int(block.keys[0])) is block:
            block.result = result
        elif not block.is_split:
            self._halving.drop(block.keys)
            self._deliver_block(block, result)

    def close(self) -> None:
        """Deliver the refused blocks that were never split; say so if no key has a record."""
        self._deliver_stored()
        for block in self._waiting.values():
            self._deliver_block(block, block.result or Result(Outcome.CANCELLED))
        self._waiting = {}
        if self._first_empty is not None and not self._has_records:
            key, answer = self._first_empty
            text = f"batch=: none of {format_count(self._matched_keys, 'key')} has a record"
            shown = f"the first was sent as {self._batches.show_key(key)}, and its answer is {answer}"
            self.findings.setdefault(key, []).append(f"{text}: {shown}")

    def _follow_empty(self, position: int, number: int) -> Sequence[Step]:
        """Give no key of a block a record; return the halves of the blocks that waited for the first answer."""
        block = self._blocks[position, number]
        block.records = [None] * len(block.keys)
        return self._split(position, self._halving.accept(block.keys))

    def list_part_keys(self, position: int, number: int) -> Sequence[Any]:
        """Return what the answer to each key of a block is kept under."""
        if not self._part_keys:
            return ()
        found = (self._part_keys[key] for key in self._blocks[position, number].keys.tolist())
        return [key for key in found if key is not None]

    def _deliver_stored(self) -> None:
        """Deliver the kept answers, once."""
        while self._stored:
            stored = self._stored.pop()
            block, error = Block(stored.keys), stored.error
            if error is None:
                try:
                    self._match(block, stored.payload)
                except ParseError as exc:
                    error = exc
            outcome = Outcome.OK if error is None else error.outcome
            text = None if error is None else str(error)
            self._deliver_block(
                block,
                Result(outcome, status=stored.status, error=text, fetched_at=stored.fetched_at, from_store=True),
            )

    def _match(self, block: Block, payload: Any) -> None:
        match = match_records(self._batches.get_keys(block.keys), payload, self._rules)
        block.records = match.records
        self._matched_keys += len(block.keys)
        if not self._has_records:
            self._has_records = any(records is not None for records in match.records)
            first = int(block.keys[0]), describe_empty_answer(payload, self._rules.shape.record_path)
            self._first_empty = min(first, self._first_empty or first)
        if (finding := match.describe_mismatch(self._batches.render_keys(block.keys))) is not None:
            first_unanswered = int(block.keys[match.records.index(None)])
            self.findings.setdefault(first_unanswered, []).append(finding)

    def _split(self, position: int, due: Sequence[Positions]) -> list[Step]:
        steps = []
        for keys in due:
            block, halves = self._waiting.pop(int(keys[0])), split_block(keys)
            block.is_split = True
            for half, request in zip(halves, self._build_requests(halves), strict=True):
                self._last_numbers[position] = number = self._last_numbers[position] + 1
                self._blocks[position, number] = Block(half, request.url)
                headers = {**(block.headers or {}), **self._idempotency_header(request)}
                steps.append(Step(number, replace(request, headers=headers)))
        return steps

    def _idempotency_header(self, request: Request) -> dict[str, str]:
        """Return a request's own idempotency key: with the key of other requests the server would repeat its answer."""
        if self._idempotency_key is None or request.method in SAFE_METHODS:
            return {}
        name, call_id = self._idempotency_key
        if name.lower() in map(str.lower, request.headers):
            return {}
        return {name: str(uuid5(call_id, f"{request.url} {request.body!r}"))}

    def _deliver_block(self, block: Block, result: Result) -> None:
        if block.error is not None:
            result = replace(result, outcome=block.error.outcome, error=str(block.error))
        records = block.records if result.outcome is Outcome.OK else None
        url = result.url or block.url
        for key, payload in zip(block.keys.tolist(), records or [None] * len(block.keys), strict=True):
            self._deliver(key, replace(result, payload=payload, url=url))

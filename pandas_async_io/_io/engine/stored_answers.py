"""Kept answers before the gate: requests that the store answers take no slot, no rate and no attempt.

Invariant: a request is looked up once. Fresh requests are looked up in blocks, off the loop; those that follow from
an answer one by one, when they are taken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Self

from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.retries.retry import Stop
from pandas_async_io._io.storage.answer_file import BLOCK_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas_async_io._core.storage.freshness import StoredAnswer
    from pandas_async_io._io.engine.backlog import PendingRequest
    from pandas_async_io._io.storage.call_store import CallStore

NOT_RECORDED = Stop(Outcome.NOT_ATTEMPTED, "not sent: a replay sends nothing, and the store has no answer")


class StoredAnswers:
    """The fresh requests of a run one by one, each with its kept answer if there is one.

    Parameters
    ----------
    store : CallStore
        The store.
    fresh : iterator of PendingRequest
        Requests that were never sent.

    Attributes
    ----------
    replays : bool
        Whether nothing is sent.
    """

    __slots__ = ("_found", "_fresh", "_has_fresh", "_store", "replays")

    def __init__(self, store: CallStore, fresh: Iterator[PendingRequest]) -> None:
        self._store, self._fresh = store, fresh
        self.replays = store.replays
        self._found: deque[PendingRequest] = deque()
        self._has_fresh = True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> PendingRequest:
        """Return a request that was looked up; `look_up` brings further ones."""
        if not self._found:
            raise StopIteration
        return self._found.popleft()

    @property
    def is_due(self) -> bool:
        """Whether further requests are to be looked up before one is taken."""
        return not self._found and self._has_fresh

    async def look_up(self) -> None:
        """Look up a block of fresh requests."""
        store = self._store
        block = list(islice(self._fresh, BLOCK_REQUESTS))
        self._has_fresh = len(block) == BLOCK_REQUESTS
        for pending in block:
            pending.key = store.make_key(pending.request, pending.number)
        requests = [(pending.key, pending.request) for pending in block]
        for pending, answer in zip(block, await asyncio.to_thread(store.find, requests), strict=True):
            _note_answer(pending, answer)
        self._found.extend(block)

    def find(self, pending: PendingRequest) -> StoredAnswer | None:
        """Return the kept answer of a request that was taken; one that follows from an answer is looked up now."""
        if pending.number > 1 and pending.key is None:
            store = self._store
            pending.key = store.make_key(pending.request, pending.number)
            _note_answer(pending, *store.find([(pending.key, pending.request)]))
        return pending.answer

    @property
    def is_behind(self) -> bool:
        """Whether more answers wait to be written than memory should hold."""
        return self._store.is_behind

    async def wait_for_disk(self) -> None:
        """Wait until the answers so far are written."""
        await asyncio.to_thread(self._store.flush)


def _note_answer(pending: PendingRequest, answer: StoredAnswer | None) -> None:
    if answer is None or answer.is_fresh:
        pending.answer = answer
    else:
        pending.stale = answer

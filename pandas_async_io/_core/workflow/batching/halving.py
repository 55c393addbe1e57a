"""Which refused blocks are split, and when: the search for the keys that spoil their requests.

Invariant: which parts are sent depends on what the server refuses, never on the order of its responses.
"""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.arrays import Positions

SPLITTABLE_STATUSES = frozenset({400, 413, 414, 422})
"""Statuses that may be due to one key, or to the length of the block."""

_MAX_KEYS_TRIED_ALONE = 100
"""Keys that may be sent alone while nothing was accepted, however few blocks there are."""


def split_block(block: Positions) -> tuple[Positions, Positions]:
    """Return the two halves that are sent in place of a block.

    Examples
    --------
    >>> import numpy as np
    >>> [part.tolist() for part in split_block(np.arange(5))]
    [[0, 1, 2], [3, 4]]
    """
    middle = (len(block) + 1) // 2
    return block[:middle], block[middle:]


class Halving:
    """Decides which refused parts are split now, and which wait.

    After the first accepted part, each refused part is split until the bad keys are alone. Before that, the whole
    call may be wrong. So one block after the other is split, in the order of their keys, within a limit of extra
    requests: half as many as there are blocks, or as many as it takes to split a hundred keys. A block that fits
    into the limit is split to the end, another one step by step. A single block always fits.

    Parameters
    ----------
    blocks : sequence of array of int64
        All blocks of the call; a part is identified by its first key.

    Examples
    --------
    >>> import numpy as np
    >>> halving = Halving([np.array([0, 1]), np.array([2, 3, 4])])
    >>> halving.refuse(np.array([2, 3, 4]), 400)  # the first block comes before it
    []
    >>> [part.tolist() for part in halving.accept(np.array([0, 1]))]
    [[2, 3, 4]]
    """

    __slots__ = ("_fully_split", "_nothing_accepted", "_queue", "_requests_left", "_unanswered", "_waiting")

    def __init__(self, blocks: Sequence[Positions]) -> None:
        count = len(blocks)
        self._nothing_accepted = True
        self._requests_left = math.inf if count == 1 else max(2 * (_MAX_KEYS_TRIED_ALONE - count), count // 2)
        self._unanswered = {int(block[0]) for block in blocks}
        self._waiting: dict[int, Positions] = {}
        self._fully_split: set[int] = set()  # parts in flight of a block that is split to the end
        self._queue = list(self._unanswered)
        heapify(self._queue)

    def accept(self, part: Positions) -> list[Positions]:
        """Take note that a part was answered; return all parts that waited for the first answer."""
        self._remove(part)
        self._nothing_accepted = False
        due, self._waiting = list(self._waiting.values()), {}
        return due

    def refuse(self, part: Positions, status: int | None) -> list[Positions]:
        """Take note that a part failed; return the parts to split now, which may include it.

        A part of several keys that is not returned waits, if the status is one of `SPLITTABLE_STATUSES`.
        """
        is_fully_split = self._remove(part)
        if status not in SPLITTABLE_STATUSES or len(part) == 1:
            return self._next_parts()
        if not self._nothing_accepted or is_fully_split:
            self._fully_split.update(int(half[0]) for half in split_block(part))
            return [part]
        self._waiting[int(part[0])] = part
        heappush(self._queue, int(part[0]))
        return self._next_parts()

    def drop(self, part: Positions) -> None:
        """Take note that a part ended without an answer or a refusal."""
        self._remove(part)

    def _remove(self, part: Positions) -> bool:
        """Remove a part from those in flight; return whether its block is split to the end."""
        first = int(part[0])
        is_fully_split = first in self._fully_split
        self._fully_split.discard(first)
        self._unanswered.discard(first)
        return is_fully_split

    def _next_parts(self) -> list[Positions]:
        """Return the next part to split while nothing was accepted; empty if none is due."""
        if not self._nothing_accepted or self._fully_split or self._requests_left < 2:
            return []
        queue = self._queue
        while queue and queue[0] not in self._waiting and queue[0] not in self._unanswered:
            heappop(queue)
        part = self._waiting.pop(queue[0], None) if queue else None
        if part is None:
            return []
        firsts, full_cost = [int(half[0]) for half in split_block(part)], 2 * (len(part) - 1)
        if full_cost <= self._requests_left:
            self._requests_left -= full_cost
            self._fully_split.update(firsts)
            return [part]
        self._requests_left -= 2
        self._unanswered.update(firsts)
        for first in firsts:
            heappush(queue, first)
        return [part]

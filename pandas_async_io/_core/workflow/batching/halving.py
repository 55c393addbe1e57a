"""Which refused blocks are taken apart, and when: the search for the keys that spoil their requests.

The law of this file: what is asked for depends on what the server refuses, never on the order of its answers.
"""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.arrays import Positions

SPLITTABLE_STATUSES = frozenset({400, 413, 414, 422})
"""Statuses that may be one key's fault, or the block's length's."""

_KEYS_TRIED_ALONE = 100
"""Keys that are worth a request each before a call is taken for wrong, in however few blocks they came."""


def split_block(block: Positions) -> tuple[Positions, Positions]:
    """Return the two parts that are sent in place of a block.

    Examples
    --------
    >>> import numpy as np
    >>> [part.tolist() for part in split_block(np.arange(5))]
    [[0, 1, 2], [3, 4]]
    """
    middle = (len(block) + 1) // 2
    return block[:middle], block[middle:]


class Halving:
    """Decides which refused parts are halved now, and which wait.

    Once anything was accepted, each is halved, until the bad keys stand alone. Before, it may be the call
    that is wrong and not a key. Then one block after the other is taken apart, in the order of their keys:
    to the end, if that fits into what such a call may cost besides (half as many requests again as it has
    blocks, or what takes a hundred keys apart), else step by step while it lasts. An only block always fits:
    there are no others to spare.

    Parameters
    ----------
    blocks : sequence of array of int64
        All that will be sent; a part is known by its first key.

    Examples
    --------
    >>> import numpy as np
    >>> halving = Halving([np.array([0, 1]), np.array([2, 3, 4])])
    >>> halving.refused(np.array([2, 3, 4]), 400)  # the block before has its turn first
    []
    >>> [part.tolist() for part in halving.accepted(np.array([0, 1]))]
    [[2, 3, 4]]
    """

    __slots__ = ("_ahead", "_doubt", "_line", "_room", "_sure", "_waiting")

    def __init__(self, blocks: Sequence[Positions]) -> None:
        count = len(blocks)
        self._doubt = True
        self._room = math.inf if count == 1 else max(2 * (_KEYS_TRIED_ALONE - count), count // 2)
        self._ahead = {int(block[0]) for block in blocks}  # sent, or to be: what comes of them is not known
        self._waiting: dict[int, Positions] = {}
        self._sure: set[int] = set()  # parts on the wire of the block that is taken apart to the end
        self._line = list(self._ahead)
        heapify(self._line)

    def accepted(self, part: Positions) -> list[Positions]:
        """Note that a part was answered; return all that waited for any answer."""
        self._leave(part)
        self._doubt = False
        due, self._waiting = list(self._waiting.values()), {}
        return due

    def refused(self, part: Positions, status: int | None) -> list[Positions]:
        """Note that a part failed, with its status if it had one; return the parts to halve now, it may be among them.

        What is neither among them nor a single key waits, if the status is one of `SPLITTABLE_STATUSES`.
        """
        sure = self._leave(part)
        if status not in SPLITTABLE_STATUSES or len(part) == 1:
            return self._next()
        if not self._doubt or sure:
            self._sure.update(int(half[0]) for half in split_block(part))
            return [part]
        self._waiting[int(part[0])] = part
        heappush(self._line, int(part[0]))
        return self._next()

    def lost(self, part: Positions) -> None:
        """Note that nothing is known of a part, and never will be."""
        self._leave(part)

    def _leave(self, part: Positions) -> bool:
        """Forget that a part is on the wire, and return whether its block is taken apart to the end."""
        first = int(part[0])
        sure = first in self._sure
        self._sure.discard(first)
        self._ahead.discard(first)
        return sure

    def _next(self) -> list[Positions]:
        """Return the part whose turn it is, as long as nothing was accepted."""
        if not self._doubt or self._sure or self._room < 2:
            return []
        line = self._line
        while line and line[0] not in self._waiting and line[0] not in self._ahead:
            heappop(line)
        part = self._waiting.pop(line[0], None) if line else None
        if part is None:
            return []
        firsts, whole = [int(half[0]) for half in split_block(part)], 2 * (len(part) - 1)
        if whole <= self._room:
            self._room -= whole
            self._sure.update(firsts)
            return [part]
        self._room -= 2
        self._ahead.update(firsts)
        for first in firsts:
            heappush(line, first)
        return [part]

"""TODO."""

from __future__ import annotations

_VAIN = frozenset({0, 401, 403})
_OTHER = -1


class Canary:
    """Says when the first answers of an origin are all 401, all 403, or none (0): no row will fare better.

    With ``concurrency`` in flight, at most ``concurrency`` + 25 requests are sent.

    Examples
    --------
    >>> canary = Canary()
    >>> [canary.answered(401) for _ in range(26)].count(True)
    2
    """

    __slots__ = ("_answers", "_status")

    def __init__(self) -> None:
        self._status: int | None = None
        self._answers = 0

    def answered(self, status: int) -> bool:
        """Count an answer that is no refusal by a rate limit, and return whether to stop."""
        if self._status == _OTHER:
            return False
        if self._status is None and status in _VAIN:
            self._status = status
        if status != self._status:
            self._status = _OTHER
            return False
        self._answers += 1
        return self._answers >= 25

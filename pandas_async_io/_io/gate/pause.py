"""The pause of an origin: until when no request starts after a 429, another refusal or a spent budget."""

from __future__ import annotations

_LONGEST_PAUSE = 86_400.0
"""Seconds: the longest pause that a server gets, however long the one that it asks for."""


class Pause:
    """The pause of an origin; of several the longest holds.

    Attributes
    ----------
    until : float
        When it ends, on the loop's clock.
    reason : str
        The status of the refusal, or "limit" where the server's budget is spent.
    """

    __slots__ = ("_server_until", "reason", "until")

    def __init__(self) -> None:
        self.until = self._server_until = 0.0
        self.reason = ""

    def extend(self, until: float, *, by_server: bool = True, reason: str = "limit") -> None:
        """Pause until a moment, because the server asked for it or by our own decision."""
        if until > self.until:
            self.until, self.reason = until, reason
        if by_server:
            self._server_until = max(self._server_until, until)

    def start_after_refusal(self, now: float, asked: float, learnt: float, *, cap: float, reason: str) -> None:
        """Pause for the seconds that a refusal asks for, or else for those of the learnt pace, at most `cap`."""
        if asked:
            self.extend(now + min(asked, _LONGEST_PAUSE), reason=reason)
        elif learnt:
            self.extend(now + min(learnt, cap), by_server=False, reason=reason)

    def exceeds(self, max_wait: float, now: float) -> bool:
        """Whether the server asked for more than a caller waits; our own pauses are bounded and do not count."""
        return self._server_until - now > max_wait

    def remaining(self, now: float) -> float:
        """Return the seconds that are left of it."""
        return max(self.until - now, 0.0)

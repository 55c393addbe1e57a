"""Until when no request to an origin starts."""

from __future__ import annotations


class Pause:
    """The pause of an origin; of several the longest holds.

    Attributes
    ----------
    until : float
        When it ends, on the loop's clock.
    """

    __slots__ = ("_server_until", "until")

    def __init__(self) -> None:
        self.until = self._server_until = 0.0

    def extend(self, until: float, *, by_server: bool = True) -> None:
        """Pause until a moment, because the server asked for it or by our own decision."""
        self.until = max(self.until, until)
        if by_server:
            self._server_until = max(self._server_until, until)

    def exceeds(self, max_wait: float, now: float) -> bool:
        """Whether the server asked for more than a caller waits; our own pauses are bounded and do not count."""
        return self._server_until - now > max_wait

    def remaining(self, now: float) -> float:
        """Return the seconds that are left of it."""
        return max(self.until - now, 0.0)

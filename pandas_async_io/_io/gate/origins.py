"""The gates that one lane goes through: its own, and those of other origins that pages lead to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from pandas_async_io._core.security.origins import Origin, origin_prefix, parse_origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._io.gate.gate import Gate


class Ways:
    """Opens gates when something is to go through them, and tells them how much is to come.

    Parameters
    ----------
    gates : callable
        Returns the client's way to an origin.
    slots : int
        All that the lane may send at once: a short call must not narrow a gate for others.
    adaptive : bool
        Whether it may be fewer.
    """

    def __init__(self, gates: Callable[[Origin], Gate], slots: int, *, adaptive: bool) -> None:
        self._gates, self._slots, self._adaptive = gates, slots, adaptive
        self._left: dict[Gate, int] = {}
        self._homes: dict[str, Gate] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Leave all gates, and what was to come with them."""
        for gate, left in self._left.items():
            gate.left -= left
        self._open.close()

    def to(self, url: str) -> Gate:
        """Return the gate that a URL is behind."""
        home = origin_prefix(url)
        gate = self._homes.get(home)
        if gate is None:
            gate = self._homes[home] = self._gates(parse_origin(url))
        return gate

    def expect(self, gate: Gate, requests: int) -> None:
        """Take note of so many more requests to come, or fewer."""
        if gate not in self._left:
            self._open.enter_context(gate.open(self._slots, adaptive=self._adaptive))
            self._left[gate] = 0
        self._left[gate] += requests
        gate.left += requests

"""The gates of a client, and those that one run goes through: its own origin's, and those that links lead to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from pandas_async_io._core.security.origins import Origin, origin_prefix, parse_origin
from pandas_async_io._io.gate.gate import Gate
from pandas_async_io._io.gate.shared_limits import SharedLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas_async_io._io.gate.shared_limits import Exchange

_MAX_ENDPOINTS = 256
"""Endpoints of an origin whose pace is kept: a template that an f-string made names a new one for each value."""


class EndpointGates:
    """The gates of one client, made when they are first asked for.

    Parameters
    ----------
    ceiling : int or None
        As in `Gate`.
    """

    def __init__(self, ceiling: int | None) -> None:
        self._ceiling = ceiling
        self._origins: dict[Origin, dict[str, Gate]] = {}
        self._exchange: Exchange | None = None
        self._shared_as = ""

    def share(self, exchange: Exchange, name: str) -> None:
        """Keep the limits of each origin together with other processes, whose clients have the same name."""
        self._exchange, self._shared_as = exchange, name
        self._origins.clear()

    def gate_for(self, origin: Origin, endpoint: str) -> Gate:
        """Return the gate of an origin's endpoint."""
        if self._exchange is not None and not self._exchange.is_open:  # the cluster is gone, this process goes on alone
            self._exchange = None
            self._origins.clear()
        gates = self._origins.setdefault(origin, {})
        gate = gates.get(endpoint)
        if gate is None:
            gate = gates[endpoint] = Gate(self._ceiling, beside=next(iter(gates.values()), None))
            if self._exchange is not None and gate.shared is None:
                gate.share(SharedLimits(self._exchange, f"{self._shared_as} {origin}"))
            if len(gates) > _MAX_ENDPOINTS:
                del gates[next(iter(gates))]
        return gate

    def limit_streams(self, origin: Origin, limit: int) -> None:
        """Have no more requests in flight to an origin than its HTTP/2 connection allows."""
        gate = next(iter(self._origins.get(origin, {}).values()), None)
        if gate is not None:
            gate.slots.stream_limit = limit


class OriginGates:
    """Opens each gate when the first request to its origin comes up, and tells it how many are outstanding.

    Parameters
    ----------
    gate_of : callable
        Returns the client's gate of an origin, for the call's endpoint.
    slots : int
        Requests that the run may have in flight. All of them, however short the run: a smaller number would
        narrow the gate for other calls.
    adaptive : bool
        Whether the gate may find a smaller number.
    """

    def __init__(self, gate_of: Callable[[Origin], Gate], slots: int, *, adaptive: bool) -> None:
        self._gate_of, self._slots, self._adaptive = gate_of, slots, adaptive
        self._outstanding: dict[Gate, int] = {}
        self._by_prefix: dict[str, Gate] = {}
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        """Open no gate yet."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Leave all gates, and take back the requests that have no result."""
        for gate, outstanding in self._outstanding.items():
            gate.budget.outstanding -= outstanding
        self._opened.close()

    @property
    def outstanding(self) -> int:
        """How many requests have no result yet."""
        return sum(self._outstanding.values())

    def gate_for(self, url: str) -> Gate:
        """Return the gate of a URL's origin."""
        prefix = origin_prefix(url)
        gate = self._by_prefix.get(prefix)
        if gate is None:
            gate = self._by_prefix[prefix] = self._gate_of(parse_origin(url))
        return gate

    def expect(self, gate: Gate, requests: int) -> None:
        """Add requests to a gate's outstanding ones."""
        if gate not in self._outstanding:
            self._opened.enter_context(gate.open_for_call(self._slots, adaptive=self._adaptive))
            self._outstanding[gate] = 0
        self._outstanding[gate] += requests
        gate.budget.outstanding += requests

    def settle(self, gate: Gate) -> None:
        """Take a request that has its result off a gate's outstanding ones."""
        self._outstanding[gate] -= 1
        gate.budget.outstanding -= 1

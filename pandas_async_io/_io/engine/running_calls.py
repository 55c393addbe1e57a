"""The calls that use the connections of a client, so that closing it can stop them and wait for them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.retries.retry import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas_async_io._io.engine.context import CallContext

_CLOSED = Stop(Outcome.NOT_ATTEMPTED, "not sent: the client was closed")


class RunningCalls:
    """The running calls on one set of connections."""

    __slots__ = ("_calls", "_changed")

    def __init__(self) -> None:
        self._calls: list[CallContext] = []
        self._changed: asyncio.Event | None = None

    @contextmanager
    def take_part(self, call: CallContext) -> Iterator[None]:
        """Be one of the running calls, on their event loop."""
        self._calls.append(call)
        try:
            yield
        finally:
            self._calls[:] = [each for each in self._calls if each is not call]
            if self._changed is not None:
                self._changed.set()

    async def end(self) -> None:
        """End the unsent requests of all calls, because their client is closed, and wait for those under way."""
        for call in self._calls:
            call.end(_CLOSED)
        self._changed = asyncio.Event()
        while self._calls:
            self._changed.clear()
            await self._changed.wait()

"""A loop on which nothing is waited for: its clock leaps."""

from __future__ import annotations

import asyncio


class Leaping(asyncio.SelectorEventLoop):
    """A loop whose clock leaps to the next timer, and a grain beyond: nothing is waited for."""

    now = 0.0

    def time(self):
        return self.now

    def _run_once(self):
        if self._scheduled and not self._ready:
            self.now = max(self.now, self._scheduled[0].when()) + 1e-6
        super()._run_once()


def leaping(coroutine):
    with asyncio.Runner(loop_factory=Leaping) as runner:
        return runner.run(coroutine)

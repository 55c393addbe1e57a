"""An event loop with a virtual clock: timers fire at their time, and no test waits for them."""

from __future__ import annotations

import asyncio


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to just after the next timer when no callback is ready."""

    now = 0.0

    def time(self):
        return self.now

    def _run_once(self):
        if self._scheduled and not self._ready:
            self.now = max(self.now, self._scheduled[0].when()) + 1e-6
        super()._run_once()


def run_on_virtual_clock(coroutine):
    """Run a coroutine as `asyncio.run` does, on a virtual clock."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(coroutine)

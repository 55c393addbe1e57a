"""Deadlines of attempts: they end a block as `asyncio.timeout` does, with one timer for all."""

from __future__ import annotations

import asyncio

import pytest

from pandas_async_io._io.transport.deadlines import Deadlines


async def _wait(deadlines, seconds):
    with deadlines.limit(seconds):
        await asyncio.get_running_loop().create_future()


def test_each_attempt_ends_at_its_own_deadline():
    """A later, an earlier and an equal one: the first timer does not decide."""

    async def run():
        deadlines, ended = Deadlines(), []

        async def wait(name, seconds):
            with pytest.raises(TimeoutError):
                await _wait(deadlines, seconds)
            ended.append(name)

        await asyncio.gather(wait("second", 0.02), wait("third", 0.04), wait("first", 0.0), wait("second", 0.02))
        return ended

    assert asyncio.run(run()) == ["first", "second", "second", "third"]


def test_a_task_whose_attempt_timed_out_is_not_cancelled():
    """It may go on, and be cancelled later."""

    async def run():
        with pytest.raises(TimeoutError):
            await _wait(Deadlines(), 0.0)
        return asyncio.current_task().cancelling()

    assert asyncio.run(run()) == 0


def test_a_cancellation_from_outside_is_no_timeout():
    """Also one that comes together with the deadline."""

    async def run():
        task = asyncio.create_task(_wait(Deadlines(), 0.0))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_an_attempt_that_ended_in_time_is_not_cancelled():
    """The timer fires, and finds nothing."""

    async def run():
        deadlines = Deadlines()
        with deadlines.limit(0.0):
            pass
        with pytest.raises(TimeoutError):
            await _wait(deadlines, 0.01)

    asyncio.run(run())

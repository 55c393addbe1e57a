"""Blocking calls in threads, in running loops and on the loop of a session."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import aiohttp
import pandas as pd
import pytest

import pandas_async_io as paio
from tests.io.bridge.scripts import PRELUDE, USERS, fetch_ids, fetch_ids_in_loop, run_script, start_slow_read


def test_fault_69_a_call_blocks_in_a_thread_and_inside_a_running_loop(api):
    """The portal's loop does the work, whatever runs in the calling thread."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(fetch_ids, api).result() == [3, 1, 2]
    assert asyncio.run(fetch_ids_in_loop(api)) == [3, 1, 2]
    assert fetch_ids(api) == [3, 1, 2]


def test_fault_69_a_call_blocks_inside_a_running_uvloop(api):
    """A call does not depend on the loop that runs in its thread."""
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(fetch_ids_in_loop(api)) == [3, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("patch", ["nest_asyncio2", "nest_asyncio"])
def test_fault_69_a_call_blocks_on_an_already_patched_loop(api, patch, choose_loop):
    """A patch by the user breaks neither the portal's timeouts nor a client on the patched loop."""
    if find_spec(patch) is None:
        pytest.skip(f"{patch} is not installed")
    text = f"""
import {patch}
async def main():
    session = await make_session()
    {patch}.apply()
    print(fetch(), fetch(client=paio.Client(session=session)), await asyncio.sleep(0, "goes on"))
    options = {{"timeout": 0.05, "retry": 1, "errors": "coerce", "progress": False}}
    for client in (None, paio.Client(session=session)):
        try:
            rows.tail(2).aio.fetch(SLOW, client=client, **options)
        except paio.FetchWarning as warning:
            print("no complete answer" in str(warning))
    await session.close()
asyncio.run(main())
"""
    assert run_script(api, choose_loop + PRELUDE + text) == ["10 10 goes on", "True", "True"]


def test_a_callback_that_blocks_its_own_loop_is_refused(api):
    """It would wait for itself for ever."""
    caught = []

    def when(*_):
        future = start_slow_read(api)
        for wait in (lambda: fetch_ids(api), future.result):
            with pytest.raises(paio.PortalError) as error:
                wait()
            caught.append(str(error.value))
        return not future.cancel()

    assert fetch_ids(api, retry=paio.Retry(when=when)) == [3, 1, 2]
    assert len(caught) == 6
    assert "inside a callback" in caught[0]
    assert "use `await`" in caught[1]


def has_session_header(api, session):
    """Whether the request carries the session's own header."""
    frame = pd.DataFrame({"k": [1]}).aio.fetch(api + "/echo/{k}", client=paio.Client(session=session))
    return frame["headers.X-Mine"].tolist() == ["yes"]


async def open_session():
    """Open a session with a header of its own."""
    return aiohttp.ClientSession(headers={"X-Mine": "yes"})


def test_a_session_is_used_on_its_own_loop_by_await_and_from_a_thread(api):
    """Requests run on the loop of the session, and the session stays open."""

    async def main():
        session = await open_session()
        client = paio.Client(session=session)
        first = await USERS.aio.fetch_async(api + "/users/{id}", client=client)
        assert await asyncio.to_thread(has_session_header, api, session)
        client.close()
        await client.close_async()
        assert not session.closed
        await session.close()
        return first

    assert asyncio.run(main())["name"].notna().all()


def test_a_call_runs_the_stopped_loop_of_its_session(api):
    """With several threads, the waiting ones run the loop, one at a time."""
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(open_session())
    assert has_session_header(api, session)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: has_session_header(api, session), range(8)))
    loop.run_until_complete(session.close())
    loop.close()
    for call in (
        lambda: has_session_header(api, session),
        lambda: start_slow_read(api, client=paio.Client(session=session)),
    ):
        with pytest.raises(paio.PortalError, match="loop that is closed"):
            call()


def test_a_session_on_a_stopped_loop_is_refused_inside_another_running_loop(api):
    """A thread runs one loop at a time."""
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(open_session())

    async def main():
        with pytest.raises(paio.PortalError, match="not running"):
            has_session_header(api, session)

    asyncio.run(main())
    loop.run_until_complete(session.close())
    loop.close()


def test_a_blocking_call_inside_the_running_uvloop_of_its_session_is_refused(api):
    """uvloop cannot be nested: the error says what to do, and asyncio stays unpatched."""
    uvloop = pytest.importorskip("uvloop")

    async def main():
        session = await open_session()
        with pytest.raises(paio.PortalError, match="running uvloop loop: use `await`"):
            has_session_header(api, session)
        await session.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert not hasattr(asyncio, "_nest_patched")

"""Ctrl-C under `asyncio.run`: the finished rows are on the CancelledError in the coroutine."""

import asyncio
import os
import signal

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import Action, json_response, serve_script


def test_ctrl_c_under_asyncio_run_gives_the_finished_rows_in_the_coroutine():
    """With a note that shows both ways to catch it."""
    kept = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    async def main(server):
        work = pd.DataFrame({"id": [1, 2]}).aio.fetch_async(server.url + "/{id}", concurrency=1, client=paio.Client())

        async def press():
            await asyncio.to_thread(server.wait_for_requests, 2)
            os.kill(os.getpid(), signal.SIGINT)

        pressing = asyncio.create_task(press())
        try:
            await work
        except asyncio.CancelledError as stopped:
            kept.append(stopped)
            raise
        finally:
            pressing.cancel()

    try:
        with serve_script(json_response({"a": 5}), [Action.HANG]) as server, pytest.raises(KeyboardInterrupt):
            asyncio.run(main(server))
    finally:
        signal.signal(signal.SIGINT, before)
    (stopped,) = kept
    assert stopped.partial["a"].tolist() == [5, pd.NA]
    (note,) = stopped.__notes__
    assert "except KeyboardInterrupt as stopped:" in note
    assert "except asyncio.CancelledError as stopped:" in note

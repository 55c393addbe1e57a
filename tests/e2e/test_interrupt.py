"""Interrupt a run: the frame so far comes with the exception."""

import asyncio
import functools
import os
import signal
import threading
import time

import pandas as pd
import pytest

import pandas_async_io as paio
import pandas_async_io.call.assemble.output
from tests.servers.handler import serve_handler


@pytest.mark.parametrize("step", ["the fetch", "retry_failed"])
def test_fault_59_an_interrupt_while_the_frame_is_made_is_raised_with_the_frame(monkeypatch, step):
    join_columns, paths = pandas_async_io.call.assemble.output.join_columns, []

    def interrupted(*args, **options):
        signal.raise_signal(signal.SIGINT)
        return join_columns(*args, **options)

    async def answer(request):
        paths.append(request.path)
        return (500 if len(paths) == 1 and step == "retry_failed" else 200), {}

    with serve_handler(answer) as server:
        frame = pd.DataFrame({"id": [1, 2]})
        fetch = functools.partial(frame.aio.fetch, server.url + "/{id}", retry=1, client=paio.Client(), concurrency=1)
        if step == "retry_failed":
            with pytest.warns(paio.FetchWarning):
                fetch = fetch().aio.retry_failed
        monkeypatch.setattr(pandas_async_io.call.assemble.output, "join_columns", interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            fetch()
    assert caught.value.partial["ok"].tolist() == [True, True]


@pytest.mark.slow
def test_fault_59_rows_in_flight_at_an_interrupt_are_cancelled():
    """A POST may have been received; a row that waited for another attempt keeps its cause."""
    arrived = threading.Event()

    async def answer(request):
        if request.path == "/1":
            return 500, {}
        arrived.set()
        await asyncio.sleep(60)
        return 200, {}

    def stop():
        arrived.wait(10)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    retry = paio.Retry(base=20.0, idempotency_key="K")
    with serve_handler(answer) as server:
        threading.Thread(target=stop).start()
        frame = pd.DataFrame({"id": [1, 2, 3]})
        options = {"method": "POST", "concurrency": 1, "client": paio.Client(), "retry": retry}
        with pytest.raises(KeyboardInterrupt) as caught:
            frame.aio.fetch(server.url + "/{id}", **options)
        lines = caught.value.partial.aio.outcomes
    assert lines["outcome"].tolist() == ["http_error", "cancelled", "cancelled"]
    assert lines["attempts"].tolist() == [1, 1, 0]
    assert lines["error"].iloc[0].startswith("HTTP 500")
    assert "not sent again: the run was stopped" in lines["error"].iloc[0]
    assert "the server may have received it" in lines["error"].iloc[1]
    assert ".partial" in caught.value.__notes__[0]

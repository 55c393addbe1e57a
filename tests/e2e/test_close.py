"""Closing a client while other threads use it: nothing hangs, nothing under way is cut."""

import threading
import time

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import Action, json_response, serve_script

ROWS = pd.DataFrame({"id": range(6)})
CLOSED = "not sent: the client was closed"


def close_during(client, server, requests, release=True, **options):
    """Fetch in a thread, close the client once some requests are under way, and return the frame."""
    frames, calls = [], client.running_calls

    def fetch():
        with pytest.warns(paio.FetchWarning, match=CLOSED):
            frames.append(ROWS.aio.fetch(server.url + "/{id}", client=client, errors="coerce", **options))

    caller, closer = threading.Thread(target=fetch), threading.Thread(target=client.close)
    caller.start()
    server.wait_for_requests(requests)
    closer.start()
    if release:
        while client.running_calls is calls:  # until the client has begun to close
            time.sleep(0.001)
        server.released.set()
    caller.join(10)
    closer.join(10)
    assert not caller.is_alive()
    assert not closer.is_alive()
    return frames[0]


def test_closing_a_shared_client_ends_unsent_rows_and_lets_those_under_way_finish():
    """Two requests are under way; the other rows say why they were not sent."""
    with serve_script([Action.WAIT, json_response({"n": 1})]) as server, paio.Client() as client:
        frame = close_during(client, server, 2, concurrency=2)
        outcomes = frame.aio.outcomes
        assert outcomes["outcome"].value_counts().to_dict() == {"ok": 2, "not_attempted": 4}
        assert set(outcomes["error"].dropna()) == {CLOSED}
        assert frame["n"].count() == 2
        assert len(server.requests) == 2
        whole = frame.aio.retry_failed()
        assert whole["n"].tolist() == [1] * 6


@pytest.mark.parametrize(
    ("script", "options"),
    [
        (json_response({"n": 1}), {"rate": "1/h"}),
        (json_response({}, "Retry-After: 200", status="429 Too Many Requests"), {}),
        (json_response({}, status="500 Error"), {"retry": paio.Retry(base=3600, cap=3600)}),
    ],
    ids=["rate", "pause", "backoff"],
)
def test_closing_a_client_does_not_wait_for_rows_that_wait(script, options):
    """A row that waits for a rate, a pause or its next attempt ends at once."""
    with serve_script(script) as server, paio.Client() as client:
        frame = close_during(client, server, 1, release=False, concurrency=1, **options)
        assert "not_attempted" in set(frame.aio.outcomes["outcome"])

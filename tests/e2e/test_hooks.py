"""Hooks: what happens in a run, told to functions of the user."""

import logging
import threading
from collections import Counter
from unittest.mock import MagicMock, Mock

import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io import events
from tests.servers.scripted import http_response, serve_function

CANARY = "canary-s3cret-value"
pytestmark = pytest.mark.filterwarnings("ignore::pandas_async_io.FetchWarning")
QUICK = paio.Retry(base=0.001, throttle_base=0.001, patience=0)


def count_kinds(heard):
    return Counter(type(event).__name__ for event in heard)


def only(heard, kind):
    return [event for event in heard if isinstance(event, kind)]


def test_a_hook_hears_a_run_from_start_to_end(api):
    """Also of rows that are not sent, and of each row that shares a request."""
    heard = []
    frame = pd.DataFrame({"id": ["1", "2", None, "1", "9999", ".."]})
    out = frame.aio.fetch(api + "/users/{id}", hooks=heard.append)
    assert count_kinds(heard) == {"Started": 1, "Sent": 3, "Received": 3, "RowFinished": 6, "Finished": 1}
    assert isinstance(heard[0], events.Started)
    assert (heard[0].label, heard[0].rows, heard[0].requests) == (api + "/users/{id}", 6, 3)
    rows = sorted(only(heard, events.RowFinished), key=lambda event: event.row)
    outcomes = out.aio.outcomes
    assert [row.outcome for row in rows] == outcomes["outcome"].tolist()
    assert [row.error for row in rows] == [None if pd.isna(error) else error for error in outcomes["error"]]
    assert [row.attempts for row in rows] == outcomes["attempts"].tolist()
    last = heard[-1]
    assert isinstance(last, events.Finished)
    assert last.outcomes == {"ok": 3, "null_key": 1, "http_error": 1, "unsafe_url": 1}
    assert (last.sent, last.error_type) == (3, None)
    assert len({event.run for event in heard}) == 1


def test_a_hook_hears_retries(api):
    heard = []
    pd.DataFrame({"key": ["a"]}).aio.fetch(api + "/flaky/{key}?fail=2", hooks=heard.append, retry=QUICK)
    assert [event.attempt for event in only(heard, events.Sent)] == [1, 2, 3]
    assert [event.status for event in only(heard, events.Received)] == [503, 503, 200]
    first, second = only(heard, events.RetryScheduled)
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.reason.startswith("HTTP 503 Service Unavailable")


def test_a_hook_hears_an_attempt_without_a_response(api):
    heard = []
    gone = "http://127.0.0.1:9"
    pd.DataFrame({"id": [1]}).aio.fetch(gone + "/{id}", hooks=heard.append, retry=1)
    (received,) = only(heard, events.Received)
    assert (received.status, received.origin, received.error_type) == (None, gone, "TransportError")
    assert "127.0.0.1" in received.error


def test_a_hook_hears_one_pause_for_the_requests_that_were_refused_together():
    heard = []
    asked = iter([*["Retry-After: 2"] * 1, *[""] * 100])

    def answer(request):
        header = next(asked)
        status = "429 Too Many Requests" if header else "200 OK"
        return http_response(b"{}", *filter(None, [header]), status=status)

    with serve_function(answer) as server:
        frame = pd.DataFrame({"id": range(4)})
        frame.aio.fetch(server.url + "/{id}", client=paio.Client(hooks=heard.append), concurrency=1, deadline=0.5)
        (pause,) = only(heard, events.Paused)
        assert (pause.origin, pause.reason) == (server.url, "429")
        assert 1.9 < pause.seconds <= 2.0
    assert [event.refused for event in only(heard, events.Received)] == [True]


def test_a_hook_hears_the_pages_that_are_found(api):
    heard = []
    paio.read_api(api + "/posts?_page=1&_limit=50", pages="auto", hooks=heard.append)
    assert [(event.request, event.page) for event in only(heard, events.PageFound)] == [(0, 2)]
    assert only(heard, events.PageFound)[0].url == api + "/posts?_page=2&_limit=50"
    assert count_kinds(heard)["RowFinished"] == 1


@pytest.mark.parametrize("way", ["future", "chunks", "parquet", "batch"])
def test_every_way_of_a_call_has_hooks(api, way, tmp_path):
    heard = []
    frame = pd.DataFrame({"id": [1, 2, 3]})
    if way == "future":
        frame.aio.fetch_async(api + "/users/{id}", hooks=heard.append).result()
    elif way == "chunks":
        assert len(list(frame.aio.fetch(api + "/users/{id}", hooks=heard.append, chunksize=2))) == 2
    elif way == "parquet":
        frame.aio.fetch_to_parquet(api + "/users/{id}", tmp_path / "users", hooks=heard.append)
    else:
        frame.aio.fetch(api + "/users{?id*}", hooks=heard.append, batch=3)
    counts = count_kinds(heard)
    assert (counts["Started"], counts["RowFinished"], counts["Finished"]) == (1, 3, 1)
    assert sorted(event.row for event in only(heard, events.RowFinished)) == [0, 1, 2]
    assert counts["Sent"] == (1 if way == "batch" else 3)


def test_retry_failed_names_the_rows_of_the_whole_frame(api):
    """And it takes other hooks."""
    first, second = [], []
    frame = pd.DataFrame({"key": ["a", "b", "c"], "fail": [0, 1, 0]})
    out = frame.aio.fetch(api + "/flaky/{key}?fail={fail}", retry=1, hooks=first.append)
    out.aio.retry_failed(hooks=second.append)
    assert [(event.row, event.outcome) for event in only(second, events.RowFinished)] == [(1, "ok")]
    assert count_kinds(first)["Finished"] == 1


def test_hooks_are_called_on_one_thread_in_order_the_clients_first(api):
    """One that was given to both is called once."""
    calls = []

    def client_hook(event):
        calls.append(("client", type(event), threading.get_ident()))

    def call_hook(event):
        calls.append(("call", type(event), threading.get_ident()))

    client = paio.Client(api, hooks=client_hook)
    pd.DataFrame({"id": [1]}).aio.fetch("/users/{id}", client=client, hooks=[call_hook, client_hook])
    assert [who for who, _, _ in calls] == ["client", "call"] * 5
    kinds = [events.Started, events.Sent, events.Received, events.RowFinished, events.Finished]
    assert [kind for who, kind, _ in calls if who == "call"] == kinds
    (thread,) = {thread for _, _, thread in calls}
    assert thread != threading.get_ident()


def test_a_hook_that_raises_is_logged_once_and_ends_nothing(api, caplog):
    after = []

    def hook(event):
        raise ValueError("wrong")

    out = pd.DataFrame({"id": [1, 2]}).aio.fetch(api + "/users/{id}", hooks=[hook, after.append])
    assert out.aio.report.outcomes == {"ok": 2}
    assert count_kinds(after)["RowFinished"] == 2
    (record,) = [each for each in caplog.records if each.name == "pandas_async_io"]
    assert "hook" in record.getMessage()
    assert str(record.exc_info[1]) == "wrong"


def test_a_hook_with_listens_to_gets_only_these_events(api):
    class Listener:
        listens_to = (events.Finished,)

        def __init__(self):
            self.heard = []

        def __call__(self, event):
            self.heard.append(event)

    listener = Listener()
    pd.DataFrame({"id": [1]}).aio.fetch(api + "/users/{id}", hooks=listener)
    assert count_kinds(listener.heard) == {"Finished": 1}


@pytest.mark.parametrize("kind", [Mock, MagicMock])
def test_a_mock_is_a_hook_that_hears_all(api, kind):
    hook = kind()
    out = pd.DataFrame({"id": [1]}).aio.fetch(api + "/users/{id}", hooks=hook)
    assert out.aio.report.outcomes == {"ok": 1}
    assert hook.call_count == 5


def test_no_event_holds_a_secret():
    """Neither one with a secret's name nor the call's own credential, in whatever a server repeats."""
    heard = []

    def answer(request):
        return http_response(f'{{"message": "no access for {CANARY}"}}'.encode(), status="403 Forbidden")

    with serve_function(answer) as server:
        frame = pd.DataFrame({"id": [1], "token": [f"row-{CANARY}"]})
        client = paio.Client(server.url, auth=CANARY, hooks=heard.append)
        frame.aio.fetch(f"/x/{CANARY}?sig={CANARY}&id={{id}}", client=client, headers={"X-Api-Key": "{token}"})
    assert len(heard) == 5
    assert CANARY not in repr(heard)


def test_a_run_that_is_cancelled_tells_how_it_ended():
    heard, sent = [], threading.Event()

    def hook(event):
        heard.append(event)
        if isinstance(event, events.Sent):
            sent.set()

    released = threading.Event()

    def answer(request):
        released.wait(10)
        return http_response()

    with serve_function(answer) as server:
        future = pd.DataFrame({"id": [1]}).aio.fetch_async(server.url + "/{id}", hooks=hook)
        assert sent.wait(10)
        future.cancel()
        with pytest.raises(BaseException, match="cancelled"):
            future.result()
        released.set()
    assert isinstance(heard[-1], events.Finished)
    assert (heard[-1].outcomes, heard[-1].error_type) == ({"cancelled": 1}, "CancelledError")


def test_the_log_has_one_line_per_run_at_info(api, caplog):
    caplog.set_level(logging.INFO, "pandas_async_io")
    pd.DataFrame({"key": ["log", None]}).aio.fetch(api + "/flaky/{key}?fail=1", retry=QUICK)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "pandas_async_io"]
    assert "/flaky/{key}?fail=1: 1 ok, 1 null_key; 2 requests sent (1 repeated, 0 refused) in " in line


def test_the_log_has_retries_and_pages_at_debug(api, caplog):
    caplog.set_level(logging.DEBUG, "pandas_async_io")
    url = api + f"/flaky/{{key}}?fail=1&token={CANARY}"
    pd.DataFrame({"key": ["debug"]}).aio.fetch(url, retry=QUICK)
    paio.read_api(api + "/posts?_page=1&_limit=50", pages="auto")
    lines = [record.getMessage().partition(": ")[2] for record in caplog.records if record.name == "pandas_async_io"]
    assert len(lines) == 4
    assert lines[0].startswith(f"GET {api}/flaky/debug?fail=1&token=*** failed (HTTP 503")
    assert lines[2] == f"page 2 found: {api}/posts?_page=2&_limit=50"
    assert CANARY not in caplog.text


def test_a_call_without_hooks_builds_no_event(api, monkeypatch):
    """Also with a hook that listens to another event."""
    built = []
    for kind in (events.Sent, events.Received, events.RowFinished):
        monkeypatch.setattr(kind, "__init__", lambda self, **_: built.append(type(self)))
    heard = []
    hook = type("Listener", (), {"listens_to": (events.Finished,), "__call__": lambda _, event: heard.append(event)})()
    pd.DataFrame({"id": [1]}).aio.fetch(api + "/users/{id}")
    pd.DataFrame({"id": [1]}).aio.fetch(api + "/users/{id}", hooks=hook)
    assert (built, len(heard)) == ([], 1)

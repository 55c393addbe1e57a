"""Record and replay: a recorded run gives the same frame without a network and without credentials."""

from __future__ import annotations

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import json_response, serve_function

pytestmark = pytest.mark.filterwarnings("ignore:.*(rows|row) failed")

IDS = pd.DataFrame({"id": [1, 2, 3]})


@pytest.fixture
def record(tmp_path):
    """Return a store that records."""
    return paio.Store(tmp_path / "calls.sqlite", mode="record")


def replay(store, **options):
    """Return a store that replays another one's file."""
    return paio.Store(store.path, mode="replay", **options)


def test_a_replay_needs_no_server(record):
    with serve_function(lambda request: json_response({"path": request.target})) as server:
        recorded = IDS.aio.fetch(server.url + "/{id}", store=record)
    replayed = IDS.aio.fetch(server.url + "/{id}", store=replay(record))
    pd.testing.assert_frame_equal(recorded, replayed)
    assert replayed.aio.outcomes["from_store"].all()


def test_recording_refreshes(record):
    numbers = iter(range(10))
    with serve_function(lambda _: json_response({"n": next(numbers)})) as server:
        for _ in range(2):
            paio.read_api(server.url, store=record)
        assert len(server.requests) == 2
    assert paio.read_api(server.url, store=replay(record))["n"].tolist() == [1]


def test_a_replay_gives_the_failures_too(record):
    def answer(request):
        found = request.target != "/2"
        return json_response({"message": "no user"} if not found else {"a": 1}, status="200 OK" if found else "404 No")

    with serve_function(answer) as server:
        recorded = IDS.aio.fetch(server.url + "/{id}", store=record)
    replayed = IDS.aio.fetch(server.url + "/{id}", store=replay(record))
    pd.testing.assert_frame_equal(recorded, replayed)
    assert replayed.aio.outcomes["outcome"].tolist() == ["ok", "http_error", "ok"]
    assert replayed.aio.failures["error"].tolist() == recorded.aio.failures["error"].tolist()


def test_a_journal_takes_no_failure_of_a_recording(record):
    with serve_function(lambda _: json_response({}, status="404 Not Found")) as server:
        IDS.aio.fetch(server.url + "/{id}", store=record)
        IDS.aio.fetch(server.url + "/{id}", store=record.path)
        assert len(server.requests) == 6


@pytest.mark.slow
def test_posts_pages_and_jobs_are_replayed(api, record):
    def run(store):
        return (
            IDS.aio.fetch(api + "/echo", json={"a": "{id}"}, store=store),
            paio.read_api(api + "/posts?_limit=20", pages="auto", store=store),
            IDS.aio.fetch(api + "/jobs", json={"n": "{id}"}, poll=paio.Poll(status="state"), store=store),
        )

    recorded = run(record)
    sent = len(api.log)
    for one, other in zip(recorded, run(replay(record)), strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert len(api.log) == sent


@pytest.mark.parametrize("auth", [None, "another-token", paio.ApiKey("key-1234567", param="api_key")])
def test_credentials_do_not_matter(record, auth):
    with serve_function(lambda request: json_response({"path": request.target})) as server:
        recorded = IDS.aio.fetch(server.url + "/{id}", store=record, auth="token-of-ann")
    replayed = IDS.aio.fetch(server.url + "/{id}", store=replay(record), auth=auth)
    pd.testing.assert_frame_equal(recorded, replayed)


def test_different_answers_of_two_credentials_are_refused(record):
    with serve_function(lambda request: json_response({"who": request.headers["authorization"][-3:]})) as server:
        for token in ("token-of-ann", "token-of-bob"):
            IDS.aio.fetch(server.url + "/{id}", store=record, auth=token)
    with pytest.raises(paio.PlanError, match="different answers of several credentials to GET http://"):
        IDS.aio.fetch(server.url + "/{id}", store=replay(record))
    anns = IDS.aio.fetch(server.url + "/{id}", store=replay(record), auth="token-of-ann")
    assert set(anns["who"]) == {"ann"}


def test_links_that_hold_the_token_are_followed_in_a_replay(record):
    def page(request):
        more = {} if "page=2" in request.target else {"next": f"{server.url}/items?access_token={token}&page=2"}
        return json_response({"items": [{"url": request.target.partition("&")[2]}], **more})

    token = "canary-token-1234"
    with serve_function(page) as server:
        client = paio.Client(server.url, auth=paio.ApiKey(token, param="access_token"))
        recorded = paio.read_api("/items", pages=paio.NextUrl("next"), client=client, store=record)
    replayed = paio.read_api(server.url + "/items", pages=paio.NextUrl("next"), store=replay(record))
    assert len(recorded) == len(replayed) == 2
    assert b"canary" not in record.file.read_bytes()


def test_missing_first_requests_are_listed_before_anything_else(api, record):
    IDS.aio.fetch(api + "/users/{id}", store=record)
    many = pd.DataFrame({"id": range(1, 12)})
    for start in (many.aio.fetch, many.aio.fetch_async):
        with pytest.raises(paio.PlanError) as caught:
            start(api + "/users/{id}", store=replay(record))
        assert "no answer to 8 requests" in str(caught.value)
        assert str(caught.value).count("GET http") == 5
    assert "answers 3 of 11" in many.aio.plan(api + "/users/{id}", store=replay(record)).store


def test_a_missing_later_page_is_not_attempted(api, record):
    paio.read_api(api + "/posts?_limit=10", pages="auto", store=record)
    assert record.forget(api + "/posts?_limit=10&_page=4") == 1
    out = paio.read_api(api + "/posts?_limit=10", pages="auto", store=replay(record), errors="coerce")
    assert out.aio.outcomes["outcome"].tolist() == ["not_attempted"]
    assert "the store has no answer" in out.aio.outcomes["error"][0]
    assert len(api.log) == 10


def test_a_replay_ignores_the_age(api, record):
    IDS.aio.fetch(api + "/users/{id}", store=record)
    IDS.aio.fetch(api + "/users/{id}", store=replay(record, ttl=0.000_001))
    assert len(api.log) == 3


@pytest.mark.parametrize(("make", "text"), [(lambda _: None, "does not exist"), (lambda path: path.touch(), "empty")])
def test_nothing_to_replay_is_said(tmp_path, make, text):
    make(tmp_path / "calls.sqlite")
    with pytest.raises(paio.PlanError, match=f"{text}.*mode='record'"):
        IDS.aio.fetch("http://127.0.0.1:9/{id}", store=paio.Store(tmp_path / "calls.sqlite", mode="replay"))

"""Kept answers to keys of ``batch=``: each is looked up alone, and only the missing ones are batched."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import json_response, serve_function

pytestmark = pytest.mark.filterwarnings("ignore:.*((rows|row) failed|has a record)")


@pytest.fixture
def store(tmp_path):
    """Return the path of a store that does not exist."""
    return tmp_path / "calls.sqlite"


def keys_of(request):
    """Return the keys that a request holds."""
    if request.body:
        return json.loads(request.body)["ids"]
    return [int(key) for value in parse_qs(urlsplit(request.target).query)["id"] for key in value.split(",")]


def answer(request):
    """Return a record for each key; key 13 makes its request wrong."""
    keys = keys_of(request)
    if 13 in keys:
        return json_response({"message": "no 13"}, status="400 Bad Request")
    return json_response([{"id": key, "square": key * key} for key in keys])


def fetch(server, ids, store, **options):
    given = {"batch": 4, "store": store, **options}
    return pd.DataFrame({"id": ids}).aio.fetch(server.url + "/squares{?id*}", **given)


def test_a_rerun_in_another_order_and_size_sends_nothing(store):
    with serve_function(answer) as server:
        fetch(server, [1, 2, 3, 4, 5, 6], store)
        assert len(server.requests) == 2
        again = fetch(server, [6, 2, 5, 2], store, batch=50)
        assert len(server.requests) == 2
    assert again["square"].tolist() == [36, 4, 25, 4]
    assert again.aio.outcomes["from_store"].all()


def test_only_the_missing_keys_are_batched(store):
    with serve_function(answer) as server:
        fetch(server, [1, 2, 3], store)
        plan = pd.DataFrame({"id": [1, 2, 7]}).aio.plan(server.url + "/squares{?id*}", batch=4, store=store)
        assert plan.requests == 1
        assert "answers 2 of 3 keys" in plan.store
        out = fetch(server, [7, 1, 8, 2, 9, 3, 10, 11], store)
        assert [keys_of(request) for request in server.requests[1:]] == [[7, 8, 9, 10], [11]]
    assert out["square"].tolist() == [49, 1, 64, 4, 81, 9, 100, 121]
    assert out.aio.outcomes["from_store"].tolist() == [False, True, False, True, False, True, False, False]


def test_the_keys_of_other_fields_are_other_keys(store):
    rows = pd.DataFrame({"id": [1, 2, 1, 2], "lang": ["de", "de", "fr", "fr"]})
    with serve_function(lambda request: json_response([{"id": 1, "at": request.target}])) as server:
        for part in (rows.head(2), rows):
            out = part.aio.fetch(server.url + "/{lang}{?id*}", batch=5, store=store)
        assert len(server.requests) == 2
    assert out["at"].str[:3].tolist()[::2] == ["/de", "/fr"]


def test_a_kept_key_is_read_with_the_options_of_this_call(store):
    with serve_function(answer) as server:
        fetch(server, [1, 2], store)
        out = fetch(server, [2, 1], store, columns={"square": "area"})
        assert len(server.requests) == 1
    assert out.columns.tolist() == ["id", "area"]
    assert out["area"].tolist() == [4, 1]


def test_posted_keys_are_kept_where_a_post_may_be_repeated(store):
    options = {"json": {"ids": "{id*}"}, "batch": 2, "store": store}
    rows = pd.DataFrame({"id": [1, 2, 3]})
    with serve_function(answer) as server:
        for _ in range(2):
            rows.aio.fetch(server.url, **options)
        assert len(server.requests) == 4
        for _ in range(2):
            rows.aio.fetch(server.url, **options, retry=paio.Retry(methods={"POST"}))
        assert len(server.requests) == 6


def test_a_key_whose_request_is_wrong_is_requested_again(store):
    with serve_function(answer) as server:
        fetch(server, [1, 13, 2, 3], store)
        sent = len(server.requests)
        out = fetch(server, [1, 13, 2, 3], store)
        assert [keys_of(request) for request in server.requests[sent:]] == [[13]]
    assert out.aio.outcomes["outcome"].tolist() == ["ok", "http_error", "ok", "ok"]


def test_a_recorded_batch_is_replayed_with_its_failures(store):
    with serve_function(answer) as server:
        recorded = fetch(server, [1, 13, 2, 3, 5], paio.Store(store, mode="record"))
    replay = paio.Store(store, mode="replay")
    replayed = fetch(server, [1, 13, 2, 3, 5], replay)
    pd.testing.assert_frame_equal(recorded, replayed)
    with pytest.raises(paio.PlanError, match=r"no answer to 2 requests.*id=8; GET .*id=9"):
        fetch(server, [1, 8, 9], replay)


def test_security_s17_keys_are_not_shared_between_credentials(store):
    with serve_function(answer) as server:
        for auth in ("token-of-ann", "token-of-bob", "token-of-ann"):
            fetch(server, [1, 2], store, auth=auth)
        assert len(server.requests) == 2


def test_an_answer_that_error_when_calls_an_error_is_requested_again(store):
    with serve_function(lambda _: json_response({"error": "quota", "data": []})) as server:
        fetch(server, [1, 2], store, record_path="data")
        out = fetch(server, [1, 2], store, record_path="data", error_when="error")
        assert len(server.requests) == 2
    assert set(out.aio.outcomes["outcome"]) == {"http_error"}


def test_chunks_of_kept_keys(store):
    with serve_function(answer) as server:
        fetch(server, range(1, 10), store)
        rows = pd.DataFrame({"id": range(1, 12)})
        with rows.aio.fetch(server.url + "/squares{?id*}", batch=4, store=store, chunksize=3) as chunks:
            squares = [value for chunk in chunks for value in chunk["square"].tolist()]
        assert len(server.requests) == 4
    assert squares == [number * number for number in rows["id"] if number != 13]

"""Answers that are kept: what a rerun sends, and how a kept answer is read anew."""

from __future__ import annotations

import asyncio
import json
import stat
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, json_response, serve_function

pytestmark = pytest.mark.filterwarnings("ignore:.*(rows|row) failed")

IDS = pd.DataFrame({"id": [1, 2, 3]})


@pytest.fixture
def store(tmp_path):
    """Return the path of a store that does not exist."""
    return tmp_path / "calls.sqlite"


def answer_by_path(request):
    """Return the path, so that each answer is another one."""
    return json_response({"path": request.target})


def test_a_rerun_sends_nothing_and_gives_the_same_frame(api, store):
    first = IDS.aio.fetch(api + "/users/{id}", store=store)
    sent = len(api.log)
    again = IDS.aio.fetch(api + "/users/{id}", store=str(store))
    assert (sent, len(api.log)) == (3, 3)
    pd.testing.assert_frame_equal(first, again)
    outcomes = again.aio.outcomes
    assert outcomes["from_store"].all()
    assert outcomes["attempts"].tolist() == [0, 0, 0]
    assert (outcomes["fetched_at"] - first.aio.outcomes["fetched_at"]).abs().max() < timedelta(seconds=5)
    assert any("3 answers taken, 0 kept" in finding for finding in again.aio.report.findings)


def test_only_what_is_missing_is_sent(api, store):
    IDS.aio.fetch(api + "/users/{id}", store=store)
    more = pd.DataFrame({"id": [4, 2, 5, 1]}).aio.fetch(api + "/users/{id}", store=store)
    assert len(api.log) == 5
    assert more.aio.outcomes["from_store"].tolist() == [False, True, False, True]
    assert more["id_api"].tolist() == [4, 2, 5, 1]


def test_the_store_of_a_client_is_that_of_its_calls(api, store, tmp_path):
    client = paio.Client(api, store=store)
    for _ in range(2):
        IDS.aio.fetch("/users/{id}", client=client)
    assert len(api.log) == 3
    IDS.aio.fetch("/users/{id}", client=client, store=tmp_path / "own.sqlite")
    assert len(api.log) == 6


def test_all_ways_in_share_a_store(api, store):
    urls = pd.Series([f"{api}/users/1", f"{api}/users/2"])
    urls.aio.fetch(store=store)
    paio.read_api([f"{api}/users/1"], store=store)
    paio.read_api_async(api + "/users/{id}", over={"id": [1, 2]}, store=store).result()

    async def fetch():
        return await IDS.head(2).aio.fetch_async(api + "/users/{id}", store=store)

    assert asyncio.run(fetch()).aio.outcomes["from_store"].all()
    assert len(api.log) == 2


@pytest.mark.parametrize("ttl", [0.000_001, timedelta(microseconds=1)])
def test_an_answer_older_than_its_time_is_requested_again(api, store, ttl):
    for _ in range(2):
        IDS.aio.fetch(api + "/users/{id}", store=paio.Store(store, ttl=ttl))
    assert len(api.log) == 6
    IDS.aio.fetch(api + "/users/{id}", store=paio.Store(store, ttl=timedelta(hours=1)))
    assert len(api.log) == 6


def test_a_hit_is_read_with_the_options_of_this_call(store):
    with serve_function(lambda _: json_response({"data": {"rows": [{"a": 1}, {"a": 2}]}})) as server:
        wrong = paio.read_api(server.url, store=store, parser=lambda response: response.nonsense, errors="coerce")
        assert wrong.aio.outcomes["outcome"].tolist() == ["parse_error"]
        right = paio.read_api(server.url, store=store, record_path="data.rows")
        text = paio.read_api(server.url, store=store, format="text")
    assert right["a"].tolist() == [1, 2]
    assert json.loads(text.iloc[0, 0])["data"]["rows"][1]["a"] == 2
    assert len(server.requests) == 1


def test_an_answer_that_error_when_calls_an_error_is_not_kept_and_not_taken(store):
    with serve_function(lambda _: json_response({"error": "quota"})) as server:
        for _ in range(2):
            paio.read_api(server.url, store=store, error_when="error", errors="coerce")
        assert len(server.requests) == 2
        paio.read_api(server.url, store=store)
        paio.read_api(server.url, store=store, error_when="error", errors="coerce")
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    "response",
    [
        json_response({}, status="404 Not Found"),
        json_response({}, status="500 Internal Server Error"),
        http_response(b"<!doctype html><title>Sign in</title>", "Content-Type: text/html"),
        http_response(b'{"a": 1, "b', "Content-Type: application/json"),
    ],
    ids=["404", "500", "login page", "cut"],
)
def test_what_is_no_success_is_not_kept(store, response):
    with serve_function(lambda _: response) as server:
        for _ in range(2):
            paio.read_api(server.url, store=store, retry=1, errors="coerce")
        assert len(server.requests) == 2


def test_the_pages_of_a_chain_are_kept_each(api, store):
    first = paio.read_api(api + "/posts?_limit=10", pages="auto", store=store)
    again = paio.read_api(api + "/posts?_limit=10", pages="auto", store=store)
    assert len(api.log) == 10
    pd.testing.assert_frame_equal(first, again)
    assert again.aio.outcomes["from_store"].tolist() == [True]


def test_a_chain_goes_on_behind_its_kept_pages(api, store):
    with pytest.warns(paio.HintWarning, match="max_pages"):
        paio.read_api(api + "/posts?_limit=10", pages="auto", max_pages=4, store=store)
    whole = paio.read_api(api + "/posts?_limit=10", pages="auto", store=store)
    assert len(whole) == 100
    assert len(api.log) == 10
    assert whole.aio.outcomes["from_store"].tolist() == [False]


@pytest.mark.parametrize("pages", ["auto", paio.NextUrl("next"), paio.PageNumber("page")])
def test_a_page_that_is_missing_is_the_only_one_sent(store, pages):
    def page(request):
        number = int(request.target.partition("page=")[2] or 1)
        following = f"{server.url}/items?page={number + 1}" if number < 6 else None
        return json_response({"items": [{"id": number}] if number < 7 else [], "next": following})

    with serve_function(page) as server:
        first = paio.read_api(server.url + "/items?page=1", pages=pages, store=store)
        sent = len(server.requests)
        assert paio.Store(store).forget(server.url + "/items?page=3") == 1
        again = paio.read_api(server.url + "/items?page=1", pages=pages, store=store)
    pd.testing.assert_frame_equal(first, again)
    assert [request.target for request in server.requests[sent:]] == ["/items?page=3"]


def test_a_post_is_sent_again_unless_it_may_be_repeated(store):
    with serve_function(answer_by_path) as server:
        for _ in range(2):
            IDS.aio.fetch(server.url + "/{id}", json={"a": 1}, store=store)
        assert len(server.requests) == 6
        for _ in range(2):
            IDS.aio.fetch(server.url + "/{id}", json={"a": 1}, store=store, retry=paio.Retry(methods={"POST"}))
        assert len(server.requests) == 9
        for _ in range(2):
            paio.read_api(server.url, json=paio.graphql("{ a }"), store=store)
        assert len(server.requests) == 10
        for _ in range(2):
            paio.read_api(server.url, json=paio.graphql("mutation { a }"), store=store)
        assert len(server.requests) == 12


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_rerun_of_a_change_does_it_again(store, method):
    with serve_function(answer_by_path) as server:
        for _ in range(2):
            IDS.aio.fetch(server.url + "/{id}", method=method, store=store)
        assert len(server.requests) == 6


def test_equal_posts_keep_their_own_answers(store):
    rolled = iter(range(100))
    with serve_function(lambda _: json_response({"n": next(rolled)})) as server:
        retry, rows = paio.Retry(methods={"POST"}), pd.DataFrame({"row": [0, 1, 2]})
        first, again = (rows.aio.fetch(server.url, json={"a": 1}, retry=retry, store=store) for _ in range(2))
        assert len(server.requests) == 3
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.slow
def test_a_job_is_not_submitted_again(api, store):
    """The submission and the last poll are kept; polls of a job that runs are not."""
    options = {"json": {"n": "{id}"}, "poll": paio.Poll(status="state"), "store": store}
    first = IDS.aio.fetch(api + "/jobs", **options)
    sent = len(api.log)
    again = IDS.aio.fetch(api + "/jobs", **options)
    pd.testing.assert_frame_equal(first, again)
    assert len(api.log) == sent


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"auth": "token-of-ann-1"}, {"auth": "token-of-bob-2"}),
        ({"headers": {"X-API-Key": "ann-12345678"}}, {"headers": {"X-API-Key": "bob-12345678"}}),
        ({"params": {"api_key": "ann-12345678"}}, {"params": {"api_key": "bob-12345678"}}),
        ({"headers": {"Accept": "text/csv"}}, {"headers": {"Accept": "application/json"}}),
        ({"auth": "token-of-ann-1"}, {}),
        (
            {"auth": paio.ApiKey("ann-123", header="X-Request-Id")},
            {"auth": paio.ApiKey("bob-123", header="X-Request-Id")},
        ),
    ],
    ids=["auth", "header", "query", "other header", "nobody", "key in a header that is ignored elsewhere"],
)
def test_security_s17_no_answer_is_shared(store, first, second):
    with serve_function(answer_by_path) as server:
        for options in (first, second, first, second):
            IDS.aio.fetch(server.url + "/{id}", store=store, **options)
        assert len(server.requests) == 6


def test_security_s17_a_credential_is_not_ignored(store):
    with pytest.raises(paio.PlanError, match="whose an answer is"):
        paio.Store(store, ignore=["authorization"])
    kept = paio.Store(store, ignore=["X-Key"])
    with serve_function(answer_by_path) as server:
        for key in ("ann-123", "bob-123"):
            IDS.aio.fetch(server.url + "/{id}", store=kept, auth=paio.ApiKey(key, header="X-Key"))
        assert len(server.requests) == 2 * len(IDS)


def test_rows_with_credentials_of_their_own_share_no_answer(store):
    rows = pd.DataFrame({"token": ["ann-12345678", "bob-12345678"]})
    with serve_function(lambda request: json_response({"who": dict(request.headers)["authorization"][-12:]})) as server:
        for _ in range(2):
            out = rows.aio.fetch(server.url, headers={"Authorization": "Bearer {token}"}, store=store)
        assert len(server.requests) == 2
    assert out["who"].tolist() == rows["token"].tolist()


def test_security_s11_no_credential_is_in_the_file(store, tmp_path):
    def echo(request):
        return json_response(
            {"head": repr(request), "next": f"/more?token={secret}"},
            "Set-Cookie: sid=canary-cookie-1234",
            f"Link: <{server.url}/b?api_key={secret}>; rel=alternate",
        )

    secret = "canary-secret-+/1234"
    with serve_function(echo) as server:
        options = {"auth": secret, "params": {"api_key": secret}, "headers": {"X-Token": secret}, "store": store}
        first = IDS.aio.fetch(server.url + "/{id}", **options)
        again = IDS.aio.fetch(server.url + "/{id}", **options)
    pd.testing.assert_frame_equal(first, again)
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert b"canary-secret" not in content
        assert b"canary-cookie" not in content


def test_security_s12_the_file_is_private_and_alone(api, store, tmp_path):
    IDS.aio.fetch(api + "/users/{id}", store=store)
    assert [path.name for path in tmp_path.iterdir()] == ["calls.sqlite"]
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert b"pickle" not in store.read_bytes()


def test_security_s20_no_file_is_named_by_data(api, tmp_path):
    rows = pd.DataFrame({"id": ["..%2fetc", "a/b", "1"]})
    with pytest.warns(paio.FetchWarning):
        rows.aio.fetch(api + "/users/{id}", store=tmp_path / "calls.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["calls.sqlite"]


def test_kept_answers_take_no_rate_and_no_budget(api, store):
    ids = pd.DataFrame({"id": range(1, 9)})
    ids.aio.fetch(api + "/users/{id}", store=store)
    again = ids.aio.fetch(api + "/users/{id}", store=store, rate="1/h", max_requests=1, concurrency=1)
    assert again.aio.report.outcomes == {"ok": 8}


def test_a_plan_says_what_the_store_answers(api, store):
    assert "answers 0 of 3 requests" in IDS.aio.plan(api + "/users/{id}", store=store).store
    assert not Path(store).exists()
    IDS.head(2).aio.fetch(api + "/users/{id}", store=store)
    assert "answers 2 of 3 requests" in repr(IDS.aio.plan(api + "/users/{id}", store=store))
    plan = IDS.aio.plan(api + "/users/{id}", json={}, store=store)
    assert "POST may change something and is sent again" in plan.store


def test_more_rows_than_a_block_are_looked_up(store):
    rows = pd.DataFrame({"id": range(1_203)})
    with serve_function(answer_by_path) as server:
        rows.head(1_001).aio.fetch(server.url + "/{id}", store=store)
        out = rows.aio.fetch(server.url + "/{id}", store=store)
    assert len(server.requests) == 1_203
    assert out["path"].tolist() == [f"/{number}" for number in range(1_203)]
    assert int(out.aio.outcomes["from_store"].sum()) == 1_001


def test_cache_control_is_no_matter_and_that_is_said_once(store):
    with serve_function(lambda _: json_response({"a": 1}, "Cache-Control: no-store")) as server:
        first = IDS.aio.fetch(server.url + "/{id}", store=store)
        IDS.aio.fetch(server.url + "/{id}", store=store)
    assert len(server.requests) == 3
    assert sum("no-store" in finding for finding in first.aio.report.findings) == 1


def test_retry_failed_reads_the_kept_answers_with_other_options(store):
    with serve_function(lambda _: json_response({"data": {"rows": [{"a": 1}]}})) as server:
        wrong = IDS.aio.fetch(server.url + "/{id}", store=store, parser=lambda response: response.nonsense)
        assert set(wrong.aio.outcomes["outcome"]) == {"parse_error"}
        right = wrong.aio.retry_failed(parser=None, record_path="data.rows")
        assert len(server.requests) == 3
        pd.testing.assert_frame_equal(right, IDS.aio.fetch(server.url + "/{id}", store=store, record_path="data.rows"))
        wrong.aio.retry_failed()
        assert len(server.requests) == 6
        with pytest.raises(TypeError, match="in no store; pass store="):
            IDS.aio.fetch(server.url + "/{id}").aio.retry_failed(record_path="data")
        with pytest.raises(TypeError, match="in no store"):
            IDS.aio.fetch(server.url + "/{id}", json={}, store=store).aio.retry_failed(record_path="data")


def test_an_answer_without_records_is_kept_where_empty_when_says_so(store):
    with serve_function(lambda _: json_response({}, status="404 Not Found")) as server:
        for _ in range(2):
            out = IDS.aio.fetch(server.url + "/{id}", store=store, empty_when=404)
        assert len(server.requests) == 3
        assert out.aio.outcomes["from_store"].all()
        IDS.aio.fetch(server.url + "/{id}", store=store)
        assert len(server.requests) == 6


def test_security_s11_a_credential_of_a_row_is_not_in_the_file(store):
    rows = pd.DataFrame({"token": ["canary-of-ann-1", "canary-of-bob-2"]})
    with serve_function(lambda request: json_response({"who": request.headers["authorization"]})) as server:
        first, again = (
            rows.aio.fetch(server.url, headers={"Authorization": "Bearer {token}"}, store=store) for _ in range(2)
        )
        assert len(server.requests) == 2
    assert again["who"].tolist() == ["Bearer canary-of-ann-1", "Bearer canary-of-bob-2"]
    pd.testing.assert_frame_equal(first, again)
    assert b"canary" not in store.read_bytes()


def test_a_job_that_failed_is_submitted_again_by_the_next_run(store):
    """Its kept submission leads nowhere."""
    submitted = []

    def job(request):
        if request.method == "POST":
            submitted.append(1)
            return json_response({"id": len(submitted)}, f"Location: /jobs/{len(submitted)}", status="202 Accepted")
        return json_response({"state": "failed" if request.target == "/jobs/1" else "done", "value": 7})

    poll = paio.Poll(status="state", every=0.01)
    with serve_function(job) as server:
        first = paio.read_api(server.url, json={}, poll=poll, store=store, errors="coerce")
        assert first.aio.outcomes["outcome"].tolist() == ["http_error"]
        second = paio.read_api(server.url, json={}, poll=poll, store=store)
        assert len(submitted) == 2
        third = paio.read_api(server.url, json={}, poll=poll, store=store)
        assert len(submitted) == 2
    assert second["value"].tolist() == third["value"].tolist() == [7]


def test_a_cursor_that_expired_behind_kept_pages_names_what_to_forget(store):
    """Each rerun would follow the kept page's cursor again."""
    gone = {"b"}

    def answer(request):
        cursor = request.target.partition("cursor=")[2] or "a"
        if cursor in gone:
            return json_response({"error": "expired"}, status="410 Gone")
        return json_response({"items": [{"id": cursor}], "next": {"a": "/p?cursor=b"}.get(cursor)})

    with serve_function(answer) as server:

        def read():
            return paio.read_api(server.url + "/p", pages=paio.NextUrl("next"), store=store, errors="coerce")

        read()
        again = read()
        (error,) = again.aio.failures["error"]
        assert f"Store.forget('{server.url}/p')" in error
        gone.clear()
        assert paio.Store(store).forget(server.url + "/p")
        assert len(read()) == 2

"""`Store(http_cache=True)`: kept answers as RFC 9111 says, against real servers; the decisions are in core/storage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, json_response, serve_function

pytestmark = pytest.mark.filterwarnings("ignore:.*(rows|row) failed")

IDS = pd.DataFrame({"id": [1, 2, 3]})


@pytest.fixture
def store(tmp_path):
    """Return a store that is an HTTP cache, without a file."""
    return paio.Store(tmp_path / "calls.sqlite", http_cache=True)


def let_pass(store, seconds):
    """Make the kept answers older."""
    with closing(sqlite3.connect(store.file, isolation_level=None)) as file:
        file.execute("UPDATE answers SET fetched_at = fetched_at - ?", (seconds,))


def counted(*headers, status="200 OK"):
    """Return a function that answers with the number of the request, and some header fields."""
    numbers = count(1)
    return lambda _: json_response({"n": next(numbers)}, *headers, status=status)


def versioned(current, *headers):
    """Return a function that answers as `current["etag"]` says, and 304 to who has that version."""

    def answer(request):
        etag = current["etag"]
        if request.headers.get("if-none-match") == etag:
            return http_response(b"", f"ETag: {etag}", *headers, status="304 Not Modified")
        return json_response({"etag": etag, "path": request.target}, f"ETag: {etag}", *headers)

    return answer


def test_a_fresh_answer_is_taken_and_a_stale_one_is_not(store):
    with serve_function(counted("Cache-Control: max-age=60")) as server:
        first = paio.read_api(server.url, store=store)
        again = paio.read_api(server.url, store=store)
        let_pass(store, 61)
        late = paio.read_api(server.url, store=store)
        assert len(server.requests) == 2
    assert [frame["n"][0] for frame in (first, again, late)] == [1, 1, 2]
    assert [frame.aio.outcomes["from_store"][0] for frame in (first, again, late)] == [False, True, False]


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        (["Cache-Control: no-store"], 2),
        (["Cache-Control: no-cache"], 2),
        (["Cache-Control: max-age=60", "Age: 60"], 2),
        (["Cache-Control: max-age=60", "Vary: *"], 2),
        (["Cache-Control: max-age=60", "Vary: Accept-Encoding"], 1),
        (["Expires: Thu, 01 Jan 1970 00:00:00 GMT"], 2),
        (["Cache-Control: private, max-age=60"], 1),
        ([], 2),
    ],
    ids=["no-store", "no-cache", "Age", "Vary *", "Vary Accept-Encoding", "Expires", "private", "nothing"],
)
def test_what_the_server_says_is_obeyed(store, headers, sent):
    with serve_function(counted(*headers)) as server:
        for _ in range(2):
            paio.read_api(server.url, store=store)
        assert len(server.requests) == sent


def test_a_stale_answer_that_still_holds_is_not_sent_again(store):
    """RFC 9111, 4.3.4: the 304 also brings a new lifetime."""
    current = {"etag": '"1"'}
    with serve_function(versioned(current, "Cache-Control: max-age=60")) as server:
        first = IDS.aio.fetch(server.url + "/{id}", store=store)
        let_pass(store, 61)
        again = IDS.aio.fetch(server.url + "/{id}", store=store)
        third = IDS.aio.fetch(server.url + "/{id}", store=store)
        conditions = [request.headers.get("if-none-match") for request in server.requests]
    pd.testing.assert_frame_equal(first, again)
    pd.testing.assert_frame_equal(first, third)
    assert conditions == [None] * 3 + ['"1"'] * 3
    outcomes = again.aio.outcomes
    assert outcomes["from_store"].all()
    assert outcomes["attempts"].tolist() == [1, 1, 1]
    assert outcomes["status"].tolist() == [200, 200, 200]
    assert outcomes["error"].isna().all()
    assert (outcomes["fetched_at"] >= first.aio.outcomes["fetched_at"]).all()
    assert any("3 still valid (304)" in finding for finding in again.aio.report.findings)


def test_an_answer_behind_a_redirect_is_not_kept(store):
    """How long the redirect holds is not known; the answer of its target would be fresh for an hour."""

    def answer(request):
        if request.target == "/latest":
            return http_response(b"", "Location: /v1", status="302 Found")
        return json_response({"a": 1}, "Cache-Control: max-age=3600", 'ETag: "1"')

    with serve_function(answer) as server:
        for _ in range(2):
            out = paio.read_api(server.url + "/latest", store=store)
        assert [request.target for request in server.requests] == ["/latest", "/v1"] * 2
        assert paio.read_api(server.url + "/v1", store=store).aio.outcomes["from_store"].tolist() == [False]
    assert out["a"].tolist() == [1]
    assert not out.aio.outcomes["from_store"].any()


def test_a_stale_answer_that_changed_is_replaced(store):
    current = {"etag": '"1"'}
    with serve_function(versioned(current)) as server:
        paio.read_api(server.url, store=store)
        current["etag"] = '"2"'
        changed = paio.read_api(server.url, store=store)
        same = paio.read_api(server.url, store=store)
        assert [request.headers.get("if-none-match") for request in server.requests] == [None, '"1"', '"2"']
    assert changed["etag"].tolist() == same["etag"].tolist() == ['"2"']
    assert [frame.aio.outcomes["from_store"][0] for frame in (changed, same)] == [False, True]


def test_last_modified_is_a_validator_too(store):
    date = "Mon, 01 Jan 2024 00:00:00 GMT"

    def answer(request):
        if request.headers.get("if-modified-since") == date:
            return http_response(b"", "Content-Type: text/html", status="304 Not Modified")
        return json_response({"a": 1}, f"Last-Modified: {date}", "Cache-Control: no-cache")

    with serve_function(answer) as server:
        frames = [paio.read_api(server.url, store=store) for _ in range(3)]
    assert [frame.aio.outcomes["from_store"][0] for frame in frames] == [False, True, True]
    assert all(frame["a"].tolist() == [1] for frame in frames)


def test_a_304_about_another_version_is_no_answer(store):
    """RFC 9111, 4.3.4: the request is sent again without a condition."""

    def answer(request):
        if "if-none-match" in request.headers:
            return http_response(b"", 'ETag: "other"', status="304 Not Modified")
        return json_response({"a": 1}, 'ETag: "1"')

    with serve_function(answer) as server:
        for _ in range(2):
            out = paio.read_api(server.url, store=store)
        assert len(server.requests) == 3
    assert out["a"].tolist() == [1]
    assert not out.aio.outcomes["from_store"].any()


def test_limits_in_a_kept_answer_hold_nobody_back(store):
    """What the server says is left of a limit is read from the 304, not from the answer that it validates."""

    def answer(request):
        if "if-none-match" in request.headers:
            return http_response(b"", 'ETag: "1"', status="304 Not Modified")
        spent = ["X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 3600"] if len(server.requests) == 1 else []
        return json_response({"a": 1}, 'ETag: "1"', *spent)

    with serve_function(answer) as server:
        first, second = paio.Client(server.url), paio.Client(server.url)  # each has limits of its own
        IDS.head(1).aio.fetch("/{id}", store=store, client=first)
        again = IDS.aio.fetch("/{id}", store=store, client=second, concurrency=1, deadline=5)
    assert again.aio.outcomes["outcome"].tolist() == ["ok"] * 3
    assert again.aio.outcomes["from_store"].tolist() == [True, False, False]


def test_pages_are_validated_each(store):
    current = {"etag": '"1"'}

    def page(request):
        number = int(request.target.partition("page=")[2])
        if request.headers.get("if-none-match") == f'"{number}-{current["etag"]}"':
            return http_response(b"", status="304 Not Modified")
        following = {"next": f"/items?page={number + 1}"} if number < 4 else {}
        return json_response({"items": [{"id": number}], **following}, f'ETag: "{number}-{current["etag"]}"')

    with serve_function(page) as server:
        first, again = (
            paio.read_api(server.url + "/items?page=1", pages=paio.NextUrl("next"), store=store) for _ in range(2)
        )
        assert len(server.requests) == 8
    pd.testing.assert_frame_equal(first, again)
    assert again["id"].tolist() == [1, 2, 3, 4]
    assert again.aio.outcomes["from_store"].all()


@pytest.mark.parametrize("status", ["500 No", "502 No", "503 No", "504 No"])
def test_a_stale_answer_stands_for_a_server_that_fails_if_it_allows_that(store, status):
    """RFC 5861, 4. The row says so, and a warning."""
    failing = []

    def answer(request):
        if failing:
            return json_response({}, status=status)
        return json_response({"path": request.target}, "Cache-Control: max-age=60, stale-if-error=600")

    with serve_function(answer) as server:
        first = IDS.aio.fetch(server.url + "/{id}", store=store)
        failing.append(True)
        let_pass(store, 61)
        with pytest.warns(paio.HintWarning, match="3 stale answers taken because the server failed"):
            stale = IDS.aio.fetch(server.url + "/{id}", store=store, retry=1)
        pd.testing.assert_frame_equal(first, stale)
        outcomes = stale.aio.outcomes
        assert outcomes["outcome"].tolist() == ["ok"] * 3
        assert outcomes["from_store"].all()
        assert outcomes["error"].str.startswith(f"stale answer taken: HTTP {status[:3]}").all()
        age = first.aio.outcomes["fetched_at"] - outcomes["fetched_at"]
        assert age.dt.total_seconds().round().tolist() == [61] * 3
        assert len(stale.aio.failures) == 0
        let_pass(store, 600)
        late = IDS.aio.fetch(server.url + "/{id}", store=store, retry=1)
    assert late.aio.outcomes["outcome"].tolist() == ["http_error"] * 3


@pytest.mark.parametrize(
    ("cache_control", "status"),
    [
        ("max-age=60", "503 No"),
        ("max-age=60, stale-if-error=600, must-revalidate", "503 No"),
        ("max-age=60, stale-if-error=600", "404 Not Found"),
        ("max-age=60, stale-if-error=600", "401 Unauthorized"),
    ],
    ids=["not allowed", "must-revalidate", "404", "401"],
)
def test_no_stale_answer_stands_for_another_failure(store, cache_control, status):
    failing = []

    def answer(_):
        return json_response({}, status=status) if failing else json_response({}, f"Cache-Control: {cache_control}")

    with serve_function(answer) as server:
        paio.read_api(server.url, store=store)
        failing.append(True)
        let_pass(store, 61)
        out = paio.read_api(server.url, store=store, retry=1, errors="coerce")
    assert out.aio.outcomes["outcome"].tolist() == ["http_error"]


@pytest.mark.parametrize("rows", [3, pytest.param(60, marks=pytest.mark.long)], ids=["all sent", "most not sent"])
def test_the_stale_answers_of_a_server_that_is_away_are_taken(store, rows):
    """After 30 s without an answer the other rows are not sent any more."""
    ids = pd.DataFrame({"id": range(rows)})
    with serve_function(counted("Cache-Control: stale-if-error=600")) as server:
        first = ids.aio.fetch(server.url + "/{id}", store=store)
    with pytest.warns(paio.HintWarning, match=f"{rows} stale answers"):
        out = ids.aio.fetch(server.url + "/{id}", store=store, retry=1)
    pd.testing.assert_frame_equal(first, out)
    assert out.aio.outcomes["error"].str.startswith("stale answer taken: ").all()


def test_a_stale_page_is_flagged_in_the_row_of_its_chain(store):
    failing = []

    def page(request):
        number = int(request.target.partition("page=")[2])
        if failing and number == 2:
            return json_response({}, status="503 No")
        following = {"next": f"/items?page={number + 1}"} if number < 3 else {}
        return json_response({"items": [{"id": number}], **following}, "Cache-Control: max-age=60, stale-if-error=600")

    with serve_function(page) as server:
        options = {"pages": paio.NextUrl("next"), "store": store, "retry": 1}
        first = paio.read_api(server.url + "/items?page=1", **options)
        failing.append(True)
        let_pass(store, 61)
        with pytest.warns(paio.HintWarning, match="1 stale answer taken"):
            again = paio.read_api(server.url + "/items?page=1", **options)
    pd.testing.assert_frame_equal(first, again)
    assert again.aio.outcomes["error"][0].startswith("stale answer taken: HTTP 503")
    assert not again.aio.outcomes["from_store"][0]


def test_security_s17_an_answer_that_varies_with_an_ignored_header_is_not_kept(tmp_path):
    for http_cache in (True, False):
        store = paio.Store(tmp_path / f"{http_cache}.sqlite", http_cache=http_cache, ignore=["X-User"])
        with serve_function(counted("Cache-Control: max-age=60", "Vary: Accept, X-User")) as server:
            for user in ("ann", "bob"):
                with pytest.warns(paio.HintWarning, match="answers that depend on x-user are not kept"):
                    out = paio.read_api(server.url, store=store, headers={"X-User": user})
            assert len(server.requests) == 2
        assert out["n"].tolist() == [2]


def test_security_s17_an_answer_that_varies_with_another_header_is_kept_for_it(store):
    with serve_function(counted("Cache-Control: max-age=60", "Vary: Accept-Language")) as server:
        for language in ("de", "fr", "de", "fr"):
            paio.read_api(server.url, store=store, headers={"Accept-Language": language})
        assert len(server.requests) == 2


@pytest.mark.parametrize(("value", "sent"), [("no-cache", 2), ("max-age=0", 2), ("max-stale=60", 1), ("no-store", 2)])
def test_a_call_says_what_it_takes(store, value, sent):
    with serve_function(counted("Cache-Control: max-age=60")) as server:
        first = {"headers": {"Cache-Control": value}} if value == "no-store" else {}
        paio.read_api(server.url, store=store, **first)
        if value == "max-stale=60":
            let_pass(store, 61)
        paio.read_api(server.url, store=store, headers={"Cache-Control": value})
        assert len(server.requests) == sent


def test_a_condition_of_the_user_is_left_alone(store):
    current = {"etag": '"1"'}
    with serve_function(versioned(current, "Cache-Control: max-age=60")) as server:
        paio.read_api(server.url, store=store)
        out = paio.read_api(server.url, store=store, headers={"If-None-Match": '"1"'})
        assert len(server.requests) == 2
    assert out.aio.outcomes["status"].tolist() == [304]
    assert not out.aio.outcomes["from_store"].any()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_change_makes_the_answers_of_its_url_stale(store, method):
    """RFC 9111, 4.4. An answer to another URL is kept."""
    with serve_function(counted("Cache-Control: max-age=60")) as server:
        IDS.aio.fetch(server.url + "/{id}", store=store)
        IDS.head(1).aio.fetch(server.url + "/{id}", method=method, store=store)
        again = IDS.aio.fetch(server.url + "/{id}", store=store)
        assert len(server.requests) == 5
    assert again.aio.outcomes["from_store"].tolist() == [False, True, True]


def test_a_change_that_failed_changes_nothing(store):
    def answer(request):
        status = "200 OK" if request.method == "GET" else "400 Bad Request"
        return json_response({}, "Cache-Control: max-age=60", status=status)

    with serve_function(answer) as server:
        paio.read_api(server.url, store=store)
        paio.read_api(server.url, json={}, store=store, errors="coerce")
        assert paio.read_api(server.url, store=store).aio.outcomes["from_store"].all()


def test_posts_are_sent_each_time(store):
    with serve_function(counted("Cache-Control: max-age=60")) as server:
        for _ in range(2):
            paio.read_api(server.url, json={"a": 1}, retry=paio.Retry(methods={"POST"}), store=store)
        assert len(server.requests) == 2
        plan = IDS.aio.plan(server.url, json={"a": 1}, store=store, retry=paio.Retry(methods={"POST"}))
    assert "sent again" in plan.store


def test_a_plan_counts_fresh_answers_only(store):
    with serve_function(counted("Cache-Control: max-age=60", 'ETag: "1"')) as server:
        IDS.head(2).aio.fetch(server.url + "/{id}", store=store)
        assert "answers 2 of 3 requests" in IDS.aio.plan(server.url + "/{id}", store=store).store
        let_pass(store, 61)
        assert "answers 0 of 3 requests" in IDS.aio.plan(server.url + "/{id}", store=store).store


def test_an_answer_to_no_records_is_kept(store):
    with serve_function(lambda _: json_response({}, "Cache-Control: max-age=60", status="404 Not Found")) as server:
        for _ in range(2):
            out = paio.read_api(server.url, store=store, empty_when=404)
        assert len(server.requests) == 1
    assert out.aio.outcomes["from_store"].all()


def test_a_journal_and_a_cache_share_a_file(store):
    """The cache takes of a journal what it would have kept; the journal takes everything."""
    journal = paio.Store(store.path)
    with serve_function(counted("Cache-Control: no-store")) as server:
        for each, sent in ((journal, 1), (journal, 1), (store, 2), (journal, 2)):
            paio.read_api(server.url, store=each)
            assert len(server.requests) == sent


def test_ttl_ends_an_answer_that_is_fresh(tmp_path):
    store = paio.Store(tmp_path / "calls.sqlite", ttl=30, http_cache=True)
    with serve_function(counted("Cache-Control: max-age=60", 'ETag: "1"')) as server:
        paio.read_api(server.url, store=store)
        let_pass(store, 31)
        paio.read_api(server.url, store=store)
        assert ["if-none-match" in request.headers for request in server.requests] == [False, False]


@pytest.mark.parametrize("days", [-1, 1])
def test_fault_77_after_a_jump_of_the_clock_the_server_is_asked(store, days):
    current = {"etag": '"1"'}
    with serve_function(versioned(current, "Cache-Control: max-age=60")) as server:
        first = paio.read_api(server.url, store=store)
        let_pass(store, days * 86_400)
        again = paio.read_api(server.url, store=store)
        third = paio.read_api(server.url, store=store)
        assert len(server.requests) == 2
    pd.testing.assert_frame_equal(first, again)
    assert again.aio.outcomes["from_store"].all()
    assert third.aio.outcomes["attempts"].tolist() == [0]


def test_a_wrong_flag_is_refused(tmp_path):
    with pytest.raises(paio.PlanError, match="http_cache='yes'"):
        paio.Store(tmp_path / "calls.sqlite", http_cache="yes")
    assert repr(paio.Store("a.sqlite", http_cache=True)) == "Store('a.sqlite', http_cache=True)"


def test_all_ways_in_validate(store):
    """A fetch, its chunks, batches, a read, and their awaitable forms, with the store of a client or of the call."""
    answers = {"etag": '"1"'}

    def answer(request):
        if request.headers.get("if-none-match") == answers["etag"]:
            return http_response(b"", status="304 Not Modified")
        ids = request.target.rpartition("=")[2].split(",")
        return json_response([{"id": int(each)} for each in ids], f"ETag: {answers['etag']}", "Cache-Control: no-cache")

    with serve_function(answer) as server:
        client = paio.Client(server.url, store=store)
        for send in (
            lambda: IDS.aio.fetch("/?ids={id}", client=client, join=False),
            lambda: pd.concat(list(IDS.aio.fetch("/?ids={id}", client=client, chunksize=2, join=False))),
            lambda: IDS.aio.fetch("/?ids={id*}", client=client, batch=2, join=False),
            lambda: paio.read_api(server.url + "/?ids=7,8", store=store),
            lambda: IDS.aio.fetch_async("/?ids={id}", client=client, join=False).result(),
            lambda: paio.read_api_async(server.url + "/?ids=7,8", store=store).result(),
        ):
            first = send()
            sent = len(server.requests)
            again = send()
            pd.testing.assert_frame_equal(first, again)
            assert len(server.requests) > sent
            assert all("if-none-match" in request.headers for request in server.requests[sent:])

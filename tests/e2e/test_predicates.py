"""Conditions on a response: `empty_when=`, `Retry(when=)`, `error_when=`, and a 304 that the user asked for."""

import json
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, json_response, serve_function

LIMITS = {"deadline": 20, "max_requests": 40, "progress": False}
FAST = {"base": 0.001, "patience": 0}


def serve(answer):
    """Serve what a function of the path and the query returns: JSON, or a (status, JSON) pair."""

    def respond(request):
        url = urlsplit(request.target)
        found = answer(url.path, {name: values[-1] for name, values in parse_qs(url.query).items()})
        if isinstance(found, bytes):
            return found
        status, payload = found if isinstance(found, tuple) else ("200 OK", found)
        return json_response(payload, status=status)

    return serve_function(respond)


def outcomes(frame, *columns):
    return frame.aio.outcomes[["outcome", *columns]].to_numpy().tolist()


def by_id(path, _query):
    """Answer 404 for the odd ids."""
    number = int(path.rpartition("/")[2])
    return ("404 Not Found", {"error": {"code": "no_such_user"}}) if number % 2 else {"id": number}


@pytest.mark.parametrize(
    "empty_when",
    [{404}, 404, "error.code", lambda response: response.status == 404, lambda response: "error" in response.json()],
)
def test_an_answer_that_empty_when_names_is_ok_without_records(empty_when):
    """No warning; the status stays visible, and the report counts them."""
    with serve(by_id) as server:
        frame = pd.DataFrame({"n": range(4)}).aio.fetch(server.url + "/u/{n}", empty_when=empty_when, **LIMITS)
        read = paio.read_api(server.url + "/u/{n}", over={"n": range(4)}, empty_when=empty_when, **LIMITS)
    assert frame["id"].tolist() == [0, pd.NA, 2, pd.NA]
    assert outcomes(frame, "status", "attempts") == [["ok", 200, 1], ["ok", 404, 1]] * 2
    assert read["id"].tolist() == [0, 2]
    assert "answers taken for no records: 2 x HTTP 404" in repr(frame.aio.report)


def test_a_run_of_empty_answers_is_neither_an_outage_nor_a_wrong_request():
    """A 500 or 422 that the user takes for no records stops no run."""
    with serve(lambda path, query: (query["status"], {"message": "none"})) as server:
        for status in ("500 Internal Server Error", "422 Unprocessable Content", "403 Forbidden"):
            frame = pd.DataFrame({"n": range(40)}).aio.fetch(
                server.url + "/u?n={n}", params={"status": status}, empty_when=range(400, 600), progress=False
            )
            assert frame.aio.report.outcomes == {"ok": 40}


def test_empty_when_is_asked_before_retry_and_retry_before_error_when():
    """One answer may meet all three."""
    said = pytest.warns(paio.FetchWarning, match="2 of 3 rows failed: 2 x HTTP 200, but error_when says")
    with serve(lambda path, query: {"state": query["state"], "error": "x"}) as server, said:
        frame = pd.DataFrame({"state": ["none", "busy", "done"]}).aio.fetch(
            server.url + "/s?state={state}",
            empty_when=lambda response: response.json()["state"] == "none",
            retry=paio.Retry(when=lambda response: response.json()["state"] != "done", attempts=3, **FAST),
            error_when="error",
            **LIMITS,
        )
    assert outcomes(frame, "attempts") == [["ok", 1], ["http_error", 3], ["http_error", 1]]


def test_a_202_that_statuses_name_is_repeated_until_the_answer_is_ready():
    """Its body is not read as a record; a row whose answer never is ready fails."""
    asked = {}

    def answer(path, query):
        asked[path] = asked.get(path, 0) + 1
        ready = path == "/a" and asked[path] == 3
        return {"id": 1} if ready else http_response(b"come back later", status="202 Accepted")

    retry = paio.Retry(statuses=[202], attempts=3, **FAST)
    with serve(answer) as server, pytest.warns(paio.FetchWarning, match="1 x HTTP 202 Accepted: come back later"):
        frame = pd.DataFrame({"p": ["a", "b"]}).aio.fetch(server.url + "/{p}", retry=retry, **LIMITS)
    assert outcomes(frame, "attempts") == [["ok", 3], ["http_error", 3]]
    assert frame["id"].tolist() == [1, pd.NA]


def test_a_304_to_the_users_conditional_request_is_an_empty_answer():
    """A 304 that nobody asked for is an error."""
    with serve(lambda path, query: http_response(b"", status="304 Not Modified")) as server:
        for where in ("call", "client"):
            headers = {"If-None-Match": '"v1"'}
            client = paio.Client(server.url, headers=headers if where == "client" else None)
            options = {"headers": headers} if where == "call" else {}
            frame = pd.DataFrame({"n": [1]}).aio.fetch("/u/{n}", client=client, **options, **LIMITS)
            assert outcomes(frame, "status") == [["ok", 304]]
        with pytest.warns(paio.FetchWarning, match="HTTP 304"):
            frame = pd.DataFrame({"n": [1]}).aio.fetch(server.url + "/u/{n}", **LIMITS)
    assert outcomes(frame) == [["http_error"]]


def pages(path, query):
    """Answer three pages of two records; 404 past the end, as the Rick and Morty API does."""
    number = int(query.get("page", 1))
    return (
        ("404 Not Found", {"error": "nothing"})
        if number > 3
        else {"results": [{"id": 2 * number}, {"id": 2 * number + 1}]}
    )


def find_next_page(page):
    return f"?page={page.payload['results'][0]['id'] // 2 + 1}"


@pytest.mark.parametrize("paginator", [paio.PageNumber(), find_next_page])
def test_an_empty_answer_ends_a_series_of_pages_and_is_said(paginator):
    """A function for pages is not asked about it."""
    with serve(pages) as server:
        frame = paio.read_api(
            server.url + "/c?page=1", record_path="results", pages=paginator, empty_when={404}, **LIMITS
        )
    assert frame["id"].tolist() == [2, 3, 4, 5, 6, 7]
    assert "series of pages that ended with an answer taken for no records: 1 x HTTP 404" in repr(frame.aio.report)
    assert len(server.requests) == 4


def test_a_series_may_be_empty_from_the_start():
    """Its row is kept, without records."""
    answer = lambda path, query: pages(path, query) if path == "/a" else ("404 Not Found", {"error": "nothing"})  # noqa: E731
    with serve(answer) as server:
        frame = pd.DataFrame({"p": ["a", "b"]}).aio.fetch(
            server.url + "/{p}", record_path="results", pages=paio.PageNumber(), empty_when="error", **LIMITS
        )
    assert frame["id"].tolist() == [2, 3, 4, 5, 6, 7, pd.NA]
    assert outcomes(frame) == [["ok"], ["ok"]]


def test_a_page_behind_the_end_is_said():
    """Pages that were requested together may show that the empty one was not the last."""

    def answer(path, query):
        number = int(query.get("page", 1))
        return ("404 Not Found", {}) if number == 2 else {"total_pages": 3, "results": [{"id": number}]}

    paginator = paio.PageNumber(total_pages="total_pages")
    with serve(answer) as server, pytest.warns(paio.HintWarning, match="page 2 was taken for the end, and page 3 came"):
        frame = paio.read_api(server.url + "/c", record_path="results", pages=paginator, empty_when={404}, **LIMITS)
    assert frame["id"].tolist() == [1, 3]


def test_an_empty_answer_gives_no_key_of_its_block_a_record():
    """The block is not halved; other blocks are matched."""

    def answer(path, query):
        ids = [int(each) for each in query["id"].split(",")]
        return ("404 Not Found", {"error": "none of them"}) if ids[0] > 2 else [{"id": each, "v": each} for each in ids]

    with serve(answer) as server:
        frame = pd.DataFrame({"id": [1, 2, 3, 4]}).aio.fetch(
            server.url + "/u?id={id*}", batch=2, empty_when={404}, **LIMITS
        )
    assert frame["v"].tolist() == [1, 2, pd.NA, pd.NA]
    assert outcomes(frame) == [["ok"]] * 4
    assert len(server.requests) == 2


@pytest.mark.parametrize("at", ["submission", "state", "result"])
def test_a_job_may_end_without_records(at):
    """Its submission, its last state or its result says so."""

    def answer(path, query):
        if path == "/jobs":
            return {"none": True} if at == "submission" else {"state": "queued", "url": "/jobs/7"}
        if path == "/jobs/7":
            return {"state": "failed", "none": True} if at == "state" else {"state": "done", "result": "/jobs/7/r"}
        return ("404 Not Found", {"none": True})

    poll = paio.Poll("state", url="url", result="result", every=0.01)
    with serve(answer) as server:
        frame = pd.DataFrame({"n": [1]}).aio.fetch(
            server.url + "/jobs", json={"n": "{n}"}, poll=poll, empty_when="none", **LIMITS
        )
    assert outcomes(frame) == [["ok"]]
    assert len(server.requests) == {"submission": 1, "state": 2, "result": 3}[at]


def test_a_poll_that_does_not_find_its_job_is_no_empty_answer():
    """Another server may know the job first."""
    asked = []

    def answer(path, query):
        if path == "/jobs":
            return {"state": "queued", "url": "/jobs/7"}
        asked.append(path)
        return ("404 Not Found", {}) if len(asked) == 1 else {"state": "done", "id": 7}

    poll = paio.Poll("state", url="url", every=0.01)
    with serve(answer) as server:
        frame = pd.DataFrame({"n": [1]}).aio.fetch(
            server.url + "/jobs", json={"n": "{n}"}, poll=poll, empty_when={404}, **LIMITS
        )
    assert frame["id"].tolist() == [7]


def test_retry_failed_takes_empty_when():
    """Rows that failed end ok without records; a series of pages goes on where it failed."""
    with serve(lambda path, query: by_id(path, query) if path != "/c" else pages(path, query)) as server:
        with pytest.warns(paio.FetchWarning, match="2 of 4 rows failed"):
            frame = pd.DataFrame({"n": range(4)}).aio.fetch(server.url + "/u/{n}", **LIMITS)
        again = frame.aio.retry_failed(empty_when={404})
        assert outcomes(again) == [["ok"]] * 4
        assert again["id"].tolist() == [0, pd.NA, 2, pd.NA]
        assert "2 x HTTP 404" in repr(again.aio.report)
        options = {"record_path": "results", "pages": paio.PageNumber(), "errors": "coerce"}
        with pytest.warns(paio.FetchWarning, match="page 4: HTTP 404"):
            series = paio.read_api(server.url + "/c", **options, **LIMITS)
        before = len(server.requests)
        assert series.aio.retry_failed(empty_when={404})["id"].tolist() == [2, 3, 4, 5, 6, 7]
        assert len(server.requests) == before + 1


def test_fault_92_a_stream_that_ends_in_an_error_fails_its_row():
    """NDJSON and lists; other rows keep their records."""
    records = [{"id": 1}, {"id": 2}]
    error = {"error": {"code": "cut", "message": "query timed out"}}

    def answer(path, query):
        found = [*records, error] if query["cut"] == "1" else records
        if path == "/list":
            return found
        return http_response("\n".join(map(json.dumps, found)).encode() + b"\n", "Content-Type: application/x-ndjson")

    rows = pd.DataFrame({"p": ["list", "list", "lines", "lines"], "cut": [0, 1, 0, 1]})
    with (
        serve(answer) as server,
        pytest.warns(paio.FetchWarning, match="2 x HTTP 200, but error_when says: query"),
    ):
        frame = rows.aio.fetch(server.url + "/{p}?cut={cut}", error_when="error", **LIMITS)
    assert frame["id"].tolist() == [1, 2, pd.NA, 1, 2, pd.NA]
    assert outcomes(frame) == [["ok"], ["http_error"]] * 2


def test_the_warning_quotes_a_message_where_the_rows_differ():
    """Slack answers 200 with an error of its own for each channel."""
    said = pytest.warns(paio.FetchWarning, match=r"2 x HTTP 200, but error_when says \(e\.g\. no channel 1\)")
    with serve(lambda path, query: {"ok": False, "error": f"no channel {query['n']}"}) as server, said:
        pd.DataFrame({"n": [1, 2]}).aio.fetch(server.url + "/s?n={n}", error_when="error", **LIMITS)


def test_an_exception_of_empty_when_fails_its_row():
    """Whatever the status of the response."""
    with serve(by_id) as server, pytest.warns(paio.FetchWarning, match="empty_when= raised KeyError: 'x'"):
        frame = pd.DataFrame({"n": [0, 1]}).aio.fetch(
            server.url + "/u/{n}", empty_when=lambda response: response.json()["x"], **LIMITS
        )
    assert outcomes(frame) == [["parse_error"]] * 2

"""Jobs over HTTP: submitted once, request for without a slot held, and their results on their own rows."""

import asyncio
import json
import signal
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import CancelledError

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import Action, ReceivedRequest, http_response, json_response, serve_function, serve_script

POLL = paio.Poll("state", url="links.self", result="links.result", every=0.01)
LAST = paio.Poll("state", every=0.01)
"""Polls the URL in Location; the last response is the result."""

needs_signals = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="the signal is sent to the main thread")


class Jobs:
    """An API of jobs: `/jobs/k` is the job of the row with the key k; `states` returns the response to each poll."""

    def __init__(self, states=lambda key, polls: "done" if polls > 1 else "running"):
        self.states, self.submitted, self.polls = states, Counter(), Counter()
        self.at = []

    def __call__(self, request):
        self.at.append((time.monotonic(), request.target))
        if request.method == "POST":
            key = json.loads(request.body)["key"]
            self.submitted[key] += 1
            return json_response({"key": key}, f"Location: /jobs/{key}", status="202 X")
        key = request.target.rpartition("/")[2]
        self.polls[key] += 1
        found = self.states(key, self.polls[key])
        return found if isinstance(found, bytes) else json_response({"state": found, "x": f"result {key}"})

    def fetch(self, server, keys, poll=LAST, **options):
        frame = pd.DataFrame({"key": keys})
        return frame.aio.fetch(server.url + "/jobs", method="POST", json={"key": "{key}"}, poll=poll, **options)


def submit(api, frame, poll=POLL, **options):
    body = {name: f"{{{name}}}" for name in frame}
    return frame.aio.fetch(api + "/jobs", method="POST", json=body, poll=poll, **options)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_the_results_of_jobs_come_in_chunks(api, size):
    frame = pd.DataFrame({"key": range(6)})
    chunks = submit(api, frame, chunksize=size, columns={"key": "result"}, deadline=20)
    found = pd.concat(list(chunks))
    assert found["result"].tolist() == frame["key"].tolist()
    assert len(submissions(api)) == 6


def submissions(api):
    return [at for at, request in enumerate(api.log) if request.method == "POST"]


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_jobs_run_at_once_without_holding_a_slot(api, count):
    """With four slots far more than four jobs are submitted before the first ends; each row has its result."""
    poll = paio.Poll("state", url="links.self", result="links.result", every=0.05)
    found = submit(api, frame := pd.DataFrame({"key": range(count)}), poll=poll, concurrency=4)
    assert found["key_api"].tolist() == frame["key"].tolist()
    first = next(at for at, request in enumerate(api.log) if request.path_qs.endswith("/result"))
    assert sum(at < first for at in submissions(api)) > 8
    assert len(submissions(api)) == count
    assert api.peak <= 4


def test_the_report_counts_waiting_for_jobs_as_poll(api):
    """Pause and backoff do not include it."""
    found = submit(api, pd.DataFrame({"key": [1]}), poll=paio.Poll("state", every=0.05))
    waits = found.aio.report.waits
    assert waits["poll"] >= 0.1
    assert waits["pause"] == waits["backoff"] == 0


def test_a_failed_job_is_an_http_error_with_its_message_and_is_submitted_again_by_retry_failed(api):
    """Its response was a 200. No other row is submitted again."""
    frame = pd.DataFrame({"key": [1, 2], "fail": [True, False]})
    with pytest.warns(paio.FetchWarning, match="1 of 2 rows failed: 1 x the job ended as 'error': .*it broke"):
        found = submit(api, frame)
    assert found.aio.outcomes["outcome"].tolist() == ["http_error", "ok"]
    assert found["key_api"].tolist() == [pd.NA, 2]
    api.clear()
    with pytest.warns(paio.FetchWarning, match="it broke"):
        found.aio.retry_failed()
    assert len(submissions(api)) == 1


def test_a_job_that_outlasts_the_patience_is_polled_by_retry_failed(api):
    """As often as needed. It is never submitted twice, and the other row is left alone."""
    poll = paio.Poll("state", url="links.self", result="links.result", every=0.02, patience=0.1)
    with pytest.warns(paio.FetchWarning, match=r"the job was still 'running' after 0\.1 s: retry_failed continues"):
        found = submit(api, pd.DataFrame({"key": [1, 2], "polls": [12, 0]}), poll=poll)
    assert found.aio.outcomes["outcome"].tolist() == ["timeout", "ok"]
    api.clear()
    for _ in range(12):
        with warnings.catch_warnings(action="ignore", category=paio.FetchWarning):
            found = found.aio.retry_failed()
        if found.aio.failures.empty:
            break
    assert found["key_api"].tolist() == [1, 2]
    assert submissions(api) == []
    assert len({request.path_qs.removesuffix("/result") for request in api.log}) == 1


@pytest.mark.parametrize(
    ("poll", "columns"),
    [
        (POLL, ["job", "key_api"]),
        (paio.Poll("state", every=0.01), ["id", "state", "links.self", "links.result"]),
        (paio.Poll("state", every=[0, 0.01], url="links.self"), ["id", "state", "links.self", "links.result"]),
    ],
    ids=["result", "Location", "url"],
)
def test_the_result_is_where_the_options_say(api, poll, columns):
    """At a URL of its own, or it is the last response; the URL to poll is in the body or in Location."""
    found = submit(api, pd.DataFrame({"key": [7]}), poll=poll)
    assert found.columns.tolist() == ["key", *columns]
    assert found.aio.report.outcomes == {"ok": 1}


def test_retry_after_delays_its_own_job_only():
    jobs = Jobs()

    def reply(request):
        made = jobs(request)
        slow = request.method == "POST" and b'"slow"' in request.body
        return made.replace(b"\r\nLocation", b"\r\nRetry-After: 0.5\r\nLocation") if slow else made

    with serve_function(reply) as server:
        found = jobs.fetch(server, ["slow", "b", "c"])
    assert found["x"].tolist() == ["result slow", "result b", "result c"]
    submitted = next(at for at, path in jobs.at if path == "/jobs")
    questions = [(at, path) for at, path in jobs.at if path != "/jobs"]
    assert [path for _, path in questions][-2:] == ["/jobs/slow"] * 2
    assert questions[-2][0] - submitted >= 0.49


def test_a_poll_that_fails_once_is_repeated():
    """After a 500 as well as after a 429."""

    def states(key, polls):
        failing = {"a": "500 X", "b": "429 X"}.get(key) if polls == 1 else None
        return json_response({}, "Retry-After: 0", status=failing) if failing else "done"

    jobs = Jobs(states)
    with serve_function(jobs) as server:
        found = jobs.fetch(server, ["a", "b", "c"], retry=paio.Retry(base=0.01, throttle_base=0.01))
    assert found["x"].tolist() == ["result a", "result b", "result c"]
    assert set(jobs.submitted.values()) == {1}


def test_a_poll_that_fails_for_good_does_not_submit_the_job_again():
    """retry_failed continues where the run stopped."""
    broken = True
    jobs = Jobs(lambda key, polls: json_response({}, status="500 X") if broken and key == "b" else "done")
    with serve_function(jobs) as server:
        with pytest.warns(paio.FetchWarning, match="1 of 3 rows failed: 1 x HTTP 500"):
            found = jobs.fetch(server, ["a", "b", "c"], retry=paio.Retry(base=0.01, patience=0))
        broken, before = False, len(server.requests)
        done = found.aio.retry_failed()
    assert [request.line for request in server.requests[before:]] == ["GET /jobs/b HTTP/1.1"]
    assert done["x"].tolist() == ["result a", "result b", "result c"]


def test_a_response_without_the_state_is_a_parse_error_that_names_the_path(api):
    """The job may still run: it is not submitted again."""
    with pytest.warns(paio.FetchWarning, match="Poll: the response has no state at 'status'"):
        found = submit(api, pd.DataFrame({"key": [1]}), poll=paio.Poll("status", url="links.self", every=0.01))
    assert found.aio.report.outcomes == {"parse_error": 1}
    with pytest.warns(paio.FetchWarning, match="no state at 'status'"):
        found.aio.retry_failed()
    assert len(submissions(api)) == 1


def test_security_s7_a_poll_never_leaves_the_origin():
    """If the response names another origin, the row is unsafe_url and nothing is sent there."""
    with (
        serve_function(lambda request: json_response({"state": "done"})) as other,
        serve_function(lambda request: json_response({}, f"Location: {other.url}/x", status="202 X")) as server,
        pytest.warns(paio.FetchWarning, match=r"the job leads from .* to .*: name it in the client's allow_hosts"),
    ):
        found = Jobs().fetch(server, ["a"], headers={"Authorization": "Bearer s3cret"})
    assert found.aio.report.outcomes == {"unsafe_url": 1}
    assert other.requests == []


def test_security_s7_an_allowed_host_is_polled_without_credentials():
    """Results are often kept at another host."""
    with (
        serve_function(lambda request: json_response({"state": "done", "x": 1})) as other,
        serve_function(lambda request: json_response({}, f"Location: {other.url}/x", status="202 X")) as server,
    ):
        client = paio.Client(server.url, auth="s3cret", allow_hosts=[f"127.0.0.1:{other.port}"])
        found = Jobs().fetch(server, ["a"], client=client)
    assert found["x"].tolist() == [1]
    assert server.requests[0].headers["authorization"] == "Bearer s3cret"
    assert "authorization" not in other.requests[0].headers


def test_a_submission_that_timed_out_is_not_repeated():
    """The server may have the job already."""
    with serve_script([Action.HANG]) as server, pytest.warns(paio.FetchWarning, match="may have received"):
        found = Jobs().fetch(server, ["a"], timeout=0.2)
    assert found.aio.report.outcomes == {"timeout": 1}
    assert len(server.requests) == 1


def finish_later(jobs, server, partial):
    """Continue a cut-short run, now that its jobs are done; check that no job was submitted twice."""
    jobs.states = lambda key, polls: "done"
    done = partial.aio.retry_failed()
    assert done["x"].tolist() == [f"result {key}" for key in "abc"]
    assert set(jobs.submitted.values()) == {1}


def test_jobs_of_a_cancelled_run_are_continued_later():
    """Their rows are cancelled."""
    jobs = Jobs(lambda key, polls: "running")
    with serve_function(jobs) as server:
        future = pd.DataFrame({"key": list("abc")}).aio.fetch_async(
            server.url + "/jobs", method="POST", json={"key": "{key}"}, poll=LAST
        )
        server.wait_for_requests(3 + 6)
        future.cancel()
        with pytest.raises(CancelledError) as caught:
            future.result()
        assert caught.value.partial.aio.report.outcomes == {"cancelled": 3}
        finish_later(jobs, server, caught.value.partial)


@needs_signals
def test_fault_59_after_ctrl_c_the_jobs_can_be_continued():
    """KeyboardInterrupt has the rows so far in .partial."""

    def states(key, polls):
        if jobs.polls.total() == 6:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return "running"

    jobs = Jobs(states)
    with serve_function(jobs) as server:
        with pytest.raises(KeyboardInterrupt) as caught:
            jobs.fetch(server, list("abc"))
        finish_later(jobs, server, caught.value.partial)


def test_a_job_that_is_done_at_once_is_not_polled():
    """The response to the submission is the result."""
    with serve_function(lambda request: json_response({"state": "finished", "x": 1})) as server:
        found = Jobs().fetch(server, ["a"])
    assert found["x"].tolist() == [1]
    assert len(server.requests) == 1


def test_a_get_polls_its_own_url_and_equal_rows_share_a_job():
    """As for an export that is ready after a while."""
    jobs = Jobs()
    with serve_function(jobs) as server:
        found = pd.DataFrame({"key": ["a", "b", "a"]}).aio.fetch(server.url + "/jobs/{key}", poll=LAST)
    assert found["x"].tolist() == ["result a", "result b", "result a"]
    assert jobs.polls == {"a": 2, "b": 2}


def test_equal_rows_of_a_post_are_separate_jobs(api):
    """A submission changes something."""
    found = submit(api, pd.DataFrame({"key": [1, 1, 1]}))
    assert len(submissions(api)) == 3
    assert found["job"].nunique() == 3


def test_fetch_async_and_read_api_take_jobs_too(api):

    async def main():
        frame = pd.DataFrame({"key": [1, 2]})
        return await frame.aio.fetch_async(api + "/jobs", method="POST", json={"key": "{key}"}, poll=POLL)

    assert asyncio.run(main())["key_api"].tolist() == [1, 2]
    read = pd.read_api(api + "/jobs", method="POST", json={"key": "{key}"}, over={"key": [4, 3]}, poll=POLL)
    assert read["key_api"].tolist() == [4, 3]


def test_a_result_may_be_a_list():
    """Its records repeat their row; record_path applies to the result."""

    def reply(request):
        if request.target == "/jobs/a":
            return json_response({"state": "done", "links": {"result": "/a"}})
        rows = {"rows": [{"n": 1}, {"n": 2}]} if request.target == "/a" else {}
        return json_response(rows, "Location: /jobs/a", status="200 OK" if rows else "202 X")

    with serve_function(reply) as server:
        poll = paio.Poll("state", every=0.01, result="links.result")
        found = Jobs().fetch(server, ["a"], poll=poll, record_path="rows")
    assert found.to_dict("list") == {"key": ["a", "a"], "n": [1, 2]}


@pytest.mark.parametrize("options", [{"poll": "state"}, {"poll": LAST, "pages": "auto"}, {"poll": LAST, "batch": 3}])
def test_a_wrong_poll_raises_before_anything_is_sent(api, options):
    """It is not a Poll, or pages= or batch= is given too."""
    with pytest.raises(paio.PlanError):
        submit(api, pd.DataFrame({"key": [1]}), **options)
    assert not api.log


def posts(server):
    return [request.method == "POST" for request in server.requests].count(True)


def elsewhere(url):
    """Return the function of a server whose jobs are at another one."""
    return lambda request: json_response({}, f"Location: {url}/x", status="202 X")


@needs_signals
def test_jobs_that_an_interrupted_retry_failed_did_not_poll_are_not_submitted_again():
    """The next retry_failed polls all of them."""
    keys = [str(key) for key in range(20)]
    jobs = Jobs(lambda key, polls: "running")
    with serve_function(jobs) as server:
        with pytest.warns(paio.FetchWarning, match="still 'running'"):
            found = jobs.fetch(server, keys, poll=paio.Poll("state", every=0.01, patience=0.02))
        before = len(server.requests)

        def states(key, polls):
            if len(server.requests) == before + 3:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            return "running"

        jobs.states = states
        with pytest.raises(KeyboardInterrupt) as caught:
            found.aio.retry_failed(rate="10/s")
        assert len(server.requests) < before + 20
        jobs.states = lambda key, polls: "done"
        done = caught.value.partial.aio.retry_failed(rate=None)
    assert done["x"].tolist() == [f"result {key}" for key in keys]
    assert set(jobs.submitted.values()) == {1}


def test_a_job_at_another_host_is_not_submitted_again_when_that_host_is_allowed():
    """retry_failed with allow_hosts, as the message says."""
    with (
        serve_function(lambda request: json_response({"state": "done", "x": 1})) as other,
        serve_function(elsewhere(other.url)) as server,
    ):
        with pytest.warns(paio.FetchWarning, match="allow_hosts"):
            found = Jobs().fetch(server, ["a", "b"])
        with pytest.warns(paio.FetchWarning, match="2 of 2 rows failed: 2 x the job leads from"):
            found = found.aio.retry_failed()
        assert found.aio.report.outcomes == {"unsafe_url": 2}
        done = found.aio.retry_failed(client=paio.Client(allow_hosts=[f"127.0.0.1:{other.port}"]))
    assert done["x"].tolist() == [1, 1]
    assert posts(server) == len(server.requests) == 2


def test_fault_32_a_job_with_an_absurd_retry_after_is_rate_limited_too_long():
    """At once; retry_failed polls and submits nothing."""
    jobs = Jobs(lambda key, polls: "done")

    def reply(request):
        return jobs(request).replace(b"\r\nLocation", b"\r\nRetry-After: 99999999\r\nLocation")

    with serve_function(reply) as server:
        with pytest.warns(paio.FetchWarning, match="call retry_failed when its pause is over"):
            found = jobs.fetch(server, ["a"])
        assert found.aio.report.outcomes == {"rate_limited_too_long": 1}
        assert found.aio.retry_failed()["x"].tolist() == ["result a"]
    assert posts(server) == 1


def test_a_post_whose_response_names_no_url_is_an_error():
    """The list of all jobs, at the URL of the POST, is not the result; no second job is submitted."""

    def reply(request):
        post = request.method == "POST"
        return json_response({"id": 1, "status": "queued"} if post else {"status": "success", "jobs": [1, 2]})

    with serve_function(reply) as server:
        with pytest.warns(paio.FetchWarning, match=r"no URL and no Location header: pass url="):
            found = Jobs().fetch(server, ["a"], poll=paio.Poll(every=0.01))
        with pytest.warns(paio.FetchWarning, match="retry_failed does not submit it again"):
            found.aio.retry_failed()
    assert found.aio.report.outcomes == {"parse_error": 1}
    assert len(server.requests) == 1


def test_a_receipt_that_says_success_is_not_the_result():
    """A 202 with a Location is polled, whatever its envelope says."""

    def reply(request):
        if request.method == "POST":
            return json_response({"status": "success", "data": {"job": 7}}, "Location: /jobs/7", status="202 X")
        return json_response({"status": "Succeeded", "x": 1})

    with serve_function(reply) as server:
        found = Jobs().fetch(server, ["a"], poll=paio.Poll(every=0.01))
    assert found.drop(columns="key").to_dict("list") == {"status": ["Succeeded"], "x": [1]}


@pytest.mark.parametrize("given", ["client", "call"])
def test_polls_have_the_api_key_of_the_query_too(given):
    """Without it every job ends 401. retry_failed takes a new one."""
    jobs, good = Jobs(lambda key, polls: "done"), "old"

    def reply(request):
        path, _, query = request.target.partition("?")
        if query != f"api_key={good}" and request.method != "POST":
            return json_response({}, status="401 X")
        return jobs(ReceivedRequest(request.line.replace(request.target, path), request.headers, request.body, 0))

    def auth(value):
        key = paio.ApiKey(value, param="api_key")
        return {"client": paio.Client(auth=key)} if given == "client" else {"auth": key}

    with serve_function(reply) as server:
        assert jobs.fetch(server, ["a"], **auth("old"))["x"].tolist() == ["result a"]
        good = "new"
        with pytest.warns(paio.FetchWarning, match="HTTP 401"):
            found = jobs.fetch(server, ["b"], **auth("old"))
        assert found.aio.retry_failed(**auth("new"))["x"].tolist() == ["result b"]
    assert jobs.submitted == {"a": 1, "b": 1}


def test_a_job_that_failed_is_submitted_again_with_another_idempotency_key():
    """With the same key a server returns the failed job. A repeated submission keeps its key."""
    made = {}

    def reply(request):
        if request.method == "POST":
            given = request.headers["idempotency-key"]
            if given not in made:
                made[given] = len(made)
                return json_response({}, status="500 X")
            return json_response({}, f"Location: /jobs/{made[given]}", status="202 X")
        return json_response({"state": "done" if request.target == "/jobs/2" else "failed"})

    with serve_function(reply) as server, warnings.catch_warnings(action="ignore", category=paio.FetchWarning):
        retry = paio.Retry(base=0.01, idempotency_key="Idempotency-Key")
        found = Jobs().fetch(server, ["a"], retry=retry)
        for _ in range(2):
            assert found.aio.report.outcomes == {"http_error": 1}
            found = found.aio.retry_failed()
    assert found.aio.report.outcomes == {"ok": 1}
    assert (len(made), posts(server)) == (3, 6)


def test_a_job_that_is_not_found_at_once_is_polled_again():
    """Another server may know of it later than the one that took it."""
    jobs = Jobs(lambda key, polls: json_response({}, status="404 X") if polls == 1 else "done")
    with serve_function(jobs) as server:
        found = jobs.fetch(server, ["a"])
    assert found["x"].tolist() == ["result a"]
    assert found.aio.outcomes["outcome"].tolist() == ["ok"]
    assert (jobs.submitted["a"], jobs.polls["a"]) == (1, 2)


def test_a_job_that_is_gone_is_submitted_again_by_retry_failed():
    """The error says so; the URL is that of the poll."""
    gone = True
    jobs = Jobs(lambda key, polls: json_response({"detail": "no such job"}, status="410 X") if gone else "done")
    with serve_function(jobs) as server:
        with pytest.warns(paio.FetchWarning, match="the job is gone .retry_failed submits it again.: HTTP 410"):
            found = jobs.fetch(server, ["a"])
        failure = found.aio.failures.iloc[0]
        assert (failure["status"], failure["url"]) == (410, f"{server.url}/jobs/a")
        gone = False
        assert found.aio.retry_failed()["x"].tolist() == ["result a"]
    assert jobs.submitted["a"] == 2


def test_an_expired_link_to_the_result_is_renewed_by_retry_failed():
    """It polls the job once more and submits nothing."""
    jobs = Jobs(lambda key, polls: json_response({"state": "done", "result": f"/jobs/{key}?{polls}"}))

    def reply(request):
        if "?" not in request.target:
            return jobs(request)
        return json_response({"x": 1}) if request.target.endswith("?2") else json_response({}, status="403 X")

    with serve_function(reply) as server:
        poll = paio.Poll("state", result="result", every=0.01)
        with pytest.warns(paio.FetchWarning, match="HTTP 403"):
            found = jobs.fetch(server, ["a"], poll=poll)
        assert found.aio.failures["url"].tolist() == [f"{server.url}/jobs/a?1"]
        assert found.aio.retry_failed()["x"].tolist() == [1]
    assert [request.target for request in server.requests[-2:]] == ["/jobs/a", "/jobs/a?2"]
    assert posts(server) == 1


@pytest.mark.parametrize(
    ("limit", "why"), [({"max_requests": 5}, "max_requests=5 is spent"), ({"deadline": 1}, "deadline has passed")]
)
def test_a_job_that_the_run_stopped_polling_is_a_timeout(limit, why):
    """The row says how far the job was, and retry_failed continues to poll it."""
    jobs = Jobs(lambda key, polls: "running")
    with serve_function(jobs) as server:
        with pytest.warns(paio.FetchWarning, match="2 of 2 rows failed: .*the job was still 'running' when the run"):
            found = jobs.fetch(server, ["a", "b"], poll=paio.Poll("state", every=[0, 0, 60]), **limit)
        assert found.aio.report.outcomes == {"timeout": 2}
        assert all(why in error for error in found.aio.failures["error"])
        jobs.states = lambda key, polls: "done"
        done = found.aio.retry_failed(deadline=None, max_requests=None)
    assert done["x"].tolist() == ["result a", "result b"]
    assert set(jobs.submitted.values()) == {1}


@pytest.mark.parametrize("options", [{"format": "csv"}, {"parser": lambda response: {"a": [1]}, "error_when": "code"}])
def test_format_parser_and_error_when_apply_to_the_result_only(options):
    jobs = Jobs(lambda key, polls: json_response({"state": "done", "code": 7, "result": "/r"}))

    def reply(request):
        return json_response(b"a\n1\n") if request.target == "/r" else jobs(request)

    with serve_function(reply) as server:
        found = jobs.fetch(server, ["k"], poll=paio.Poll("state", result="result", every=0.01), **options)
    assert found.columns.tolist() == ["key", "a"]
    assert found.aio.report.outcomes == {"ok": 1}


def test_a_submission_whose_response_is_too_large_is_not_repeated():
    """It was received: another one would be a second job."""
    received = []

    def reply(request):
        received.append(request)
        return http_response(b'{"x":"' + b"y" * 3000 + b'"}', "Location: /jobs/1", status="202 X")

    frame, poll = pd.DataFrame({"k": [1]}), paio.Poll(every=0.01)
    with serve_function(reply) as server:
        options = {"client": paio.Client(server.url, max_body=2000), "json": {"k": "{k}"}}
        with pytest.warns(paio.FetchWarning, match="does not submit it again"):
            out = frame.aio.fetch("/jobs", method="POST", poll=poll, **options)
        with pytest.warns(paio.FetchWarning, match="does not submit it again"):
            out.aio.retry_failed()
    assert len(received) == 1

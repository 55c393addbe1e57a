"""Jobs over HTTP: submitted once, asked for without a slot held, and their results on their own rows."""

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
from tests.e2e.test_batches import answer, target
from tests.servers.scripted import Action, ReceivedRequest, http_response, serve_function, serve_script

POLL = paio.Poll("state", url="links.self", result="links.result", every=0.01)
LAST = paio.Poll("state", every=0.01)
"""Asks where Location says; the last answer is the result."""

needs_signals = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="the signal is sent to the main thread")


@pytest.fixture(scope="module")
def api():
    """Run the sample API for this module."""
    with paio.demo.serve() as url:
        yield url


@pytest.fixture(autouse=True)
def fresh(api):
    """Forget what the server saw before."""
    api.clear()


class Jobs:
    """An API of jobs: `/jobs/k` is the job of the row whose key is k; `states` says what each question is answered."""

    def __init__(self, states=lambda key, asked: "done" if asked > 1 else "running"):
        self.states, self.submitted, self.asked = states, Counter(), Counter()
        self.at = []

    def __call__(self, asked):
        self.at.append((time.monotonic(), target(asked)))
        if asked.line.startswith("POST"):
            key = json.loads(asked.body)["key"]
            self.submitted[key] += 1
            return answer({"key": key}, f"Location: /jobs/{key}", status="202 X")
        key = target(asked).rpartition("/")[2]
        self.asked[key] += 1
        found = self.states(key, self.asked[key])
        return found if isinstance(found, bytes) else answer({"state": found, "x": f"result {key}"})

    def fetch(self, server, keys, poll=LAST, **options):
        frame = pd.DataFrame({"key": keys})
        return frame.aio.fetch(server.url + "/jobs", method="POST", json={"key": "{key}"}, poll=poll, **options)


def submit(api, frame, poll=POLL, **options):
    body = {name: f"{{{name}}}" for name in frame}
    return frame.aio.fetch(api + "/jobs", method="POST", json=body, poll=poll, **options)


def submissions(api):
    return [at for at, seen in enumerate(api.log) if seen.method == "POST"]


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_jobs_run_at_once_without_a_slot_held(api, count):
    """With four slots many more than four jobs are submitted before the first has ended; each row has its result."""
    poll = paio.Poll("state", url="links.self", result="links.result", every=0.05)
    found = submit(api, frame := pd.DataFrame({"key": range(count)}), poll=poll, concurrency=4)
    assert found["key_api"].tolist() == frame["key"].tolist()
    first = next(at for at, seen in enumerate(api.log) if seen.path_qs.endswith("/result"))
    assert sum(at < first for at in submissions(api)) > 8
    assert len(submissions(api)) == count
    assert api.peak <= 4


def test_waiting_for_a_job_is_said_to_be_that(api):
    """Not the pace, not a pause of the server's: a longer `every` would not slow anything else."""
    found = submit(api, pd.DataFrame({"key": [1]}), poll=paio.Poll("state", every=0.05))
    waits = found.aio.report.waits
    assert waits["poll"] >= 0.1
    assert waits["pause"] == waits["backoff"] == 0


def test_a_failed_job_is_an_http_error_with_its_message_and_may_be_submitted_again(api):
    """Its answer was a 200; retry_failed makes a new job of it, and of no other row."""
    frame = pd.DataFrame({"key": [1, 2], "fail": [True, False]})
    with pytest.warns(paio.FetchWarning, match="1 of 2 rows failed: 1 x the job ended as 'error': .*it broke"):
        found = submit(api, frame)
    assert found.aio.outcomes["outcome"].tolist() == ["http_error", "ok"]
    assert found["key_api"].tolist() == [pd.NA, 2]
    api.clear()
    with pytest.warns(paio.FetchWarning, match="it broke"):
        found.aio.retry_failed()
    assert len(submissions(api)) == 1


def test_a_job_that_outlasts_the_patience_is_asked_for_by_retry_failed(api):
    """As often as needed; it is never submitted twice, and the other row is left alone."""
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
    assert len({seen.path_qs.removesuffix("/result") for seen in api.log}) == 1


@pytest.mark.parametrize(
    ("poll", "columns"),
    [
        (POLL, ["job", "key_api"]),
        (paio.Poll("state", every=0.01), ["id", "state", "links.self", "links.result"]),
        (paio.Poll("state", every=[0, 0.01], url="links.self"), ["id", "state", "links.self", "links.result"]),
    ],
    ids=["result", "Location", "url"],
)
def test_the_result_is_where_the_poll_says(api, poll, columns):
    """At its own URL, or it is the last answer; the question's URL is in the body or in Location."""
    found = submit(api, pd.DataFrame({"key": [7]}), poll=poll)
    assert found.columns.tolist() == ["key", *columns]
    assert found.aio.report.outcomes == {"ok": 1}


def test_a_retry_after_is_a_floor_for_its_own_job_only():
    """The other jobs go on in the meantime."""
    jobs = Jobs()

    def reply(asked):
        made = jobs(asked)
        slow = asked.line.startswith("POST") and b'"slow"' in asked.body
        return made.replace(b"\r\nLocation", b"\r\nRetry-After: 0.5\r\nLocation") if slow else made

    with serve_function(reply) as server:
        found = jobs.fetch(server, ["slow", "b", "c"])
    assert found["x"].tolist() == ["result slow", "result b", "result c"]
    submitted = next(at for at, path in jobs.at if path == "/jobs")
    questions = [(at, path) for at, path in jobs.at if path != "/jobs"]
    assert [path for _, path in questions][-2:] == ["/jobs/slow"] * 2
    assert questions[-2][0] - submitted >= 0.49


def test_a_question_that_fails_once_is_invisible():
    """A 500 to a GET is repeated, a 429 is waited for, and the job goes on."""

    def states(key, asked):
        failing = {"a": "500 X", "b": "429 X"}.get(key) if asked == 1 else None
        return answer({}, "Retry-After: 0", status=failing) if failing else "done"

    jobs = Jobs(states)
    with serve_function(jobs) as server:
        found = jobs.fetch(server, ["a", "b", "c"], retry=paio.Retry(base=0.01, throttle_base=0.01))
    assert found["x"].tolist() == ["result a", "result b", "result c"]
    assert set(jobs.submitted.values()) == {1}


def test_a_question_that_fails_for_good_does_not_submit_the_job_again():
    """retry_failed asks on where the run stopped."""
    broken = True
    jobs = Jobs(lambda key, asked: answer({}, status="500 X") if broken and key == "b" else "done")
    with serve_function(jobs) as server:
        with pytest.warns(paio.FetchWarning, match="1 of 3 rows failed: 1 x HTTP 500"):
            found = jobs.fetch(server, ["a", "b", "c"], retry=paio.Retry(base=0.01))
        broken, before = False, len(server.requests)
        done = found.aio.retry_failed()
    assert [asked.line for asked in server.requests[before:]] == ["GET /jobs/b HTTP/1.1"]
    assert done["x"].tolist() == ["result a", "result b", "result c"]


def test_an_answer_without_the_state_is_a_parse_error_that_names_the_path(api):
    """The job may run all the same: it is not submitted again."""
    with pytest.warns(paio.FetchWarning, match="Poll: the response has no state at 'status'"):
        found = submit(api, pd.DataFrame({"key": [1]}), poll=paio.Poll("status", url="links.self", every=0.01))
    assert found.aio.report.outcomes == {"parse_error": 1}
    with pytest.warns(paio.FetchWarning, match="no state at 'status'"):
        found.aio.retry_failed()
    assert len(submissions(api)) == 1


def test_security_s7_a_question_never_leaves_the_origin():
    """Where the answer sends it elsewhere, the row is unsafe_url and nothing is sent there."""
    with (
        serve_function(lambda asked: answer({"state": "done"})) as other,
        serve_function(lambda asked: answer({}, f"Location: {other.url}/x", status="202 X")) as server,
        pytest.warns(paio.FetchWarning, match=r"the job leads from .* to .*: name it in the client's allow_hosts"),
    ):
        found = Jobs().fetch(server, ["a"], headers={"Authorization": "Bearer s3cret"})
    assert found.aio.report.outcomes == {"unsafe_url": 1}
    assert other.requests == []


def test_security_s7_an_origin_that_is_named_is_asked_without_credentials():
    """As results are often kept elsewhere."""
    with (
        serve_function(lambda asked: answer({"state": "done", "x": 1})) as other,
        serve_function(lambda asked: answer({}, f"Location: {other.url}/x", status="202 X")) as server,
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


def going_on(jobs, server, partial):
    """Go on with what was cut short, now that its jobs are done; no job is submitted twice."""
    jobs.states = lambda key, asked: "done"
    done = partial.aio.retry_failed()
    assert done["x"].tolist() == [f"result {key}" for key in "abc"]
    assert set(jobs.submitted.values()) == {1}


def test_jobs_of_a_run_that_was_cancelled_are_asked_for_later():
    """They go on at the server; the rows that were there say cancelled."""
    jobs = Jobs(lambda key, asked: "running")
    with serve_function(jobs) as server:
        future = pd.DataFrame({"key": list("abc")}).aio.fetch_async(
            server.url + "/jobs", method="POST", json={"key": "{key}"}, poll=LAST
        )
        server.wait_for_requests(3 + 6)
        future.cancel()
        with pytest.raises(CancelledError) as caught:
            future.result()
        assert caught.value.partial.aio.report.outcomes == {"cancelled": 3}
        going_on(jobs, server, caught.value.partial)


@needs_signals
def test_fault_59_ctrl_c_leaves_the_jobs_to_go_on_with():
    """KeyboardInterrupt comes with the rows so far, whose jobs retry_failed asks for."""

    def states(key, asked):
        if jobs.asked.total() == 6:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return "running"

    jobs = Jobs(states)
    with serve_function(jobs) as server:
        with pytest.raises(KeyboardInterrupt) as caught:
            jobs.fetch(server, list("abc"))
        going_on(jobs, server, caught.value.partial)


def test_a_job_that_is_done_at_once_is_not_asked_for():
    """The submission's answer is the result."""
    with serve_function(lambda asked: answer({"state": "finished", "x": 1})) as server:
        found = Jobs().fetch(server, ["a"])
    assert found["x"].tolist() == [1]
    assert len(server.requests) == 1


def test_a_template_of_get_asks_its_own_url_again_and_equal_rows_share_a_job():
    """As an export does that is there after a while."""
    jobs = Jobs()
    with serve_function(jobs) as server:
        found = pd.DataFrame({"key": ["a", "b", "a"]}).aio.fetch(server.url + "/jobs/{key}", poll=LAST)
    assert found["x"].tolist() == ["result a", "result b", "result a"]
    assert jobs.asked == {"a": 2, "b": 2}


def test_equal_rows_that_are_posted_are_jobs_of_their_own(api):
    """A submission changes something."""
    found = submit(api, pd.DataFrame({"key": [1, 1, 1]}))
    assert len(submissions(api)) == 3
    assert found["job"].nunique() == 3


def test_jobs_can_be_awaited_and_read(api):
    """fetch_async and read_api take them as well."""

    async def main():
        frame = pd.DataFrame({"key": [1, 2]})
        return await frame.aio.fetch_async(api + "/jobs", method="POST", json={"key": "{key}"}, poll=POLL)

    assert asyncio.run(main())["key_api"].tolist() == [1, 2]
    read = pd.read_api(api + "/jobs", method="POST", json={"key": "{key}"}, over={"key": [4, 3]}, poll=POLL)
    assert read["key_api"].tolist() == [4, 3]


def test_a_result_may_be_a_list():
    """Its records repeat their row; record_path is the result's."""

    def reply(asked):
        if target(asked) == "/jobs/a":
            return answer({"state": "done", "links": {"result": "/a"}})
        rows = {"rows": [{"n": 1}, {"n": 2}]} if target(asked) == "/a" else {}
        return answer(rows, "Location: /jobs/a", status="200 OK" if rows else "202 X")

    with serve_function(reply) as server:
        poll = paio.Poll("state", every=0.01, result="links.result")
        found = Jobs().fetch(server, ["a"], poll=poll, record_path="rows")
    assert found.to_dict("list") == {"key": ["a", "a"], "n": [1, 2]}


@pytest.mark.parametrize("options", [{"poll": "state"}, {"poll": LAST, "pages": "auto"}, {"poll": LAST, "batch": 3}])
def test_a_poll_that_makes_no_sense_is_refused_before_anything_is_sent(api, options):
    """What is none, or stands beside another way to go on."""
    with pytest.raises(paio.PlanError):
        submit(api, pd.DataFrame({"key": [1]}), **options)
    assert not api.log


def posts(server):
    return [asked.line.startswith("POST") for asked in server.requests].count(True)


def elsewhere(url):
    """Return a server's function that says that its jobs are at another one."""
    return lambda asked: answer({}, f"Location: {url}/x", status="202 X")


@needs_signals
def test_jobs_that_an_interrupted_retry_failed_had_not_come_to_are_not_submitted_again():
    """It asked for a few of them; the next one asks for all."""
    keys = [str(key) for key in range(20)]
    jobs = Jobs(lambda key, asked: "running")
    with serve_function(jobs) as server:
        with pytest.warns(paio.FetchWarning, match="still 'running'"):
            found = jobs.fetch(server, keys, poll=paio.Poll("state", every=0.01, patience=0.02))
        before = len(server.requests)

        def states(key, asked):
            if len(server.requests) == before + 3:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            return "running"

        jobs.states = states
        with pytest.raises(KeyboardInterrupt) as caught:
            found.aio.retry_failed(rate="10/s")
        assert len(server.requests) < before + 20
        jobs.states = lambda key, asked: "done"
        done = caught.value.partial.aio.retry_failed(rate=None)
    assert done["x"].tolist() == [f"result {key}" for key in keys]
    assert set(jobs.submitted.values()) == {1}


def test_a_job_elsewhere_is_not_submitted_again_when_its_host_is_named_at_last():
    """As the message says to do."""
    with (
        serve_function(lambda asked: answer({"state": "done", "x": 1})) as other,
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
    """At once; retry_failed asks, and submits nothing."""
    jobs = Jobs(lambda key, asked: "done")

    def reply(asked):
        return jobs(asked).replace(b"\r\nLocation", b"\r\nRetry-After: 99999999\r\nLocation")

    with serve_function(reply) as server:
        with pytest.warns(paio.FetchWarning, match="call retry_failed when its pause is over"):
            found = jobs.fetch(server, ["a"])
        assert found.aio.report.outcomes == {"rate_limited_too_long": 1}
        assert found.aio.retry_failed()["x"].tolist() == ["result a"]
    assert posts(server) == 1


def test_an_answer_to_a_post_that_says_nowhere_to_ask_is_an_error():
    """The list of all jobs, at the URL of the POST, is no row's result; and no second job is made of it."""

    def reply(asked):
        post = asked.line.startswith("POST")
        return answer({"id": 1, "status": "queued"} if post else {"status": "success", "jobs": [1, 2]})

    with serve_function(reply) as server:
        with pytest.warns(paio.FetchWarning, match=r"no URL and no Location header: pass url="):
            found = Jobs().fetch(server, ["a"], poll=paio.Poll(every=0.01))
        with pytest.warns(paio.FetchWarning, match="retry_failed does not submit it again"):
            found.aio.retry_failed()
    assert found.aio.report.outcomes == {"parse_error": 1}
    assert len(server.requests) == 1


def test_a_receipt_that_says_success_is_not_the_result():
    """A 202 with a Location is asked for, whatever its envelope says."""

    def reply(asked):
        if asked.line.startswith("POST"):
            return answer({"status": "success", "data": {"job": 7}}, "Location: /jobs/7", status="202 X")
        return answer({"status": "Succeeded", "x": 1})

    with serve_function(reply) as server:
        found = Jobs().fetch(server, ["a"], poll=paio.Poll(every=0.01))
    assert found.drop(columns="key").to_dict("list") == {"status": ["Succeeded"], "x": [1]}


@pytest.mark.parametrize("given", ["client", "call"])
def test_a_key_in_the_query_is_in_the_questions_too(given):
    """Without it every job ends 401; a fresh one takes its place in retry_failed."""
    jobs, good = Jobs(lambda key, asked: "done"), "old"

    def reply(asked):
        path, _, query = target(asked).partition("?")
        if query != f"api_key={good}" and not asked.line.startswith("POST"):
            return answer({}, status="401 X")
        return jobs(ReceivedRequest(asked.line.replace(target(asked), path), asked.headers, asked.body, 0))

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
    """With the same one a server hands out the failed job again; a submission that is repeated keeps its key."""
    made = {}

    def reply(asked):
        if asked.line.startswith("POST"):
            given = asked.headers["idempotency-key"]
            if given not in made:
                made[given] = len(made)
                return answer({}, status="500 X")
            return answer({}, f"Location: /jobs/{made[given]}", status="202 X")
        return answer({"state": "done" if target(asked) == "/jobs/2" else "failed"})

    with serve_function(reply) as server, warnings.catch_warnings(action="ignore", category=paio.FetchWarning):
        retry = paio.Retry(base=0.01, idempotency_key="Idempotency-Key")
        found = Jobs().fetch(server, ["a"], retry=retry)
        for _ in range(2):
            assert found.aio.report.outcomes == {"http_error": 1}
            found = found.aio.retry_failed()
    assert found.aio.report.outcomes == {"ok": 1}
    assert (len(made), posts(server)) == (3, 6)


def test_a_job_that_is_not_known_at_once_is_asked_for_again():
    """The server that was asked may hear of it later than the one that took it."""
    jobs = Jobs(lambda key, asked: answer({}, status="404 X") if asked == 1 else "done")
    with serve_function(jobs) as server:
        found = jobs.fetch(server, ["a"])
    assert found["x"].tolist() == ["result a"]
    assert found.aio.outcomes["outcome"].tolist() == ["ok"]
    assert (jobs.submitted["a"], jobs.asked["a"]) == (1, 2)


def test_a_job_that_is_gone_is_submitted_again_by_retry_failed():
    """Nothing else would ever come of it; the error says so, and whose URL it was."""
    gone = True
    jobs = Jobs(lambda key, asked: answer({"detail": "no such job"}, status="410 X") if gone else "done")
    with serve_function(jobs) as server:
        with pytest.warns(paio.FetchWarning, match="the job is gone .retry_failed submits it again.: HTTP 410"):
            found = jobs.fetch(server, ["a"])
        failure = found.aio.failures.iloc[0]
        assert (failure["status"], failure["url"]) == (410, f"{server.url}/jobs/a")
        gone = False
        assert found.aio.retry_failed()["x"].tolist() == ["result a"]
    assert jobs.submitted["a"] == 2


def test_a_link_to_the_result_that_has_expired_is_asked_for_afresh():
    """By retry_failed, which asks the job once more and submits nothing."""
    jobs = Jobs(lambda key, asked: answer({"state": "done", "result": f"/jobs/{key}?{asked}"}))

    def reply(asked):
        if "?" not in target(asked):
            return jobs(asked)
        return answer({"x": 1}) if target(asked).endswith("?2") else answer({}, status="403 X")

    with serve_function(reply) as server:
        poll = paio.Poll("state", result="result", every=0.01)
        with pytest.warns(paio.FetchWarning, match="HTTP 403"):
            found = jobs.fetch(server, ["a"], poll=poll)
        assert found.aio.failures["url"].tolist() == [f"{server.url}/jobs/a?1"]
        assert found.aio.retry_failed()["x"].tolist() == [1]
    assert [target(asked) for asked in server.requests[-2:]] == ["/jobs/a", "/jobs/a?2"]
    assert posts(server) == 1


@pytest.mark.parametrize(
    ("limit", "why"), [({"max_requests": 5}, "max_requests=5 is spent"), ({"deadline": 1}, "deadline has passed")]
)
def test_a_job_that_the_run_stopped_asking_for_is_not_unsent(limit, why):
    """It was submitted: the row says how far it was, and retry_failed asks on."""
    jobs = Jobs(lambda key, asked: "running")
    with serve_function(jobs) as server:
        with pytest.warns(paio.FetchWarning, match="2 of 2 rows failed: .*the job was still 'running' when the run"):
            found = jobs.fetch(server, ["a", "b"], poll=paio.Poll("state", every=[0, 0, 60]), **limit)
        assert found.aio.report.outcomes == {"timeout": 2}
        assert all(why in error for error in found.aio.failures["error"])
        jobs.states = lambda key, asked: "done"
        done = found.aio.retry_failed(deadline=None, max_requests=None)
    assert done["x"].tolist() == ["result a", "result b"]
    assert set(jobs.submitted.values()) == {1}


@pytest.mark.parametrize("options", [{"format": "csv"}, {"parser": lambda response: {"a": [1]}, "error_when": "code"}])
def test_format_parser_and_error_when_are_the_results(options):
    """The answers on the way are read for what they say of the job."""
    jobs = Jobs(lambda key, asked: answer({"state": "done", "code": 7, "result": "/r"}))

    def reply(asked):
        return answer(b"a\n1\n") if target(asked) == "/r" else jobs(asked)

    with serve_function(reply) as server:
        found = jobs.fetch(server, ["k"], poll=paio.Poll("state", result="result", every=0.01), **options)
    assert found.columns.tolist() == ["key", "a"]
    assert found.aio.report.outcomes == {"ok": 1}


def test_a_submission_whose_answer_is_too_large_is_not_repeated():
    """It was received: another would be a second job, and the row says so."""
    asked = []

    def reply(request):
        asked.append(request)
        return http_response(b'{"x":"' + b"y" * 3000 + b'"}', "Location: /jobs/1", status="202 X")

    frame, poll = pd.DataFrame({"k": [1]}), paio.Poll(every=0.01)
    with serve_function(reply) as server:
        options = {"client": paio.Client(server.url, max_body=2000), "json": {"k": "{k}"}}
        with pytest.warns(paio.FetchWarning, match="does not submit it again"):
            out = frame.aio.fetch("/jobs", method="POST", poll=poll, **options)
        with pytest.warns(paio.FetchWarning, match="does not submit it again"):
            out.aio.retry_failed()
    assert len(asked) == 1

"""Jobs: what is asked next, when, and how each job ends."""

from __future__ import annotations

import numpy as np
import pytest

from pandas_async_io._core.errors import (
    AttemptTimeoutError,
    ParseError,
    PayloadError,
    PlanError,
    UnsafeUrlError,
)
from pandas_async_io._core.models import Outcome, Page, Request, Response
from pandas_async_io._core.workflow.jobs.poll import JobRequest, Poll, RetryAfterTooLongError

SUBMIT = Request("http://e.com/jobs", "POST", {"Authorization": "Bearer x", "Content-Type": "application/json"}, b"{}")
ASKED = Request("http://e.com/jobs/7", "GET", {"Authorization": "Bearer x"})
BARE = Request("http://e.com/jobs/7")
POLL = Poll("state", done={"finished"}, failed={"error"}, url="links.self", every=(1, 5), result="links.result")


def page(payload, request=ASKED, headers=None, status=200, url=None):
    return Page(request, Response(status, headers or {}, b"", url or request.url), payload)


def answered(poll, payload, *, turn=1, **others):
    return poll.answered(page(payload, **others), turn=turn, epoch=0.0)


def submitted(poll, payload, request=SUBMIT, *headers, **others):
    return poll.submitted(page(payload, request, *headers, **others), epoch=0.0)


def test_a_submission_leads_to_the_first_question():
    """A GET of the job's URL, without the submission's body; the headers are the course's."""
    queued = {"state": "queued", "links": {"self": "/jobs/7"}}
    assert submitted(POLL, queued) == JobRequest(BARE, 1, state="queued")


@pytest.mark.parametrize("header", ["Location", "Operation-Location", "Azure-AsyncOperation"])
def test_the_url_may_be_in_a_header(header):
    """Then the submission's body may be empty."""
    found = submitted(Poll("state"), None, SUBMIT, {header: "/jobs/7"})
    assert (found.request.url, found.after, found.last) == ("http://e.com/jobs/7", 1.0, False)


def test_a_url_that_is_not_where_it_should_be_may_be_in_a_header():
    """What url= says goes first, and Location is where every API has it."""
    for payload in ({"state": "queued"}, {"links": {"self": 7}}, None):
        found = submitted(POLL, payload, SUBMIT, {"Location": "/jobs/7"})
        assert found.request == BARE
    both = {"links": {"self": "/jobs/8"}}
    assert submitted(POLL, both, SUBMIT, {"Location": "/jobs/7"}).request.url == "http://e.com/jobs/8"


@pytest.mark.parametrize("state", ["success", "done", "error", "queued"])
def test_a_202_with_a_url_to_ask_is_never_the_result(state):
    """It says that the job was received, and so may the state in an envelope around it."""
    receipt = {"status": state, "data": {"job": 7}, "links": {"self": "/jobs/7"}}
    for poll, headers in ((Poll(), {"Location": "/jobs/7"}), (Poll(url="links.self"), {})):
        found = submitted(poll, receipt, SUBMIT, headers, status=202)
        assert (found.request, found.last, found.state) == (BARE, False, "queued" if state == "queued" else None)
    assert submitted(Poll(), {"status": "done"}, status=202) is None
    assert submitted(Poll(), {"status": "done"}, SUBMIT, {"Location": "/jobs/7"}) is None


@pytest.mark.parametrize("payload", [None, {}, {"status": "queued", "id": 7}, {"status": {"id": 7}}])
@pytest.mark.parametrize("url", ["http://e.com/jobs", "http://e.com/jobs/", "https://e.com/jobs?a=1"])
def test_a_post_without_a_url_to_ask_is_an_error_that_says_what_to_pass(payload, url):
    """Its own URL is that of all jobs, and their list may have a state that is taken for one job's."""
    with pytest.raises(ParseError, match="no URL, nor a Location: pass url="):
        submitted(Poll(), payload, status=202, url=url)


@pytest.mark.parametrize(
    ("method", "url"), [("GET", "http://e.com/jobs"), ("PUT", "http://e.com/jobs"), ("POST", "http://e.com/jobs/7")]
)
def test_a_job_is_asked_for_where_its_answer_came_from(method, url):
    """If that is the job's own URL: that of a GET or a PUT, or where a redirect led."""
    request = Request("http://e.com/jobs", method)
    assert submitted(Poll(), {"status": "queued"}, request, url=url).request == Request(url)


def test_a_job_that_is_not_done_is_asked_for_again_later():
    """The pauses grow as told, the last one repeats; the answer's own URL or the same one again."""
    running = {"state": "running", "links": {"self": "/jobs/7"}}
    assert [answered(POLL, running, turn=turn).after for turn in (0, 1, 2, 9)] == [1, 5, 5, 5]
    assert answered(POLL, {"state": "running"}).request == BARE
    assert answered(POLL, {"state": "running", "links": {"self": "?v=2"}}).request.url == "http://e.com/jobs/7?v=2"


def test_a_retry_after_is_a_floor():
    """The server knows better how long it takes."""
    assert answered(POLL, {"state": "running"}, headers={"Retry-After": "30"}).after == 30
    assert answered(POLL, {"state": "running"}, headers={"Retry-After": "2"}).after == 5


def test_a_finished_job_leads_to_its_result():
    """By its URL, or the last answer is the result."""
    done = {"state": "finished", "links": {"result": "/jobs/7/result"}}
    found = answered(POLL, done)
    assert (found.request.url, found.after, found.last) == ("http://e.com/jobs/7/result", 0.0, True)
    assert answered(Poll("state"), {"state": "finished", "value": 1}) is None
    assert submitted(POLL, done) == found


@pytest.mark.parametrize("state", ["Succeeded", "SUCCEEDED", "Complete", "completed", "Done", "successful"])
def test_the_usual_words_for_a_job_that_is_done_are_known_in_any_case(state):
    """As Azure, Jenkins and many others write them."""
    assert answered(Poll("state"), {"state": state}) is None
    assert answered(Poll("state", done={state.swapcase()}), {"state": state}) is None


@pytest.mark.parametrize("state", ["Failed", "FAILURE", "errored", "Canceled", "ABORTED", "expired", "TIMED_OUT"])
def test_the_usual_words_for_a_job_that_failed_are_known_in_any_case(state):
    """They are told as the server writes them."""
    with pytest.raises(PayloadError, match=f"^the job ended as '{state}'$"):
        answered(Poll("state"), {"state": state})


@pytest.mark.parametrize("state", ["ready", "stopped", "ok", "active", "cancelling", "completing", "", "None"])
def test_words_that_may_mean_a_running_job_are_waited_for(state):
    """To take one for an end would make a receipt of a result."""
    assert answered(Poll("state"), {"state": state}).request == BARE


@pytest.mark.parametrize(
    ("done", "ends", "others"),
    [
        ({True}, [True], [1, 1.0, "True", "true", False]),
        ({1}, [1, 1.0], [True, "1", 2]),
        ([np.int64(100)], [100, 100.0], ["100", 99]),
        ({"1"}, ["1"], [1, True]),
        ([1, True], [1, True], [0, False]),
    ],
)
def test_states_are_compared_by_kind_and_value(done, ends, others):
    """True is not 1, and "1" is neither."""
    poll = Poll("state", done=done, failed=())
    assert [answered(poll, {"state": state}) for state in ends] == [None] * len(ends)
    assert None not in [answered(poll, {"state": state}) for state in others]


def test_a_failed_job_is_an_error_with_its_message():
    """Without what looks like a secret."""
    with pytest.raises(PayloadError, match=r"^the job ended as 'error': .*it broke"):
        answered(POLL, {"state": "error", "error": {"message": "it broke"}})
    with pytest.raises(PayloadError, match=r"^the job ended as 'error'$"):
        answered(POLL, {"state": "error"})
    with pytest.raises(PayloadError) as caught:
        answered(POLL, {"state": "error", "error": "token=s3cret"})
    assert "s3cret" not in str(caught.value)


def test_a_job_does_not_run_for_ever():
    """When the next question would come after the patience is over, the job is lost: its last state is told."""
    poll = Poll("state", every=10, patience=60)
    ask = answered(poll, {"state": "JobComplete"})
    poll.check(ask, 50.0)
    with pytest.raises(AttemptTimeoutError) as caught:
        poll.check(ask, 50.1)
    assert str(caught.value) == (
        "the job was still 'JobComplete' after 60 s: retry_failed goes on asking, Poll(patience=...) waits longer; "
        "if that is an end, name it in done= or failed="
    )
    with pytest.raises(AttemptTimeoutError, match=r"^the job had not ended after 60 s: .* waits longer$"):
        poll.check(JobRequest(BARE, 10), 50.1)
    with pytest.raises(AttemptTimeoutError) as caught:
        poll.check(JobRequest(BARE, 10, state=f"token=s3cret {'x' * 1000}"), 50.1)
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_result_is_never_late():
    """The job has ended in time."""
    Poll(patience=60).check(JobRequest(BARE, 0.0, last=True), 100.0)


def test_fault_32_an_absurd_retry_after_is_not_waited_for():
    """It is told from a job that merely takes long."""
    ask = answered(POLL, {"state": "running"}, headers={"Retry-After": "99999999"})
    with pytest.raises(
        RetryAfterTooLongError, match=r"still 'running', and the server asks to wait 1e\+08 s"
    ) as caught:
        POLL.check(ask, 0.0)
    assert caught.value.outcome is Outcome.RATE_LIMITED_TOO_LONG
    with pytest.raises(AttemptTimeoutError):
        POLL.check(answered(POLL, {"state": "running"}, headers={"Retry-After": "1800"}), 2000.0)


@pytest.mark.parametrize("payload", [{}, {"state": None}, {"state": {}}, {"state": []}, [1], None])
def test_an_answer_without_a_state_is_an_error(payload):
    """It is not waited for."""
    with pytest.raises(ParseError, match="no state at 'state'"):
        answered(POLL, payload)


def test_an_answer_without_its_url_is_an_error():
    """Where one was promised."""
    with pytest.raises(ParseError, match=r"no URL at 'links\.self', nor a Location"):
        submitted(POLL, {"state": "queued"})
    with pytest.raises(ParseError, match=r"no URL at 'links\.result'"):
        answered(POLL, {"state": "finished", "links": {"result": 7}})


def test_security_s7_a_job_lives_at_a_web_address():
    """Anything else is never asked for."""
    with pytest.raises(UnsafeUrlError):
        answered(POLL, {"state": "running", "links": {"self": "file:///etc/passwd"}})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"every": -1}, "a number of seconds, or several"),
        ({"every": ()}, "a number of seconds, or several"),
        ({"every": None}, "a number of seconds, or several"),
        ({"every": True}, "a number of seconds, or several"),
        ({"every": "1s"}, "a number of seconds, or several"),
        ({"every": {1, 5}}, "a number of seconds, or several"),
        ({"every": [1, "2"]}, "a number of seconds, or several"),
        ({"every": [1, float("nan")]}, "a number of seconds, or several"),
        ({"patience": "1h"}, "a number of seconds above 0"),
        ({"patience": None}, "a number of seconds above 0"),
        ({"patience": True}, "a number of seconds above 0"),
        ({"patience": -1}, "a number of seconds above 0"),
        ({"patience": 0}, "a number of seconds above 0"),
        ({"patience": float("nan")}, "a number of seconds above 0"),
        ({"patience": float("inf")}, "a number of seconds above 0"),
        ({"status": None}, "status=None is a path"),
        ({"status": 5}, "status=5 is a path"),
        ({"status": ""}, "status='' is a path"),
        ({"status": ["a", 1]}, "is a path"),
        ({"status": []}, "is a path"),
        ({"error": None}, "error=None is a path"),
        ({"url": 5}, "url=5 is a path"),
        ({"url": b"links.self"}, "is a path"),
        ({"result": 5}, "result=5 is a path"),
        ({"result": True}, "result=True is a path"),
        ({"done": "done"}, "a set of states, as {'done'}"),
        ({"done": None}, "a set of states"),
        ({"done": set()}, "is empty: the job would never end"),
        ({"done": lambda state: True}, "a set of states"),
        ({"done": [100, [1]]}, r"holds \[1\]: a state is a text, a number, True or False"),
        ({"done": {None}}, "holds None"),
        ({"failed": 7}, "a set of states"),
        ({"done": {"a"}, "failed": {"a"}}, "'a' is in both done and failed"),
        ({"done": {"Cancelled"}}, "'Cancelled' is in both done and failed: pass both"),
    ],
)
def test_a_poll_that_makes_no_sense_is_refused(options, expected):
    """Before anything is sent, and with what is expected."""
    with pytest.raises(PlanError, match="Poll: ") as caught:
        Poll(**options)
    assert caught.match(expected)


def test_a_poll_is_the_value_that_was_written():
    """Pauses may come in any kind of sequence; what is found of its options is no part of it."""
    assert [Poll(every=every).pause(1) for every in (2, [1, 2], np.array([1, 2]), range(1, 3))] == [2, 2, 2, 2]
    assert Poll(every=[1], url=["a.b"], done={"x"}) == Poll(every=[1], url=["a.b"], done={"x"})
    assert repr(Poll(done={"x"}, failed=())) == (
        "Poll(status='status', done={'x'}, failed=(), url=None, every=1.0, result=None, error='error', patience=3600.0)"
    )

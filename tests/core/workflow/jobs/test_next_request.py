"""The request that follows a response of a job's API: which URL, after which delay, or how the row ends."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import AttemptTimeoutError, ParseError, PayloadError, UnsafeUrlError
from pandas_async_io._core.models import Outcome, Page, Request, Response
from pandas_async_io._core.workflow.jobs.job import JobRequest, Phase
from pandas_async_io._core.workflow.jobs.next_request import (
    RetryAfterTooLongError,
    check_patience,
    find_next_request,
)
from pandas_async_io._core.workflow.jobs.poll import Poll

SUBMISSION = Request(
    "http://e.com/jobs", "POST", {"Authorization": "Bearer x", "Content-Type": "application/json"}, b"{}"
)
STATUS = Request("http://e.com/jobs/7", "GET", {"Authorization": "Bearer x"})
BARE = Request("http://e.com/jobs/7")
"""The request for the state, without headers."""

POLL = Poll("state", done={"finished"}, failed={"error"}, url="links.self", every=(1, 5), result="links.result")


def page(payload, request=STATUS, headers=None, status=200, url=None):
    return Page(request, Response(status, headers or {}, b"", url or request.url), payload)


def after_poll(poll, payload, *, polls=1, **others):
    return find_next_request(poll, page(payload, **others), polls=polls, epoch=0.0)


def after_submission(poll, payload, request=SUBMISSION, *headers, **others):
    return find_next_request(poll, page(payload, request, *headers, **others), polls=0, epoch=0.0)


def test_a_submission_is_followed_by_a_get_of_the_jobs_url():
    """It has neither the submission's body nor its headers: the workflow adds the headers."""
    queued = {"state": "queued", "links": {"self": "/jobs/7"}}
    assert after_submission(POLL, queued) == JobRequest(BARE, 1, state="queued")


@pytest.mark.parametrize("header", ["Location", "Operation-Location", "Azure-AsyncOperation"])
def test_the_jobs_url_may_be_in_a_header(header):
    """Then the body may be empty."""
    found = after_submission(Poll("state"), None, SUBMISSION, {header: "/jobs/7"})
    assert (found.request.url, found.delay, found.phase) == ("http://e.com/jobs/7", 1.0, Phase.POLL)


@pytest.mark.parametrize("payload", [{"state": "queued"}, {"links": {"self": 7}}, None])
def test_location_is_used_where_the_body_has_no_url(payload):
    found = after_submission(POLL, payload, SUBMISSION, {"Location": "/jobs/7"})
    assert found.request == BARE


def test_the_url_in_the_body_wins_over_location():
    both = {"links": {"self": "/jobs/8"}}
    found = after_submission(POLL, both, SUBMISSION, {"Location": "/jobs/7"})
    assert found.request.url == "http://e.com/jobs/8"


@pytest.mark.parametrize("state", ["success", "done", "error", "queued"])
def test_a_202_that_names_a_url_is_never_the_result(state):
    """It says that the job was received; the state may be that of an envelope."""
    receipt = {"status": state, "data": {"job": 7}, "links": {"self": "/jobs/7"}}
    for poll, headers in ((Poll(), {"Location": "/jobs/7"}), (Poll(url="links.self"), {})):
        found = after_submission(poll, receipt, SUBMISSION, headers, status=202)
        assert (found.request, found.phase) == (BARE, Phase.POLL)
        assert found.state == ("queued" if state == "queued" else None)


def test_a_submission_that_is_done_is_the_result():
    """A 202 only if it names no URL to poll."""
    assert after_submission(Poll(), {"status": "done"}, status=202) is None
    assert after_submission(Poll(), {"status": "done"}, SUBMISSION, {"Location": "/jobs/7"}) is None


@pytest.mark.parametrize("payload", [None, {}, {"status": "queued", "id": 7}, {"status": {"id": 7}}])
@pytest.mark.parametrize("url", ["http://e.com/jobs", "http://e.com/jobs/", "https://e.com/jobs?a=1"])
def test_a_post_without_a_url_to_poll_is_an_error_that_says_what_to_pass(payload, url):
    """The POST's own URL lists all jobs, and the list may have a state that would be taken for one job's."""
    with pytest.raises(ParseError, match="no URL and no Location header: pass url="):
        after_submission(Poll(), payload, status=202, url=url)


@pytest.mark.parametrize(
    ("method", "url"), [("GET", "http://e.com/jobs"), ("PUT", "http://e.com/jobs"), ("POST", "http://e.com/jobs/7")]
)
def test_the_url_that_answered_is_polled_if_it_is_the_jobs_own(method, url):
    """It is the URL of a GET or a PUT, or the target of a redirect."""
    request = Request("http://e.com/jobs", method)
    assert after_submission(Poll(), {"status": "queued"}, request, url=url).request == Request(url)


def test_a_running_job_is_polled_again_after_the_next_delay():
    running = {"state": "running", "links": {"self": "/jobs/7"}}
    assert [after_poll(POLL, running, polls=polls).delay for polls in (0, 1, 2, 9)] == [1, 5, 5, 5]


def test_a_running_job_is_polled_where_its_last_response_says():
    """Without a URL in the response, the same URL is polled again."""
    assert after_poll(POLL, {"state": "running"}).request == BARE
    assert after_poll(POLL, {"state": "running", "links": {"self": "?v=2"}}).request.url == "http://e.com/jobs/7?v=2"


def test_retry_after_is_a_minimum_delay():
    assert after_poll(POLL, {"state": "running"}, headers={"Retry-After": "30"}).delay == 30
    assert after_poll(POLL, {"state": "running"}, headers={"Retry-After": "2"}).delay == 5


def test_a_done_job_is_followed_by_the_download_of_its_result():
    """If the option result= names its URL; else the last response is the result."""
    done = {"state": "finished", "links": {"result": "/jobs/7/result"}}
    found = after_poll(POLL, done)
    assert (found.request.url, found.delay, found.phase) == ("http://e.com/jobs/7/result", 0.0, Phase.DOWNLOAD)
    assert after_poll(Poll("state"), {"state": "finished", "value": 1}) is None
    assert after_submission(POLL, done) == found


@pytest.mark.parametrize("state", ["Failed", "FAILURE", "TIMED_OUT"])
def test_the_error_of_a_failed_job_quotes_its_state_as_the_server_writes_it(state):
    with pytest.raises(PayloadError, match=f"^the job ended as '{state}'$"):
        after_poll(Poll("state"), {"state": state})


def test_the_error_of_a_failed_job_has_the_servers_message():
    with pytest.raises(PayloadError, match=r"^the job ended as 'error': .*it broke"):
        after_poll(POLL, {"state": "error", "error": {"message": "it broke"}})
    with pytest.raises(PayloadError, match=r"^the job ended as 'error'$"):
        after_poll(POLL, {"state": "error"})


def test_the_error_of_a_failed_job_has_no_secret():
    with pytest.raises(PayloadError) as caught:
        after_poll(POLL, {"state": "error", "error": "token=s3cret"})
    assert "s3cret" not in str(caught.value)


def test_a_poll_after_the_patience_is_a_timeout_with_the_last_state():
    poll = Poll("state", every=10, patience=60)
    following = after_poll(poll, {"state": "JobComplete"})
    check_patience(poll, following, 50.0)
    with pytest.raises(AttemptTimeoutError) as caught:
        check_patience(poll, following, 50.1)
    assert str(caught.value) == (
        "the job was still 'JobComplete' after 60 s: retry_failed continues to poll it, Poll(patience=...) waits "
        "longer; if this state is an end, name it in done= or failed="
    )
    with pytest.raises(AttemptTimeoutError, match=r"^the job had not ended after 60 s: .* waits longer$"):
        check_patience(poll, JobRequest(BARE, 10), 50.1)


def test_a_quoted_state_is_short_and_has_no_secret():
    poll = Poll("state", patience=60)
    with pytest.raises(AttemptTimeoutError) as caught:
        check_patience(poll, JobRequest(BARE, 10, state=f"token=s3cret {'x' * 1000}"), 50.1)
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_download_is_allowed_after_the_patience():
    """The job ended in time."""
    check_patience(Poll(patience=60), JobRequest(BARE, 0.0, Phase.DOWNLOAD), 100.0)


def test_fault_32_an_absurd_retry_after_is_not_waited_for():
    """It has another outcome than a job that takes long."""
    following = after_poll(POLL, {"state": "running"}, headers={"Retry-After": "99999999"})
    expected = r"still 'running', and the server asks to wait 1e\+08 s"
    with pytest.raises(RetryAfterTooLongError, match=expected) as caught:
        check_patience(POLL, following, 0.0)
    assert caught.value.outcome is Outcome.RATE_LIMITED_TOO_LONG
    with pytest.raises(AttemptTimeoutError):
        check_patience(POLL, after_poll(POLL, {"state": "running"}, headers={"Retry-After": "1800"}), 2000.0)


@pytest.mark.parametrize("payload", [{}, {"state": None}, {"state": {}}, {"state": []}, [1], None])
def test_a_poll_whose_response_has_no_state_is_an_error(payload):
    with pytest.raises(ParseError, match="no state at 'state'"):
        after_poll(POLL, payload)


def test_a_response_without_the_url_that_an_option_names_is_an_error():
    with pytest.raises(ParseError, match=r"no URL at 'links\.self' and no Location header"):
        after_submission(POLL, {"state": "queued"})
    with pytest.raises(ParseError, match=r"no URL at 'links\.result'"):
        after_poll(POLL, {"state": "finished", "links": {"result": 7}})


def test_security_s7_a_job_lives_at_a_web_address():
    """Any other URL is never requested."""
    with pytest.raises(UnsafeUrlError):
        after_poll(POLL, {"state": "running", "links": {"self": "file:///etc/passwd"}})

"""Jobs: what is asked next, when, and how each job ends."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import (
    AttemptTimeoutError,
    ParseError,
    PayloadError,
    PlanError,
    UnsafeUrlError,
)
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.poll import Ask, Poll

SUBMIT = Request("http://e.com/jobs", "POST", {"Authorization": "Bearer x", "Content-Type": "application/json"}, b"{}")
ASKED = Request("http://e.com/jobs/7", "GET", {"Authorization": "Bearer x"})
POLL = Poll("state", done={"finished"}, failed={"error"}, url="links.self", every=(1, 5), result="links.result")


def page(payload, request=ASKED, headers=None):
    return Page(request, Response(200, headers or {}, b"", request.url), payload)


def answered(poll, payload, *, turn=1, waited=1.0, **others):
    return poll.answered(page(payload, **others), SUBMIT, turn=turn, waited=waited, epoch=0.0)


def test_a_submission_leads_to_the_first_question():
    """A GET of the job's URL with the submission's headers, but without its body."""
    queued = {"state": "queued", "links": {"self": "/jobs/7"}}
    assert POLL.submitted(page(queued, SUBMIT), epoch=0.0) == Ask(ASKED, 1)


@pytest.mark.parametrize("header", ["Location", "Operation-Location"])
def test_the_url_may_be_in_a_header(header):
    """Then the submission's body may be empty."""
    found = Poll("state").submitted(page(None, SUBMIT, {header: "/jobs/7"}), epoch=0.0)
    assert (found.request.url, found.after, found.last) == ("http://e.com/jobs/7", 1.0, False)


def test_a_job_that_is_not_done_is_asked_for_again_later():
    """The pauses grow as told, the last one repeats; the answer's own URL or the same one again."""
    running = {"state": "running", "links": {"self": "/jobs/7"}}
    assert [answered(POLL, running, turn=turn).after for turn in (0, 1, 2, 9)] == [1, 5, 5, 5]
    assert answered(POLL, {"state": "running"}).request == ASKED
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
    assert POLL.submitted(page(done, SUBMIT), epoch=0.0) == found
    assert answered(Poll("done", done={True}, failed=()), {"done": True}) is None
    assert answered(Poll("done", done={True}, failed=()), {"done": False}) is not None


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
    """When the next question would come after the patience is over, the job is lost."""
    poll = Poll("state", every=10, patience=60)
    assert answered(poll, {"state": "running"}, waited=50.0).after == 10
    with pytest.raises(AttemptTimeoutError, match="within 60 s"):
        answered(poll, {"state": "running"}, waited=50.1)


@pytest.mark.parametrize("payload", [{}, {"state": None}, {"state": {}}, {"state": []}, [1], None])
def test_an_answer_without_a_state_is_an_error(payload):
    """It is not waited for."""
    with pytest.raises(ParseError, match="no state at 'state'"):
        answered(POLL, payload)


def test_an_answer_without_its_url_is_an_error():
    """Where one was promised."""
    with pytest.raises(ParseError, match=r"no URL at 'links\.self'"):
        POLL.submitted(page({"state": "queued"}, SUBMIT), epoch=0.0)
    with pytest.raises(ParseError, match=r"no URL at 'links\.result'"):
        answered(POLL, {"state": "finished", "links": {"result": 7}})


def test_security_s7_a_job_lives_at_a_web_address():
    """Anything else is never asked for."""
    with pytest.raises(UnsafeUrlError):
        answered(POLL, {"state": "running", "links": {"self": "file:///etc/passwd"}})


def test_security_s7_a_job_stays_at_home():
    """Elsewhere only with allow_hosts, and without the headers; a result is often kept elsewhere."""
    done = {"state": "finished", "links": {"result": "http://files.com/7?sig=1"}}
    for payload in (done, {"state": "running", "links": {"self": "http://files.com/7"}}):
        with pytest.raises(UnsafeUrlError, match="allow_hosts"):
            answered(POLL, payload)
    with pytest.raises(UnsafeUrlError, match="allow_hosts"):
        Poll("state").submitted(page(None, SUBMIT, {"Location": "http://files.com/7"}), epoch=0.0)
    found = POLL.answered(page(done), SUBMIT, turn=1, waited=0.0, epoch=0.0, allow_hosts=["files.com"])
    assert (found.request.url, dict(found.request.headers)) == ("http://files.com/7?sig=1", {})


@pytest.mark.parametrize(
    "options", [{"every": -1}, {"every": ()}, {"every": [1, "2"]}, {"done": "done"}, {"failed": 7}]
)
def test_a_poll_that_makes_no_sense_is_refused(options):
    """Before anything is sent."""
    with pytest.raises(PlanError, match="Poll: "):
        Poll(**options)

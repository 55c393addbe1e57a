"""Jobs as a course: one submission per job, questions until its end, and what a later run goes on with."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import AttemptError
from pandas_async_io._core.interpret import Interpreter
from pandas_async_io._core.models import Outcome, Page, Request, Response, Result
from pandas_async_io._core.poll import Poll
from pandas_async_io._core.polling import Polling

SUBMIT = Request("http://e.com/jobs", "POST", {"Authorization": "Bearer old", "Content-Type": "text/plain"}, b"{}")
AFRESH = Request("http://e.com/jobs", "POST", {"Authorization": "Bearer new", "Content-Type": "text/plain"}, b"{}")
POLL = Poll("state", url="self", every=2, result="result", patience=60)
QUEUED = {"state": "queued", "self": "/jobs/7"}
DONE = {"state": "done", "result": "/jobs/7/result"}
FAILED = Result(Outcome.HTTP_ERROR, None, 500, 3, error="HTTP 500")


class Run:
    """A polling course of one position, and what it delivered."""

    def __init__(self, poll=POLL, request=SUBMIT, **options):
        self.delivered = []
        self.course = Polling(poll, Interpreter(), lambda *both: self.delivered.append(both), **options)
        [self.step] = self.course.begin(0, request)

    def answer(self, payload, *, now=0.0, headers=None):
        """Do as the engine does with an answer; returns whether something is sent next."""
        step, response = self.step, Response(200, headers or {}, b"", self.step.request.url)
        steps, result = (), Result(Outcome.OK, payload, 200, 1)
        try:
            steps = self.course.answered(0, step.number, Page(step.request, response, payload), now, 0.0)
        except AttemptError as error:
            result = Result(error.outcome, None, 200, 1, error=str(error))
        self.end(result, *steps)
        return bool(steps)

    def end(self, result, *steps):
        number, self.step = self.step.number, next(iter(steps), None)
        self.course.ended(0, number, result)

    def again(self):
        """Return a later run of the same row, with fresh credentials."""
        self.course.close()
        return Run(request=AFRESH, unfinished=self.course.unfinished)

    @property
    def outcome(self):
        [(_, result)] = self.delivered
        return result.outcome


def test_a_job_is_submitted_asked_for_and_downloaded():
    """The row's result is the last answer, with all its attempts; nothing is left to go on with."""
    run = Run()
    assert run.step.request == SUBMIT
    assert run.answer(QUEUED)
    assert (run.step.request.url, run.step.request.method, run.step.after) == ("http://e.com/jobs/7", "GET", 2)
    assert run.answer({"state": "running"})
    assert run.answer(DONE)
    assert (run.step.request.url, run.step.after) == ("http://e.com/jobs/7/result", 0)
    assert run.delivered == []
    assert not run.answer({"x": 1})
    [(position, result)] = run.delivered
    assert (position, result.outcome, result.payload, result.attempts) == (0, Outcome.OK, {"x": 1}, 4)
    assert run.course.unfinished == {}


@pytest.mark.parametrize("state", ["running", "done"])
def test_an_answer_to_the_result_is_never_read_as_a_state(state):
    """A result may have a field of that name."""
    run = Run()
    run.answer(QUEUED)
    run.answer(DONE)
    assert not run.answer({"state": state})
    assert run.outcome is Outcome.OK


def test_a_job_may_be_done_at_once():
    """Then the submission's answer is the result."""
    run = Run(Poll("state"))
    assert not run.answer({"state": "finished", "x": 1})
    assert run.outcome is Outcome.OK


def asking(run):
    return run.answer(QUEUED)


def downloading(run):
    return run.answer(QUEUED) and run.answer(DONE)


@pytest.mark.parametrize(
    ("before", "end", "then"),
    [
        (asking, lambda run: run.end(FAILED), "/jobs/7"),
        (asking, lambda run: run.end(Result(Outcome.TIMEOUT)), "/jobs/7"),
        (asking, lambda run: run.answer({"state": "running"}, now=59), "/jobs/7"),
        (asking, lambda run: run.answer({}), "/jobs/7"),
        (asking, lambda run: run.answer({"state": "done"}), "/jobs/7"),
        (asking, lambda run: run.answer({**QUEUED, "self": "http://other.com/"}), "/jobs/7"),
        (asking, lambda run: None, "/jobs/7"),
        (downloading, lambda run: run.end(FAILED), "/jobs/7/result"),
        (downloading, lambda run: None, "/jobs/7/result"),
    ],
    ids=["500", "timeout", "patience", "no state", "no result", "unsafe", "cut", "500 of the result", "cut before it"],
)
def test_a_job_that_may_still_run_is_not_submitted_again(before, end, then):
    """Whatever ended the first run, the next one asks on, with its own credentials, and gets the result."""
    run = Run()
    before(run)
    end(run)
    assert [result.outcome for _, result in run.delivered if result.outcome is Outcome.OK] == []
    later = run.again()
    assert later.step.number == 2
    asked = Request(f"http://e.com{then}", "GET", {"Authorization": "Bearer new"})
    assert (later.step.request, later.step.after) == (asked, 0)
    if before is asking:
        assert later.answer({"state": "running"}, now=1000)
        assert later.answer(DONE, now=1050)
    assert not later.answer({"x": 1})
    assert later.outcome is Outcome.OK
    assert later.course.unfinished == {}


@pytest.mark.parametrize(
    ("before", "end"),
    [
        (asking, lambda run: run.answer({"state": "failed", "error": "it broke"})),
        (lambda run: None, lambda run: run.answer({"state": "error"})),
        (lambda run: None, lambda run: run.answer({"state": "queued"})),
        (lambda run: None, lambda run: run.end(FAILED)),
        (lambda run: None, lambda run: None),
    ],
    ids=["failed", "failed at once", "nowhere to ask", "500", "cut"],
)
def test_a_job_that_failed_or_never_was_is_submitted_again(before, end):
    """There is nothing to ask for."""
    run = Run()
    before(run)
    end(run)
    later = run.again()
    assert (later.step.number, later.step.request) == (1, AFRESH)


def test_a_failed_job_is_an_http_error_with_its_message():
    """Though its status was 200."""
    run = Run()
    run.answer(QUEUED)
    run.answer({"state": "failed", "error": "it broke"})
    [(_, result)] = run.delivered
    assert (result.outcome, result.status, result.error) == (
        Outcome.HTTP_ERROR,
        200,
        "the job ended as 'failed': it broke",
    )


def test_patience_counts_from_the_submissions_answer():
    """Not from the start of the run, which may have waited for its turn long before."""
    run = Run()
    assert run.answer(QUEUED, now=1000)
    assert run.answer({"state": "running"}, now=1058)
    assert not run.answer({"state": "running"}, now=1059)
    [(_, result)] = run.delivered
    assert (result.outcome, result.error) == (
        Outcome.TIMEOUT,
        "the job has not ended within 60 s (Poll(patience=...))",
    )


def test_a_retry_after_is_a_floor():
    """Of the pause before the next question."""
    run = Run()
    run.answer(QUEUED, headers={"Retry-After": "30"})
    assert run.step.after == 30


def test_security_s7_a_job_elsewhere_is_asked_for_without_credentials_where_that_is_allowed():
    """Also by a later run, whose credentials are as much of its own origin."""
    run = Run(allow_hosts=["other.com"])
    assert run.answer({**QUEUED, "self": "http://other.com/7"})
    assert (run.step.request.url, dict(run.step.request.headers)) == ("http://other.com/7", {})
    run.end(FAILED)
    later = run.again()
    assert (later.step.request.url, dict(later.step.request.headers)) == ("http://other.com/7", {})
    refused = Run()
    assert not refused.answer({**QUEUED, "self": "http://other.com/7"})
    [(_, result)] = refused.delivered
    assert result.outcome is Outcome.UNSAFE_URL
    assert result.error.startswith("the job leads from http://e.com to http://other.com: name it in")

"""The workflow of jobs: one submission per job, polls until it ends, and what a later run continues."""

from __future__ import annotations

import json

import pytest

from pandas_async_io._core.body.graphql_errors import graphql_error
from pandas_async_io._core.body.interpret import Interpreter
from pandas_async_io._core.errors import AttemptError
from pandas_async_io._core.models import Outcome, Page, Request, Response, Result
from pandas_async_io._core.table.readers.tabular import TABULAR_READERS
from pandas_async_io._core.workflow.base import Step
from pandas_async_io._core.workflow.jobs.poll import Poll
from pandas_async_io._core.workflow.jobs.request_rules import RequestRules
from pandas_async_io._core.workflow.jobs.workflow import PollingWorkflow

SUBMIT = Request("http://e.com/jobs", "POST", {"Authorization": "Bearer old", "Content-Type": "text/plain"}, b"{}")
RENEWED = Request("http://e.com/jobs", "POST", {"Authorization": "Bearer new", "Content-Type": "text/plain"}, b"{}")
POLL = Poll("state", url="self", every=2, result="result", patience=60)
QUEUED = {"state": "queued", "self": "/jobs/7"}
DONE = {"state": "done", "result": "/jobs/7/result"}
FAILED = Result(Outcome.HTTP_ERROR, None, 500, 3, error="HTTP 500")


class Run:
    """The workflow of one position, driven as the engine drives it, and what it delivered."""

    def __init__(self, poll=POLL, request=SUBMIT, *, reading=None, unfinished=None, **rules):
        self.delivered, self.poll = [], poll
        self.workflow = PollingWorkflow(
            poll,
            Interpreter(**(reading or {})),
            lambda *both: self.delivered.append(both),
            rules=RequestRules(**rules),
            unfinished=unfinished,
        )
        self.step = next(iter(self.workflow.begin(0, request)), None)

    def answer(self, payload, *, now=0.0, headers=None, status=200):
        """Take a response; return whether another request follows."""
        step, body = self.step, payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        response = Response(status, headers or {}, body, self.step.request.url)
        steps, result = (), None
        try:
            payload = self.workflow.decode(0, step.number, response)
            steps = self.workflow.next_steps(0, step.number, Page(step.request, response, payload), now, 0.0)
            result = Result(Outcome.OK, payload, status, 1)
        except AttemptError as error:
            result = Result(error.outcome, None, status, 1, error=str(error))
        self.end(result, *steps)
        return bool(steps)

    def fail(self, status):
        """Take an error status; return whether another request follows."""
        steps = self.workflow.replacement_steps(0, self.step.number, self.step.request, status)
        self.end(Result(Outcome.HTTP_ERROR, None, status, 1, error=f"HTTP {status}"), *steps)
        return bool(steps)

    def end(self, result, *steps):
        number, self.step = self.step.number, next(iter(steps), None)
        self.workflow.finish_step(0, number, result)

    def retry(self, request=RENEWED, **options):
        """Return a later run of the same row, by default with fresh credentials."""
        self.workflow.close()
        return Run(self.poll, request, unfinished=self.workflow.unfinished, **options)

    @property
    def result(self):
        [(_, result)] = self.delivered
        return result

    @property
    def outcome(self):
        return self.result.outcome

    @property
    def target(self):
        return self.step.request.method, self.step.request.url


def test_a_job_is_submitted_polled_and_downloaded():
    """The row's result is the download; it counts all attempts, and nothing is left for a later run."""
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
    assert run.workflow.unfinished == {}


@pytest.mark.parametrize("state", ["running", "done"])
def test_a_result_is_never_read_as_a_state(state):
    """It may have a field of that name."""
    run = Run()
    run.answer(QUEUED)
    run.answer(DONE)
    assert not run.answer({"state": state})
    assert run.outcome is Outcome.OK


def test_a_submission_that_is_done_is_the_result():
    run = Run(Poll("state"))
    assert not run.answer({"state": "finished", "x": 1})
    assert run.outcome is Outcome.OK


def polling(run):
    return run.answer(QUEUED)


def downloading(run):
    return run.answer(QUEUED) and run.answer(DONE)


@pytest.mark.parametrize(
    ("before", "end", "then"),
    [
        (polling, lambda run: run.end(FAILED), "/jobs/7"),
        (polling, lambda run: run.end(Result(Outcome.TIMEOUT)), "/jobs/7"),
        (polling, lambda run: run.answer({"state": "running"}, now=59), "/jobs/7"),
        (polling, lambda run: run.answer({}), "/jobs/7"),
        (polling, lambda run: run.answer({"state": "done"}), "/jobs/7"),
        (polling, lambda run: run.answer({**QUEUED, "self": "http://other.com/"}), "/jobs/7"),
        (polling, lambda run: None, "/jobs/7"),
        (downloading, lambda run: run.end(FAILED), "/jobs/7/result"),
        (downloading, lambda run: None, "/jobs/7/result"),
    ],
    ids=["500", "timeout", "patience", "no state", "no result", "unsafe", "cut", "500 of the result", "cut before it"],
)
def test_a_job_that_may_still_run_is_not_submitted_again(before, end, then):
    """For any end of the first run, the next one polls with its own credentials and gets the result."""
    run = Run()
    before(run)
    end(run)
    assert [result.outcome for _, result in run.delivered if result.outcome is Outcome.OK] == []
    later = run.retry()
    assert later.step.number == 2
    expected = Request(f"http://e.com{then}", "GET", {"Authorization": "Bearer new"})
    assert (later.step.request, later.step.after) == (expected, 0)
    if before is polling:
        assert later.answer({"state": "running"}, now=1000)
        assert later.answer(DONE, now=1050)
    assert not later.answer({"x": 1})
    assert later.outcome is Outcome.OK
    assert later.workflow.unfinished == {}


@pytest.mark.parametrize(
    ("before", "end"),
    [
        (polling, lambda run: run.answer({"state": "failed", "error": "it broke"})),
        (lambda run: None, lambda run: run.answer({"state": "error"})),
        (lambda run: None, lambda run: run.end(FAILED)),
        (lambda run: None, lambda run: run.end(Result(Outcome.HTTP_ERROR, None, 200, 1, error="quota"))),
        (lambda run: None, lambda run: None),
    ],
    ids=["failed", "failed at once", "500", "an error in a 200", "cut"],
)
def test_a_job_that_failed_or_does_not_exist_is_submitted_again(before, end):
    """There is nothing to poll."""
    run = Run()
    before(run)
    end(run)
    later = run.retry()
    assert (later.step.number, later.step.request) == (1, RENEWED)


def test_a_failed_job_is_an_http_error_with_its_message():
    """The HTTP status is 200."""
    run = Run()
    run.answer(QUEUED)
    run.answer({"state": "failed", "error": "it broke"})
    [(_, result)] = run.delivered
    assert (result.outcome, result.status, result.error) == (
        Outcome.HTTP_ERROR,
        200,
        "the job ended as 'failed': it broke",
    )


def test_patience_counts_from_the_response_to_the_submission():
    """It does not count from the start of the run, because the submission may wait long to be sent."""
    run = Run()
    assert run.answer(QUEUED, now=1000)
    assert run.answer({"state": "running"}, now=1058)
    assert not run.answer({"state": "running"}, now=1059)
    assert run.outcome is Outcome.TIMEOUT
    assert run.result.error.startswith("the job was still 'running' after 60 s: retry_failed continues to poll it")


def test_retry_after_is_a_minimum_delay():
    run = Run()
    run.answer(QUEUED, headers={"Retry-After": "30"})
    assert run.step.after == 30


def test_security_s7_a_job_at_an_allowed_host_is_polled_without_credentials():
    """A later run does the same; without allow_hosts the row is unsafe_url."""
    run = Run(allow_hosts=["other.com"])
    assert run.answer({**QUEUED, "self": "http://other.com/7"})
    assert (run.step.request.url, dict(run.step.request.headers)) == ("http://other.com/7", {})
    run.end(FAILED)
    later = run.retry(allow_hosts=["other.com"])
    assert (later.step.request.url, dict(later.step.request.headers)) == ("http://other.com/7", {})
    refused = Run()
    assert not refused.answer({**QUEUED, "self": "http://other.com/7"})
    [(_, result)] = refused.delivered
    assert result.outcome is Outcome.UNSAFE_URL
    assert result.error.startswith("the job leads from http://e.com to http://other.com: name it in")


def test_a_job_that_a_later_run_did_not_begin_is_kept_for_the_next():
    """That run may be interrupted before it begins with the row."""
    run = Run()
    run.answer(QUEUED)
    run.workflow.close()
    later = PollingWorkflow(POLL, Interpreter(), print, rules=RequestRules(), unfinished=run.workflow.unfinished)
    later.close()
    assert later.unfinished == run.workflow.unfinished
    last = Run(request=RENEWED, unfinished=later.unfinished)
    assert last.target == ("GET", "http://e.com/jobs/7")


def test_a_submission_whose_job_is_at_another_host_is_not_repeated_when_that_host_is_allowed():
    """The job runs. Until the host is named in allow_hosts, nothing is sent."""
    run = Run()
    assert not run.answer({**QUEUED, "self": "http://other.com/7"}, status=202)
    assert run.outcome is Outcome.UNSAFE_URL
    still = run.retry()
    assert still.step is None
    assert (still.outcome, still.result.attempts) == (Outcome.UNSAFE_URL, 0)
    assert still.result.error.startswith("the job leads from http://e.com to http://other.com: name it in")
    allowed = still.retry(allow_hosts=["other.com"])
    assert allowed.step == Step(2, Request("http://other.com/7"))
    assert allowed.answer({"state": "running"})
    assert allowed.target == ("GET", "http://other.com/7")


def test_security_s7_a_host_that_is_no_longer_allowed_is_not_polled():
    """A later run has its own client."""
    run = Run(allow_hosts=["other.com"])
    run.answer({**QUEUED, "self": "http://other.com/7"})
    assert run.retry().outcome is Outcome.UNSAFE_URL


def test_security_s7_a_later_run_at_another_origin_sends_no_credentials_to_the_first():
    """The job is polled without them if its host is allowed."""
    run = Run()
    run.answer(QUEUED)
    moved = Request("http://new.com/jobs?key=fresh", "POST", {"Authorization": "Bearer new"}, b"{}")
    assert run.retry(moved, keys=["key"]).outcome is Outcome.UNSAFE_URL
    assert run.retry(moved, keys=["key"], allow_hosts=["e.com"]).step.request == Request("http://e.com/jobs/7")


def test_a_retry_after_that_is_too_long_ends_the_row_but_not_the_job():
    """A later run polls at once, because the user has waited."""
    run = Run()
    assert not run.answer(QUEUED, headers={"Retry-After": "7200"}, status=202)
    assert run.outcome is Outcome.RATE_LIMITED_TOO_LONG
    assert run.retry().step == Step(2, Request("http://e.com/jobs/7", headers={"Authorization": "Bearer new"}))


@pytest.mark.parametrize(
    "end",
    [
        lambda run: run.answer({"state": "queued"}, status=202),
        lambda run: run.answer({**QUEUED, "self": "file:///etc/passwd"}, status=202),
        lambda run: run.end(Result(Outcome.PARSE_ERROR, None, 202, 1, error="the body is not JSON")),
    ],
    ids=["nowhere to ask", "no URL", "no JSON"],
)
def test_a_post_whose_response_names_no_usable_url_is_not_repeated(end):
    """Its job may run: later runs end the row in the same way and send nothing."""
    run = Run()
    end(run)
    assert run.result.error.endswith(" (it was submitted: retry_failed does not submit it again)")
    for later in (run.retry(), run.retry().retry()):
        assert later.step is None
        assert (later.outcome, later.result.error, later.result.attempts) == (run.outcome, run.result.error, 0)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_idempotent_submission_is_repeated(method):
    """A second request makes no second job."""
    run = Run(request=Request("http://e.com/jobs/7", method))
    assert not run.answer({"state": "queued"})
    assert run.outcome is Outcome.PARSE_ERROR
    assert run.retry(Request("http://e.com/jobs/7", method)).step.number == 1


def test_polls_have_the_credential_parameter_of_the_submission():
    """The API may leave it out of its links. A later run sends its own; another host gets none."""
    at = Request("http://e.com/jobs?key=old", "POST", body=b"{}")
    run = Run(request=at, keys=["key"], allow_hosts=["other.com"])
    run.answer(QUEUED)
    assert run.target == ("GET", "http://e.com/jobs/7?key=old")
    run.answer({"state": "running"})
    assert run.target == ("GET", "http://e.com/jobs/7?key=old")
    later = run.retry(Request("http://e.com/jobs?key=new", "POST", body=b"{}"), keys=["key"], allow_hosts=["other.com"])
    assert later.target == ("GET", "http://e.com/jobs/7?key=new")
    later.answer({**DONE, "result": "http://other.com/7"})
    assert later.target == ("GET", "http://other.com/7")


def keyed(key):
    return Request("http://e.com/jobs", "POST", {"Idempotency-Key": key}, b"{}")


def test_a_job_that_follows_a_failed_one_has_a_new_idempotency_key():
    """The first key stands for the failed job. The new key stays until that job has failed too."""
    options = {"idempotency_key": "idempotency-key"}
    run = Run(request=keyed("a"), **options)
    assert run.step.request == keyed("a")
    run.fail(500)
    run = run.retry(keyed("a"), **options)
    assert run.step.request == keyed("a")
    run.answer(QUEUED)
    run.answer({"state": "failed"})
    keys = []
    for end in (lambda run: None, lambda run: run.fail(500), lambda run: run.answer({"state": "failed"})):
        run = run.retry(keyed("a"), **options)
        keys.append(run.step.request.headers["idempotency-key"])
        assert len(run.step.request.headers) == 1
        end(run)
    run = run.retry(keyed("a"), **options)
    last = run.step.request.headers["idempotency-key"]
    assert len({"a", keys[0], last}) == 3
    assert keys == [keys[0]] * 3
    assert run.answer(QUEUED)
    assert Run(POLL, keyed("a")).retry(keyed("a")).step.request == keyed("a")


def test_a_job_that_is_not_found_is_polled_three_times_more():
    """The minimum delays grow; after that a 404 counts as a failure."""
    run = Run()
    run.answer(QUEUED)
    pauses = []
    for _ in range(3):
        assert run.fail(404)
        pauses.append(run.step.after)
        assert run.target == ("GET", "http://e.com/jobs/7")
    assert pauses == [2, 2, 2]
    assert run.answer(DONE)
    assert not run.answer({"x": 1})
    assert (run.outcome, run.result.attempts) == (Outcome.OK, 6)
    hasty = Run(Poll("state", url="self", every=0.01))
    hasty.answer(QUEUED)
    assert [hasty.fail(404) and hasty.step.after for _ in range(3)] == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("statuses", [[404, 404, 404, 404], [410], [404, 410]])
def test_a_job_that_is_gone_is_submitted_again(statuses):
    """The error says so."""
    run = Run()
    run.answer(QUEUED)
    assert [run.fail(status) for status in statuses] == [True] * (len(statuses) - 1) + [False]
    assert (run.outcome, run.result.status) == (Outcome.HTTP_ERROR, statuses[-1])
    assert run.result.error == f"the job is gone (retry_failed submits it again): HTTP {statuses[-1]}"
    assert run.retry().step == Step(1, RENEWED)


def test_a_404_of_a_submission_does_not_mean_that_the_job_is_gone():
    """Its URL may be wrong."""
    run = Run()
    assert not run.fail(404)
    assert run.result.error == "HTTP 404"


@pytest.mark.parametrize(("status", "then"), [(400, ""), (403, ""), (404, ""), (410, ""), (401, "/result")])
def test_an_expired_link_to_a_result_is_renewed_by_a_poll(status, then):
    """Any other failure keeps the link."""
    run = Run()
    downloading(run)
    assert not run.fail(status)
    assert run.result.error == f"HTTP {status}"
    later = run.retry()
    assert later.target == ("GET", f"http://e.com/jobs/7{then}")
    if not then:
        assert later.answer({**DONE, "result": "/fresh"})
        assert later.target == ("GET", "http://e.com/fresh")
    assert not later.answer({"x": 1})
    assert later.outcome is Outcome.OK


def test_a_job_whose_result_is_gone_and_that_cannot_be_polled_is_submitted_again():
    """A 403 may be due to the credentials: then the link is kept."""
    for status, expected in ((404, ("POST", "http://e.com/jobs")), (403, ("GET", "http://e.com/jobs/7/result"))):
        run = Run()
        run.answer(DONE)
        assert run.target == ("GET", "http://e.com/jobs/7/result")
        assert not run.fail(status)
        assert run.retry().target == expected


@pytest.mark.parametrize("outcome", [Outcome.NOT_ATTEMPTED, Outcome.BUDGET_EXHAUSTED])
@pytest.mark.parametrize(
    ("before", "progress"),
    [
        (polling, "the job was still 'queued'"),
        (lambda run: run.answer({"self": "/jobs/7"}), "the job had not ended"),
        (downloading, "the job was done, its result not downloaded"),
    ],
    ids=["polling", "no state", "downloading"],
)
def test_a_job_that_the_run_stopped_polling_is_a_timeout(outcome, before, progress):
    """Its row was sent, in this run and in one that stops before the next poll."""
    unsent = Result(outcome, error="not sent: the run's deadline has passed")
    run = Run()
    before(run)
    run.end(unsent)
    later = run.retry()
    later.end(unsent)
    for each in (run, later):
        assert each.outcome is Outcome.TIMEOUT
        assert each.result.error == (
            f"{progress} when the run stopped: the run's deadline has passed; retry_failed continues to poll it"
        )
    assert later.retry().step.number == 2


def test_a_submission_that_was_not_sent_is_an_unsent_row():
    """There is no job."""
    run = Run()
    run.end(Result(Outcome.NOT_ATTEMPTED, error="not sent: the run's deadline has passed"))
    assert run.outcome is Outcome.NOT_ATTEMPTED
    assert run.retry().step.number == 1


def test_the_url_of_a_result_is_that_of_its_last_request():
    """After a redirect it is the target."""
    run = Run()
    run.answer(QUEUED)
    run.fail(403)
    assert run.result.url == "http://e.com/jobs/7"
    run = Run()
    downloading(run)
    run.answer({"x": 1})
    assert run.result.url == "http://e.com/jobs/7/result"
    run = Run()
    downloading(run)
    run.end(Result(Outcome.OK, {}, 200, 1, url="http://e.com/files/7"))
    assert run.result.url == "http://e.com/files/7"
    run = Run()
    run.end(FAILED)
    assert run.result.url is None


def test_a_202_is_not_taken_for_the_result():
    """Its envelope may say success."""
    run = Run(Poll("status"))
    assert run.answer({"status": "success", "data": {"id": 7}}, status=202, headers={"Location": "/jobs/7"})
    assert not run.answer({"status": "success", "x": 1})
    assert run.result.payload == {"status": "success", "x": 1}


def test_format_and_parser_read_the_result_only():
    """The last poll may be the result."""
    reading = {"format": "csv", "readers": TABULAR_READERS}
    run = Run(reading=reading)
    assert run.answer(QUEUED, status=202)
    assert run.answer({"state": "running"})
    assert run.answer(DONE)
    assert not run.answer(b"a,b\n1,2\n")
    assert run.result.payload.to_dict("list") == {"a": [1], "b": [2]}
    run = Run(Poll("state", url="self"), reading={"parser": lambda response: {"length": len(response.body)}})
    assert run.answer(QUEUED, status=202)
    assert not run.answer({"state": "done"})
    assert run.result.payload == {"length": 17}


@pytest.mark.parametrize("receipt", [b"Accepted", b"<html>Accepted</html>", b"not json", b""])
def test_a_receipt_may_have_any_body_if_location_names_the_job(receipt):
    run = Run()
    assert run.answer(receipt, status=202, headers={"Location": "/jobs/7", "Content-Type": "application/json"})
    assert run.target == ("GET", "http://e.com/jobs/7")


def test_error_when_applies_to_the_result_only():
    """Responses to polls have an error field of their own."""
    run = Run(reading={"error_when": "error"})
    assert run.answer({**QUEUED, "error": "none yet"}, status=202)
    assert run.answer({**DONE, "error": "1 of 9 files is empty"})
    assert not run.answer({"error": "no such file"})
    assert (run.outcome, run.result.error) == (
        Outcome.HTTP_ERROR,
        "HTTP 200, but error_when says: no such file",
    )
    assert run.retry().target == ("GET", "http://e.com/jobs/7/result")


def test_a_200_with_an_error_and_no_url_made_no_job():
    """retry_failed submits it again."""
    run = Run()
    assert not run.answer({"error": "quota exceeded"})
    assert (run.outcome, run.result.error) == (Outcome.HTTP_ERROR, "the submission made no job: quota exceeded")
    assert run.retry().step == Step(1, RENEWED)


def test_a_mutation_with_graphql_errors_made_no_job():
    """GraphQL sends them with a 200."""
    run = Run(reading={"find_error": graphql_error})
    assert not run.answer({"errors": [{"message": "no such export"}]})
    assert run.outcome is Outcome.HTTP_ERROR
    assert run.retry().step == Step(1, RENEWED)


def test_a_mutation_without_errors_submits_a_job():
    run = Run(reading={"find_error": graphql_error})
    assert run.answer({**QUEUED, "data": {"export": 7}})
    assert run.target == ("GET", "http://e.com/jobs/7")

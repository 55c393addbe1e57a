"""503 responses without Retry-After: a limiter's are refusals, those of an origin that fails are not."""

from random import Random
from statistics import median

import pytest

from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._core.policy.retries.retry import FailedAttempt, Repeat, Stop, decide_retry
from pandas_async_io._core.policy.retries.retry_options import Retry
from pandas_async_io._core.policy.retries.unavailable import UnavailableResponses, Verdict
from tests.core.policy.throttling.test_pace import LeakyBucket, SimulatedRun


class FailsAtRandom:
    """A server that answers a share of the requests with 503, however fast they come."""

    rate = float("inf")

    def __init__(self, share, seed):
        self.share, self.random = share, Random(seed)

    def answer(self, now):
        return {} if self.random.random() < self.share else None


class RunWith503(SimulatedRun):
    """A run whose server refuses with a plain 503; a failure is repeated after a delay, without a pause."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.responses, self.verdicts = UnavailableResponses(), []

    def receive(self, row, refusals, started, headers):
        pace = self.pace
        if headers is None:
            super().receive(row, refusals, started, None)
            return
        verdict = self.responses.record(started, accepted=pace.accepted, accepted_at=pace.accepted_at)
        self.verdicts.append(verdict)
        if verdict is Verdict.REFUSAL:
            super().receive(row, refusals, started, headers)
            return
        if verdict is Verdict.NO_LIMITER:
            pace.forget(self.now)
            self.next = self.now
        self.free += 1
        self.refused.append(self.ok)
        self.repeat(row, refusals, 0.1)


def test_fault_83_a_limiter_is_recognised_and_its_rate_learnt():
    """Nearly all 503 responses of a strict limiter are refusals, and few requests are refused."""
    runs = [RunWith503(LeakyBucket(20), 400, seed, 0.02).to_end() for seed in range(6)]
    assert {run.verdicts.count(Verdict.NO_LIMITER) for run in runs} == {0}
    assert median(run.verdicts.count(Verdict.FAILURE) for run in runs) <= 16  # before the first answer
    assert median(len(run.refused) for run in runs) <= 32 + 40
    assert median(run.efficiency for run in runs) >= 0.7


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_requests_that_fail_at_random_are_no_refusals(share):
    """One in ten requests fails: the run is not slowed down."""
    runs = [RunWith503(FailsAtRandom(share, seed), 2000, seed, 0.02).to_end() for seed in range(10)]
    assert median(run.verdicts.count(Verdict.REFUSAL) for run in runs) == 0
    assert median(run.now for run in runs) < 2000 * 0.02 / 32 * 2 + 0.5


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_a_pace_that_does_not_help_is_given_up(share):
    """Many requests fail at random: after a while of spaced requests they go as fast as before."""
    runs = [RunWith503(FailsAtRandom(share, seed), 3000, seed, 0.02).to_end() for seed in range(6)]
    assert max(run.verdicts.count(Verdict.NO_LIMITER) for run in runs) >= 1
    assert median(run.now for run in runs) < 60


def test_fault_35_an_origin_that_never_answers_fails():
    """Without a single answer no 503 is a refusal."""
    responses = UnavailableResponses()
    verdicts = {responses.record(n / 10, accepted=0, accepted_at=-float("inf")) for n in range(100)}
    assert verdicts == {Verdict.FAILURE}


def test_fault_34_an_origin_that_goes_down_fails():
    """Those in flight at the last answer may have been refused; the fifth that was sent after it has failed."""
    responses = UnavailableResponses()
    in_flight = [responses.record(9.9, accepted=500, accepted_at=10.0) for _ in range(32)]
    later = [responses.record(10.1 + n, accepted=500, accepted_at=10.0) for n in range(20)]
    assert in_flight[-1] is Verdict.REFUSAL
    assert set(later[4:]) == {Verdict.FAILURE}


@pytest.mark.parametrize(("method", "expected"), [("GET", Repeat), ("POST", Stop)])
def test_fault_83_only_a_request_that_may_be_sent_twice_is_repeated(method, expected):
    """A plain 503 does not say that the request was not processed; it spends no attempt all the same."""
    failed = FailedAttempt(Request("https://e.com", method), Response(503, {}, b"", ""), attempts=9, refused=True)
    assert isinstance(decide_retry(Retry(), failed, epoch=0.0, jitter=0.5), expected)


def test_a_row_ends_after_ten_refusals_while_nothing_is_accepted():
    """Those before the last accepted request do not count."""

    def decide(in_a_row):
        failed = FailedAttempt(
            Request("https://e.com"), Response(429, {}, b"", ""), refusals=40, refusals_in_a_row=in_a_row
        )
        return decide_retry(Retry(), failed, epoch=0.0, jitter=0.5)

    assert decide(8) == Repeat(10.0, refused=True)
    assert decide(9) == Stop(Outcome.HTTP_ERROR, "HTTP 429 Too Many Requests (refused 41 times)")

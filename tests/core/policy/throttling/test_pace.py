"""The learnt pace, against simulated servers on a virtual clock."""

import heapq
from random import Random
from statistics import median

import pytest

from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.policy.retries.retry import FailedAttempt, Stop, decide_retry, read_refusal_delay
from pandas_async_io._core.policy.retries.retry_options import Retry
from pandas_async_io._core.policy.throttling.pace import Pace


class LeakyBucket:
    """A leaky bucket; with a burst of 1 it refuses every request that comes early."""

    def __init__(self, rate, burst=1, patience=None):
        self.rate, self.burst = rate, burst
        self.refusal = {"Retry-After": patience} if patience else {}
        self.level = self.at = 0.0

    def answer(self, now):
        """Return the headers of a refusal; None accepts."""
        self.level = max(0.0, self.level - (now - self.at) * self.rate)
        self.at = now
        if self.level + 1 > self.burst + 1e-9:
            return self.refusal
        self.level += 1
        return None


class FixedWindow:
    """A count per fixed window, and a Retry-After to its end."""

    def __init__(self, count, per):
        self.count, self.per, self.rate = count, per, count / per
        self.number = self.used = 0

    def answer(self, now):
        if (number := int(now // self.per)) != self.number:
            self.number, self.used = number, 0
        self.used += 1
        return None if self.used <= self.count else {"Retry-After": f"{(number + 1) * self.per - now:.3f}"}


class SimulatedRun:
    """Rows, slots and a pace against a server: discrete events, no real clock."""

    def __init__(self, server, rows, seed, trip, jitter=0.0):
        self.server, self.rows, self.random = server, rows, Random(seed)
        self.trip, self.jitter = trip, jitter
        self.pace, self.free = Pace(0.0), 32
        self.now = self.paused_until = self.next = 0.0
        self.ready = [(0.0, row, 0) for row in range(rows)]
        self.events = []
        self.ok = self.failed = 0
        self.refused = []  # how many were ok, at each refusal

    def to_end(self):
        while self.ok + self.failed < self.rows:
            start = float("inf")
            if self.free and self.ready:
                start = max(self.now, self.ready[0][0], self.paused_until, self.next)
            if self.events and self.events[0][0] <= start:
                self.now, _, act, *details = heapq.heappop(self.events)
                act(*details)
            else:
                self.send(start)
        return self

    def send(self, start):
        self.now = start
        self.pace.record_start(start)
        self.next = start + self.pace.spacing
        self.free -= 1
        _, row, refusals = heapq.heappop(self.ready)
        self.later(self.arrive, row, refusals, start)

    def later(self, act, *details):
        delay = self.trip / 2 + self.jitter * self.random.expovariate(1)
        heapq.heappush(self.events, (self.now + delay, self.random.random(), act, *details))

    def arrive(self, row, refusals, started):
        self.later(self.receive, row, refusals, started, self.server.answer(self.now))

    def receive(self, row, refusals, started, headers):
        self.free += 1
        if headers is None:
            self.ok += 1
            self.pace.record_accepted(self.now, started=started)
            return
        self.refused.append(self.ok)
        response = Response(429, headers, b"", "")
        failed = FailedAttempt(Request(""), response, refusals=refusals, refusals_in_a_row=refusals)
        decision = decide_retry(Retry(), failed, epoch=self.now, jitter=self.random.random())
        asked = read_refusal_delay(Retry(), response, epoch=self.now) or 0.0
        pause = self.pace.record_refusal(self.now, started=started, asked=asked)
        if isinstance(decision, Stop):
            self.failed += 1
            return
        self.paused_until = max(self.paused_until, self.now + (asked or pause or 0.0))
        self.repeat(row, refusals + 1, decision.delay)

    def repeat(self, row, refusals, delay):
        heapq.heappush(self.ready, (self.now + delay, row, refusals))

    @property
    def efficiency(self):
        return self.rows / self.server.rate / self.now


@pytest.mark.parametrize("trip", [0.001, 0.02, 0.1])
@pytest.mark.parametrize(
    ("server", "rows", "jitter"),
    [
        (lambda: LeakyBucket(50), 600, 0.0),
        (lambda: LeakyBucket(50), 600, 0.0002),
        (lambda: LeakyBucket(5), 600, 0.0),
        (lambda: LeakyBucket(5), 600, 0.001),
        (lambda: LeakyBucket(200), 2000, 0.0),
        (lambda: LeakyBucket(5, burst=20), 600, 0.0),
        (lambda: LeakyBucket(50, burst=50), 600, 0.0002),
        (lambda: LeakyBucket(200, burst=100), 3000, 0.0002),
        (lambda: FixedWindow(100, 10), 600, 0.0002),
        (lambda: LeakyBucket(50, patience="1"), 1200, 0.0),
        (lambda: LeakyBucket(20, patience="1"), 400, 0.0002),
    ],
    ids=[
        "50",
        "50 jitter",
        "5",
        "5 jitter",
        "200",
        "5 burst 20",
        "50 burst 50",
        "200 burst 100",
        "100 per 10 s",
        "50 Retry-After 1",
        "20 Retry-After 1",
    ],
)
def test_fault_37_an_unknown_rate_is_learnt(server, rows, jitter, trip):
    """Every row is ok, about a tenth of the rows is refused at most, and 70 % of the rate is used."""
    runs = [SimulatedRun(server(), rows, seed, trip, jitter).to_end() for seed in range(6)]
    assert [run.ok for run in runs] == [rows] * 6
    # The longer the way, the more are on it when a refusal comes.
    assert median(len(run.refused) for run in runs) <= rows * (0.1 + 0.25 * trip)
    assert median(run.efficiency for run in runs) >= 0.7
    assert min(run.efficiency for run in runs) >= 0.6


@pytest.mark.parametrize("server", [LeakyBucket(50), LeakyBucket(5), LeakyBucket(50, burst=10), FixedWindow(100, 10)])
def test_fault_37_a_learnt_rate_is_rarely_refused(server):
    """After a quarter of the rows, less than a twentieth of the rest is refused."""
    run = SimulatedRun(server, 800, seed=1, trip=0.02).to_end()
    assert sum(ok >= 200 for ok in run.refused) < 0.05 * 600


def test_without_a_refusal_the_rate_is_unlimited():
    """Accepted requests alone set no spacing."""
    pace = Pace(0.0)
    for now in range(1, 100):
        pace.record_accepted(float(now), started=now - 0.5)
    assert pace.spacing == 0


def test_refusals_of_requests_sent_before_a_cut_are_ignored():
    """They show nothing about the lower rate."""
    pace = Pace(0.0)
    assert pace.record_refusal(1.0, started=0.9)
    spacing = pace.spacing
    assert {pace.record_refusal(1.0 + n / 100, started=0.9) for n in range(30)} == {None}
    assert pace.spacing == spacing
    assert pace.record_refusal(2.0, started=1.5)
    assert pace.spacing > spacing


def test_each_consecutive_refusal_doubles_the_pause():
    """Up to 20 s, without a Retry-After."""
    pace = Pace(0.0)
    silences = [pace.record_refusal(float(now), started=now - 0.5) for now in range(1, 9)]
    assert silences == [0.2, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20]


def test_a_pace_that_is_not_the_limit_does_not_grow():
    """Slower starts prove nothing about a higher rate."""
    pace = Pace(0.0)
    pace.record_refusal(0.1, started=0.0)
    for now in range(1, 30):
        pace.record_start(float(now))
        pace.record_accepted(now + 0.1, started=float(now))
    assert pace.rate == 10


def test_idle_time_does_not_lower_the_pace():
    """An hour without requests is no hour with few accepted requests."""
    fresh, idle = Pace(0.0), Pace(0.0)
    for pace, begin in ((fresh, 0.0), (idle, 3600.0)):
        if begin:
            pace.record_start(0.0)
            pace.record_accepted(0.1, started=0.0)
        for number in range(20):
            pace.record_start(begin + number / 100)
            pace.record_accepted(begin + number / 100 + 0.1, started=begin + number / 100)
        pace.record_refusal(begin + 0.5, started=begin + 0.2)
    assert idle.rate == pytest.approx(fresh.rate, rel=0.1)

"""Simulated servers on a virtual clock: what is tuned in the module is tuned on these."""

import heapq
import random
from statistics import mean, median

import pytest

from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.policy.concurrency import AdaptiveConcurrency
from pandas_async_io._core.policy.pace import Pace
from pandas_async_io._core.policy.retry import FailedAttempt, Stop, decide_retry, read_refusal_delay
from pandas_async_io._core.policy.retry_options import Retry


class Bucket:
    """A leaky bucket; with a burst of 1 it refuses whatever comes too early."""

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


class Window:
    """So many in each fixed window, and a Retry-After to its end."""

    def __init__(self, count, per):
        self.count, self.per, self.rate = count, per, count / per
        self.number = self.used = 0

    def answer(self, now):
        if (number := int(now // self.per)) != self.number:
            self.number, self.used = number, 0
        self.used += 1
        return None if self.used <= self.count else {"Retry-After": f"{(number + 1) * self.per - now:.3f}"}


class Run:
    """Rows, slots and a pace against a server: discrete events, no real clock."""

    def __init__(self, server, rows, seed, trip, jitter=0.0):
        self.server, self.rows, self.dice = server, rows, random.Random(seed)
        self.trip, self.jitter = trip, jitter
        self.pace, self.free = Pace(0.0), 32
        self.now = self.gate = self.next = 0.0
        self.ready = [(0.0, row, 0) for row in range(rows)]
        self.events = []
        self.ok = self.failed = 0
        self.refused = []  # how many were ok, at each refusal

    def to_end(self):
        while self.ok + self.failed < self.rows:
            start = float("inf")
            if self.free and self.ready:
                start = max(self.now, self.ready[0][0], self.gate, self.next)
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
        way = self.trip / 2 + self.jitter * self.dice.expovariate(1)
        heapq.heappush(self.events, (self.now + way, self.dice.random(), act, *details))

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
        failure = FailedAttempt(Request(""), response, None, 1, refusals)
        verdict = decide_retry(Retry(), failure, epoch=self.now, jitter=self.dice.random())
        silence = self.pace.record_refusal(self.now, started=started)
        if isinstance(verdict, Stop):
            self.failed += 1
            return
        self.gate = max(self.gate, self.now + (read_refusal_delay(Retry(), response, epoch=self.now) or silence or 0.0))
        heapq.heappush(self.ready, (self.now + verdict.delay, row, refusals + 1))

    @property
    def efficiency(self):
        return self.rows / self.server.rate / self.now


@pytest.mark.parametrize("trip", [0.001, 0.02, 0.1])
@pytest.mark.parametrize(
    ("server", "rows", "jitter"),
    [
        (lambda: Bucket(50), 600, 0.0),
        (lambda: Bucket(50), 600, 0.0002),
        (lambda: Bucket(5), 600, 0.0),
        (lambda: Bucket(5), 600, 0.001),
        (lambda: Bucket(200), 2000, 0.0),
        (lambda: Bucket(5, burst=20), 600, 0.0),
        (lambda: Bucket(50, burst=50), 600, 0.0002),
        (lambda: Bucket(200, burst=100), 3000, 0.0002),
        (lambda: Window(100, 10), 600, 0.0002),
        (lambda: Bucket(50, patience="1"), 1200, 0.0),
        (lambda: Bucket(20, patience="1"), 400, 0.0002),
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
def test_fault_37_an_unknown_limit_is_learnt(server, rows, jitter, trip):
    """Every row is ok, a tenth of the rows or little more is refused, and 70 % of what is allowed is used."""
    runs = [Run(server(), rows, seed, trip, jitter).to_end() for seed in range(6)]
    assert [run.ok for run in runs] == [rows] * 6
    # The longer the way, the more are on it when a refusal comes.
    assert median(len(run.refused) for run in runs) <= rows * (0.1 + 0.25 * trip)
    assert median(run.efficiency for run in runs) >= 0.7
    assert min(run.efficiency for run in runs) >= 0.6


@pytest.mark.parametrize("server", [Bucket(50), Bucket(5), Bucket(50, burst=10), Window(100, 10)])
def test_fault_37_after_warming_up_few_are_refused(server):
    """Once a quarter of the rows is through, less than a twentieth of the rest is refused."""
    run = Run(server, 800, seed=1, trip=0.02).to_end()
    assert sum(ok >= 200 for ok in run.refused) < 0.05 * 600


def test_an_origin_that_never_refuses_is_never_paced():
    """Without a refusal there is nothing to learn."""
    pace = Pace(0.0)
    for now in range(1, 100):
        pace.record_accepted(float(now), started=now - 0.5)
    assert pace.spacing == 0


def test_the_echoes_of_a_refusal_are_one_refusal():
    """What was sent before a cut and is refused after it cuts no further."""
    pace = Pace(0.0)
    assert pace.record_refusal(1.0, started=0.9)
    spacing = pace.spacing
    assert {pace.record_refusal(1.0 + n / 100, started=0.9) for n in range(30)} == {None}
    assert pace.spacing == spacing
    assert pace.record_refusal(2.0, started=1.5)
    assert pace.spacing > spacing


def test_an_origin_that_refuses_everything_is_left_alone_ever_longer():
    """Without a Retry-After each refusal in a row makes the silence twice as long, up to a bound."""
    pace = Pace(0.0)
    silences = [pace.record_refusal(float(now), started=now - 0.5) for now in range(1, 9)]
    assert silences == [0.2, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20]


def test_a_pace_that_is_not_the_limit_does_not_grow():
    """What is sent more slowly than the pace allows proves nothing about a higher one."""
    pace = Pace(0.0)
    pace.record_refusal(0.1, started=0.0)
    for now in range(1, 30):
        pace.record_start(float(now))
        pace.record_accepted(now + 0.1, started=float(now))
    assert pace.rate == 10


class Fixed:
    """A limit that learns nothing."""

    def __init__(self, limit):
        self.limit = limit

    def record_success(self, rtt, in_flight, now):
        pass


def throughput(limiter, knee, steepness, noise, rows=3000):
    """Return rows per second from a server that slows down beyond so many in flight."""
    dice, now, sent, done, flight, limits = random.Random(0), 0.0, 0, 0, [], []
    while done < rows:
        while sent < rows and len(flight) < limiter.limit:
            many = len(flight) + 1
            rtt = 0.1 * max(1, many / knee) ** steepness * (1 + noise * dice.expovariate(1))
            heapq.heappush(flight, (now + rtt, sent, now, many))
            sent += 1
        now, _, start, many = heapq.heappop(flight)
        done += 1
        limiter.record_success(now - start, many, now)
        limits.append(limiter.limit)
    return rows / now, limits


@pytest.mark.parametrize(
    ("knee", "steepness", "noise"),
    [(5, 1.0, 0.0), (5, 1.0, 0.2), (5, 1.5, 0.0), (5, 1.5, 0.2), (20, 1.0, 0.0), (20, 1.0, 0.2)],
)
def test_adaptive_concurrency_finds_a_hidden_knee(knee, steepness, noise):
    """Nine tenths of what the best fixed number reaches, which nobody knows beforehand."""
    best = max(throughput(Fixed(n), knee, steepness, noise)[0] for n in (knee - 1, knee, knee + 1, knee + 2, 32))
    reached, limits = throughput(AdaptiveConcurrency(high=64), knee, steepness, noise)
    assert reached >= 0.9 * best
    assert knee * 0.7 <= mean(limits[300:]) <= knee * 1.4


def test_adaptive_concurrency_stays_within_its_bounds():
    """A server without a knee is used up to the high mark, and refusals lead nowhere below the low one."""
    adaptive = AdaptiveConcurrency(start=4, low=2, high=16)
    _, limits = throughput(adaptive, 1000, 1.0, 0.0)
    assert max(limits) == 16
    for number in range(12):
        adaptive.record_refusal(1000 + number / 1000, 16 - number)
    assert adaptive.limit == 4
    for now in range(1001, 1100):
        adaptive.record_success(0.1, adaptive.limit, float(now))
        adaptive.record_refusal(now + 0.5, adaptive.limit)
        assert 2 <= adaptive.limit <= 16


DRAWS = {
    "exponential": lambda dice: dice.expovariate(50),
    "uniform": lambda dice: dice.uniform(0.01, 0.03),
    "lognormal": lambda dice: 0.02 * dice.lognormvariate(0, 0.5),
    "a long tail": lambda dice: 0.02 * dice.lognormvariate(0, 1),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_round_trips_that_differ_by_themselves_are_no_queue(draw, seed):
    """A server without a limit is used well, however its answers vary, and no bad luck lasts."""
    dice, adaptive, flight, limits = random.Random(seed), AdaptiveConcurrency(high=64), [], []
    now, sent = 0.0, 0
    while now < 60:
        while len(flight) < adaptive.limit:
            sent += 1
            heapq.heappush(flight, (now + draw(dice), sent, now))
        many = len(flight)
        now, _, start = heapq.heappop(flight)
        adaptive.record_success(now - start, many, now)
        limits.append(adaptive.limit)
    assert mean(limits) >= 20
    assert mean(limits[len(limits) // 2 :]) >= 20


def test_adaptive_concurrency_grows_only_when_it_was_the_limit():
    """A run that never fills its slots says nothing about more of them."""
    adaptive = AdaptiveConcurrency(start=8)
    for n in range(1, 500):
        adaptive.record_success(0.1, 2, n * 0.2)
    assert adaptive.limit <= 8


def test_of_a_burst_that_is_refused_in_part_the_rest_is_the_limit():
    """Six of ten come back refused: four is what the server takes."""
    adaptive = AdaptiveConcurrency(start=10)
    assert all(adaptive.record_refusal(1.0 + n / 100, 10 - n) for n in range(6))
    assert adaptive.limit == 4


def refusing(adaptive, most, noise=0.0, rows=3000, silence=0.0):
    """Return rows per second, and refusals, of a server that refuses what is more than so many in flight."""
    dice, now, sent, done, refused, flight, pause = random.Random(0), 0.0, 0, 0, 0, [], 0.0
    while done < rows:
        while sent - done - refused < rows - done and len(flight) < adaptive.limit and now >= pause:
            many = sum(ok for *_, ok in flight) + 1
            rtt = 0.05 * (1 + noise * dice.expovariate(1)) if many <= most else 0.005
            heapq.heappush(flight, (now + rtt, sent, now, many <= most))
            sent += 1
        if not flight:
            now = pause
            continue
        many = len(flight)
        now, _, start, ok = heapq.heappop(flight)
        if ok:
            done += 1
            adaptive.record_success(now - start, many, now)
        else:
            refused += 1
            adaptive.record_refusal(now, many, silence)
            pause = max(pause, now + silence)
    return rows / now, refused


@pytest.mark.parametrize("most", [2, 5, 20])
@pytest.mark.parametrize("noise", [0.0, 0.2])
@pytest.mark.parametrize("silence", [0.0, 1.0])
def test_adaptive_concurrency_learns_how_many_are_not_refused(most, noise, silence):
    """Nine tenths of what the best fixed number reaches, for few refusals, though each may cost a second."""
    reached, refused = refusing(AdaptiveConcurrency(high=32), most, noise, silence=silence)
    ideal = 3000 * 0.05 * (1 + noise) / most + silence  # the first refusal is bad luck
    assert reached >= 0.9 * 3000 / ideal
    assert refused <= 40


def test_of_a_burst_that_is_refused_but_for_one_the_limit_is_no_matter():
    """A pace lets one through, whatever else comes with it."""
    adaptive = AdaptiveConcurrency(start=8)
    assert [adaptive.record_refusal(1.0 + n / 100, 8 - n) for n in range(7)] == [True] * 6 + [False]
    assert adaptive.limit == 8


def test_a_rate_is_no_matter_of_concurrency():
    """What is refused however few there are is for the pace to learn, and the limit is what it was."""
    adaptive, explained = AdaptiveConcurrency(start=8), []
    for n in range(8):
        explained.append(adaptive.record_refusal(n * 1.0, adaptive.limit))
        adaptive.record_success(0.1, 1, n + 0.5)
    assert explained == [True] * 3 + [False] * 5
    assert adaptive.limit == 8


def test_time_in_which_nothing_was_sent_says_nothing_of_a_pace():
    """An hour of idleness is no hour in which little was accepted."""
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

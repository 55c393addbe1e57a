"""What follows an attempt: a repetition, a pause or the row's result."""

import asyncio

from pandas_async_io._core.errors import TransportError
from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.retries.retry_options import Retry
from tests.io.engine.runs import respond, run_requests


def test_a_lost_connection_is_repeated():
    tries = {}

    async def send(request, timeout):
        tries[request.url] = tries.get(request.url, 0) + 1
        await asyncio.sleep(0)
        if tries[request.url] == 1 and request.url.endswith("7"):
            raise TransportError("reset", transient=True)
        return respond()

    results = run_requests(send)
    assert results[7].outcome is Outcome.OK
    assert results[7].attempts == 2
    assert sum(tries.values()) == 22


def test_fault_02_a_post_that_may_have_arrived_is_not_repeated():
    """Its error says that the server may have received it."""
    sent = []

    async def send(request, timeout):
        sent.append(request.url)
        raise TransportError("reset", transient=True)

    results = run_requests(send, 1, method="POST")
    assert len(sent) == 1
    assert results[0].outcome is Outcome.TRANSPORT_ERROR
    assert "may have received" in results[0].error


def test_a_refusal_spends_no_attempt():
    """Four refusals precede the answer under a policy of two attempts, for a POST too."""
    tries = 0

    async def send(request, timeout):
        nonlocal tries
        tries += 1
        return respond(429, headers={"Retry-After": "0.01"}) if tries <= 4 else respond()

    results = run_requests(send, 1, method="POST", retry=Retry(attempts=2, throttle_base=0.001, cap=0.002))
    assert results[0].outcome is Outcome.OK
    assert results[0].attempts == 5


def test_fault_29_retry_after_pauses_the_whole_origin():
    starts, refused_at = [], None

    async def send(request, timeout):
        nonlocal refused_at
        now = asyncio.get_running_loop().time()
        starts.append(now)
        await asyncio.sleep(0)
        if refused_at is None:
            refused_at = now
            return respond(429, headers={"Retry-After": "0.3"})
        return respond()

    run_requests(send, 10, concurrency=2)
    later = [start for start in starts if start > refused_at + 0.05]
    assert len(later) >= 9
    assert min(later) >= refused_at + 0.3


def test_fault_32_a_retry_after_above_max_wait_ends_the_row_at_once():
    async def send(request, timeout):
        return respond(429, headers={"Retry-After": "99999999999"})

    results = run_requests(send, 1)
    assert results[0].outcome is Outcome.RATE_LIMITED_TOO_LONG


def test_fault_34_no_row_is_lost_to_the_retry_budget():
    """When every answer is a transient failure, each request has all its attempts, in whichever order."""
    sent = 0

    async def send(request, timeout):
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)
        return respond(408)

    results = run_requests(send, 200, concurrency=4)
    assert sent == 200 * 4
    assert {result.outcome for result in results.values()} == {Outcome.HTTP_ERROR}


def test_fault_34_probes_of_an_outage_cost_a_row_no_attempt(set_probe_delays):
    """All rows are ok once the origin is up again."""
    set_probe_delays(0.01, 0.02, 0.04, 0.08, 0.15)
    sent = 0

    async def send(request, timeout):
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)
        return respond(503) if 10 <= sent < 18 else respond()

    retry = Retry(attempts=9, base=0.001, cap=0.002, patience=0)  # before the breaker opens each failure is an attempt
    results = run_requests(send, 100, concurrency=4, retry=retry)
    assert {result.outcome for result in results.values()} == {Outcome.OK}
    assert sent <= 120


def test_fault_78_a_predicate_that_raises_fails_its_row_only():
    """The exception in `Retry(when=...)` is a parse_error of that row."""

    def when(response, error):
        if response.body == b"bad":
            raise KeyError("oops")

    async def send(request, timeout):
        return respond(body=b"bad" if request.url.endswith("/3") else b"good")

    results = run_requests(send, 5, retry=Retry(when=when))
    assert results[3].outcome is Outcome.PARSE_ERROR
    assert "KeyError" in results[3].error
    assert "when" in results[3].error
    assert {results[n].outcome for n in (0, 1, 2, 4)} == {Outcome.OK}


def test_fault_34_the_last_attempt_comes_after_the_patience():
    """The row that fails waits for it without a slot; a run without any answer does not wait."""
    starts = {}

    async def send(request, timeout):
        starts.setdefault(request.url, []).append(asyncio.get_running_loop().time())
        await asyncio.sleep(0)
        return respond(500 if request.url.endswith("/3") or len(starts) == 1 else 200)

    retry = Retry(base=0.001, cap=0.002, patience=0.5)
    results = run_requests(send, 10, concurrency=1, retry=retry)
    failing = starts["http://e.com/3"]
    assert results[3].attempts == len(failing) == 4
    assert failing[-1] - failing[0] >= 0.5
    assert max(several[-1] for url, several in starts.items() if not url.endswith("/3")) < failing[-1]
    starts.clear()
    run_requests(send, 1, retry=retry)
    assert starts["http://e.com/0"][-1] - starts["http://e.com/0"][0] < 0.5

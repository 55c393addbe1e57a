"""The engine with an injected `send`: order, retries, slots, stops. Nothing here sleeps on time."""

import asyncio
from collections import Counter

import pytest

from pandas_async_io._core.errors import (
    AttemptTimeoutError,
    BodyTooLargeError,
    DescriptorError,
    RedirectError,
    TransportError,
    UnsafeUrlError,
)
from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._core.policy.policy import Policy
from pandas_async_io._core.policy.retry_options import Retry
from pandas_async_io._core.policy.run_budget import RunBudget
from pandas_async_io._core.report.tally import Tally
from pandas_async_io._core.workflow.base import Step
from pandas_async_io._core.workflow.plain import Plain
from pandas_async_io._io.engine.context import CallContext
from pandas_async_io._io.engine.run import OriginRun, run_origins
from pandas_async_io._io.gate.gate import Gate

QUICK = Retry(base=0.001, throttle_base=0.001, cap=0.002)


def answer(status=200, body=b"{}", headers=()):
    return Response(status, dict(headers), body, "http://e.com/")


def call_of(send, **options):
    """Return the context of a plain call with a concurrency of 4; `deliver` takes its results."""
    deliver = options.pop("deliver", lambda position, result: None)
    defaults = {
        "workflow": Plain(lambda response, position: response.body, deliver),
        "policy": Policy(4, adaptive=False, rates=(), retry=QUICK, timeout=5.0),
        "budget": RunBudget(4),
        "tally": Tally(),
        "gate_of": lambda origin: Gate(),
    }
    return CallContext(send=send, **{**defaults, **options})


def run_of(call, gate, count, *, host="e.com", method="GET"):
    """Return the run of `count` requests to one origin."""
    return OriginRun(call, gate, ((n, Request(f"http://{host}/{n}", method)) for n in range(count)), count)


def run(send, count=20, *, concurrency=4, retry=QUICK, method="GET", budget=None, gate=None, timeout=5.0):
    """Run `count` requests and return their results by position; no task is left, and no result comes twice."""
    results = {}

    async def main():
        call = call_of(
            send,
            policy=Policy(concurrency, adaptive=False, rates=(), retry=retry, timeout=timeout),
            budget=budget or RunBudget(concurrency),
            deliver=lambda position, result: results.setdefault(position, []).append(result),
        )
        await run_origins(call, [run_of(call, gate or Gate(), count, method=method)])
        return asyncio.all_tasks() - {asyncio.current_task()}

    leftovers = asyncio.run(main())
    assert not leftovers
    assert all(len(several) == 1 for several in results.values())
    return {position: several[0] for position, several in results.items()}


def test_every_request_gets_one_result_at_its_position():
    """Results come by position, whatever the order of the answers."""

    async def send(request, timeout):
        for _ in range(hash(request.url) % 5):
            await asyncio.sleep(0)
        return answer(body=request.url.encode())

    results = run(send, 50)
    assert [results[n].payload for n in range(50)] == [f"http://e.com/{n}".encode() for n in range(50)]
    assert {result.outcome for result in results.values()} == {Outcome.OK}


def test_no_more_requests_are_in_flight_than_allowed():
    """Concurrency is a ceiling, and it is reached."""
    flying, seen = 0, []

    async def send(request, timeout):
        nonlocal flying
        flying += 1
        seen.append(flying)
        await asyncio.sleep(0)
        flying -= 1
        return answer()

    run(send, 40, concurrency=7)
    assert max(seen) == 7


def test_fault_53_there_is_no_task_per_request():
    """A thousand requests take as many tasks as workers."""
    tasks = []

    async def send(request, timeout):
        tasks.append(len(asyncio.all_tasks()))
        await asyncio.sleep(0)
        return answer()

    run(send, 1000, concurrency=5)
    assert max(tasks) <= 5 + 2


def test_a_request_that_fails_once_is_sent_again():
    """A reset is repeated and the row is ok, with two attempts."""
    tries = {}

    async def send(request, timeout):
        tries[request.url] = tries.get(request.url, 0) + 1
        await asyncio.sleep(0)
        if tries[request.url] == 1 and request.url.endswith("7"):
            raise TransportError("reset", transient=True)
        return answer()

    results = run(send)
    assert results[7].outcome is Outcome.OK
    assert results[7].attempts == 2
    assert sum(tries.values()) == 22


def test_fault_02_a_post_that_may_have_arrived_is_not_repeated():
    """POST without a key: one attempt, and the row says that the server may have received it."""
    sent = []

    async def send(request, timeout):
        sent.append(request.url)
        raise TransportError("reset", transient=True)

    results = run(send, 1, method="POST")
    assert len(sent) == 1
    assert results[0].outcome is Outcome.TRANSPORT_ERROR
    assert "may have received" in results[0].error


def test_no_slot_is_held_while_a_request_backs_off():
    """One slot, one failing request: the others go on while it waits."""
    order = []

    async def send(request, timeout):
        order.append(request.url[-1])
        await asyncio.sleep(0)
        if request.url.endswith("0") and order.count("0") == 1:
            raise TransportError("reset", transient=True)
        return answer()

    run(send, 5, concurrency=1, retry=Retry(base=0.2))
    assert order[0] == "0"
    assert order[-1] == "0"
    assert sorted(order[1:-1]) == ["1", "2", "3", "4"]


def test_a_refused_request_spends_no_attempt():
    """Four refusals and then an answer: ok under a policy of two attempts, for POST too."""
    tries = 0

    async def send(request, timeout):
        nonlocal tries
        tries += 1
        return answer(429, headers={"Retry-After": "0.01"}) if tries <= 4 else answer()

    results = run(send, 1, method="POST", retry=Retry(attempts=2, throttle_base=0.001, cap=0.002))
    assert results[0].outcome is Outcome.OK
    assert results[0].attempts == 5


def test_fault_29_a_refusal_pauses_the_whole_origin():
    """After a 429 with Retry-After nobody starts before it is over."""
    starts, refused_at = [], None

    async def send(request, timeout):
        nonlocal refused_at
        now = asyncio.get_running_loop().time()
        starts.append(now)
        await asyncio.sleep(0)
        if refused_at is None:
            refused_at = now
            return answer(429, headers={"Retry-After": "0.3"})
        return answer()

    run(send, 10, concurrency=2)
    later = [start for start in starts if start > refused_at + 0.05]
    assert len(later) >= 9
    assert min(later) >= refused_at + 0.3


def test_fault_32_an_absurd_retry_after_ends_the_row_at_once():
    """A wait above max_wait is not waited for."""

    async def send(request, timeout):
        return answer(429, headers={"Retry-After": "99999999999"})

    results = run(send, 1)
    assert results[0].outcome is Outcome.RATE_LIMITED_TOO_LONG


def test_max_requests_ends_the_unsent_rows():
    """What is not sent when the requests are spent says so."""

    async def send(request, timeout):
        return answer()

    results = run(send, 20, budget=RunBudget(4, max_requests=5))
    outcomes = [results[n].outcome for n in range(20)]
    assert outcomes == [Outcome.OK] * 5 + [Outcome.BUDGET_EXHAUSTED] * 15


def test_a_wrong_token_stops_the_run():
    """All 401: at most concurrency + 25 requests, the rest not attempted."""
    sent = 0

    async def send(request, timeout):
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)
        return answer(401)

    results = run(send, 500, concurrency=8)
    assert sent <= 8 + 25
    assert results[499].outcome is Outcome.NOT_ATTEMPTED
    assert "401" in results[499].error


def test_retries_stay_within_their_share():
    """When every answer is a transient failure, at most a fifth of the requests, or ten, are repeated."""
    sent = 0

    async def send(request, timeout):
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)
        return answer(408)

    results = run(send, 200, concurrency=4)
    assert sent <= 200 + 40
    assert {result.outcome for result in results.values()} == {Outcome.HTTP_ERROR}


def test_fault_34_a_row_survives_the_probes_of_an_outage(monkeypatch):
    """An origin that is down for a while costs no row an attempt, and all rows are ok once it heals."""
    monkeypatch.setattr("pandas_async_io._core.policy.breaker.PROBE_DELAYS", (0.01, 0.02, 0.04, 0.08, 0.15))
    sent = 0

    async def send(request, timeout):
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)
        return answer(503) if 10 <= sent < 18 else answer()

    patient = Retry(attempts=9, base=0.001, cap=0.002)  # before the breaker opens each failure is an attempt
    results = run(send, 100, concurrency=4, retry=patient)
    assert {result.outcome for result in results.values()} == {Outcome.OK}
    assert sent <= 120


def test_fault_35_a_dead_origin_ends_the_run(monkeypatch):
    """A permanent failure ends in bounded time: the unsent rows are not attempted, the sent keep their cause."""
    monkeypatch.setattr("pandas_async_io._core.policy.breaker.PROBE_DELAYS", (0.01, 0.02, 0.02, 0.02, 0.02))
    sent = 0

    async def send(request, timeout):
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)
        raise TransportError("refused", transient=True, received=False)

    results = run(send, 3000, concurrency=4)
    assert len(results) == 3000
    assert sent < 40
    assert results[0].outcome is Outcome.TRANSPORT_ERROR
    assert results[0].error.startswith("refused")
    ended = Counter(result.outcome for result in results.values())
    assert ended.keys() == {Outcome.TRANSPORT_ERROR, Outcome.NOT_ATTEMPTED}
    assert ended[Outcome.TRANSPORT_ERROR] <= sent


def test_a_block_of_bad_rows_does_not_take_the_others_with_it(monkeypatch):
    """What is sent to see whether the origin is back comes from elsewhere among the rows."""
    monkeypatch.setattr("pandas_async_io._core.policy.breaker.PROBE_DELAYS", (0.01, 0.02, 0.04, 0.08, 0.15))

    async def send(request, timeout):
        await asyncio.sleep(0)
        return answer(500 if int(request.url.rsplit("/", 1)[1]) < 40 else 200)

    results = run(send, 300)
    assert {results[n].outcome for n in range(40)} == {Outcome.HTTP_ERROR}
    assert {results[n].outcome for n in range(40, 300)} == {Outcome.OK}


def test_bad_rows_at_the_end_do_not_open_the_breaker():
    """Rows that fail again and again say nothing of the origin: the run ends as soon as they are done."""

    async def send(request, timeout):
        await asyncio.sleep(0)
        return answer(500 if int(request.url.rsplit("/", 1)[1]) % 10 == 0 else 200)

    gate = Gate()
    results = run(send, 100, gate=gate)
    assert not gate.only_probes
    assert [n for n in range(100) if results[n].outcome is Outcome.HTTP_ERROR] == list(range(0, 100, 10))


def test_fault_78_a_predicate_that_raises_fails_its_row_only():
    """An exception in Retry(when=...) is that row's parse_error; the others go on."""

    def when(response, error):
        if response.body == b"bad":
            raise KeyError("oops")

    async def send(request, timeout):
        return answer(body=b"bad" if request.url.endswith("/3") else b"good")

    results = run(send, 5, retry=Retry(when=when))
    assert results[3].outcome is Outcome.PARSE_ERROR
    assert "KeyError" in results[3].error
    assert "when" in results[3].error
    assert {results[n].outcome for n in (0, 1, 2, 4)} == {Outcome.OK}


def test_a_fault_of_our_own_comes_out_as_itself():
    """A programming error is never swallowed, nor wrapped in a group."""

    async def send(request, timeout):
        await asyncio.sleep(0)
        raise ZeroDivisionError("ours")

    with pytest.raises(ZeroDivisionError, match="ours"):
        run(send, 10)


def test_a_cancelled_run_leaves_nothing_behind():
    """Cancelling gives every slot back and ends every worker."""

    async def main():
        gate, started = Gate(), asyncio.Event()
        wide = Policy(8, adaptive=False, rates=(), retry=QUICK, timeout=5.0)

        async def send(request, timeout):
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(run_of(call_of(send, policy=wide), gate, 50).run())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return gate.slots.in_use, gate.only_probes, asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(main()) == (0, False, set())


@pytest.mark.parametrize(
    "error", [UnsafeUrlError("leads elsewhere"), BodyTooLargeError("too large"), RedirectError("in circles")]
)
def test_answers_that_are_not_taken_say_nothing_against_the_origin(error):
    """Each row ends with its own error, and none waits for an origin that is up."""

    async def send(request, timeout):
        await asyncio.sleep(0)
        raise error

    gate = Gate()
    results = run(send, 40, gate=gate)
    assert not gate.only_probes
    assert {result.outcome for result in results.values()} == {error.outcome}


def test_a_run_that_its_deadline_ends_leaves_the_origin_open_for_others():
    """That we had no more time is no failure of the server's."""

    async def send(request, timeout):
        await asyncio.sleep(timeout)
        raise AttemptTimeoutError("late", transient=True)

    async def main():
        gate, results = Gate(), []
        until = asyncio.get_running_loop().time() + 0.05
        options = {"policy": Policy(8, adaptive=False, rates=(), retry=QUICK, timeout=5.0)}
        options["deliver"] = lambda at, result: results.append(result)
        call = call_of(send, budget=RunBudget(8, deadline=until), **options)
        await run_origins(call, [run_of(call, gate, 8)])
        return gate.only_probes, {result.outcome for result in results}

    assert asyncio.run(main()) == (False, {Outcome.TIMEOUT})


def test_attempts_are_what_was_on_the_wire(monkeypatch):
    """A row that was sent as a probe was sent; one for which there was never a socket was not."""
    monkeypatch.setattr("pandas_async_io._core.policy.breaker.PROBE_DELAYS", (0.01, 0.02, 0.02, 0.02, 0.02))
    sent = Counter()

    async def down(request, timeout):
        sent[request.url] += 1
        return answer(503)

    results = run(down, 30, concurrency=1)
    assert {n: results[n].attempts for n in range(30)} == {n: sent[f"http://e.com/{n}"] for n in range(30)}
    assert all((result.fetched_at is None) == (result.attempts == 0) for result in results.values())

    async def no_socket(request, timeout):
        raise DescriptorError("no socket", transient=True, received=False)

    monkeypatch.setattr("pandas_async_io._io.engine.follow_up._NO_SOCKET_SECONDS", 1e-6)
    [result] = run(no_socket, 1, retry=Retry(attempts=1)).values()
    assert (result.outcome, result.fetched_at) == (Outcome.TRANSPORT_ERROR, None)


def test_hopeless_origins_stop_no_other_one():
    """30 names that do not exist and 30 requests to a host that does: the latter are all sent."""

    async def send(request, timeout):
        await asyncio.sleep(0)
        if "nowhere" in request.url:
            raise TransportError("does not resolve", received=False)
        return answer()

    async def main():
        found = Counter()
        call = call_of(send, deliver=lambda position, result: found.update([(position < 30, result.outcome)]))
        here = OriginRun(call, Gate(), ((n, Request("http://here/")) for n in range(30)), 30)
        nowhere = OriginRun(call, Gate(), ((n, Request("http://nowhere/")) for n in range(30, 60)), 30)
        await run_origins(call, [nowhere, here])
        return found

    found = asyncio.run(main())
    assert found[True, Outcome.OK] == 30
    assert found[False, Outcome.NOT_ATTEMPTED] >= 1


def test_a_silent_origin_that_pages_lead_to_stops_nobody_at_home():
    """While it is paused its requests wait by themselves; those of the home origin go on."""
    seen = []

    async def send(request, timeout):
        await asyncio.sleep(0)
        seen.append(request.url)
        first = request.url == "http://cdn.com/0" and seen.count(request.url) == 1
        return answer(429, headers={"Retry-After": "0.3"}) if first else answer()

    class ToCdn:
        one_request = False

        def begin(self, position, request):
            return [Step(1, request)]

        def decode(self, position, number, response):
            return None

        def next_steps(self, position, number, page, now, epoch):
            return [Step(2, Request(f"http://cdn.com/{position}"))] if number == 1 and position < 8 else []

        def replacement_steps(self, *args):
            return []

        def finish_step(self, *args):
            pass

    async def main():
        home, cdn = Gate(), Gate()
        call = call_of(send, workflow=ToCdn(), gate_of=lambda origin: cdn)
        await run_origins(call, [run_of(call, home, 200)])

    asyncio.run(main())
    again = [at for at, url in enumerate(seen) if url == "http://cdn.com/0"][1]
    assert sum("e.com" in url for url in seen[:again]) == 200
    assert sum("cdn.com" in url for url in seen) == 9

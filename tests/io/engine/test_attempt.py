"""Attempts: what each one tells the gate about the origin, and which ones count."""

import asyncio
from collections import Counter

import pytest

from pandas_async_io._core.errors import (
    AttemptTimeoutError,
    BodyTooLargeError,
    DescriptorError,
    RedirectError,
    UnsafeUrlError,
)
from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.policy import Policy
from pandas_async_io._core.policy.retries.retry_options import Retry
from pandas_async_io._core.policy.run_budget import RunBudget
from pandas_async_io._io.engine.run_origins import run_origins
from pandas_async_io._io.gate.gate import Gate
from tests.io.engine.runs import QUICK, make_context, make_run, respond, run_requests


@pytest.mark.parametrize(
    "error",
    [UnsafeUrlError("private"), BodyTooLargeError("too large"), RedirectError("a loop")],
    ids=["unsafe URL", "body too large", "redirect loop"],
)
def test_a_response_that_is_rejected_is_no_failure_of_the_origin(error):
    """Each row ends with its own error, and the breaker stays closed."""

    async def send(request, timeout):
        await asyncio.sleep(0)
        raise error

    gate = Gate()
    results = run_requests(send, 40, gate=gate)
    assert not gate.only_probes
    assert {result.outcome for result in results.values()} == {error.outcome}


def test_repeated_failures_of_single_rows_do_not_open_the_breaker():
    async def send(request, timeout):
        await asyncio.sleep(0)
        return respond(500 if int(request.url.rsplit("/", 1)[1]) % 10 == 0 else 200)

    gate = Gate()
    results = run_requests(send, 100, gate=gate)
    assert not gate.only_probes
    assert [n for n in range(100) if results[n].outcome is Outcome.HTTP_ERROR] == list(range(0, 100, 10))


def test_a_timeout_at_the_runs_deadline_is_no_failure_of_the_origin():
    async def send(request, timeout):
        await asyncio.sleep(timeout)
        raise AttemptTimeoutError("late", transient=True)

    async def main():
        gate, results = Gate(), []
        until = asyncio.get_running_loop().time() + 0.05
        options = {"policy": Policy(8, adaptive=False, rates=(), retry=QUICK, timeout=5.0)}
        options["deliver"] = lambda at, result: results.append(result)
        call = make_context(send, budget=RunBudget(deadline=until), **options)
        await run_origins(call, [make_run(call, gate, 8)])
        return gate.only_probes, {result.outcome for result in results}

    assert asyncio.run(main()) == (False, {Outcome.TIMEOUT})


def test_attempts_are_counted_when_they_are_on_the_wire(monkeypatch, set_probe_delays):
    """A probe counts; an attempt for which there was no socket does not."""
    set_probe_delays(0.01, 0.02, 0.02, 0.02, 0.02)
    sent = Counter()

    async def down(request, timeout):
        sent[request.url] += 1
        return respond(503)

    results = run_requests(down, 30, concurrency=1)
    assert {n: results[n].attempts for n in range(30)} == {n: sent[f"http://e.com/{n}"] for n in range(30)}
    assert all((result.fetched_at is None) == (result.attempts == 0) for result in results.values())

    async def no_socket(request, timeout):
        raise DescriptorError("no socket", transient=True, received=False)

    monkeypatch.setattr("pandas_async_io._io.engine.follow_up._NO_SOCKET_SECONDS", 1e-6)
    [result] = run_requests(no_socket, 1, retry=Retry(attempts=1)).values()
    assert (result.outcome, result.fetched_at) == (Outcome.TRANSPORT_ERROR, None)

"""Admission: what stops a run, and how its unsent rows end."""

import asyncio
from collections import Counter

import pytest

from pandas_async_io._core.errors import TransportError
from pandas_async_io._core.models import Outcome
from pandas_async_io._core.policy.run_budget import RunBudget
from tests.io.engine.runs import respond, run_requests


def test_max_requests_ends_the_unsent_rows():
    async def send(request, timeout):
        return respond()

    results = run_requests(send, 20, budget=RunBudget(max_requests=5))
    outcomes = [results[n].outcome for n in range(20)]
    assert outcomes == [Outcome.OK] * 5 + [Outcome.BUDGET_EXHAUSTED] * 15


def test_a_run_whose_first_responses_are_all_401_stops():
    """At most concurrency + 25 requests are sent."""
    sent = 0

    async def send(request, timeout):
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)
        return respond(401)

    results = run_requests(send, 500, concurrency=8)
    assert sent <= 8 + 25
    assert results[499].outcome is Outcome.NOT_ATTEMPTED
    assert "401" in results[499].error


@pytest.mark.slow
def test_fault_35_an_origin_that_stays_down_ends_the_run(set_probe_delays):
    """Rows that were sent keep their cause; the others end as not attempted."""
    set_probe_delays(0.01, 0.02, 0.02, 0.02, 0.02)
    sent = 0

    async def send(request, timeout):
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)
        raise TransportError("refused", transient=True, received=False)

    results = run_requests(send, 3000, concurrency=4)
    assert len(results) == 3000
    assert sent < 40
    assert results[0].outcome is Outcome.TRANSPORT_ERROR
    assert results[0].error.startswith("refused")
    ended = Counter(result.outcome for result in results.values())
    assert ended.keys() == {Outcome.TRANSPORT_ERROR, Outcome.NOT_ATTEMPTED}
    assert ended[Outcome.TRANSPORT_ERROR] <= sent

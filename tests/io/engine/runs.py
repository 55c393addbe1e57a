"""Run requests through the engine with an injected `send`."""

import asyncio

from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.policy.policy import Policy
from pandas_async_io._core.policy.retries.retry_options import Retry
from pandas_async_io._core.policy.run_budget import RunBudget
from pandas_async_io._core.report.tally import Tally
from pandas_async_io._core.workflow.plain import Plain
from pandas_async_io._io.engine.context import CallContext
from pandas_async_io._io.engine.run import OriginRun
from pandas_async_io._io.engine.run_origins import run_origins
from pandas_async_io._io.gate.gate import Gate

QUICK = Retry(base=0.001, throttle_base=0.001, cap=0.002, patience=0)


def respond(status=200, body=b"{}", headers=()):
    """Return a response."""
    return Response(status, dict(headers), body, "http://e.com/")


def make_context(send, **options):
    """Return the context of a plain call; its defaults are a concurrency of 4 and quick retries."""
    deliver = options.pop("deliver", lambda position, result: None)
    defaults = {
        "workflow": Plain(lambda response, position: response.body, deliver),
        "policy": Policy(4, adaptive=False, rates=(), retry=QUICK, timeout=5.0),
        "budget": RunBudget(),
        "tally": Tally(),
        "gate_of": lambda origin: Gate(),
    }
    return CallContext(send=send, **{**defaults, **options})


def make_run(call, gate, count, *, host="e.com", method="GET"):
    """Return the run of `count` requests to one origin."""
    return OriginRun(call, gate, ((n, Request(f"http://{host}/{n}", method)) for n in range(count)), count)


def run_requests(send, count=20, *, concurrency=4, retry=QUICK, method="GET", budget=None, gate=None, timeout=5.0):
    """Run `count` requests to one origin and return their results by position.

    No task is left, and each request has one result.
    """
    results = {}

    async def main():
        call = make_context(
            send,
            policy=Policy(concurrency, adaptive=False, rates=(), retry=retry, timeout=timeout),
            budget=budget or RunBudget(),
            deliver=lambda position, result: results.setdefault(position, []).append(result),
        )
        await run_origins(call, [make_run(call, gate or Gate(), count, method=method)])
        return asyncio.all_tasks() - {asyncio.current_task()}

    leftovers = asyncio.run(main())
    assert not leftovers
    assert all(len(several) == 1 for several in results.values())
    return {position: several[0] for position, several in results.items()}

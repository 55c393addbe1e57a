"""P11: what hooks cost a run of 4 000 rows: none, one that hears the end, one that hears all, OpenTelemetry.

They are compared in turns within one process. Without hooks, a request passes six checks whether there are any:
they are timed alone, because their share is below what two runs differ by.
"""

from __future__ import annotations

import statistics
import timeit

import pandas as pd

import pandas_async_io as paio
from tests.benchmarks.fetch import CONCURRENCY, measure, serve_user

ROWS = 4_000
ROUNDS = 5
CHECKS_PER_REQUEST = 6
"""`call.events` in counting, in reporting and in the follow-up, `on_put`, and two frames of a call around them."""


class Context:
    events = None


class EndListener:
    """A hook that hears one event of a run."""

    listens_to = (paio.events.Finished,)

    def __call__(self, event):
        pass


def listen(event):
    pass


def make_telemetry():
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    return paio.OpenTelemetry(TracerProvider(), MeterProvider([InMemoryMetricReader()]))


def fetch(base, frame, hooks):
    return frame.aio.fetch(base + "/users/{id}", concurrency=CONCURRENCY, hooks=hooks)


def run():
    print(f"P11 hooks, {ROWS} rows, concurrency {CONCURRENCY}, medians of {ROUNDS} of CPU time")
    cases = {"none": (), "the end only": EndListener(), "all events": listen, "OpenTelemetry": make_telemetry()}
    frame = pd.DataFrame({"id": range(ROWS)})
    with serve_user() as base:
        fetch(base, frame.head(CONCURRENCY), ())
        rounds = [{name: measure(fetch, base, frame, hooks)[1] for name, hooks in cases.items()} for _ in range(ROUNDS)]
    medians = {name: statistics.median(each[name] for each in rounds) / ROWS * 1e6 for name in cases}
    for name, microseconds in medians.items():
        print(f"      {name:13} {microseconds:6.1f} us/row  ratio {microseconds / medians['none']:.3f}")
    check = min(timeit.repeat("context.events is None", globals={"context": Context()}, repeat=5, number=10**6))
    off = CHECKS_PER_REQUEST * check
    share = off / medians["none"]
    print(f"      off: {off:.2f} us/row of checks, {share:.2%}  budget 1 %  {'ok' if share <= 0.01 else 'OVER'}")

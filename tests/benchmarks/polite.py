"""How much of a server's limit is used, and how many requests it refuses, for the limiters of common servers.

nginx is one of the servers where it is installed. The shares are measured in the servers' logs.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import pandas_async_io as paio
from tests.servers.handler import serve_handler, serve_rate_limited
from tests.servers.limiters import ByPath, CallLimit, FixedWindow, LeakyBucket, SlidingWindow

if TYPE_CHECKING:
    from collections.abc import Callable

ROUND_TRIP = 32
"""Requests of one round trip: the default concurrency. Those of the first one are sent before any answer."""


@dataclass(frozen=True, slots=True)
class Case:
    """A limiter, the rows sent to it, and the goals.

    Attributes
    ----------
    limit : float
        Requests per second that the server accepts.
    server : callable or int
        Makes the limiter; a number is the status with which nginx refuses.
    refused, used : float
        Goals: refused requests as a share of the rows, used requests as a share of the limit.
    free : int
        Refused requests beyond that share: those of the first round trip, where the server does not tell its limit.
    template : str
        Of the rows.
    before : str
        Template of a call with as many rows, that is sent first and not measured.
    """

    limit: float
    rows: int
    server: Callable[[], Any] | int = 429
    options: dict[str, Any] = field(default_factory=dict)
    refused: float = 0.05
    used: float = 0.85
    free: int = 0
    template: str = "/{id}"
    before: str = ""


DECLARED = Case(20, 200, options={"rate": "20/s"}, refused=0.01, used=0.88)
SILENT = Case(50, 600, refused=0.1, used=0.7, free=ROUND_TRIP)
UNAVAILABLE = Case(20, 200, 503, refused=0.1, used=0.7, free=ROUND_TRIP)
WINDOWS = Case(2, 60, lambda: FixedWindow(10, 5))
SLIDING = Case(10, 100, lambda: SlidingWindow(10, 1), refused=0.1, free=ROUND_TRIP)
OTHER_ENDPOINT = Case(
    20,
    60,
    lambda: ByPath(slow=LeakyBucket(20)),
    refused=0.1,
    used=0.6,
    free=ROUND_TRIP,
    template="/slow/{id}",
    before="/fast/{id}",
)

CASES = {
    'nginx 429, rate="20/s"': DECLARED,
    "nginx 429, silent": SILENT,
    "nginx 503, silent": UNAVAILABLE,
    "10 per 5 s, RateLimit-*": WINDOWS,
    "100 per 5 s, RateLimit (draft 7)": Case(20, 400, lambda: FixedWindow(100, 5, dialect="draft-7")),
    "10 per 5 s, X-RateLimit-*, epoch": Case(2, 60, lambda: FixedWindow(10, 5, dialect="legacy")),
    '10 per 5 s, rate="2/s"': Case(2, 40, lambda: FixedWindow(10, 5), {"rate": "2/s"}, used=0.88),
    "Shopify 40, 10/s": Case(10, 150, lambda: CallLimit(40, 10)),
    "10 per sliding second, Retry-After": SLIDING,
    "burst 20, 20/s, silent": Case(20, 300, lambda: LeakyBucket(20, burst=20), refused=0.1, free=ROUND_TRIP),
    "an endpoint beside a fast one": OTHER_ENDPOINT,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """The measured result of a case."""

    report: Any
    refused: int
    used: float

    def reaches(self, case: Case) -> bool:
        """Return whether every row is ok and the goals are reached."""
        allowed = case.refused * case.rows + case.free
        return self.report.outcomes == {"ok": case.rows} and self.refused <= allowed and self.used >= case.used


@contextmanager
def serve(case):
    """Yield a URL, and a list that holds time and status of each request once the server has ended."""
    log = []
    if isinstance(case.server, int):
        with TemporaryDirectory() as folder, serve_rate_limited(Path(folder), case.limit, case.server) as (url, served):
            yield url, log
        log += served
        return
    with serve_handler(case.server()) as server:
        yield server.url, log
    log += [
        (request.arrived, request.status)
        for request in server.log
        if request.path.count("/") < 2 or "/slow" in request.path
    ]


def measure(case, **options):
    """Send the rows of a case and return what the server's log shows."""
    frame = pd.DataFrame({"id": range(case.rows)})
    with serve(case) as (url, log), paio.Client(url) as client:
        if case.before:
            frame.aio.fetch(case.before, client=client, **options)
        report = frame.aio.fetch(case.template, client=client, **case.options, **options).aio.report
    at, status = np.array(log).T
    accepted = at[status == 200]
    return Measured(report, int((status != 200).sum()), (len(accepted) - 1) / np.ptp(accepted) / case.limit)


def run():
    print(f"{'limiter':<36} {'concurrency':>11}  {'used':>5} (goal)  {'refused':>7} (goal)  outcomes")
    for (name, case), concurrency in product(CASES.items(), (32, "auto")):
        found = measure(case, concurrency=concurrency)
        most = case.refused * case.rows + case.free
        print(
            f"{name:<36} {concurrency:>11}  {found.used:>5.0%} ({case.used:>4.0%})  "
            f"{found.refused:>3} of {case.rows} ({most:.0f})  {dict(found.report.outcomes)}"
            f"{'' if found.reaches(case) else '  MISSED'}",
            flush=True,
        )

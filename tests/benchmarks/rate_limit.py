"""How much of a strict rate limit is used, and how many requests it refuses (at nginx, if installed)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

import pandas_async_io as paio
from tests.servers.handler import serve_rate_limited


@dataclass(frozen=True, slots=True)
class Case:
    """A limit in requests per second, the rows sent, and the goals: refused rows and used limit, as shares."""

    limit: int
    rows: int
    options: dict[str, Any] = field(default_factory=dict)
    refused: float = 0.0
    used: float = 0.0


DECLARED = Case(limit=20, rows=200, options={"rate": "20/s"}, refused=0.01, used=0.85)
LEARNT = Case(limit=50, rows=600, refused=0.1, used=0.7)


def measure(case):
    """Return the report, the number of refusals, and the share of the limit that was used."""
    frame = pd.DataFrame({"id": range(case.rows)})
    with (
        TemporaryDirectory() as folder,
        serve_rate_limited(Path(folder), case.limit) as (url, log),
        paio.Client(url) as client,
    ):
        report = frame.aio.fetch("/{id}", client=client, **case.options).aio.report
    at, status = np.array(log).T
    accepted = at[status == 200]
    return report, int((status == 429).sum()), (len(accepted) - 1) / np.ptp(accepted) / case.limit


def run():
    for name, case in {"declared": DECLARED, "learnt": LEARNT}.items():
        report, refused, used = measure(case)
        print(
            f"{name}  {case.rows} rows at {case.limit}/s: {report.outcomes}, "
            f"{refused / case.rows:.1%} refused (goal: at most {case.refused:.0%}), "
            f"{used:.0%} used (goal: at least {case.used:.0%})"
        )

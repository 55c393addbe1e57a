"""The report and the failures of runs that were parts of one call at the same time, in several processes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pandas_async_io._core.report.history import summarize_findings
from pandas_async_io._core.report.limit import describe_limit
from pandas_async_io._core.report.report import Report
from pandas_async_io._core.report.tally import WAIT_CAUSES, Tally, build_timeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas_async_io._core.report.history import Run


def merge_reports(runs: Sequence[Run], ended_at: Sequence[float]) -> Report:
    """Return the report of a call whose rows are those of some runs, in order.

    Parameters
    ----------
    ended_at : sequence of float
        When each run ended, in seconds of clocks that agree about as well as those of machines.
    """
    tally = merge_tallies([run.tally for run in runs], ended_at)
    reports = [run.report() for run in runs]
    latencies = np.concatenate([each.latencies for each in reports]) if reports else np.array([])
    p50, p95, p99 = np.quantile(latencies, [0.5, 0.95, 0.99]).tolist() if len(latencies) else (0.0, 0.0, 0.0)
    timed_out = sum(run.outcomes.count_timeouts() for run in runs)
    seconds = tally.ended_at - tally.started_at
    findings = {number: each.findings for number, each in enumerate(reports) if each.findings}
    return Report(
        rows=sum(each.rows for each in reports),
        distinct=sum(each.distinct for each in reports),
        sent=tally.sent,
        retried=tally.retried,
        refused=tally.refused,
        outcomes=_add([each.outcomes for each in reports]),
        bytes=tally.received_bytes,
        seconds=seconds,
        p50=p50,
        p95=p95,
        p99=p99,
        waits=dict(tally.waits),
        limited_by=describe_limit(tally, seconds, replace(runs[0].limits, timed_out=timed_out)) if runs else "",
        drifted={name: kinds for each in reports for name, kinds in each.drifted.items()},
        findings=tuple(text.replace("(row ", "(partition ") for text in summarize_findings(findings)),
        timeline=build_timeline(tally),
        latencies=latencies,
    )


def merge_tallies(tallies: Sequence[Tally], ended_at: Sequence[float]) -> Tally:
    """Return the counts of runs that went side by side. A wait is that of an average run, as a share of the whole time.

    Examples
    --------
    >>> tallies = [Tally(sent=2, started_at=50.0, ended_at=53.0), Tally(sent=1, started_at=7.0, ended_at=9.0)]
    >>> both = merge_tallies(tallies, [100.0, 101.0])
    >>> both.sent, both.started_at, both.ended_at
    (3, 0.0, 4.0)
    """
    lengths = [tally.ended_at - tally.started_at for tally in tallies]
    starts = [end - length for end, length in zip(ended_at, lengths, strict=True)]
    first = min(starts, default=0.0)
    merged = Tally(ended_at=max(ended_at, default=0.0) - first)
    for tally, start in zip(tallies, starts, strict=True):
        offset = int(start - first)
        for at, counts in tally.by_second.items():
            before = merged.by_second.get(offset + at, [0, 0, 0])
            merged.by_second[offset + at] = [left + right for left, right in zip(before, counts, strict=True)]
        for at, change in tally.in_flight_changes.items():
            merged.in_flight_changes[offset + at] = merged.in_flight_changes.get(offset + at, 0) + change
        for name in ("sent", "retried", "refused", "received_bytes", "busy_seconds", "cpu_seconds"):
            setattr(merged, name, getattr(merged, name) + getattr(tally, name))
        merged.lost_connections = _add([merged.lost_connections, tally.lost_connections])
    share = merged.ended_at / sum(lengths) if sum(lengths) else 0.0
    merged.waits = {cause: share * sum(tally.waits[cause] for tally in tallies) for cause in WAIT_CAUSES}
    return merged


def merge_failures(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the failed rows of all runs: ``partition`` is the run's number, ``row`` a position in the whole input."""
    before, found = 0, []
    for number, run in enumerate(runs):
        lines = run.failures()
        found.append(lines.assign(partition=number, row=lines["row"] + before))
        before += len(run.outcomes.expansion.row_to_request)
    filled = [lines for lines in found if len(lines)]
    return pd.concat(filled or found[:1])


def _add(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            total[name] = total.get(name, 0) + count
    return total

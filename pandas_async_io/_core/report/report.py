"""How a run went, for the user to read: counts, latencies, waits and what limited it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.report.figure import draw_figure
from pandas_async_io._core.report.limit import RunLimits, describe_limit
from pandas_async_io._core.report.tally import Tally, build_timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.report.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class Report:
    """How a run went.

    Attributes
    ----------
    rows, distinct : int
        Input rows, and the distinct requests they need.
    sent, retried, refused : int
        Attempts; those that repeat another; those answered 429 or the like.
    outcomes : mapping of str to int
        Rows by outcome.
    bytes : int
        Decoded bytes received.
    seconds : float
        From the first request to the last response.
    p50, p95, p99 : float
        Quantiles of ``latencies``, in seconds.
    waits : mapping of str to float
        Seconds that the run was held back, by cause.
    limited_by : str
        What held the run back most, and what would speed it up.
    drifted : mapping of str to tuple of str
        Columns that mix types, and the types.
    findings : tuple of str
        How paging was detected, and signs that the data may be incomplete.
    timeline : DataFrame
        One line per second: attempts ``done``, those that were ``refused``, and the most requests ``in_flight``.
    latencies : array of float
        For each request, seconds from the start of its last attempt to the last byte.
    """

    rows: int
    distinct: int
    sent: int
    retried: int
    refused: int
    outcomes: Mapping[str, int]
    bytes: int
    seconds: float
    p50: float
    p95: float
    p99: float
    waits: Mapping[str, float]
    limited_by: str
    drifted: Mapping[str, tuple[str, ...]]
    findings: tuple[str, ...]
    timeline: pd.DataFrame
    latencies: np.ndarray[Any, np.dtype[np.float64]]

    @property
    def per_second(self) -> float:
        """Requests per second over the whole run."""
        return self.sent / self.seconds if self.seconds else 0.0

    def to_frame(self) -> pd.DataFrame:
        """Return the report as a frame with the columns ``figure`` and ``value``."""
        return pd.DataFrame(self._lines(), columns=["figure", "value"])

    def __repr__(self) -> str:
        lines = self._lines()
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in self._lines())
        return f"<table>{rows}</table>"

    def _lines(self) -> list[tuple[str, str]]:
        waits = ", ".join(f"{cause} {seconds:.1f} s" for cause, seconds in self.waits.items() if seconds >= 0.05)
        lines = [
            ("rows", f"{self.rows} ({self.distinct} distinct requests)"),
            ("sent", f"{self.sent} ({self.retried} repeated, {self.refused} refused)"),
            ("outcomes", ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items()) or "none"),
            ("received", f"{self.bytes / 1e6:.2f} MB in {self.seconds:.2f} s, {self.per_second:.0f} requests/s"),
            ("latency", f"p50 {self.p50:.3f} s, p95 {self.p95:.3f} s, p99 {self.p99:.3f} s"),
            ("waited for", waits or "nothing"),
            ("limited by", self.limited_by),
        ]
        drifted = ", ".join(f"{name} ({' and '.join(kinds)})" for name, kinds in self.drifted.items())
        lines += [("drifted columns", drifted)] if drifted else []
        return lines + [("found", finding) for finding in self.findings]

    def plot(self) -> Any:
        """Draw the latencies and the timeline with matplotlib.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it; ``.savefig("run.png")`` writes it to a file.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        return draw_figure(self.latencies, (self.p50, self.p95, self.p99), self.timeline, self.seconds)


def build_report(
    outcomes: Outcomes,
    tally: Tally,
    *,
    requests: int,
    limits: RunLimits,
    drifted: Mapping[str, tuple[str, ...]],
    findings: tuple[str, ...] = (),
) -> Report:
    """Return the report of a run.

    Parameters
    ----------
    requests : int
        Distinct requests that the rows need.
    limits : RunLimits
        What the call allowed itself, and what its client allowed it.
    drifted, findings
        As in `Report`.
    """
    latencies = outcomes.latencies()
    p50, p95, p99 = np.quantile(latencies, [0.5, 0.95, 0.99]).tolist() if len(latencies) else (0.0, 0.0, 0.0)
    seconds = max(tally.ended_at - tally.started_at, 0.0)
    return Report(
        rows=len(outcomes.expansion.row_to_request),
        distinct=requests,
        sent=tally.sent,
        retried=tally.retried,
        refused=tally.refused,
        outcomes=outcomes.count_by_outcome(),
        bytes=tally.received_bytes,
        seconds=seconds,
        p50=p50,
        p95=p95,
        p99=p99,
        waits=dict(tally.waits),
        limited_by=describe_limit(tally, seconds, replace(limits, timed_out=outcomes.count_timeouts())),
        drifted=drifted,
        findings=findings,
        timeline=build_timeline(tally),
        latencies=latencies,
    )

"""What a run did and what held it back: counts while it lasts, a `Report` when it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.report.figure import draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.report.outcomes import Outcomes

_CAUSES = {
    "rate": "the rate that you set: a higher rate= would be faster",
    "pause": "the server: it refuses more; ask its owner for a higher limit, or set rate= to what it allows",
    "breaker": "the server: it was down, or failed again and again, and was left alone in between",
    "slot": "the client's slots: its other calls had them (give this call a Client of its own, or raise that one's "
    "concurrency=), or concurrency='auto' (set a number) or the open files (raise ulimit -n) allowed no more",
    "poll": "the server's jobs: they had to run; a shorter Poll(every=...) may notice their end earlier",
    "backoff": "failures: the last rows waited for another attempt",
}
WAITS = tuple(_CAUSES)
"""What a run waits for: its own rate, the server's pauses and learnt pace, a dead origin, a slot, the server's jobs,
the next attempt."""

_BRIEF = 0.2
"""Seconds that no change would shorten noticeably."""
_TELLING = 0.5
"""The share of a run's time that names its limit."""


@dataclass(slots=True)
class Tally:
    """Counts of one run, kept by the engine."""

    sent: int = 0
    retried: int = 0
    refused: int = 0
    received: int = 0
    busy: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    cpu: float = 0.0
    waits: dict[str, float] = field(default_factory=lambda: dict.fromkeys(WAITS, 0.0))
    seconds: dict[int, list[int]] = field(default_factory=dict)
    across: dict[int, int] = field(default_factory=dict)
    """By how many more, or fewer, attempts were under way when a second began than when the one before did."""

    def attempted(self, started: float, now: float, size: int, *, refused: bool, in_flight: int) -> None:
        """Count one attempt that has ended.

        Parameters
        ----------
        started, now : float
            On the engine's clock.
        size : int
            Decoded bytes.
        in_flight : int
            Requests in flight at its end, itself included.
        """
        self.received += size
        self.refused += refused
        self.busy += now - started
        first, last = int(started - self.began), int(now - self.began)
        second = self.seconds.get(last)
        if second is None:
            second = self.seconds[last] = [0, 0, 0]
        second[0] += 1
        second[1] += refused
        second[2] = max(second[2], in_flight)
        if first < last:
            self.across[first + 1] = self.across.get(first + 1, 0) + 1
            self.across[last + 1] = self.across.get(last + 1, 0) - 1

    def followed_by(self, other: Tally) -> Tally:
        """Return the counts of this run and of one that went on with it, one right after the other."""
        lasted = self.ended - self.began
        later = ceil(lasted)
        both = Tally(ended=lasted + other.ended - other.began)
        both.seconds = {**self.seconds, **{later + at: list(counts) for at, counts in other.seconds.items()}}
        both.across = dict(self.across)
        for at, change in other.across.items():
            both.across[later + at] = both.across.get(later + at, 0) + change
        for name in ("sent", "retried", "refused", "received", "busy", "cpu"):
            setattr(both, name, getattr(self, name) + getattr(other, name))
        both.waits = {cause: self.waits[cause] + other.waits[cause] for cause in WAITS}
        return both


@dataclass(frozen=True, slots=True)
class Report:
    """How a run went.

    Attributes
    ----------
    rows, distinct : int
        Input rows, and the distinct requests that they asked for.
    sent, retried, refused : int
        Attempts to send; how many of them repeated another; how many were answered 429 or the like.
    outcomes : mapping of str to int
        Rows by outcome.
    bytes : int
        Decoded bytes received.
    seconds : float
        From the first request to the last answer.
    p50, p95, p99 : float
        Seconds from the start of an attempt to its last byte.
    waits : mapping of str to float
        Seconds that the run was held back, by cause.
    limited_by : str
        What held it back most, and what would speed it up.
    drifted : mapping of str to tuple of str
        Columns whose values are of several kinds, and the kinds.
    findings : tuple of str
        How the pages were found, and what speaks against their being complete.
    timeline : DataFrame
        One line per second: attempts ``done``, those of them that were ``refused``, and ``in_flight`` at most.
    latencies : array of float
        Of each request's last attempt.
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
        """Return the report's figures as a frame of ``figure`` and ``value``."""
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
        """Draw the distribution of latencies and the run over time; needs matplotlib.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it; ``.savefig("run.png")`` writes it.
        """
        return draw(self.latencies, (self.p50, self.p95, self.p99), self.timeline, self.seconds)


def report_of(
    outcomes: Outcomes,
    tally: Tally,
    *,
    requests: int,
    concurrency: int,
    drifted: Mapping[str, tuple[str, ...]],
    findings: tuple[str, ...] = (),
) -> Report:
    """Sum a run up.

    Parameters
    ----------
    requests, concurrency : int
        As in `Run`.
    drifted : mapping of str to tuple of str
        As `Columns.drifted`.
    findings : tuple of str
        As in `Run`.
    """
    asked, latencies = outcomes.expansion.row_to_request, outcomes.latencies()
    p50, p95, p99 = np.quantile(latencies, [0.5, 0.95, 0.99]).tolist() if len(latencies) else (0.0, 0.0, 0.0)
    seconds = max(tally.ended - tally.began, 0.0)
    return Report(
        rows=len(asked),
        distinct=requests,
        sent=tally.sent,
        retried=tally.retried,
        refused=tally.refused,
        outcomes=outcomes.count(),
        bytes=tally.received,
        seconds=seconds,
        p50=p50,
        p95=p95,
        p99=p99,
        waits=dict(tally.waits),
        limited_by=limit_of(tally, seconds, concurrency),
        drifted=drifted,
        findings=findings,
        timeline=timeline_of(tally),
        latencies=latencies,
    )


def timeline_of(tally: Tally) -> pd.DataFrame:
    """Return one line per second, also of those in which no attempt ended.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.attempted(0.1, 0.2, 10, refused=False, in_flight=1)
    >>> tally.attempted(0.3, 2.5, 10, refused=True, in_flight=1)
    >>> timeline_of(tally)
            done  refused  in_flight
    second
    0          1        0          1
    1          0        0          1
    2          1        1          1
    """
    counted = pd.DataFrame.from_dict(tally.seconds, orient="index", columns=["done", "refused", "in_flight"])
    every = pd.RangeIndex(max(tally.seconds, default=-1) + 1, name="second")
    timeline = counted.reindex(every, fill_value=0).astype("int64")
    under_way = pd.Series(tally.across, dtype="int64").reindex(every, fill_value=0).cumsum()
    timeline["in_flight"] = np.maximum(timeline["in_flight"], under_way)
    return timeline


def limit_of(tally: Tally, seconds: float, concurrency: int) -> str:
    """Say what held a run back most, and what would speed it up.

    Examples
    --------
    >>> tally = Tally(sent=100, busy=9.5)
    >>> limit_of(tally, 1.0, 10)
    'concurrency: 10 were in flight nearly all the time; a higher concurrency= would be faster'
    >>> tally.waits["rate"] = 0.9
    >>> limit_of(tally, 1.0, 10)
    'the rate that you set: a higher rate= would be faster'
    """
    most = max(WAITS, key=tally.waits.__getitem__)
    limits = (
        (not tally.sent, "nothing: no request was sent"),
        (seconds < _BRIEF, "nothing: it took no time to speak of"),
        (tally.waits[most] > _TELLING * seconds, _CAUSES[most]),
        (tally.cpu > 0.85 * seconds, "this machine's CPU: fewer columns=, or the extra `speed`, would be faster"),
        (
            tally.busy > 0.8 * seconds * concurrency,
            f"concurrency: {concurrency} were in flight nearly all the time; a higher concurrency= would be faster",
        ),
        (sum(tally.waits.values()) > _TELLING * seconds, f"several things, most of all {_CAUSES[most]}"),
        (True, "nothing in particular: the run was short, or its last answers were slow"),
    )
    return next(text for found, text in limits if found)

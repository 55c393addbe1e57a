"""Counts that the engine keeps during a run, and the timeline they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import numpy as np
import pandas as pd

WAIT_CAUSES = ("rate", "pause", "breaker", "slot", "auto", "growth", "files", "poll", "backoff")
"""What requests wait for: the user's rate; the server's pauses and the learnt pace; an origin that is down;
a slot that other calls use; a slot that `concurrency="auto"` does not give, or not yet; a file descriptor; the server's
jobs; the next attempt."""


@dataclass(slots=True)
class Tally:
    """Counts of one run.

    Attributes
    ----------
    sent, retried, refused : int
        Attempts; those that repeat another; those answered 429 or the like.
    received_bytes : int
        Decoded bytes.
    busy_seconds : float
        Durations of all attempts, added up.
    started_at, ended_at : float
        On the engine's clock.
    cpu_seconds : float
        CPU time of this process during the run.
    waits : dict of str to float
        Seconds that requests waited, by cause.
    by_second : dict of int to [int, int, int]
        For each second of the run: attempts that ended, refused attempts, most requests in flight.
    in_flight_changes : dict of int to int
        For each second: attempts under way at its start, minus those under way at the start of the second before.
    lost_connections : dict of str to int
        By origin: requests that met a reused connection that had ended.
    """

    sent: int = 0
    retried: int = 0
    refused: int = 0
    received_bytes: int = 0
    busy_seconds: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    cpu_seconds: float = 0.0
    waits: dict[str, float] = field(default_factory=lambda: dict.fromkeys(WAIT_CAUSES, 0.0))
    by_second: dict[int, list[int]] = field(default_factory=dict)
    in_flight_changes: dict[int, int] = field(default_factory=dict)
    lost_connections: dict[str, int] = field(default_factory=dict)

    def count_attempt(self, started: float, now: float, size: int, *, refused: bool, in_flight: int) -> None:
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
        self.received_bytes += size
        self.refused += refused
        self.busy_seconds += now - started
        first, last = int(started - self.started_at), int(now - self.started_at)
        second = self.by_second.get(last)
        if second is None:
            second = self.by_second[last] = [0, 0, 0]
        second[0] += 1
        second[1] += refused
        second[2] = max(second[2], in_flight)
        if first < last:
            self.in_flight_changes[first + 1] = self.in_flight_changes.get(first + 1, 0) + 1
            self.in_flight_changes[last + 1] = self.in_flight_changes.get(last + 1, 0) - 1

    def count_lost_connection(self, origin: str) -> None:
        """Count a request that met a reused connection that had ended."""
        self.lost_connections[origin] = self.lost_connections.get(origin, 0) + 1

    def append(self, later: Tally) -> Tally:
        """Return the counts of this run and of the run that continued it, as if the second followed at once."""
        lasted = self.ended_at - self.started_at
        offset = ceil(lasted)
        both = Tally(ended_at=lasted + later.ended_at - later.started_at)
        both.by_second = {
            **self.by_second,
            **{offset + at: list(counts) for at, counts in later.by_second.items()},
        }
        both.in_flight_changes = dict(self.in_flight_changes)
        for at, change in later.in_flight_changes.items():
            both.in_flight_changes[offset + at] = both.in_flight_changes.get(offset + at, 0) + change
        for name in ("sent", "retried", "refused", "received_bytes", "busy_seconds", "cpu_seconds"):
            setattr(both, name, getattr(self, name) + getattr(later, name))
        both.waits = {cause: self.waits[cause] + later.waits[cause] for cause in WAIT_CAUSES}
        both.lost_connections = dict(self.lost_connections)
        for origin, count in later.lost_connections.items():
            both.lost_connections[origin] = both.lost_connections.get(origin, 0) + count
        return both


def describe_lost_connections(tally: Tally) -> list[str]:
    """Return a line for each origin that closed kept connections without announcing it, more than once.

    Examples
    --------
    >>> describe_lost_connections(Tally(lost_connections={"https://a.com": 1, "https://b.com": 7}))
    ['https://b.com closes kept connections without announcing it: 7 requests met a closed one. ...']
    """
    return [
        f"{origin} closes kept connections without announcing it: {count} requests met a closed one. Those that may be "
        "repeated were sent again at once; after the second one, the others take new connections"
        for origin, count in tally.lost_connections.items()
        if count > 1
    ]


def build_timeline(tally: Tally) -> pd.DataFrame:
    """Return one line per second, seconds in which no attempt ended included.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.count_attempt(0.1, 0.2, 10, refused=False, in_flight=1)
    >>> tally.count_attempt(0.3, 2.5, 10, refused=True, in_flight=1)
    >>> build_timeline(tally)
            done  refused  in_flight
    second
    0          1        0          1
    1          0        0          1
    2          1        1          1
    """
    counted = pd.DataFrame.from_dict(tally.by_second, orient="index", columns=["done", "refused", "in_flight"])
    every_second = pd.RangeIndex(max(tally.by_second, default=-1) + 1, name="second")
    timeline = counted.reindex(every_second, fill_value=0).astype("int64")
    changes = pd.Series(tally.in_flight_changes, dtype="int64").reindex(every_second, fill_value=0)
    timeline["in_flight"] = np.maximum(timeline["in_flight"], changes.cumsum())
    return timeline

"""What a fetched frame knows of the fetches behind it: carried in ``df.attrs``.

pandas deep-copies ``attrs`` at every operation, compares them in ``concat`` and
writes them to JSON in ``to_parquet``. So the runs travel as a `str`: a line of
summary with a unique number, which carries the rest and is never copied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pandas_async_io._core.report.report import Report, Tally, report_of
from pandas_async_io._core.table.merge import Places
from pandas_async_io._core.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.report.outcomes import Outcomes

KEY = "pandas_async_io"

_MOST = 20
"""Findings that are told one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One fetch: how its rows ended, and what it takes to send the failed ones again.

    Attributes
    ----------
    outcomes : Outcomes
        Of every input row.
    index : Index
        Of the input frame.
    output : DataFrame
        What the run returned, as `bare` keeps it: the user may go on to change theirs.
    rows : array of int64 or None
        For each row of that frame the position of its input row; None: each row once.
    source : object
        The frame, the URL and the options of the call.
    tally : Tally
        What was sent.
    requests : int
        Distinct ones, that the rows asked for.
    concurrency : int
        Requests that were allowed in flight, over all origins.
    drifted : mapping of str to tuple of str
        Columns whose values are of several kinds, and the kinds.
    pages : array of int64 or None
        For each row of that frame the page that it came from, 0 if from none; None: nothing was paged.
    unfinished : mapping of int to object
        The input rows whose failure can be mended without starting again, and what is known of them.
    findings : mapping of int to sequence of str
        What speaks against the pages of an input row's being complete.
    taken : str or None
        How the pages were recognised.
    known : object
        What another run of the same call need not find out again.
    absent : tuple of str
        Columns that were asked for and that no record has.
    label : str
        What was fetched, without secrets.
    """

    outcomes: Outcomes
    index: pd.Index[Any]
    output: pd.DataFrame
    rows: Positions | None = None
    source: Any = None
    tally: Tally = field(default_factory=Tally)
    requests: int = 0
    concurrency: int = 1
    drifted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pages: Positions | None = None
    unfinished: Mapping[int, Any] = field(default_factory=dict)
    findings: Mapping[int, Sequence[str]] = field(default_factory=dict)
    taken: str | None = None
    known: Any = None
    absent: tuple[str, ...] = ()
    label: str = ""

    def __repr__(self) -> str:
        """Say how the rows ended; the call itself, which this carries, has credentials in it."""
        rows = counted(len(self.outcomes.expansion.row_to_request), "row")
        ended = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.count().items())
        return f"<Run {self.label}: {rows}{f', {ended}' if ended else ''}>"

    def places(self) -> Places:
        """Return the input row and the page that each row of the output came from."""
        count = len(self.output)
        rows = np.arange(count) if self.rows is None else self.rows
        return Places(rows, np.zeros(count, np.int64) if self.pages is None else self.pages)

    def found(self) -> list[str]:
        """Return what is to be said of the answers, though rows may be ``ok``."""
        names = ", ".join(map(repr, self.absent))
        lacking = [f"no record has {names}: columns= takes flat names, as 'address.city'"] if names else []
        return [*lacking, *summary(self.findings)]

    def report(self) -> Report:
        """Return how the run went."""
        found = (*filter(None, [self.taken]), *self.found())
        options = {"requests": self.requests, "concurrency": self.concurrency}
        return report_of(self.outcomes, self.tally, **options, drifted=self.drifted, findings=found)

    def frame(self) -> pd.DataFrame:
        """Return one line per input row."""
        return self.outcomes.frame(self.index)

    def failures(self) -> pd.DataFrame:
        """Return one line per failed row, with its position in the input."""
        failed = self.outcomes.failed()
        lines = self.frame()[failed]
        lines.insert(0, "row", failed.nonzero()[0])
        return lines[["row", "outcome", "status", "error", "url", "attempts"]]


class Runs(str):
    """The runs behind a frame, the last one last; as text, one line about that one."""

    __slots__ = ("runs",)
    runs: tuple[Run, ...]

    def __new__(cls, number: str, runs: tuple[Run, ...]) -> Self:
        """Write the line."""
        outcomes = runs[-1].outcomes
        rows = len(outcomes.expansion.row_to_request)
        ended = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.count().items())
        self = super().__new__(cls, f"run {number}: {rows} rows, {runs[-1].requests} requests, {ended or 'no rows'}")
        self.runs = runs
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Runs:
        return self

    def __copy__(self) -> Runs:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def bare(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame that shares another's memory and carries nothing: a run must not hold itself.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1]})
    >>> frame.attrs["run"] = "x"
    >>> bare(frame).attrs
    {}
    """
    alone = frame.copy(deep=False)
    alone.attrs = {}
    return alone


def runs_of(frame: pd.DataFrame) -> tuple[Run, ...]:
    """Return the runs that a frame carries, none if it carries none.

    Examples
    --------
    >>> import pandas as pd
    >>> runs_of(pd.DataFrame())
    ()
    """
    carried = frame.attrs.get(KEY)
    return carried.runs if isinstance(carried, Runs) else ()


def summary(findings: Mapping[Any, Sequence[str]]) -> list[str]:
    """Return what was found of some rows, each text once.

    Examples
    --------
    >>> summary({3: ["page 2 did not come"], 5: ["page 2 did not come", "x"], 9: ["page 2 did not come"]})
    ['page 2 did not come (row 3 and 2 others)', 'x (row 5)']
    """
    rows: dict[str, list[Any]] = {}
    for row, texts in findings.items():
        for text in texts:
            rows.setdefault(text, []).append(row)
    found = [f"{text} (row {several[0]}{_others(len(several) - 1)})" for text, several in rows.items()]
    return found[:_MOST] + ([f"and as much of {len(found) - _MOST} other rows"] if len(found) > _MOST else [])


def _others(count: int) -> str:
    return f" and {count} other{'s' if count > 1 else ''}" if count else ""

"""The runs behind a frame, carried in ``df.attrs``.

pandas deep-copies ``attrs`` at every operation, compares them in ``concat`` and writes them to JSON in
``to_parquet``. So the runs travel inside a `str`: one line of text with a unique id. A copy is the same object;
pickle and files keep the text only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from pandas_async_io._core.report.limit import RunLimits
from pandas_async_io._core.report.report import Report, build_report
from pandas_async_io._core.report.tally import Tally, describe_lost_connections
from pandas_async_io._core.table.records.missing_paths import NO_MISSING_PATHS, MissingPaths
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.table.columns.collected import CollectedBlocks

ATTRS_KEY = "pandas_async_io"

_MAX_FINDINGS = 20
"""Findings listed one by one; further ones are counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One fetch: the outcomes of its rows, and what `retry_failed` needs to send the failed ones again.

    Attributes
    ----------
    outcomes : Outcomes
        The outcomes of the input rows.
    index : Index
        Index of the input frame.
    output : DataFrame
        The frame that the run returned, without attrs; a copy, because the user may change theirs.
    collected : CollectedBlocks or None
        What the output was made of, for `retry_failed` to make it anew; None if no row failed.
    source : object
        The frame, the URL and the options of the call.
    tally : Tally
        The engine's counts.
    requests : int
        Distinct requests that the rows need.
    limits : RunLimits
        What the call allowed itself, and what its client allowed it.
    drifted : mapping of str to tuple of str
        Columns that mix types, and the types.
    unfinished : mapping of int to object
        Failed input rows that `retry_failed` continues instead of starting over, and the state to continue from.
    findings : mapping of int to sequence of str
        For each input row, signs that its pages or keys are incomplete.
    detected : str or None
        How paging was detected.
    empty_answers : tuple of str
        For the report: how many answers were taken for no records.
    learnt : object
        What another run of the call need not find out again: the detected paginator.
    missing_columns : tuple of str
        What to say about columns named in ``columns=`` or ``schema=`` that no record has, or that may not be columns.
    infinite : tuple of str
        Columns that hold an infinite number.
    missing_paths : MissingPaths
        What to say about paths that answers leave out.
    label : str
        The URL template, without secrets.
    hints : tuple of str
        What the user must know of the requests.
    notes : tuple of str
        What the report says beside the findings: what was taken from a store, how a column was read.
    """

    outcomes: Outcomes
    index: pd.Index[Any]
    output: pd.DataFrame
    collected: CollectedBlocks | None = None
    source: Any = None
    tally: Tally = field(default_factory=Tally)
    requests: int = 0
    limits: RunLimits = RunLimits()  # noqa: RUF009 - frozen
    drifted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unfinished: Mapping[int, Any] = field(default_factory=dict)
    findings: Mapping[int, Sequence[str]] = field(default_factory=dict)
    detected: str | None = None
    learnt: Any = None
    empty_answers: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    infinite: tuple[str, ...] = ()
    missing_paths: MissingPaths = NO_MISSING_PATHS
    label: str = ""
    hints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the label and the outcomes; ``source`` holds credentials and is left out."""
        rows = format_count(len(self.outcomes.expansion.row_to_request), "row")
        ended = self.outcomes.format_counts()
        return f"<Run {self.label}: {rows}{f', {ended}' if ended else ''}>"

    def describe_findings(self) -> list[str]:
        """Return what the user must know of the data although rows may be ``ok``."""
        names = ", ".join(map(repr, self.infinite))
        infinite = [f"{names}: infinite where the answer has Infinity or a number such as 1e400, too large for a float"]
        unsent = self.outcomes.describe_missing() if self.outcomes.is_all_missing else []
        columns = [*self.missing_paths.hints, *self.missing_columns, *(infinite if names else [])]
        return [*unsent, *self.hints, *columns, *summarize_findings(self.findings)]

    def report(self) -> Report:
        """Return how the run went."""
        return build_report(
            self.outcomes,
            self.tally,
            requests=self.requests,
            limits=self.limits,
            drifted=self.drifted,
            findings=(
                *filter(None, [self.detected]),
                *self.notes,
                *self.empty_answers,
                *([] if self.outcomes.is_all_missing else self.outcomes.describe_missing()),
                *self.describe_findings(),
                *describe_lost_connections(self.tally),
            ),
        )

    def frame(self) -> pd.DataFrame:
        """Return one line per input row."""
        return self.outcomes.to_frame(self.index)

    def failures(self) -> pd.DataFrame:
        """Return the lines of `frame` about failed rows; the last column, ``row``, is the position in the input."""
        failed = self.outcomes.failed_rows()
        lines = self.frame()[failed]
        return lines.assign(row=failed.nonzero()[0])


class RunHistory(str):
    """The runs behind a frame, in order; as text, one line about the last run.

    Invariant: a copy is the same object, and a pickle is a plain str.

    Parameters
    ----------
    run_id : str
        Makes the text unique, because ``concat`` compares attrs by value.
    runs : tuple of Run
        The last run is the one that made the frame.
    """

    __slots__ = ("runs",)
    runs: tuple[Run, ...]

    def __new__(cls, run_id: str, runs: tuple[Run, ...]) -> Self:
        last = runs[-1]
        rows, ended = len(last.outcomes.expansion.row_to_request), last.outcomes.format_counts()
        self = super().__new__(cls, f"run {run_id}: {rows} rows, {last.requests} requests, {ended or 'no rows'}")
        self.runs = runs
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> RunHistory:
        return self

    def __copy__(self) -> RunHistory:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def strip_attrs(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a shallow copy of a frame without attrs, because a run must not contain itself.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1]})
    >>> frame.attrs["run"] = "x"
    >>> strip_attrs(frame).attrs
    {}
    """
    copy = frame.copy(deep=False)
    copy.attrs = {}
    return copy


def get_runs(frame: pd.DataFrame) -> tuple[Run, ...]:
    """Return the runs that a frame carries; an empty tuple if it carries none.

    Examples
    --------
    >>> import pandas as pd
    >>> get_runs(pd.DataFrame())
    ()
    """
    carried = frame.attrs.get(ATTRS_KEY)
    return carried.runs if isinstance(carried, RunHistory) else ()


def summarize_findings(findings: Mapping[Any, Sequence[str]]) -> list[str]:
    """Return the findings of all rows, each text once.

    Examples
    --------
    >>> summarize_findings({3: ["page 2 did not come"], 5: ["page 2 did not come", "x"], 9: ["page 2 did not come"]})
    ['page 2 did not come (row 3 and 2 others)', 'x (row 5)']
    """
    rows_by_text: dict[str, list[Any]] = {}
    for row, texts in findings.items():
        for text in texts:
            rows_by_text.setdefault(text, []).append(row)
    lines = [f"{text} (row {rows[0]}{_count_others(len(rows) - 1)})" for text, rows in rows_by_text.items()]
    hidden = len(lines) - _MAX_FINDINGS
    return lines[:_MAX_FINDINGS] + ([f"and similar findings in {hidden} other rows"] if hidden > 0 else [])


def _count_others(count: int) -> str:
    return f" and {format_count(count, 'other')}" if count else ""

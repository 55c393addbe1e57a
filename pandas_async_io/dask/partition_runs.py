"""The runs of the partitions, which travel with their frames from process to process.

Invariant: what travels holds no credential and no option of the call. `retry_failed` takes them from the call.
"""

from __future__ import annotations

import time
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.report.history import ATTRS_KEY, Run, RunHistory, get_runs, strip_attrs
from pandas_async_io.call.prepare.source import Source
from pandas_async_io.options import FetchOptions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class PartitionRun:
    """The run of one partition.

    Attributes
    ----------
    run : Run
        How it went.
    ended_at : float
        Seconds since the epoch, by the clock of its machine.
    """

    run: Run
    ended_at: float


class PartitionHistory(RunHistory):
    """The run behind a partition; a pickle of it is a portable run, not a text only."""

    __slots__ = ("ended_at",)
    ended_at: float

    @classmethod
    def make(cls, text: str, runs: tuple[Run, ...], ended_at: float) -> PartitionHistory:
        """Return the history of some runs, with a text that is unique."""
        made: PartitionHistory = str.__new__(cls, text)
        made.runs, made.ended_at = runs, ended_at
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        runs = tuple(_make_portable(run) for run in self.runs[-1:])
        return PartitionHistory.make, (str(self), runs, self.ended_at)


def attach_run(frame: pd.DataFrame) -> pd.DataFrame:
    """Let the run behind a frame travel with it."""
    history = frame.attrs.get(ATTRS_KEY)
    if isinstance(history, RunHistory):
        frame.attrs[ATTRS_KEY] = PartitionHistory.make(str(history), history.runs, time.time())
    return frame


def take_run(frame: pd.DataFrame) -> PartitionRun | None:
    """Return the run behind a partition; None if it has none."""
    history = frame.attrs.get(ATTRS_KEY)
    if not isinstance(history, PartitionHistory):
        return None
    return PartitionRun(_make_portable(history.runs[-1]), history.ended_at)


def restore_source(frame: pd.DataFrame, url: str, options: FetchOptions) -> pd.DataFrame | None:
    """Return a partition whose run has its frame, URL and options again, as `retry_failed` needs them.

    None if there is nothing to retry.
    """
    runs = get_runs(frame)
    if not runs or not runs[-1].outcomes.failed_rows().any():
        return None
    run = runs[-1]
    source = replace(run.source, url=url, options=options)
    restored = strip_attrs(frame)
    run = replace(run, source=source, output=strip_attrs(frame))
    restored.attrs[ATTRS_KEY] = RunHistory("partition", (run,))
    return restored


def _make_portable(run: Run) -> Run:
    """Return a run without credentials and options; without its input and output where no row failed."""
    has_failed = bool(run.outcomes.failed_rows().any())
    rows = strip_attrs(run.source.frame if has_failed else run.source.frame.iloc[:0])
    return replace(
        run,
        outcomes=run.outcomes.without_secrets(),
        output=strip_attrs(run.output.iloc[:0]),
        collected=copy(run.collected) if has_failed else None,
        source=Source(rows, "", FetchOptions(), run.source.key),
    )

"""Attaches runs to a frame, and warns or raises for the failed rows of the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from pandas_async_io._core.errors import FetchError, FetchWarning, HintWarning
from pandas_async_io._core.report.causes import format_notes, summarize_causes
from pandas_async_io._core.report.history import ATTRS_KEY, Run, RunHistory
from pandas_async_io._core.words import end_sentence
from pandas_async_io.call.stack_level import warn_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pandas_async_io.call.stack_level import UserLine


class ReportWords(NamedTuple):
    """Where a message says that the user finds more."""

    after_error: str
    after_failures: str
    after_findings: str


_FRAME_WORDS = ReportWords(
    "This error's .partial has the frame so far; .partial.aio.retry_failed() goes on",
    "See .aio.failures, .aio.retry_failed()",
    "See .aio.report",
)


def attach_runs(
    frame: pd.DataFrame,
    runs: tuple[Run, ...],
    *,
    errors: str,
    hints: Sequence[str] = (),
    line: UserLine | None = None,
) -> pd.DataFrame:
    """Put the runs on a frame, and report the failed rows and findings of the last one.

    Parameters
    ----------
    hints : sequence of str
        What else the user must know: it is in the message, not in the report.
    line : UserLine, optional
        The user's line that started the work, if it is not on this thread's stack.

    Raises
    ------
    FetchError
        ``errors`` is "raise", and rows failed or no answer has ``record_path`` or a ``meta`` field.

    Warns
    -----
    FetchWarning
        Rows failed; the findings are in its message.
    HintWarning
        No row failed, but there are findings.
    """
    frame.attrs[ATTRS_KEY] = RunHistory(uuid4().hex[:8], runs)
    if errors != "ignore":
        report_run(runs[-1], frame, errors=errors, hints=hints, line=line)
    return frame


def report_run(
    run: Run,
    frame: pd.DataFrame,
    *,
    errors: str,
    hints: Sequence[str] = (),
    line: UserLine | None = None,
    words: ReportWords = _FRAME_WORDS,
) -> None:
    """Report the failed rows and findings of a run, as `attach_runs` does.

    Parameters
    ----------
    frame : DataFrame
        The ``.partial`` of the exception or warning.
    words : ReportWords
        Where the user finds more.
    """
    causes, findings = run.outcomes.find_causes(), [*run.describe_findings(), *hints]
    if causes:
        failed = summarize_causes(causes, len(run.index))
        if errors == "raise":
            text = f"{end_sentence('; '.join([failed, *findings]))} {words.after_error}"
            raise _fetch_error(text, frame, run, format_notes(causes))
        text = f"{end_sentence('; '.join([failed, *findings]))} {words.after_failures}"
        warn_user(FetchWarning(text, partial=frame), line)
    elif errors == "raise" and run.missing_paths.is_error:
        text = f"{end_sentence('; '.join(findings))} This error's .partial has the frame; errors='coerce' returns it"
        raise FetchError(text, partial=frame, failures=run.failures())
    elif findings:
        text = f"{end_sentence('; '.join(findings))} {words.after_findings}"
        warn_user(HintWarning(text, partial=frame), line)


def _fetch_error(text: str, frame: pd.DataFrame, run: Run, notes: list[str]) -> FetchError:
    error = FetchError(text, partial=frame, failures=run.failures())
    for note in notes:
        error.add_note(note)
    return error

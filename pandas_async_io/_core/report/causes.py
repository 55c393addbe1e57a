"""Why rows failed and what to do about it, in one line or one for each cause."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.models import Outcome
from pandas_async_io._core.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS: dict[int | str, str] = {
    401: "pass fresh auth= to retry_failed",
    403: "pass auth= that may do this to retry_failed",
    429: "pass a lower rate= to retry_failed",
    Outcome.RATE_LIMITED_TOO_LONG: "call retry_failed when its pause is over",
    Outcome.BUDGET_EXHAUSTED: "call retry_failed to go on",
    Outcome.TIMEOUT: "pass a longer timeout= to retry_failed, up to its client's",
}
_SAID = (
    (r"retry_failed does not submit it again", ""),
    (r"the server may have received it", "retry_failed sends again what the server may have received"),
    (r"\b(?:Poll|Retry|Client)\(\w+=|\((?:pass|give|send|set|raise|use)\b[^()]*\)$", ""),
    (r"the run's deadline|\bmax_requests=\d+ is spent|the run's retries are spent", "call retry_failed to go on"),
    (r"nothing came through to this origin", "call retry_failed when it is up again"),
    (r"^no connection to", ""),
)
"""What a text says, and so the next step; the first that fits. A text that names its own remedy needs no other."""

_CANARY = re.compile(r"not sent: the first \d+ answers were all (\d{3})")
_PAGE = re.compile(r"page \d+: ")
_STATUS = re.compile(r"HTTP \d{3}[^:(]*")
_CUT = re.compile(r"no complete answer from .*?( before the run's deadline)")
_SHOWN = 3
"""Causes in a digest."""
_NOTES = 10
"""Causes that a traceback is told of."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why some rows failed, and which.

    Attributes
    ----------
    text : str
        What they have in common.
    rows : list of int
        Their positions.
    outcome, status, error, url
        Of the first of them.
    sent : bool
        Whether one of them was sent.
    """

    text: str
    rows: list[int]
    outcome: str
    status: int = 0
    error: str = ""
    url: str = ""
    sent: bool = False

    @property
    def step(self) -> str:
        """What to do about it, "" if that is not known."""
        return step_of(self.error, self.outcome, self.status)


def step_of(error: str, outcome: str, status: int = 0) -> str:
    """Return what to do about a row's failure, "" if that is not known or the error says it.

    Examples
    --------
    >>> step_of("HTTP 401 Unauthorized", "http_error", 401)
    'pass fresh auth= to retry_failed'
    >>> step_of("not sent: the first 25 answers were all 401: are the credentials right?", "not_attempted")
    'pass fresh auth= to retry_failed'
    >>> step_of("not sent: the run's deadline has passed", "not_attempted")
    'call retry_failed to go on'
    >>> step_of("the job has not ended within 60 s (Poll(patience=...))", "timeout")
    ''
    """
    error = _PAGE.sub("", error)
    if canary := _CANARY.match(error):
        return _STEPS.get(int(canary[1]), "")
    said = next((step for pattern, step in _SAID if re.search(pattern, error)), None)
    return said if said is not None else _STEPS.get(status) or _STEPS.get(outcome, "")


def common(error: str, outcome: str) -> str:
    """Return what an error has in common with those of other rows that failed for the same cause.

    What servers say of each row differs, and so do pages, origins and the number of attempts.

    Examples
    --------
    >>> common("page 3: HTTP 404 Not Found: no user 5 (3 attempts)", "http_error")
    'HTTP 404 Not Found'
    >>> common("no complete answer from https://e.com before the run's deadline", "timeout")
    "no complete answer before the run's deadline"
    """
    text = _PAGE.sub("", error)
    if cut := _CUT.match(text):
        return f"no complete answer{cut[1]}"
    if outcome != Outcome.HTTP_ERROR:
        return text
    status = _STATUS.match(text)
    return status[0].rstrip() if status else text.partition(": ")[0]


def ordered(causes: Sequence[Cause]) -> list[Cause]:
    """Return causes in the order in which they are told: what the server said first, then the most frequent.

    Rows that were not sent are a consequence.

    Examples
    --------
    >>> [cause.text for cause in ordered([Cause("not sent", [3, 4, 5], "not_attempted"),
    ...     Cause("HTTP 404", [9], "http_error", sent=True), Cause("HTTP 401", [1, 2], "http_error", sent=True)])]
    ['HTTP 401', 'HTTP 404', 'not sent']
    """
    return sorted(causes, key=lambda cause: (not cause.sent, -len(cause.rows)))


def digest(causes: Sequence[Cause], total: int) -> str:
    """Return the failed rows by cause and what to do about them, in one line.

    Parameters
    ----------
    causes : sequence of Cause
        In the order in which they are told.
    total : int
        Rows, failed or not.

    Examples
    --------
    >>> digest([Cause("HTTP 404 Not Found", [3, 7], "http_error", 404)], 300)
    '2 of 300 rows failed: 2 x HTTP 404 Not Found'
    """
    shown, hidden = list(causes[:_SHOWN]), list(causes[_SHOWN:])
    most = max(hidden, key=lambda cause: len(cause.rows), default=None)
    if most is not None and len(most.rows) > max(len(cause.rows) for cause in shown):
        shown[-1] = most
    more = f"; {counted(len(hidden), 'other cause')}" if hidden else ""
    failed = sum(len(cause.rows) for cause in causes)
    return f"{failed} of {total} rows failed: {'; '.join(map(_item, shown))}{more}"


def _item(cause: Cause) -> str:
    text = cause.text if len(cause.text) <= 160 else cause.text[:159] + "…"
    behind = " " if text.endswith("?") else ": "
    return f"{len(cause.rows)} x {text}{behind + cause.step if cause.step else ''}"


def notes(causes: Sequence[Cause]) -> list[str]:
    """Return one line for each cause, about its first row.

    Examples
    --------
    >>> notes([Cause("HTTP 404", [3, 7], "http_error", 404, "HTTP 404: no user", "https://e.com/3")])
    ['row 3: http_error, https://e.com/3, HTTP 404: no user']
    """
    return [
        f"row {cause.rows[0]}: " + ", ".join(filter(None, (cause.outcome, cause.url, cause.error)))
        for cause in causes[:_NOTES]
    ]

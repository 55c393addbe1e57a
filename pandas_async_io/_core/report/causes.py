"""Failed rows grouped by cause, and the remedy for each cause."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.models import Outcome
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

_REMEDIES: dict[int | str, str] = {
    401: "pass fresh auth= to retry_failed",
    403: "pass auth= that may do this to retry_failed",
    429: "pass a lower rate= to retry_failed",
    Outcome.RATE_LIMITED_TOO_LONG: "call retry_failed when its pause is over",
    Outcome.BUDGET_EXHAUSTED: "call retry_failed to continue",
    Outcome.TIMEOUT: "pass a longer timeout= to retry_failed, up to its client's",
}
_REMEDY_BY_TEXT = (
    (r"retry_failed does not submit it again", ""),
    (r"the server may have received it", "retry_failed sends again what the server may have received"),
    (r"\b(?:Poll|Retry|Client)\(\w+=|\((?:pass|give|send|set|raise|use)\b[^()]*\)$", ""),
    (r"the run's deadline|\bmax_requests=\d+ is spent", "call retry_failed to continue"),
    (r"nothing came through to this origin", "call retry_failed when it is up again"),
    (r"^no connection to", ""),
)
"""Patterns of an error text, and the remedy; the first match wins. A text that names a remedy itself gets none."""

_STOPPED_BY_CANARY = re.compile(r"not sent: the first \d+ answers were all (\d{3})")
_UNAUTHORIZED = re.compile(r"(?:page \d+: )?(?:HTTP 401\b|not sent: the first \d+ answers were all 401\b)")
_UNSENT_CREDENTIALS = re.compile(r"\((the client's credentials were not sent: .*)\)$")
_NAMED_REMEDY = re.compile(r"\((?:pass|give|send|set|raise|use|json=)\b[^()]*\)$")
_ATTEMPTS_SUFFIX = re.compile(r" \(\d+ attempts\)$")
_NOT_A_URL = (" is not a URL", "are sent, not 'a relative URL'")
_PAGE_PREFIX = re.compile(r"page \d+: ")
_STATUS_LINE = re.compile(r"HTTP \d{3}[^:(]*")
_CUT_BY_DEADLINE = re.compile(r"no complete answer from .*?( before the run's deadline)")
_NO_CONNECTION = re.compile(r"does not resolve|^no connection to|^no trusted TLS connection")
_MAX_CAUSES = 3
"""Causes in the one-line summary."""
_MAX_NOTES = 10
"""Causes listed as notes of a raised error."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why some rows failed, and which rows.

    Attributes
    ----------
    text : str
        The part of the error that the rows share.
    rows : list of int
        Their positions.
    outcome, status, error, url
        Those of the first row; of several errors, the most frequent one.
    was_sent : bool
        Whether at least one of the rows was sent.
    example : str
        The most frequent of the server's messages, if they differ and the text has none.
    """

    text: str
    rows: list[int]
    outcome: str
    status: int = 0
    error: str = ""
    url: str = ""
    was_sent: bool = False
    example: str = ""

    @property
    def remedy(self) -> str:
        """What to do about it; "" if no remedy is known, or the text names it."""
        remedy = find_remedy(self.error, self.outcome, self.status)
        if remedy or self.text == self.error:
            return remedy
        named = _NAMED_REMEDY.search(_ATTEMPTS_SUFFIX.sub("", self.error))  # the text is that of several errors
        return named[0][1:-1] if named and named[0] not in self.text else ""


def find_remedy(error: str, outcome: str, status: int = 0) -> str:
    """Return what to do about a row's failure; "" if no remedy is known or the error names it.

    Examples
    --------
    >>> find_remedy("HTTP 401 Unauthorized", "http_error", 401)
    'pass fresh auth= to retry_failed'
    >>> find_remedy("not sent: the first 25 answers were all 401: are the credentials right?", "not_attempted")
    'pass fresh auth= to retry_failed'
    >>> find_remedy("not sent: the run's deadline has passed", "not_attempted")
    'call retry_failed to continue'
    >>> find_remedy("the job has not ended within 60 s (Poll(patience=...))", "timeout")
    ''
    """
    error = _PAGE_PREFIX.sub("", error)
    if unsent := _UNSENT_CREDENTIALS.search(error):
        return unsent[1]
    by_text = next((remedy for pattern, remedy in _REMEDY_BY_TEXT if re.search(pattern, error)), None)
    if by_text is not None:
        return by_text
    if canary := _STOPPED_BY_CANARY.match(error):
        return _REMEDIES.get(int(canary[1]), "")
    return _REMEDIES.get(status) or _REMEDIES.get(outcome, "")


def is_unauthorized(error: str) -> bool:
    """Whether a row's error is a 401, or that it was not sent because the first answers were all 401.

    Examples
    --------
    >>> is_unauthorized("page 2: HTTP 401 Unauthorized"), is_unauthorized("HTTP 403 Forbidden")
    (True, False)
    """
    return _UNAUTHORIZED.match(error) is not None


def generalize_error(error: str, outcome: str) -> str:
    """Return an error without what differs between rows that fail for the same cause.

    That is the server's message, the page, the origin and the number of attempts.

    Examples
    --------
    >>> generalize_error("page 3: HTTP 404 Not Found: no user 5 (3 attempts)", "http_error")
    'HTTP 404 Not Found'
    >>> generalize_error("no complete answer from https://e.com before the run's deadline", "timeout")
    "no complete answer before the run's deadline"
    """
    text = _PAGE_PREFIX.sub("", error)
    if cut := _CUT_BY_DEADLINE.match(text):
        return f"no complete answer{cut[1]}"
    if outcome == Outcome.UNSAFE_URL and text.endswith(_NOT_A_URL):
        return "not a URL; for the ids of a column write df.aio.fetch('…/{id}')"
    if outcome != Outcome.HTTP_ERROR:
        return _ATTEMPTS_SUFFIX.sub("", text)
    status = _STATUS_LINE.match(text)
    return status[0].rstrip() if status else text.partition(": ")[0]


def extract_detail(error: str, general_text: str) -> str:
    """Return the server's message of an error, "" if it has none: what `generalize_error` left out behind its text.

    Examples
    --------
    >>> extract_detail("page 3: HTTP 404 Not Found: no user 5 (3 attempts)", "HTTP 404 Not Found")
    'no user 5'
    >>> extract_detail("HTTP 404 Not Found (3 attempts)", "HTTP 404 Not Found")
    ''
    """
    text = _ATTEMPTS_SUFFIX.sub("", _PAGE_PREFIX.sub("", error))
    start = f"{general_text}: "
    return text.removeprefix(start) if text.startswith(start) else ""


def sort_causes(causes: Sequence[Cause]) -> list[Cause]:
    """Return causes sorted: those of sent rows first, then by number of rows.

    Rows that were not sent are a consequence of the others.

    Examples
    --------
    >>> unsent = Cause("not sent", [3, 4, 5], "not_attempted")
    >>> rare = Cause("HTTP 404", [9], "http_error", was_sent=True)
    >>> frequent = Cause("HTTP 401", [1, 2], "http_error", was_sent=True)
    >>> [cause.text for cause in sort_causes([unsent, rare, frequent])]
    ['HTTP 401', 'HTTP 404', 'not sent']
    """
    return sorted(causes, key=lambda cause: (not cause.was_sent, -len(cause.rows)))


def summarize_causes(causes: Sequence[Cause], total: int) -> str:
    """Return one line that counts the failed rows by cause, with remedies.

    Parameters
    ----------
    causes : sequence of Cause
        As `sort_causes` sorts them.
    total : int
        Number of rows, failed or not.

    Examples
    --------
    >>> summarize_causes([Cause("HTTP 404 Not Found", [3, 7], "http_error", 404)], 300)
    '2 of 300 rows failed: 2 x HTTP 404 Not Found'
    >>> summarize_causes([Cause("HTTP 404 Not Found", [3, 7], "http_error", 404, example="no user 3")], 300)
    '2 of 300 rows failed: 2 x HTTP 404 Not Found (e.g. no user 3)'
    """
    failed = sum(len(cause.rows) for cause in causes)
    if failed == total > 1 and _is_one_outage(causes):
        return f"{failed} of {total} rows failed, none was answered: {_join_remedy(causes[0].text, causes[0].remedy)}"
    shown, hidden = list(causes[:_MAX_CAUSES]), list(causes[_MAX_CAUSES:])
    most = max(hidden, key=lambda cause: len(cause.rows), default=None)
    if most is not None and len(most.rows) > max(len(cause.rows) for cause in shown):
        shown[-1] = most
    more = f"; {format_count(len(hidden), 'other cause')}" if hidden else ""
    return f"{failed} of {total} rows failed: {'; '.join(map(_format_cause, shown))}{more}"


def _is_one_outage(causes: Sequence[Cause]) -> bool:
    """Whether the only cause of sent rows is that no connection came about, and the others were not sent for it."""
    first, *others = causes
    return (
        first.outcome == Outcome.TRANSPORT_ERROR
        and _NO_CONNECTION.search(first.text) is not None
        and all(cause.outcome == Outcome.NOT_ATTEMPTED for cause in others)
    )


def _format_cause(cause: Cause) -> str:
    example = f" (e.g. {_shorten(cause.example)})" if cause.example else ""
    return f"{len(cause.rows)} x {_join_remedy(_shorten(cause.text), cause.remedy)}{example}"


def _shorten(text: str) -> str:
    return text if len(text) <= 160 else text[:159] + "…"


def _join_remedy(text: str, remedy: str) -> str:
    behind = " " if text.endswith("?") else ": "
    return f"{text}{behind + remedy if remedy and remedy not in text else ''}"


def format_notes(causes: Sequence[Cause]) -> list[str]:
    """Return one line per cause that describes its first row.

    Examples
    --------
    >>> format_notes([Cause("HTTP 404", [3, 7], "http_error", 404, "HTTP 404: no user", "https://e.com/3")])
    ['row 3: http_error, https://e.com/3, HTTP 404: no user']
    """
    return [
        f"row {cause.rows[0]}: " + ", ".join(filter(None, (cause.outcome, cause.url, cause.error)))
        for cause in causes[:_MAX_NOTES]
    ]

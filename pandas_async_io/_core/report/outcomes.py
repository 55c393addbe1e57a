"""The outcome of each request and of each input row.

During the run they are arrays, one item per request; a frame is built only on demand.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.models import Outcome, Result
from pandas_async_io._core.report.causes import Cause, extract_detail, generalize_error, is_unauthorized, sort_causes
from pandas_async_io._core.request.cell_values.missing_values import count_missing
from pandas_async_io._core.security.redaction import SecretRedactor
from pandas_async_io._core.security.secrets import redact_url, redact_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionArray

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.request.rows.expansion import Expansion

_OUTCOMES = tuple(Outcome)
_OUTCOME_CODES = {outcome: code for code, outcome in enumerate(_OUTCOMES)}
_OUTCOME_NAMES = np.array([str(outcome) for outcome in _OUTCOMES], dtype=object)
NON_FAILURES = (Outcome.OK, Outcome.NULL_KEY)
"""Outcomes that do not count as failures."""

_UNANSWERED = "no complete answer from"
"""How the error begins of an attempt that was sent and timed out."""

_NO_SECRETS = SecretRedactor()
_ARRAYS = ("_codes", "_status", "_attempts", "_elapsed", "_fetched_at", "_from_store")


class Outcomes:
    """The results of a run's requests, without payloads, and the outcomes of its rows.

    A request without a result counts as cancelled.

    Parameters
    ----------
    expansion : Expansion
        Which row needs which request.
    redactor : SecretRedactor, optional
        Redacts the call's credentials in server messages.

    Attributes
    ----------
    on_put : callable, optional
        Takes the position, the result and the redacted error of each request that has its result.
    """

    def __init__(self, expansion: Expansion, redactor: SecretRedactor = _NO_SECRETS) -> None:
        requests = len(expansion)
        self.expansion = expansion
        self._redactor = redactor
        self.on_put: Callable[[int, Result, str | None], None] | None = None
        self.done = 0
        self._codes = np.full(requests, _OUTCOME_CODES[Outcome.CANCELLED], dtype=np.int8)
        self._status = np.zeros(requests, dtype=np.int16)
        self._attempts = np.zeros(requests, dtype=np.int32)
        self._elapsed = np.full(requests, np.nan)
        self._fetched_at = np.full(requests, np.nan)
        self._from_store = np.zeros(requests, dtype=bool)
        self._urls: dict[int, str] = {}
        self._errors: dict[int, str] = {}

    def put(self, position: int, result: Result) -> None:
        """Store the result of one request."""
        self._attempts[position] = result.attempts
        self._elapsed[position] = result.elapsed
        if result.status is not None:
            self._status[position] = result.status
        if result.fetched_at is not None:
            self._fetched_at[position] = result.fetched_at
        if result.from_store:
            self._from_store[position] = True
        if result.url is not None:
            self._urls[position] = result.url
        if result.error is not None:
            self._errors[position] = self._redactor.redact_for_request(position, result.error)
        self._codes[position] = _OUTCOME_CODES[result.outcome]  # last: a result that Ctrl-C cut off is no result
        self.done += 1
        if self.on_put is not None:
            self.on_put(position, result, self._errors.get(position))

    def mark_parse_errors(self, failures: Mapping[int, Exception]) -> None:
        """Turn requests whose payload could not be flattened into parse errors."""
        for position, error in failures.items():
            self._codes[position] = _OUTCOME_CODES[Outcome.PARSE_ERROR]
            self._errors[position] = self._redactor.redact_for_request(position, str(error))

    def add_note_to_401(self, positions: Iterable[int], note: str) -> None:
        """Add a note to the errors of requests that ended 401, and of those not sent because the first ones did."""
        for position in positions:
            error = self._errors.get(position, "")
            if is_unauthorized(error):
                self._errors[position] = f"{error} ({note})"

    def add_note_to_status(self, statuses: Collection[int], note: str) -> None:
        """Add a note to the errors of requests that ended with one of some statuses."""
        for position in np.flatnonzero(np.isin(self._status, list(statuses))).tolist():
            if position in self._errors:
                self._errors[position] = f"{self._errors[position]} ({note})"

    def count_timeouts(self) -> int:
        """Return the requests that had no complete answer within the attempt's timeout."""
        return sum(_UNANSWERED in error and " within " in error for error in self._errors.values())

    def latencies(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the seconds of the last attempt of each request that was sent."""
        return self._elapsed[self._attempts > 0]

    def replace_rows(self, other: Outcomes, rows: Positions) -> Outcomes:
        """Return these outcomes with some rows replaced by those of another run.

        `rows` are the positions of the rows of the other run.
        """
        old, new = self.expansion, other.expansion
        row_to_request = old.row_to_request.copy()
        row_to_request[rows] = np.where(new.row_to_request < 0, -1, new.row_to_request + len(old))
        replaced = set(rows.tolist())
        unsafe = {row: reason for row, reason in old.unsafe.items() if row not in replaced}
        unsafe.update({int(rows[row]): reason for row, reason in new.unsafe.items()})
        urls = self._collect_urls() + other._collect_urls()
        missing = old.missing
        if missing is not None and new.missing is not None:
            missing = missing.copy()
            missing[rows] = new.missing
        both = Outcomes(replace(old, urls=urls, row_to_request=row_to_request, unsafe=unsafe, missing=missing))
        for name in _ARRAYS:
            setattr(both, name, np.concatenate([getattr(self, name), getattr(other, name)]))
        both._errors = {**self._errors, **{len(old) + position: text for position, text in other._errors.items()}}
        return both

    def without_secrets(self) -> Outcomes:
        """Return the outcomes without what makes requests, and with redacted URLs and errors only."""
        bare = replace(self.expansion, urls=self._collect_urls(), origins={}, headers={}, builder=None)
        copied = Outcomes(bare)
        vars(copied).update({name: getattr(self, name) for name in (*_ARRAYS, "done", "_errors")})
        return copied

    def outcome_of(self, position: int) -> Outcome:
        """Return how a request ended."""
        return _OUTCOMES[int(self._codes[position])]

    def row_outcomes(self) -> np.ndarray[Any, Any]:
        """Return the outcome of each input row, as an array of str."""
        names: np.ndarray[Any, Any] = _OUTCOME_NAMES[self._row_codes()]
        return names

    def failed_rows(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return for each input row whether it failed: neither ``ok`` nor ``null_key``."""
        fine: np.ndarray[Any, np.dtype[np.bool_]] = np.isin(
            self._row_codes(), [_OUTCOME_CODES[outcome] for outcome in NON_FAILURES]
        )
        return ~fine

    def count_by_outcome(self) -> dict[str, int]:
        """Return the number of rows of each outcome, the most frequent first."""
        counts = np.bincount(self._row_codes(), minlength=len(_OUTCOMES)).tolist()
        found = ((str(outcome), count) for outcome, count in zip(_OUTCOMES, counts, strict=True) if count)
        return dict(sorted(found, key=lambda each: -each[1]))

    def format_counts(self) -> str:
        """Return the number of rows of each outcome as text: ``3 ok, 1 timeout``."""
        return ", ".join(f"{count} {outcome}" for outcome, count in self.count_by_outcome().items())

    def _row_codes(self) -> np.ndarray[Any, np.dtype[np.int8]]:
        codes = np.append(self._codes, np.int8(_OUTCOME_CODES[Outcome.NULL_KEY]))[self.expansion.row_to_request]
        codes[list(self.expansion.unsafe)] = _OUTCOME_CODES[Outcome.UNSAFE_URL]
        return codes

    def to_frame(self, index: pd.Index[Any]) -> pd.DataFrame:
        """Return one line per input row.

        Parameters
        ----------
        index : Index
            Index of the input frame.

        Returns
        -------
        DataFrame
            ``outcome``, ``status``, ``attempts``, ``elapsed`` (seconds of the last attempt), ``url`` (redacted),
            ``error``, ``fetched_at`` (UTC) and ``from_store``.
        """
        take = self.expansion.row_to_request
        sent = take >= 0
        status = np.append(self._status, 0)[take]
        fetched = _to_utc(np.append(self._fetched_at, np.nan)[take])
        return pd.DataFrame(
            {
                "outcome": self.row_outcomes(),
                "status": pd.arrays.IntegerArray(status.astype("int64"), ~sent | (status == 0)),
                "attempts": np.append(self._attempts, 0)[take].astype("int64"),
                "elapsed": np.append(self._elapsed, np.nan)[take],
                "url": self._collect_row_urls(),
                "error": self._collect_row_errors(),
                "fetched_at": fetched,
                "from_store": np.append(self._from_store, False)[take],
            },
            index=index,
        )

    def _collect_row_urls(self) -> np.ndarray[Any, Any]:
        urls = np.empty(len(self.expansion) + 1, dtype=object)
        urls[:-1] = self._collect_urls()
        return urls[self.expansion.row_to_request]

    def _collect_urls(self) -> list[str]:
        """Return the redacted URL of each request: the one that answered, else the one that was to be sent."""
        urls = self._redactor.redact_all(redact_urls(self.expansion.urls))
        if self._urls:
            urls = list(urls)
            for position, url in self._urls.items():
                urls[position] = self._redact(url)
        return urls

    def _collect_row_errors(self) -> np.ndarray[Any, Any]:
        errors = np.empty(len(self.expansion) + 1, dtype=object)
        for position, error in self._errors.items():
            errors[position] = error
        row_errors = errors[self.expansion.row_to_request]
        if self.expansion.missing is not None:
            not_sent = self.expansion.row_to_request < 0
            row_errors[not_sent] = self.expansion.missing[not_sent]
        for row, error in self.expansion.unsafe.items():
            row_errors[row] = error
        return row_errors

    def describe_missing(self) -> list[str]:
        """Return one line about the rows that were not sent for lack of a value; none if there are none."""
        return count_missing(self.expansion.missing)

    @property
    def is_all_missing(self) -> bool:
        """Whether there are rows, and every one lacks a value and was not sent."""
        missing = self.expansion.missing
        return missing is not None and len(missing) > 0 and not pd.isna(missing).any()

    def find_causes(self) -> list[Cause]:
        """Return the causes of failed rows, as `sort_causes` sorts them."""
        errors, outcomes = self._collect_row_errors(), self.row_outcomes()
        was_sent = np.append(self._attempts, 0)[self.expansion.row_to_request] > 0
        rows_by_error: dict[tuple[str, str], list[int]] = {}
        for row in np.flatnonzero(self.failed_rows()).tolist():
            rows_by_error.setdefault((errors[row] or "", outcomes[row]), []).append(row)
        rows_by_cause: dict[str, list[tuple[str, list[int]]]] = {}
        for (error, outcome), rows in rows_by_error.items():
            text = error or outcome
            rows_by_cause.setdefault(generalize_error(text, outcome), []).append((text, rows))
        causes = []
        for general_text, errors_with_rows in rows_by_cause.items():
            rows = sorted(chain.from_iterable(rows for _, rows in errors_with_rows))
            errors_with_rows.sort(key=lambda each: -len(each[1]))
            frequent, (most, *_) = errors_with_rows[0]
            is_one_error = len(errors_with_rows) == 1
            details = (extract_detail(error, general_text) for error, _ in errors_with_rows)
            status, url = self._find_response(most)
            first = str(outcomes[most]), status, errors[most] or "", url
            causes.append(
                Cause(
                    frequent if is_one_error else general_text,
                    rows,
                    *first,
                    was_sent=bool(was_sent[rows].any()),
                    example="" if is_one_error else next(filter(None, details), ""),
                )
            )
        return sort_causes(causes)

    def _find_response(self, row: int) -> tuple[int, str]:
        """Return the status and the redacted URL of a row's response."""
        position = int(self.expansion.row_to_request[row])
        if position < 0:
            return 0, ""
        return int(self._status[position]), self._redact(self._urls.get(position, self.expansion.urls[position]))

    def _redact(self, url: str) -> str:
        return self._redactor.redact(redact_url(url))


def _to_utc(seconds: NDArray[np.float64]) -> ExtensionArray:
    """Return times since the epoch, to the microsecond; NaN is NaT.

    `pandas.to_datetime` before 3.0 rounds uninitialised memory where a value is NaN, which may raise.
    """
    nanoseconds = np.full(len(seconds), np.datetime64("NaT", "ns"))
    known = np.isfinite(seconds)
    nanoseconds[known] = (np.rint(seconds[known] * 1e6).astype(np.int64) * 1_000).view("datetime64[ns]")
    return pd.DatetimeIndex(nanoseconds, tz="UTC").array

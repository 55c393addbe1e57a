"""How every row ended: columns of numbers while the run lasts, a frame when it is looked at."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.models import Outcome, Result
from pandas_async_io._core.report.causes import Cause, common, ordered
from pandas_async_io._core.security.redaction import Blot
from pandas_async_io._core.security.secrets import redact_url, redact_urls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.request.expand import Expansion

_KINDS = tuple(Outcome)
_CODES = {outcome: code for code, outcome in enumerate(_KINDS)}
_NAMES = np.array([str(outcome) for outcome in _KINDS], dtype=object)
FINE = (Outcome.OK, Outcome.NULL_KEY)
"""The outcomes that are no failures."""


_NOTHING = Blot()


class Outcomes:
    """The results of a run's requests without their payloads, and so the outcome of each row.

    Parameters
    ----------
    expansion : Expansion
        Which row asked for which request; a request without a result counts as cancelled.
    blot : Blot, optional
        Blots the call's credentials out of what servers say.
    """

    def __init__(self, expansion: Expansion, blot: Blot = _NOTHING) -> None:
        requests = len(expansion)
        self.expansion = expansion
        self._blot = blot
        self.done = 0
        self._codes = np.full(requests, _CODES[Outcome.CANCELLED], dtype=np.int8)
        self._status = np.zeros(requests, dtype=np.int16)
        self._attempts = np.zeros(requests, dtype=np.int32)
        self._elapsed = np.full(requests, np.nan)
        self._fetched_at = np.full(requests, np.nan)
        self._from_store = np.zeros(requests, dtype=bool)
        self._urls: dict[int, str] = {}
        self._errors: dict[int, str] = {}

    def put(self, position: int, result: Result) -> None:
        """Take the result of one request."""
        self.done += 1
        self._codes[position] = _CODES[result.outcome]
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
            self._errors[position] = self._blot.of(position, result.error)

    def fail(self, failures: Mapping[int, Exception]) -> None:
        """Turn requests whose payload could not be opened into parse errors."""
        for position, error in failures.items():
            self._codes[position] = _CODES[Outcome.PARSE_ERROR]
            self._errors[position] = self._blot.of(position, str(error))

    def latencies(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the seconds of each request's last attempt, of those that were sent."""
        return self._elapsed[self._attempts > 0]

    def followed_by(self, other: Outcomes, rows: Positions) -> Outcomes:
        """Return these outcomes with those of another run in the place of some rows.

        Parameters
        ----------
        other : Outcomes
            Of a run over some of the rows.
        rows : array of int64
            Which rows these were.
        """
        old, new = self.expansion, other.expansion
        row_to_request = old.row_to_request.copy()
        row_to_request[rows] = np.where(new.row_to_request < 0, -1, new.row_to_request + len(old))
        replaced = set(rows.tolist())
        unsafe = {row: reason for row, reason in old.unsafe.items() if row not in replaced}
        unsafe.update({int(rows[row]): reason for row, reason in new.unsafe.items()})
        urls = self._all_urls() + other._all_urls()
        both = Outcomes(replace(old, urls=urls, row_to_request=row_to_request, unsafe=unsafe))
        for name in ("_codes", "_status", "_attempts", "_elapsed", "_fetched_at", "_from_store"):
            setattr(both, name, np.concatenate([getattr(self, name), getattr(other, name)]))
        both._errors = {**self._errors, **{len(old) + position: text for position, text in other._errors.items()}}
        return both

    def of_rows(self) -> np.ndarray[Any, Any]:
        """Return the outcome of each input row, as an array of str."""
        names: np.ndarray[Any, Any] = _NAMES[self._row_codes()]
        return names

    def failed(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each input row failed: neither ``ok`` nor ``null_key``."""
        fine: np.ndarray[Any, np.dtype[np.bool_]] = np.isin(self._row_codes(), [_CODES[outcome] for outcome in FINE])
        return ~fine

    def count(self) -> dict[str, int]:
        """Return how many rows ended how, the most frequent first."""
        counts = np.bincount(self._row_codes(), minlength=len(_KINDS)).tolist()
        found = ((str(outcome), count) for outcome, count in zip(_KINDS, counts, strict=True) if count)
        return dict(sorted(found, key=lambda each: -each[1]))

    def _row_codes(self) -> np.ndarray[Any, np.dtype[np.int8]]:
        codes = np.append(self._codes, np.int8(_CODES[Outcome.NULL_KEY]))[self.expansion.row_to_request]
        codes[list(self.expansion.unsafe)] = _CODES[Outcome.UNSAFE_URL]
        return codes

    def frame(self, index: pd.Index[Any]) -> pd.DataFrame:
        """Return one line per input row.

        Parameters
        ----------
        index : Index
            Of the input frame.

        Returns
        -------
        DataFrame
            ``outcome``, ``status``, ``attempts``, ``elapsed`` (seconds, of the last attempt), ``url`` (secrets
            blotted out), ``error``, ``fetched_at`` (UTC) and ``from_store``.
        """
        take = self.expansion.row_to_request
        sent = take >= 0
        status = np.append(self._status, 0)[take]
        fetched = pd.to_datetime(pd.Series(np.append(self._fetched_at, np.nan)[take]), unit="s", utc=True)
        return pd.DataFrame(
            {
                "outcome": self.of_rows(),
                "status": pd.arrays.IntegerArray(status.astype("int64"), ~sent | (status == 0)),
                "attempts": np.append(self._attempts, 0)[take].astype("int64"),
                "elapsed": np.append(self._elapsed, np.nan)[take],
                "url": self._row_urls(),
                "error": self._row_errors(),
                "fetched_at": fetched.array,
                "from_store": np.append(self._from_store, False)[take],
            },
            index=index,
        )

    def _row_urls(self) -> np.ndarray[Any, Any]:
        urls = np.empty(len(self.expansion) + 1, dtype=object)
        urls[:-1] = self._all_urls()
        return urls[self.expansion.row_to_request]

    def _all_urls(self) -> list[str]:
        """Return where each request's answer came from, or would have, secrets blotted out."""
        urls = self._blot.every(redact_urls(self.expansion.urls))
        if self._urls:
            urls = list(urls)
            for position, url in self._urls.items():
                urls[position] = self._shown(url)
        return urls

    def _row_errors(self) -> np.ndarray[Any, Any]:
        errors = np.empty(len(self.expansion) + 1, dtype=object)
        for position, error in self._errors.items():
            errors[position] = error
        of_rows = errors[self.expansion.row_to_request]
        for row, error in self.expansion.unsafe.items():
            of_rows[row] = error
        return of_rows

    def causes(self) -> list[Cause]:
        """Return why rows failed, in the order in which they are told."""
        errors, outcomes = self._row_errors(), self.of_rows()
        sent = np.append(self._attempts, 0)[self.expansion.row_to_request] > 0
        same: dict[tuple[str, str], list[int]] = {}
        for row in np.flatnonzero(self.failed()).tolist():
            same.setdefault((errors[row] or "", outcomes[row]), []).append(row)
        alike: dict[str, list[tuple[str, list[int]]]] = {}
        for (error, outcome), rows in same.items():
            text = error or outcome
            alike.setdefault(common(text, outcome), []).append((text, rows))
        causes = []
        for text, several in alike.items():
            rows = sorted(chain.from_iterable(rows for _, rows in several))
            shown = several[0][0] if len(several) == 1 else text
            status, url = self._answer(rows[0])
            first = str(outcomes[rows[0]]), status, errors[rows[0]] or "", url
            causes.append(Cause(shown, rows, *first, sent=bool(sent[rows].any())))
        return ordered(causes)

    def _answer(self, row: int) -> tuple[int, str]:
        """Return the status of a row's answer, and where it came from."""
        position = int(self.expansion.row_to_request[row])
        if position < 0:
            return 0, ""
        return int(self._status[position]), self._shown(self._urls.get(position, self.expansion.urls[position]))

    def _shown(self, url: str) -> str:
        return self._blot(redact_url(url))

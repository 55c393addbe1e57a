"""What one call takes from its store, and keeps in it.

Invariant: an answer is given only to a request with the same fingerprint and identity; in a replay any identity will
do, if only one answer is kept.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict, CIMultiDictProxy

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import SAFE_METHODS, Response
from pandas_async_io._core.storage.http_cache import HttpCache, find_varying
from pandas_async_io._core.storage.keeping import is_polled_again, is_worth_keeping
from pandas_async_io._core.storage.usage import StoreUsage
from pandas_async_io._io.storage.answer_file import BLOCK_REQUESTS, AnswerFile
from pandas_async_io._io.storage.answer_reader import AnswerReader
from pandas_async_io._io.storage.new_answers import AnswerSink, ChangedUrl, NewAnswer
from pandas_async_io._io.storage.writer import AnswerWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._core.models import Request
    from pandas_async_io._core.storage.fingerprint import Fingerprinter, RequestKey
    from pandas_async_io._core.storage.freshness import StoredAnswer
    from pandas_async_io._core.storage.hidden_secrets import HiddenSecrets
    from pandas_async_io._io.storage.store import Store


_NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


class CallStore:
    """A store, open for one call.

    Parameters
    ----------
    store : Store
        The file, and what is taken from it.
    make_fingerprinter : callable
        Takes the salts of the file.
    hidden : HiddenSecrets
        Hides the call's credentials.
    may_answer : callable
        Takes a method; returns whether a kept answer stands for sending the request.
    submits_jobs : bool
        Whether first requests submit jobs: their answers are kept whatever their method is.
    looks_up : bool
        Whether kept answers are taken, unless the mode says so.
    encoding : str, optional
        The call's charset, in which a kept answer is read.

    Attributes
    ----------
    name : str
        For messages.
    usage : StoreUsage
        What was taken and kept.
    cache : HttpCache or None
        Its rules, if the store is an HTTP cache.
    replays, records : bool
        By the store's mode.
    """

    def __init__(
        self,
        store: Store,
        make_fingerprinter: Callable[[Sequence[bytes]], Fingerprinter],
        hidden: HiddenSecrets,
        may_answer: Callable[[str], bool],
        *,
        submits_jobs: bool = False,
        looks_up: bool = True,
        encoding: str | None = None,
    ) -> None:
        self.store, self.name = store, f"store={str(store.path)!r}"
        self.replays, self.records = store.mode == "replay", store.mode == "record"
        self._looks_up = self.replays or (looks_up and not self.records)
        self._submits_jobs = submits_jobs
        self.usage = StoreUsage(self.name)
        self._file = AnswerFile(store.file, writes=not self.replays)
        self._fingerprint = make_fingerprinter(self._file.salts)
        self.cache = HttpCache(self._fingerprint.is_ignored, self.usage) if store.is_http_cache else None
        self._hidden, self._may_answer = hidden, may_answer
        self._reader = AnswerReader(self.name, hidden, self.usage, replays=self.replays, encoding=encoding)
        self._occurrences: Counter[bytes] = Counter()
        self._sink = AnswerSink(store.file, hidden)
        self._writer = AnswerWriter(self._sink.write)

    def make_key(self, request: Request, number: int = 1) -> RequestKey | None:
        """Return what the answer to a request is kept under; None if it is always sent and its answer is not kept.

        Call it once for each request, in the order of the rows: of equal requests that change something the first
        gets the first answer.
        """
        if self.cache is not None and not self.cache.may_take(request.method):
            return None
        if request.method in SAFE_METHODS:
            return self._fingerprint(request)
        is_submission = self._submits_jobs and number == 1
        if not (is_submission or self.store.mode != "journal" or self._may_answer(request.method)):
            return None
        key = self._fingerprint(request)
        occurrence = self._occurrences[key.fingerprint]
        self._occurrences[key.fingerprint] += 1
        return self._fingerprint(request, occurrence) if occurrence else key

    def find(self, requests: Sequence[tuple[RequestKey | None, Request]]) -> list[StoredAnswer | None]:
        """Return the kept answers to at most a block of requests; None for each that is to be sent.

        Raises
        ------
        PlanError
            In a replay: the file cannot be read, or two identities have different answers to a request.
        """
        if not self._looks_up:
            return [None] * len(requests)
        look_up = partial(self._file.find, since=self._oldest())
        rows = self._guard(look_up, [key.fingerprint for key, _ in requests if key is not None])
        if not rows:
            return [None] * len(requests)
        return [
            None if key is None or key.fingerprint not in rows else self._take(key, request, rows[key.fingerprint])
            for key, request in requests
        ]

    def find_parts(self, keys: Sequence[RequestKey | None]) -> list[tuple[StoredAnswer, list[int]]]:
        """Return the kept answers that hold parts, each with the positions of its parts.

        Raises
        ------
        PlanError
            As `find`.
        """
        if not self._looks_up or self.cache is not None:  # a part is no answer to its own URL, as HTTP has it
            return []
        positions: dict[int, list[int]] = {}
        for first in range(0, len(keys), BLOCK_REQUESTS):
            block = [(at, key) for at, key in enumerate(keys[first : first + BLOCK_REQUESTS], first) if key is not None]
            found = self._guard(self._file.find_parts, [key.fingerprint for _, key in block])
            for at, key in block:
                held = found.get(key.fingerprint, {})
                own = [held[identity] for identity in key.identities if identity in held]
                own = own or (list(held.values()) if self.replays else [])
                if own:
                    positions.setdefault(own[-1], []).append(at)
        answers = []
        ids = [*positions]
        for first in range(0, len(ids), BLOCK_REQUESTS):
            rows = self._guard(self._file.find_by_id, ids[first : first + BLOCK_REQUESTS])
            for number, row in rows.items():
                if row.fetched_at >= self._oldest() and (answer := self._reader.open(row)) is not None:
                    self.usage.taken += 1
                    answers.append((answer, positions[number]))
        return answers

    def _guard(self, look_up: Callable[[Sequence[Any]], dict[Any, Any]], values: Sequence[Any]) -> dict[Any, Any]:
        """Look values up. An error of the file ends a replay; else it is noted, and nothing is found."""
        try:
            return look_up(values)
        except sqlite3.Error as error:
            if self.replays:
                raise PlanError(f"{self.name} cannot be read: {error}") from None
            self.usage.read_error = str(error)
            return {}

    def _oldest(self) -> float:
        """Return the time, in seconds since the epoch, before which answers are too old."""
        ttl = None if self.replays else self.store.ttl
        return -inf if ttl is None else time.time() - ttl

    def _take(self, key: RequestKey, request: Request, rows: Sequence[Any]) -> StoredAnswer | None:
        answer = self._reader.read(key, request, rows)
        if answer is not None and self.cache is not None:
            answer = self.cache.judge(request, answer, time.time())
        self.usage.taken += answer is not None and answer.is_fresh
        return answer

    def keep(
        self,
        key: RequestKey,
        request: Request,
        response: Response,
        *,
        error: AttemptError | None = None,
        following: Sequence[Request] = (),
        parts: Sequence[RequestKey] = (),
        is_empty: bool = False,
        delay: float = 0.0,
    ) -> None:
        """Keep an answer if it is worth it; it is written later.

        Parameters
        ----------
        error : AttemptError, optional
            Why it could not be read.
        following : sequence of Request
            The requests that follow from it.
        parts : sequence of RequestKey
            The keys of its parts, if each may be looked up alone.
        is_empty : bool
            Whether the call takes it for no records, whatever its status.
        delay : float
            Seconds from sending the request to the answer.
        """
        if not (self.records or is_empty or is_worth_keeping(response, error)) or is_polled_again(request, following):
            return
        if not (self.records or self._may_keep(request, response)):
            return
        self.usage.kept += 1
        if self.cache is not None:
            response = self.cache.add_delay(response, delay)
        elif "no-store" in (response.headers.get("Cache-Control") or ""):
            self.usage.no_store += 1
        if not 200 <= response.status < 300:
            parts = ()
        self._writer.put(NewAnswer(key, request, response, time.time(), parts), len(response.body))

    def _may_keep(self, request: Request, response: Response) -> bool:
        cache, names = self.cache, self.store.ignore
        if cache is not None:
            return cache.may_keep(request, response)
        varying = find_varying(request, response, names) if names else frozenset()
        self.usage.varying |= varying
        return not varying

    def validate(
        self, key: RequestKey, request: Request, stale: StoredAnswer, not_modified: Response
    ) -> StoredAnswer | None:
        """Return a stale answer as a 304 updates it, and keep it so; None if the 304 is about another one."""
        answer = None if self.cache is None else self.cache.update(stale, not_modified, time.time())
        if answer is not None and self._may_keep(request, answer.response):
            self._writer.put(NewAnswer(key, request, *answer[:2]), len(answer.response.body))
        return answer

    def invalidate(self, request: Request, response: Response) -> None:
        """Forget the answers of a URL that a request changed."""
        if self.cache is not None and self.cache.is_changed(request, response):
            self._writer.put(ChangedUrl(request), 0)

    def void(self, requests: Sequence[Request]) -> None:
        """Discard the kept answers to requests, so that the next run sends them; a recording keeps its answers."""
        for request in requests if not (self.records or self.replays) else ():
            count = self._occurrences[self._fingerprint(request).fingerprint]
            for occurrence in range(max(count, 1)):
                key, gone = self._fingerprint(request, occurrence), Response(410, _NO_HEADERS, b"", request.url)
                self._writer.put(NewAnswer(key, request, gone, time.time()), 0)

    @property
    def is_behind(self) -> bool:
        """Whether so many answers wait to be written that the run must wait, in `flush`."""
        return self._writer.is_behind

    def flush(self) -> None:
        """Wait until what was kept is written."""
        self._writer.flush()

    def close(self) -> None:
        """Write what was kept, and close the file."""
        self._writer.close()
        self._sink.close()
        self._file.close()

    def describe_problems(self) -> list[str]:
        """Return what the user must know."""
        return self.usage.describe_problems(self._writer.failure)

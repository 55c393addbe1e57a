"""Kept rows as answers: which row a request takes, and its response."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from multidict import CIMultiDict, CIMultiDictProxy

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import Response
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.storage.answer_bytes import parse_headers
from pandas_async_io._core.storage.freshness import StoredAnswer
from pandas_async_io._io.storage.answer_file import AnswerRow, read_answer, read_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.models import Request
    from pandas_async_io._core.storage.fingerprint import RequestKey
    from pandas_async_io._core.storage.hidden_secrets import HiddenSecrets
    from pandas_async_io._core.storage.usage import StoreUsage


class AnswerReader:
    """Reads rows for one call.

    Parameters
    ----------
    name : str
        The store's, for messages.
    hidden : HiddenSecrets
        Puts the call's credentials back.
    usage : StoreUsage
        Counts damaged answers.
    replays : bool
        Whether an answer to any credentials will do.
    encoding : str, optional
        The call's charset, in which an answer is read.
    """

    __slots__ = ("_encoding", "_hidden", "_last_headers", "_name", "_replays", "_usage")

    def __init__(
        self, name: str, hidden: HiddenSecrets, usage: StoreUsage, *, replays: bool, encoding: str | None
    ) -> None:
        self._name, self._hidden, self._usage = name, hidden, usage
        self._replays, self._encoding = replays, encoding
        self._last_headers: tuple[bytes, CIMultiDictProxy[str]] = (b"", CIMultiDictProxy(CIMultiDict()))

    def read(self, key: RequestKey, request: Request, rows: Sequence[AnswerRow]) -> StoredAnswer | None:
        """Return the answer that a request takes; None if no row is of its credentials, or the row was damaged.

        Raises
        ------
        PlanError
            In a replay: two identities have different answers.
        """
        row = self._choose(key, request, rows)
        return None if row is None else self.open(row, request)

    def _choose(self, key: RequestKey, request: Request, rows: Sequence[AnswerRow]) -> AnswerRow | None:
        """Return the row that a request takes: the newest of its own credentials."""
        own = [row for row in rows if row.identity in key.identities]
        if own:
            return own[0] if len(own) == 1 else max(own, key=attrgetter("fetched_at"))
        if not self._replays:
            return None
        if len({read_body(row) for row in rows}) > 1:
            raise PlanError(
                f"{self._name} has different answers of several credentials to {request.method} "
                f"{redact_url(request.url)}: replay it with the credentials of one of them"
            )
        return rows[0]

    def open(self, row: AnswerRow, request: Request | None = None) -> StoredAnswer | None:
        """Return the answer of a row; None if it was damaged."""
        hidden = self._hidden if request is None else self._hidden.for_request(request)
        try:
            head, body = read_answer(row, hidden.restore)
            headers = self._read_headers(head)
        except ValueError:
            self._usage.damaged += 1
            return None
        url = row.final_url or (row.url if request is None else request.url)
        return StoredAnswer(Response(row.status, headers, body, url, self._encoding), row.fetched_at)

    def _read_headers(self, head: bytes) -> CIMultiDictProxy[str]:
        """Return header fields; answers that came in the same second often have the same."""
        last, headers = self._last_headers
        if head != last:
            headers = CIMultiDictProxy(CIMultiDict(parse_headers(head)))
            self._last_headers = head, headers
        return headers

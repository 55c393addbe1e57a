"""Answers that came, as the rows that are written: compressed, without credentials. In the writer's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pandas_async_io._core.security.secrets import redact_url, redact_urls
from pandas_async_io._core.storage.answer_bytes import join_answer, pack
from pandas_async_io._io.storage.answer_file import AnswerFile, AnswerRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pandas_async_io._core.models import Request, Response
    from pandas_async_io._core.storage.fingerprint import RequestKey
    from pandas_async_io._core.storage.hidden_secrets import HiddenSecrets


class NewAnswer(NamedTuple):
    """An answer that is to be written, as it came; ``parts`` are the keys of its parts."""

    key: RequestKey
    request: Request
    response: Response
    fetched_at: float
    parts: Sequence[RequestKey] = ()


class ChangedUrl(NamedTuple):
    """A request that changed what its URL answers."""

    request: Request


class AnswerSink:
    """Writes new answers over a connection of its own, so that no look-up waits for it; opened with the first ones.

    Parameters
    ----------
    path : Path
        The store's file.
    hidden : HiddenSecrets
        Hides the call's credentials.
    """

    __slots__ = ("_file", "_hidden", "_path")

    def __init__(self, path: Path, hidden: HiddenSecrets) -> None:
        self._path, self._hidden = path, hidden
        self._file: AnswerFile | None = None

    def write(self, answers: Sequence[NewAnswer | ChangedUrl]) -> None:
        """Write answers, after removing those of changed URLs."""
        if self._file is None:
            self._file = AnswerFile(self._path, writes=True)
        self._file.write(*_make_rows(answers, self._hidden))

    def close(self) -> None:
        """Close the file if it was opened."""
        if self._file is not None:
            self._file.close()


def _make_rows(
    written: Sequence[NewAnswer | ChangedUrl], hidden: HiddenSecrets
) -> tuple[list[AnswerRow], list[tuple[bytes, bytes, bytes, bytes]], list[str]]:
    """Return the rows of answers, the parts that they hold, and changed URLs, as `AnswerFile.write` takes them."""
    answers = [each for each in written if isinstance(each, NewAnswer)]
    changed = [
        _hide_in_url(redact_url(each.request.url), hidden.for_request(each.request).hide)
        for each in written
        if isinstance(each, ChangedUrl)
    ]
    urls = redact_urls([answer.request.url for answer in answers])  # in one go: one by one, a third of the work
    parts = [
        (part.fingerprint, part.identities[0], answer.key.fingerprint, answer.key.identities[0])
        for answer in answers
        for part in answer.parts
    ]
    return (
        [
            _make_row(answer, url, hidden.for_request(answer.request).hide)
            for answer, url in zip(answers, urls, strict=True)
        ],
        parts,
        changed,
    )


def _make_row(answer: NewAnswer, redacted_url: str, hide: Callable[[bytes], bytes]) -> AnswerRow:
    key, request, response, fetched_at, _ = answer
    final_url = None if response.url == request.url else _hide_in_url(redact_url(response.url), hide)
    identity = key.identities[0]
    packed = pack(hide(join_answer(response.headers.items(), response.body)), key.fingerprint + identity)
    url = _hide_in_url(redacted_url, hide)
    return AnswerRow(key.fingerprint, identity, url, response.status, fetched_at, final_url, *packed)


def _hide_in_url(url: str, hide: Callable[[bytes], bytes]) -> str:
    return hide(url.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

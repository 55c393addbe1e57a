"""What a frame carries of the call that made it, and what is said when rows of it failed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from pandas_async_io._core.errors import FetchError, FetchWarning
from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.report.causes import format_notes, summarize_causes
from pandas_async_io._core.report.history import ATTRS_KEY, Run, RunHistory
from pandas_async_io._core.security.redaction import (
    SecretRedactor,
    find_credential_secrets,
    find_named_secrets,
    find_url_secrets,
    has_row_credentials,
)
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.words import format_count
from pandas_async_io.call.prepare import Asked, outside

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pandas_async_io._core.request.credentials import Auth
    from pandas_async_io.client import Client
    from pandas_async_io.options import FetchOptions, ReadOptions


@dataclass(frozen=True, slots=True)
class Source:
    """What a call was made of; ``key`` is what its idempotency keys are derived from."""

    frame: pd.DataFrame
    url: str | Sequence[Any]
    options: FetchOptions | ReadOptions
    key: UUID = field(default_factory=uuid4)

    def __repr__(self) -> str:
        """Say what it is about; the options have credentials in them."""
        return f"<Source {self.label}: {format_count(len(self.frame), 'row')}>"

    @property
    def label(self) -> str:
        """What is asked for, without secrets."""
        return redact_url(self.url) if isinstance(self.url, str) else format_count(len(self.url), "URL")


def carry(frame: pd.DataFrame, runs: tuple[Run, ...], *, errors: str) -> pd.DataFrame:
    """Hang the runs on a frame; say what failed in the last one.

    Raises
    ------
    FetchError
        If rows failed and ``errors`` is "raise".
    """
    frame.attrs[ATTRS_KEY] = RunHistory(uuid4().hex[:8], runs)
    if errors == "ignore":
        return frame
    run = runs[-1]
    causes, findings = run.outcomes.find_causes(), run.describe_findings()
    if causes:
        failed = summarize_causes(causes, len(run.index))
        if errors == "raise":
            raise _error("; ".join([failed, *findings]), frame, run, format_notes(causes))
        text = f"{'; '.join([failed, *findings])}. See .aio.failures, .aio.retry_failed()"
    elif findings:
        text = f"{'; '.join(findings)}. See .aio.report"
    else:
        return frame
    warnings.warn(FetchWarning(text, partial=frame), stacklevel=outside())
    return frame


def _error(text: str, frame: pd.DataFrame, run: Run, told: list[str]) -> FetchError:
    message = f"{text}. This error's .partial has the frame so far; .partial.aio.retry_failed() goes on"
    error = FetchError(message, partial=frame, failures=run.failures())
    for note in told:
        error.add_note(note)
    return error


def make_redactor(source: Source, client: Client, auth: Auth | None, asked: Asked) -> SecretRedactor:
    """Return what redacts the credentials of a call in messages from servers."""
    options, session = source.options, client.session
    who, headers = auth or client.auth, [client.headers, options.headers]
    if session is not None:
        headers += [session.headers, {"Authorization": session.auth.encode() if session.auth else ""}]
    secrets = [
        *chain.from_iterable(map(find_credential_secrets, who.headers.values())),
        *map(str, who.params.values()),
        *find_named_secrets([*headers, client.params, options.params, options.json, options.data]),
        *chain.from_iterable(
            map(find_url_secrets, [client.base_url, source.url if isinstance(source.url, str) else ""])
        ),
    ]
    each = has_row_credentials(options.headers) and asked.batches is None
    return SecretRedactor(
        secrets, (lambda at: find_named_secrets(asked.sent.request(at, NO_HEADERS).headers)) if each else None
    )

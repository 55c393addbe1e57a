"""The store of a call: the call's own or its client's, opened with what identifies the call's requests."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.security.redaction import SecretRedactor
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.storage.fingerprint import Fingerprinter
from pandas_async_io._core.storage.freshness import CACHED_METHODS
from pandas_async_io._core.storage.hidden_secrets import HiddenSecrets
from pandas_async_io._core.storage.keeping import may_answer_from_store
from pandas_async_io._core.words import format_count
from pandas_async_io._core.workflow.paging.paginators.paginators import as_paginator, first_request
from pandas_async_io._io.storage.answer_file import BLOCK_REQUESTS
from pandas_async_io._io.storage.call_store import CallStore
from pandas_async_io._io.storage.store import as_store
from pandas_async_io.call.prepare.redactor import find_request_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.models import Request
    from pandas_async_io._io.storage.store import Store
    from pandas_async_io.call.prepare.prepared_call import PreparedCall
    from pandas_async_io.client import Client
    from pandas_async_io.options import FetchOptions, ReadOptions

_CACHE_REQUEST_HEADERS = ("cache-control", "pragma")
"""Header fields of a request that say which kept answers it takes; its answer is the same."""

_SHOWN_REQUESTS = 5
"""Missing requests that a refused replay names."""


def choose_store(options: FetchOptions | ReadOptions, client: Client) -> Store | None:
    """Return the store of a call: its own, else its client's."""
    return as_store(options.store) or client.store


def open_call_store(call: PreparedCall, *, creates: bool = True) -> CallStore | None:
    """Open the store of a call; None if it has none.

    Parameters
    ----------
    creates : bool
        Whether a missing file is made; else None is returned.

    Raises
    ------
    PlanError
        The file cannot be used.
    """
    if call.store is None or not (creates or call.store.file.exists()):
        return None
    retry = call.policy.retry
    return CallStore(
        call.store,
        partial(make_fingerprinter, call),
        HiddenSecrets(call.redactor.forms, _find_row_secrets if call.redactor.has_request_secrets else None),
        partial(may_answer_from_store, retry_methods=retry.methods, repeatable=call.policy.repeatable),
        submits_jobs=call.options.poll is not None,
        looks_up=call.resumption is None or call.resumption.takes_stored,
        encoding=call.options.encoding,
    )


def _find_row_secrets(request: Request) -> tuple[str, ...]:
    return SecretRedactor(find_request_secrets(request)).forms


def make_fingerprinter(call: PreparedCall, salts: Sequence[bytes]) -> Fingerprinter:
    """Return what makes the keys of a call's requests."""
    auth, session = call.auth or call.client.auth, call.client.transport.session
    ignored = list(filter(None, [call.policy.retry.idempotency_key]))
    if call.store is not None and call.store.is_http_cache:
        ignored += _CACHE_REQUEST_HEADERS
    return Fingerprinter(
        salts,
        secret_names=[*auth.headers, *auth.params],
        ignore=[*(call.store.ignore if call.store else ()), *ignored],
        identity="" if session is None else session.identity,
    )


def check_store(call: PreparedCall) -> None:
    """Refuse a store that cannot be used, and a replay that lacks answers to first requests.

    Raises
    ------
    PlanError
        The file cannot be used, or answers are missing.
    """
    store = open_call_store(call)
    if store is None:
        return
    with closing(store):
        if store.replays and call.resumption is None:
            _check_replay(call, store)


def _check_replay(call: PreparedCall, store: CallStore) -> None:
    shown: list[str] = []
    missing = 0
    for requests in _first_requests(call):
        found = store.find([(store.make_key(request), request) for request in requests])
        lacks = [request for request, answer in zip(requests, found, strict=True) if answer is None]
        missing += len(lacks)
        shown += [
            f"{request.method} {call.redactor.redact(redact_url(request.url))}"
            for request in lacks[: _SHOWN_REQUESTS - len(shown)]
        ]
    if missing:
        raise PlanError(
            f"{store.name} has no answer to {format_count(missing, 'request')}, and a replay sends nothing: "
            f"{'; '.join(shown)}{'; …' if missing > _SHOWN_REQUESTS else ''}. Record them with mode='record'"
        )


def takes_answers(call: PreparedCall) -> bool:
    """Whether kept answers stand for the requests of a call."""
    if call.store is None or call.store.mode == "record":
        return False
    if call.store.mode == "replay" or (call.options.poll is not None and not call.store.is_http_cache):
        return True
    retry, method = call.policy.retry, call.requests.sent.method
    if call.store.is_http_cache:
        return method in CACHED_METHODS
    return may_answer_from_store(method, retry_methods=retry.methods, repeatable=call.policy.repeatable)


def describe_stored(call: PreparedCall) -> str:
    """Return what the store of a call means for its first requests; "" without a store."""
    if call.store is None:
        return ""
    name = f"store={str(call.store.path)!r}"
    if call.store.mode == "record":
        return f"{name} records: every request is sent"
    count = _count_stored(call)
    if call.store.mode == "replay":
        return f"{name} replays: it answers {count}"
    text, method = f"{name} answers {count}", call.requests.sent.method
    if not takes_answers(call):
        unless = "" if call.store.is_http_cache else ", unless Retry(methods=…) names it"
        text += f": {method} may change something and is sent again{unless}"
    return text


def _count_stored(call: PreparedCall) -> str:
    """Return how many first requests, or keys of a batch, the store answers, and of how many."""
    if call.requests.batches is not None and not (call.store and call.store.is_http_cache):
        stored = sum(len(block.keys) for block in call.requests.stored)
        return f"{stored} of {format_count(len(call.requests.rows), 'key')}"
    stored, store = 0, open_call_store(call, creates=False)
    if store is not None:
        with closing(store):
            for requests in _first_requests(call):
                found = store.find([(store.make_key(request), request) for request in requests])
                stored += sum(answer is not None and answer.is_fresh for answer in found)
    return f"{stored} of {format_count(len(call.requests.sent), 'request')}"


def _first_requests(call: PreparedCall) -> Iterator[list[Request]]:
    """Return the first requests of a call, in blocks."""
    sent, options = call.requests.sent, call.options
    paginator = None if options.paging is None else as_paginator(options.paging, posted=options.json is not None)
    for origin in sent.origins:
        requests = (request for _, request in sent.requests(origin, call.headers_for(origin)))
        if paginator is not None:
            requests = (first_request(paginator, request) for request in requests)
        while block := list(islice(requests, BLOCK_REQUESTS)):
            yield block

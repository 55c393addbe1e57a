"""The store of a call: the call's own or its client's, opened with what identifies the call's requests."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.storage.fingerprint import Fingerprinter
from pandas_async_io._core.storage.hidden_secrets import HiddenSecrets
from pandas_async_io._core.storage.keeping import may_answer_from_store
from pandas_async_io._core.words import format_count
from pandas_async_io._core.workflow.paging.paginators.paginators import as_paginator, first_request
from pandas_async_io._io.storage.answer_file import BLOCK_REQUESTS
from pandas_async_io._io.storage.call_store import CallStore
from pandas_async_io._io.storage.store import as_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas_async_io._core.models import Request
    from pandas_async_io._io.storage.store import Store
    from pandas_async_io.call.prepare.prepared_call import PreparedCall
    from pandas_async_io.client import Client
    from pandas_async_io.options import FetchOptions, ReadOptions

_SHOWN_REQUESTS = 5
"""Missing requests that a refused replay names."""


def choose_store(options: FetchOptions | ReadOptions, client: Client) -> Store | None:
    """Return the store of a call: its own, else its client's."""
    return as_store(options.store) or client.store


def open_call_store(call: PreparedCall) -> CallStore | None:
    """Open the store of a call; None if it has none.

    Raises
    ------
    PlanError
        The file cannot be used.
    """
    if call.store is None:
        return None
    retry = call.policy.retry
    return CallStore(
        call.store,
        partial(_make_fingerprinter, call),
        HiddenSecrets(call.redactor.forms),
        partial(may_answer_from_store, retry_methods=retry.methods, repeatable=call.policy.repeatable),
        submits_jobs=call.options.poll is not None,
        looks_up=call.resumption is None or call.resumption.takes_stored,
        encoding=call.options.encoding,
    )


def _make_fingerprinter(call: PreparedCall, salts: Sequence[bytes]) -> Fingerprinter:
    auth = call.auth or call.client.auth
    ignored = filter(None, [call.policy.retry.idempotency_key])
    return Fingerprinter(
        salts,
        secret_names=[*auth.headers, *auth.params],
        ignore=[*(call.store.ignore if call.store else ()), *ignored],
        identity=_describe_session(call.client),
    )


def _describe_session(client: Client) -> str:
    """Return what a caller's session adds to each request: its headers, credentials and cookies."""
    session = client.session
    if session is None:
        return ""
    headers = sorted((name.lower(), value) for name, value in session.headers.items())
    cookies = sorted((cookie.key, cookie.value) for cookie in session.cookie_jar)
    return repr((headers, session.auth, cookies)) if headers or session.auth or cookies else ""


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
        missing += found.count(None)
        pairs = zip(requests, found, strict=True)
        shown += [
            f"{request.method} {call.redactor.redact(redact_url(request.url))}"
            for request, answer in pairs
            if answer is None and len(shown) < _SHOWN_REQUESTS
        ]
    if missing:
        raise PlanError(
            f"{store.name} has no answer to {format_count(missing, 'request')}, and a replay sends nothing: "
            f"{'; '.join(shown[:_SHOWN_REQUESTS])}{'; …' if missing > _SHOWN_REQUESTS else ''}. Record them with "
            "mode='record'"
        )


def describe_stored(call: PreparedCall) -> str:
    """Return what the store of a call means for its first requests; "" without a store."""
    if call.store is None:
        return ""
    count, method = len(call.requests.sent), call.requests.sent.method
    if call.store.mode == "record":
        return f"store={str(call.store.path)!r} records: every request is sent"
    stored = 0
    if call.store.file.exists():
        store = open_call_store(call)
        if store is None:
            raise TypeError("the call has a store")
        with closing(store):
            for requests in _first_requests(call):
                found = store.find([(store.make_key(request), request) for request in requests])
                stored += len(found) - found.count(None)
    if call.store.mode == "replay":
        return f"store={str(call.store.path)!r} replays: it answers {stored} of {format_count(count, 'request')}"
    text = f"store={str(call.store.path)!r} answers {stored} of {format_count(count, 'request')}"
    may_answer = may_answer_from_store(
        method, retry_methods=call.policy.retry.methods, repeatable=call.policy.repeatable
    )
    if call.options.poll is None and not may_answer:
        text += f": {method} may change something and is sent again, unless Retry(methods=…) names it"
    return text


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

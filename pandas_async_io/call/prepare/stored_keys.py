"""The keys of ``batch=`` that a store answers: they are looked up one by one, and only the others are batched."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.errors import ParseError, PayloadError
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.workflow.batching.workflow import StoredBlock
from pandas_async_io.call.prepare.store import choose_store, open_call_store

if TYPE_CHECKING:
    from pandas_async_io._core.errors import AttemptError
    from pandas_async_io._core.request.rows.expansion import Expansion
    from pandas_async_io._core.storage.freshness import StoredAnswer
    from pandas_async_io._io.storage.call_store import CallStore
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


def use_store(call: PreparedCall) -> PreparedCall:
    """Return a call with its store; its blocks of keys hold only those that the store does not answer."""
    call = replace(call, store=choose_store(call.options, call.client))
    if call.requests.batches is None or call.store is None:
        return call
    store = open_call_store(call, creates=call.store.mode != "replay")  # a replay without a file is refused later
    if store is None:
        return call
    with closing(store):
        keys = _make_part_keys(call, store)
        found = store.find_parts(keys)
        blocks = [block for answer, numbers in found if (block := _read(call, store, answer, numbers)) is not None]
    requests = replace(call.requests, part_keys=keys, stored=blocks)
    if blocks or store.replays:
        is_missing = np.ones(len(keys), dtype=bool)
        for block in blocks:
            is_missing[block.keys] = False
        requests = _batch_again(call, requests, is_missing)
    return replace(call, requests=requests)


def expand_keys(call: PreparedCall) -> Expansion:
    """Return a request for each key alone."""
    requests, batches = call.requests, call.requests.batches
    if batches is None or requests.template is None:
        raise TypeError("a call without batch= has no keys")
    rows = batches.build_rows([np.array([number]) for number in range(len(requests.rows))])
    return expand(rows, requests.template, allow_hosts=requests.allow_hosts)


def _make_part_keys(call: PreparedCall, store: CallStore) -> list[Any]:
    """Return what the answer to each key is kept under: the request for this key alone."""
    alone = expand_keys(call)
    keys: dict[int, Any] = {-1: None}
    for origin in alone.origins:
        for position, request in alone.requests(origin, call.headers_for(origin)):
            keys[position] = store.make_key(request)
    return [keys.get(position) for position in alone.row_to_request.tolist()]


def _read(call: PreparedCall, store: CallStore, answer: StoredAnswer, numbers: list[int]) -> StoredBlock | None:
    """Return a kept answer as it is read now; None if `error_when` calls it an error: its keys are requested again."""
    payload = None
    error: AttemptError | None = None
    try:
        payload = call.decode(answer.response, numbers[0])
    except PayloadError as exc:
        if not store.replays:
            return None
        error = exc
    except ParseError as exc:
        error = exc
    status, fetched_at = answer.response.status, answer.fetched_at
    return StoredBlock(np.array(numbers, dtype=np.int64), payload, error, status, fetched_at)


def _batch_again(call: PreparedCall, requests: Any, is_missing: Any) -> Any:
    """Return the requests for the missing keys; in a replay one for each, as refused blocks were halved to it."""
    batches = requests.batches
    size = 1 if call.store is not None and call.store.mode == "replay" else call.options.batch
    usable = np.zeros(len(is_missing), dtype=bool)
    for block in batches.blocks:
        usable[block] = True
    blocks = batches.cut_blocks(np.flatnonzero(usable & is_missing), size)
    sent = expand(batches.build_rows(blocks), requests.template, allow_hosts=requests.allow_hosts)
    by_request = [np.empty(0, np.int64)] * len(sent)
    for block, request in zip(blocks, sent.row_to_request.tolist(), strict=True):
        if request >= 0:
            by_request[request] = np.concatenate([by_request[request], block])  # two may be written alike
    return replace(requests, sent=sent, batches=replace(batches, blocks=by_request))

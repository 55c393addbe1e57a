"""P9 and P14: what a store costs: 100 000 kept answers looked up, and 20 000 rows with their answers kept."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.storage.fingerprint import Fingerprinter
from pandas_async_io._core.storage.hidden_secrets import HiddenSecrets
from pandas_async_io._io.storage.answer_file import BLOCK_REQUESTS
from pandas_async_io._io.storage.call_store import CallStore
from pandas_async_io._io.storage.store import Store
from tests.benchmarks.fetch import CONCURRENCY, ROWS, USER, fetch_with_aiohttp, measure, serve_user

HITS = 100_000
ROUNDS = 3


def open_store(path):
    return CallStore(Store(path), Fingerprinter, HiddenSecrets([]), lambda _: False)


def look_up(path):
    """Look up all requests as a run does, and return the seconds per hit."""
    store = open_store(path)
    started, hits = time.perf_counter(), 0
    for first in range(0, HITS, BLOCK_REQUESTS):
        requests = [Request(f"http://127.0.0.1/users/{number}") for number in range(first, first + BLOCK_REQUESTS)]
        hits += sum(answer is not None for answer in store.find([(store.make_key(each), each) for each in requests]))
    seconds = time.perf_counter() - started
    store.close()
    assert hits == HITS
    return seconds / HITS


def compare_hits(folder, base):
    path = Path(folder, "hits.sqlite")
    store = open_store(path)
    headers = {"Content-Type": "application/json", "Date": "Sat, 28 Nov 2026 00:00:00 GMT", "Server": "nginx"}
    for number in range(HITS):
        request = Request(f"http://127.0.0.1/users/{number}")
        store.keep(store.make_key(request), request, Response(200, headers, USER.encode(), request.url))
        if store.is_behind:
            store.flush()
    store.close()
    frame = pd.DataFrame({"id": range(ROWS)})
    hits, requests = [], []
    for _ in range(ROUNDS):
        hits.append(look_up(path))
        requests.append(measure(lambda: asyncio.run(fetch_with_aiohttp(base, frame)))[0] / ROWS)
    hit, request = statistics.median(hits) * 1e6, statistics.median(requests) * 1e6
    print(f"P9  {HITS} hits in blocks of {BLOCK_REQUESTS}, medians of {ROUNDS}")
    verdict = "ok" if hit <= 0.1 * request else "OVER"
    print(f"      hit {hit:.1f} us  request {request:.1f} us  ratio {hit / request:.2f}  budget 0.1  {verdict}")


def fetch(base, frame, store):
    out = frame.aio.fetch(base + "/users/{id}", concurrency=CONCURRENCY, store=store)
    assert out.aio.report.outcomes == {"ok": len(frame)}
    return out


def compare_runs(folder, base):
    frame = pd.DataFrame({"id": range(ROWS)})
    fetch(base, frame.head(CONCURRENCY), None)
    with_store, without, again = [], [], []
    for number in range(ROUNDS):
        path = Path(folder, f"{number}.sqlite")
        without.append(measure(fetch, base, frame, None))
        with_store.append(measure(fetch, base, frame, path))
        again.append(measure(fetch, base, frame, path))
    print(f"P14 frame to frame, {ROWS} rows, with a store and without, medians of {ROUNDS}")
    for column, label in enumerate(("wall", "CPU ")):
        kept, plain, hit = (
            statistics.median(each[column] for each in rounds) / ROWS * 1e6 for rounds in (with_store, without, again)
        )
        verdict = f"  budget 1.25  {'ok' if kept <= 1.25 * plain else 'OVER'}" if column == 0 else ""
        print(
            f"      {label}  kept {kept:5.1f} us/row  without {plain:5.1f} us/row  ratio {kept / plain:.2f}{verdict}"
            f"  (from the store {hit:.1f} us/row)"
        )


def run():
    with TemporaryDirectory() as folder, serve_user() as base:
        compare_hits(folder, base)
        compare_runs(folder, base)

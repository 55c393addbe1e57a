"""Pages: the article's example, 100 posts in ten pages, and 1 000 pages whose number is known."""

from __future__ import annotations

import http.client
import json
import time
from statistics import median
from urllib.parse import urlsplit

import pandas as pd

import pandas_async_io as paio
from tests.benchmarks._server import PAGE_SIZE, run_server

ROUNDS = 5
KNOWN = paio.PageNumber(total_pages="pages")


def sequential(base, pages, ms):
    """Read page after page over one connection, as a loop would."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc)
    records = []
    for page in range(1, pages + 1):
        connection.request("GET", f"/?page={page}&pages={pages}&ms={ms}")
        records += json.loads(connection.getresponse().read())["data"]
    connection.close()
    return pd.json_normalize(records)


def ours(base, pages, ms, concurrency):
    return paio.read_api(f"{base}/?pages={pages}&ms={ms}", pages=KNOWN, concurrency=concurrency)


def seconds(function, *args):
    begun = time.perf_counter()
    frame = function(*args)
    took = time.perf_counter() - begun
    assert frame["id"].tolist() == list(range(args[1] * PAGE_SIZE))
    return took


def run():
    with run_server() as base:
        seconds(ours, base, 3, 0, 8)  # imports, the event loop's thread
        found = [(seconds(ours, base, 10, 100, 32), seconds(sequential, base, 10, 100)) for _ in range(ROUNDS)]
        mine, loop = (median(column) for column in zip(*found, strict=True))
        print(f"100 posts in 10 pages of 100 ms: {mine:.3f} s, a loop {loop:.3f} s: {mine / loop:.2f} (wanted: 0.25 s)")
        for concurrency in (32, 100):
            ideal = 0.02 * (1 + 999 / concurrency)
            took = median(seconds(ours, base, 1000, 20, concurrency) for _ in range(ROUNDS))
            print(
                f"1 000 pages of 20 ms, concurrency {concurrency}: {took:.3f} s, "
                f"{took / ideal:.2f} x ideal (wanted: 1.2)"
            )

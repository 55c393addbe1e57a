"""P4: payloads to columns, against one bulk ``orjson.loads`` and ``pd.json_normalize``.

Both sides start at bodies and end at a frame; ours parses each body alone, as it arrives.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from itertools import chain

import orjson
import pandas as pd

from pandas_async_io._core.columns import concat
from pandas_async_io._core.flatten import flatten
from pandas_async_io._core.shape import Shape

PAYLOADS = 20_000
RECORDS = 2_000  # per block
ROUNDS = 7


def nested(dice, at):
    geo = {"lat": dice.uniform(-90, 90), "lng": dice.uniform(-180, 180)}
    address = {"street": f"Street {at}", "city": f"City {at % 97}", "zip": f"{at:05d}", "geo": geo}
    company = {"name": f"Company {at % 311}", "size": dice.randrange(10_000)}
    return {
        "id": at,
        "name": f"Name {at}",
        "active": at % 3 == 0,
        "score": dice.random(),
        "address": address,
        "company": company,
    }


def lists(dice, at):
    return [
        {
            "userId": at,
            "id": at * 10 + i,
            "title": f"title {at} {i}",
            "rank": dice.random(),
            "done": i % 2 == 0,
        }
        for i in range(10)
    ]


def messy(dice, at):
    record = nested(dice, at)
    record["tags"] = [f"tag{i}" for i in range(at % 4)]
    record["ref"] = at if at % 5 else f"X{at}"
    record["parent"] = None if at % 2 else at
    if at % 3:
        del record["company"]
    if at % 7 == 0:
        record["address"] = None
    return {key: cell for key, cell in record.items() if key == "id" or dice.random() < 0.9}


def reference(bodies):
    payloads = orjson.loads(b"[" + b",".join(bodies) + b"]")
    if isinstance(payloads[0], list):
        payloads = list(chain.from_iterable(payloads))
    return pd.json_normalize(payloads)


def ours(bodies):
    step = RECORDS // (10 if bodies[0].startswith(b"[") else 1)
    blocks = [
        flatten([orjson.loads(body) for body in bodies[start : start + step]], Shape())
        for start in range(0, len(bodies), step)
    ]
    return pd.DataFrame(concat(blocks, nullable=False).arrays, copy=False)


def clock(work, bodies):
    gc.collect()
    start = time.process_time()  # CPU seconds: what else the machine does is not ours
    frame = work(bodies)
    return time.process_time() - start, len(frame)


def run():
    print(f"P4  payloads to columns, {PAYLOADS} payloads, medians of {ROUNDS}")
    for make, budget in ((nested, 0.45), (lists, 0.65), (messy, 0.65)):
        dice = random.Random(4)
        bodies = [orjson.dumps(make(dice, at)) for at in range(PAYLOADS)]
        rounds = [(clock(ours, bodies), clock(reference, bodies)) for _ in range(ROUNDS)]
        assert all(mine[1] == theirs[1] for mine, theirs in rounds)
        mine = statistics.median(first[0] for first, _ in rounds)
        theirs = statistics.median(second[0] for _, second in rounds)
        verdict = "ok" if mine <= budget * theirs else "OVER"
        print(
            f"    {make.__name__:8}{mine * 1e3:9.1f} ms  reference{theirs * 1e3:9.1f} ms"
            f"  ratio {mine / theirs:.2f}  budget {budget}  {verdict}"
        )

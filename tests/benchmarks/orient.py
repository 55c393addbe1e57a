"""P4 for ``orient=``: payloads in pandas' forms to one frame, against a frame for each payload and one concat.

Each side starts with bodies, parses each alone, as it arrives, and ends with a frame of the same length.
"""

from __future__ import annotations

import random
import statistics

import orjson
import pandas as pd

from pandas_async_io._core.table.columns.columns import concat_blocks
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.records.shape import Shape
from tests.benchmarks.flatten import clock

PAYLOADS = 20_000
RECORDS = 10  # per payload
BLOCK = 200  # payloads
ROUNDS = 3
BUDGET = 0.6
NAMES = ("time", "temperature", "rain", "text")


def columns(dice, at):
    return {
        "time": [at * RECORDS + i for i in range(RECORDS)],
        "temperature": [dice.random() if i % 5 else None for i in range(RECORDS)],
        "rain": [dice.randrange(100) for _ in range(RECORDS)],
        "text": [f"text {at} {i}" for i in range(RECORDS)],
    }


def values(dice, at):
    return list(zip(*columns(dice, at).values(), strict=True))


def split(dice, at):
    return {"columns": NAMES, "data": values(dice, at)}


def index(dice, at):
    return {f"2026-01-{i:02d}": dict(zip(NAMES, row, strict=True)) for i, row in enumerate(values(dice, at))}


FORMS = {
    "columns": (columns, pd.DataFrame),
    "values": (values, lambda payload: pd.DataFrame(payload, columns=NAMES)),
    "split": (split, lambda payload: pd.DataFrame(payload["data"], columns=payload["columns"])),
    "index": (index, lambda payload: pd.DataFrame(list(payload.values()), index=list(payload))),
}


def compare(orient):
    make, build_frame = FORMS[orient]
    dice = random.Random(4)
    bodies = [orjson.dumps(make(dice, at)) for at in range(PAYLOADS)]
    shape = Shape(orient=orient, names=NAMES if orient == "values" else None)

    def ours(bodies):
        starts = range(0, len(bodies), BLOCK)
        blocks = [flatten([orjson.loads(body) for body in bodies[start : start + BLOCK]], shape) for start in starts]
        return pd.DataFrame(concat_blocks(blocks, nullable=False).arrays, copy=False)

    def reference(bodies):
        return pd.concat([build_frame(orjson.loads(body)) for body in bodies], ignore_index=True)

    rounds = [(clock(ours, bodies), clock(reference, bodies)) for _ in range(ROUNDS)]
    assert all(mine[1] == theirs[1] == PAYLOADS * RECORDS for mine, theirs in rounds)
    mine, base = (statistics.median(each[side][0] for each in rounds) for side in (0, 1))
    verdict = f"budget {BUDGET}  {'ok' if mine <= BUDGET * base else 'OVER'}"
    print(f"    {orient:10}{mine * 1e3:8.0f} ms  reference {base * 1e3:8.0f} ms  ratio {mine / base:.3f}  {verdict}")


def run():
    print(f"P4  orient=, {PAYLOADS} payloads of {RECORDS} records, medians of {ROUNDS}, CPU time")
    for orient in FORMS:
        compare(orient)

"""P4: payloads to columns, against one bulk ``orjson.loads`` and ``pd.json_normalize``, and beside other readers.

Each side starts with bodies and ends with a frame. This package parses each body alone, as it arrives; the others
get all bodies at once. Peak memory is measured in a fresh process, above its memory before; the bodies are not
counted. polars makes strings of a field that is sometimes a number (``ref`` of the messy records).
"""

from __future__ import annotations

import gc
import io
import multiprocessing
import random
import re
import statistics
import time
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import orjson
import pandas as pd

from pandas_async_io._core.table.columns.columns import concat_blocks
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.records.shape import Shape

PAYLOADS = 20_000
RECORDS = 2_000  # per block
ROUNDS = 7
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


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
        {"userId": at, "id": at * 10 + i, "title": f"title {at} {i}", "rank": dice.random(), "done": i % 2 == 0}
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


SHAPES = {"nested": (nested, 0.45), "lists": (lists, 0.65), "messy": (messy, 0.65)}


def bodies_of(shape):
    dice = random.Random(4)
    return [orjson.dumps(SHAPES[shape][0](dice, at)) for at in range(PAYLOADS)]


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
    return pd.DataFrame(concat_blocks(blocks, nullable=False).arrays, copy=False)


def pyarrow(bodies):
    import pyarrow as pa
    from pyarrow import json

    # This reader accepts no list as a line: wrap it, and unwrap it afterwards.
    many = bodies[0].startswith(b"[")
    lines = [b'{"r":%s}' % body for body in bodies] if many else bodies
    options = json.ReadOptions(block_size=1 << 24)
    table = json.read_json(io.BytesIO(b"\n".join(lines)), read_options=options)
    if many:
        table = pa.Table.from_struct_array(table["r"].combine_chunks().flatten())
    while any(pa.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    return table.to_pandas()


def polars(bodies):
    import polars as pl

    if bodies[0].startswith(b"["):
        bodies = [body[1:-1] for body in bodies]
    frame = pl.read_json(b"[" + b",".join(bodies) + b"]")
    while structs := [name for name, kind in frame.schema.items() if isinstance(kind, pl.Struct)]:
        frame = frame.unnest(*structs, separator=".")
    return frame.to_pandas()


def duckdb(bodies):
    import duckdb as engine

    if bodies[0].startswith(b"["):
        bodies = [body[1:-1] for body in bodies]
    file = io.BytesIO(b"[" + b",".join(bodies) + b"]")
    return engine.read_json(file, format="array").df()


PEERS = {"pyarrow": pyarrow, "polars": polars, "duckdb": duckdb}


def clock(work, bodies):
    gc.collect()
    start = time.process_time()  # CPU seconds: independent of the machine's other load
    frame = work(bodies)
    return time.process_time() - start, len(frame)


def resident(field):
    return int(re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text())[1]) / 1024


def peak(name, shape):
    """Return the peak memory of a side in MiB, after one run on few bodies."""
    work, bodies = globals()[name], bodies_of(shape)
    work(bodies[:200])
    gc.collect()
    CLEAR.write_text("5")  # resets the high-water mark
    before = resident("VmRSS")
    work(bodies)
    return resident("VmHWM") - before


def peak_of(name, shape):
    if not CLEAR.exists():
        return "     - MiB"
    with multiprocessing.get_context("spawn").Pool(1) as alone:
        return f"{alone.apply(peak, (name, shape)):6.0f} MiB"


def line(name, seconds, base, memory, verdict=""):
    print(f"      {name:10}{seconds * 1e3:8.1f} ms{memory}  ratio {seconds / base:.2f}  {verdict}".rstrip())


def compare(shape):
    budget, bodies = SHAPES[shape][1], bodies_of(shape)
    rounds = [(clock(ours, bodies), clock(reference, bodies)) for _ in range(ROUNDS)]
    assert all(mine[1] == theirs[1] for mine, theirs in rounds)
    mine = statistics.median(first[0] for first, _ in rounds)
    base = statistics.median(second[0] for _, second in rounds)
    print(f"    {shape}")
    line("ours", mine, base, peak_of("ours", shape), f"budget {budget}  {'ok' if mine <= budget * base else 'OVER'}")
    line("reference", base, base, peak_of("reference", shape))
    for name, peer in PEERS.items():
        if find_spec(name) is None:
            print(f"      {name:10}not installed")
            continue
        try:
            taken = statistics.median(clock(peer, bodies)[0] for _ in range(3))
        except Exception as error:  # noqa: BLE001 - a failure is a result, too
            print(f"      {name:10}fails: {' '.join(str(error).split())[:90]}")
        else:
            line(name, taken, base, peak_of(name, shape))


def run():
    print(f"P4  payloads to columns, {PAYLOADS} payloads, medians of {ROUNDS}, CPU time")
    for shape in SHAPES:
        compare(shape)

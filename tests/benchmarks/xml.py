"""Flat XML to columns, against `pandas.read_xml` with each of its parsers; budget 1.5 times the faster one.

One document with many records, and many documents with ten records each.
"""

from __future__ import annotations

import gc
import io
import statistics
import sys
import time
from importlib.util import find_spec
from unittest import mock

import pandas as pd

from pandas_async_io._core.body.decode import decode
from pandas_async_io._core.models import Response
from pandas_async_io._core.table.columns.columns import concat_blocks
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.readers.tabular import TABULAR_READERS
from pandas_async_io._core.table.records.shape import Shape

RECORDS, ROUNDS, BUDGET = 20_000, 5, 1.5


def document(ids):
    users = (
        f"<user><id>{at}</id><name>Name {at}</name><score>{at * 0.37:.3f}</score><active>{at % 3 == 0}</active>"
        f"<zip>{at:05d}</zip><city>City {at % 97}</city></user>"
        for at in ids
    )
    return f"<?xml version='1.0'?><users>{''.join(users)}</users>".encode()


SHAPES = {
    "one document": [document(range(RECORDS))],
    "many documents": [document(range(start, start + 10)) for start in range(0, RECORDS, 10)],
}


def ours(bodies):
    headers = {"Content-Type": "application/xml"}
    payloads = [decode(Response(200, headers, body, ""), readers=TABULAR_READERS) for body in bodies]
    return pd.DataFrame(concat_blocks([flatten(payloads, Shape())], nullable=False).arrays, copy=False)


def ours_with_stdlib(bodies):
    with mock.patch.dict(sys.modules, {"lxml.etree": None}):
        return ours(bodies)


def pandas_etree(bodies):
    return pd.concat([pd.read_xml(io.BytesIO(body), parser="etree") for body in bodies], ignore_index=True)


def pandas_lxml(bodies):
    return pd.concat([pd.read_xml(io.BytesIO(body), parser="lxml") for body in bodies], ignore_index=True)


def clock(work, bodies):
    gc.collect()
    start = time.process_time()
    assert len(work(bodies)) == RECORDS
    return time.process_time() - start


def run():
    print(f"XML  {RECORDS} flat records to columns, medians of {ROUNDS}, CPU time")
    has_lxml = find_spec("lxml") is not None
    sides = [ours, ours_with_stdlib, pandas_etree, pandas_lxml] if has_lxml else [ours, pandas_etree]
    for name, bodies in SHAPES.items():
        rounds = [[clock(side, bodies) for side in sides] for _ in range(ROUNDS)]
        medians = dict(zip(sides, map(statistics.median, zip(*rounds, strict=True)), strict=True))
        base = min(taken for side, taken in medians.items() if side not in {ours, ours_with_stdlib})
        print(f"    {name}")
        for side, taken in medians.items():
            is_ours = side in {ours, ours_with_stdlib}
            verdict = f"budget {BUDGET}  {'ok' if taken <= BUDGET * base else 'OVER'}" if is_ours else ""
            print(f"      {side.__name__:18}{taken * 1e3:8.1f} ms  ratio {taken / base:.2f}  {verdict}".rstrip())

"""``read_api_to_parquet`` of 1 000 000 and 10 000 000 records: seconds, and the peak memory, which must not grow."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from tests.benchmarks._server import run_server

RECORDS, PAGE_SIZE = (1_000_000, 10_000_000), 5_000

SCRIPT = """
import json, resource, sys, time
import pandas_async_io as paio
url, folder, pages = sys.argv[1], sys.argv[2], int(sys.argv[3])
begun = time.perf_counter()
parts = paio.read_api_to_parquet(
    url + f"/?pages={pages}&size={SIZE}", folder,
    pages=paio.PageNumber(total_pages="pages"), concurrency=8, progress=False,
)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([parts.rows, time.perf_counter() - begun, peak]))
""".replace("{SIZE}", str(PAGE_SIZE))


def measure(base, records):
    """Return the rows, the seconds and the peak of a process of its own, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", SCRIPT, base, f"{folder}/out", str(records // PAGE_SIZE)]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run():
    with run_server() as base:
        found = [measure(base, records) for records in RECORDS]
    for (rows, seconds, peak), records in zip(found, RECORDS, strict=True):
        assert rows == records
        print(f"{rows:>12_} records to Parquet: {seconds:.1f} s, peak {peak:.0f} MB")
    print(f"peak memory: {found[1][2] / found[0][2]:.2f} times that of a tenth of the records (wanted: 1.3)")

"""A job that is killed at random moments and started again until it is complete: what a killed process loses.

``python -m tests.kill_job`` runs it 50 times over pages and 50 times over rows.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from tests.servers.scripted import json_response, serve_function

CONCURRENCY, PART_ROWS = 8, 100

JOBS = {
    "pages": """
        paio.read_api_to_parquet(url + "/pages", folder, pages="auto", chunksize={rows}, progress=False)
    """,
    "rows": """
        frame = pd.DataFrame({{"id": range({count})}})
        frame.aio.fetch_to_parquet(
            url + "/rows/{{id}}", folder, chunksize={rows}, concurrency={concurrency}, errors="raise", progress=False
        )
    """,
}


def make_answer(count):
    """Return a function that serves ``count`` rows, or as many pages of ten records."""

    def answer(request):
        split = urlsplit(request.target)
        if split.path == "/pages":
            page = int(parse_qs(split.query).get("page", ["1"])[0])
            items = [{"n": number} for number in range(10 * (page - 1), 10 * page)]
            return json_response({"items": items, "next": f"/pages?page={page + 1}" if page < count else None})
        return json_response({"n": int(split.path.rsplit("/", 1)[1])})

    return answer


def run_with_kills(kind, folder, *, count, kills, seed, number):
    """Kill a job some times, then let it end; return the numbers read and how often each request was sent."""
    chance = random.Random(seed)
    job = textwrap.dedent(JOBS[kind]).format(rows=PART_ROWS, count=count, concurrency=CONCURRENCY)
    with serve_function(make_answer(count)) as server:
        script = f"import pandas as pd, pandas_async_io as paio\nurl, folder = {server.url!r}, {str(folder)!r}\n{job}"
        for _ in range(kills):
            process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
            before = len(server.requests)
            target = before + chance.randrange(1, max(count // (kills + 1), 2) + PART_ROWS)
            while len(server.requests) < target and process.poll() is None:
                try:
                    process.wait(0.002)
                except subprocess.TimeoutExpired:
                    continue
            process.send_signal(number)
            process.wait(30)
        subprocess.run([sys.executable, "-c", script], check=True, timeout=100)
        sent = pd.Series([request.target for request in server.requests]).value_counts()
    return pd.read_parquet(folder)["n"].tolist(), sent


def check(kind, folder, *, count, kills, seed, number=signal.SIGKILL):
    """Assert that no row is lost or doubled, and that few requests were sent again."""
    numbers, sent = run_with_kills(kind, folder, count=count, kills=kills, seed=seed, number=number)
    assert numbers == list(range(count if kind == "rows" else 10 * count))
    assert len(sent) == count
    resent = int((sent - 1).sum())
    per_kill = CONCURRENCY + (PART_ROWS if kind == "rows" else PART_ROWS // 10)
    assert resent <= kills * per_kill, f"{resent} requests were sent again after {kills} kills"
    return resent


def main():
    for kind, count in (("pages", 200), ("rows", 2_000)):
        resent = []
        for seed in range(50):
            with tempfile.TemporaryDirectory() as folder:
                kills = 1 + seed % 5
                resent.append((kills, check(kind, Path(folder) / "out", count=count, kills=kills, seed=seed)))
        sys.stdout.write(
            json.dumps(
                {
                    "kind": kind,
                    "runs": len(resent),
                    "kills": sum(k for k, _ in resent),
                    "sent_again": sum(n for _, n in resent),
                    "most_per_kill": max(n / k for k, n in resent),
                }
            )
            + "\n"
        )


if __name__ == "__main__":
    main()

"""Run the main job on the sample API, and measure it against a sequential loop in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import pandas as pd

from pandas_async_io.accessor import aio
from pandas_async_io.demo.serve import serve
from pandas_async_io.reader import read_api_async

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


def run(rows: int = 300, latency: float = 0.02) -> None:
    """Fetch a row per user, read pages, and print the frames and the measured times.

    Parameters
    ----------
    rows : int
        Users to fetch, at most 1 000.
    latency : float
        Seconds before each response.
    """
    with _sample_api(latency) as api:
        print(f"The sample API on {api} responds after {latency * 1000:g} ms.\n")
        users = pd.DataFrame({"user_id": range(1, rows + 1)})

        print('users.aio.fetch(api + "/users/{user_id}", columns=["name", "active", "address.city"])')
        fetched, seconds = _measure(
            lambda: aio(users).fetch(
                api + "/users/{user_id}", columns=["name", "active", "address.city"], errors="raise"
            )
        )
        print(fetched, end="\n\n")

        print('pd.read_api_async(api + "/posts?_page={page}&_limit=10", over={"page": range(1, 11)})')
        posts = read_api_async(api + "/posts?_page={page}&_limit=10", over={"page": range(1, 11)})
        print(posts.result()[["page", "userId", "id", "title"]], end="\n\n")

        looped, loop_seconds = _measure(lambda: _fetch_sequentially(api, users))

    same = all(fetched[name].tolist() == looped[name].tolist() for name in fetched.columns[1:])
    print(f"{rows} rows, measured just now:")
    print(f"  users.aio.fetch, 32 requests at once      {seconds:8.3f} s")
    print(f"  a loop, one request at a time, keep-alive {loop_seconds:8.3f} s")
    print(f"  ratio                                     {loop_seconds / seconds:8.1f}")
    print(f"  equal frames                              {same!s:>8}")


def _measure(job: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = job()
    return result, time.perf_counter() - started


def _fetch_sequentially(api: str, users: pd.DataFrame) -> pd.DataFrame:
    """Do the same job with the standard library, one request at a time on a kept connection."""
    payloads = []
    with closing(HTTPConnection(urlsplit(api).netloc)) as connection:
        for user_id in users["user_id"]:
            connection.request("GET", f"/users/{user_id}")
            payloads.append(json.load(connection.getresponse()))
    return pd.json_normalize(payloads)


@contextmanager
def _sample_api(latency: float) -> Iterator[str]:
    """Run the sample API in another process: in this one it would share the GIL with the client."""
    command = [sys.executable, "-m", "pandas_async_io", "serve", "--latency", str(latency)]
    try:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    except OSError:  # This platform starts no processes: share the GIL.
        with serve(latency=latency) as base_url:
            yield base_url
        return
    with server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            if not line:
                raise OSError(f"the sample API did not start: exit code {server.wait()}")
            yield line.strip()
        finally:
            server.terminate()

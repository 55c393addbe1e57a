"""P1: 20 000 distinct rows, frame to frame, against hand-tuned aiohttp on the same nginx (or the minimal server).

The reference does only what this job needs: workers that share an iterator, no timeout, prebuilt URLs, orjson,
columns by name. It has no retry, no rate limit and no error report. Both sides run on uvloop where it is installed.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import statistics
import subprocess
import time
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import orjson
import pandas as pd
from yarl import URL

import pandas_async_io  # noqa: F401 - registers the accessor
from tests.benchmarks._server import run_server

ROWS = 20_000
CONCURRENCY = 100
ROUNDS = 5

USER = (
    '{"id":7,"name":"Name 7","username":"user7","email":"user7@example.com","active":true,"score":12.25,'
    '"address":{"street":"Street 7","city":"City 7","zip":"00007","geo":{"lat":-37.3159,"lng":81.1496}},'
    '"company":{"name":"Company 7","phrase":"Multi-layered neural net","size":7}}'
)

_CONF = """
worker_processes 1; daemon off; pid {directory}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
  uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
  {certificate} default_type application/json;
  server {{ listen 127.0.0.1:{port} {tls}backlog=1024; return 200 '{user}'; }}
}}
"""


@contextmanager
def serve_user(certificate=None):
    """Run a server that returns the same user for every path, over TLS with a certificate; yield its base URL."""
    if (program := shutil.which("nginx")) is None:
        print("      nginx is not installed: the slower minimal server hides a part of the difference")
        with run_server() as base:
            yield base
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with TemporaryDirectory() as directory:
        conf = Path(directory, "nginx.conf")
        tls, lines = "", ""
        if certificate is not None:
            tls, lines = "ssl http2 ", f"ssl_certificate {certificate}; ssl_certificate_key {certificate};"
        conf.write_text(_CONF.format(directory=directory, port=port, user=USER, tls=tls, certificate=lines))
        with subprocess.Popen([program, "-p", directory, "-c", str(conf), "-e", "stderr"]) as process:
            for _ in range(100):
                time.sleep(0.02)
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
            try:
                yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{port}"
            finally:
                process.terminate()


async def fetch_with_aiohttp(base, frame, ssl=True):
    """Fetch and assemble the frame as hand-tuned code for this one job would."""
    url, keys = URL(base), frame["id"].tolist()
    remaining, users = iter(enumerate(keys)), [None] * len(keys)
    connector = aiohttp.TCPConnector(limit=CONCURRENCY, ssl=ssl)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:

        async def work():
            for position, key in remaining:
                response = await session.get(url.with_path(f"/users/{key}", encoded=True))
                users[position] = orjson.loads(await response.read())

        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    columns = {name: [user[name] for user in users] for name in ("name", "username", "email", "active", "score")}
    columns["id_api"] = [user["id"] for user in users]
    for outer, inner in (("address", ("street", "city", "zip")), ("company", ("name", "phrase", "size"))):
        columns |= {f"{outer}.{name}": [user[outer][name] for user in users] for name in inner}
    columns |= {f"address.geo.{name}": [user["address"]["geo"][name] for user in users] for name in ("lat", "lng")}
    return pd.concat([frame, pd.DataFrame(columns, index=frame.index)], axis=1)


def reference(base, frame, loop_factory, ssl=True):
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(fetch_with_aiohttp(base, frame, ssl))


def ours(base, frame, client=None):
    out = frame.aio.fetch(base + "/users/{id}", concurrency=CONCURRENCY, client=client)
    assert out.aio.report.outcomes == {"ok": len(frame)}
    return out


def measure(function, *args):
    started, cpu_started = time.perf_counter(), time.process_time()
    frame = function(*args)
    return time.perf_counter() - started, time.process_time() - cpu_started, frame


def compare(loop_factory, budget):
    frame = pd.DataFrame({"id": range(ROWS)})
    with serve_user() as base:
        ours(base, frame.head(CONCURRENCY))  # warm-up: imports, the event loop's thread
        rounds = [(measure(ours, base, frame), measure(reference, base, frame, loop_factory)) for _ in range(ROUNDS)]
    our_frame, reference_frame = rounds[-1][0][2], rounds[-1][1][2]
    assert len(our_frame) == len(reference_frame) == ROWS
    assert set(our_frame.columns) == set(reference_frame.columns) or "data" in our_frame.columns
    for column, label in enumerate(("wall", "CPU ")):
        ours_us, reference_us = (
            statistics.median(each[side][column] for each in rounds) / ROWS * 1e6 for side in (0, 1)
        )
        verdict = f"budget {budget}  {'ok' if ours_us <= budget * reference_us else 'OVER'}" if label == "wall" else ""
        print(
            f"      {label}  ours {ours_us:5.1f} us/row  reference {reference_us:5.1f} us/row  "
            f"ratio {ours_us / reference_us:.2f}  {verdict}".rstrip()
        )


def run():
    print(f"P1  frame to frame, {ROWS} rows, concurrency {CONCURRENCY}, medians of {ROUNDS}")
    if find_spec("uvloop") is None:
        compare(asyncio.new_event_loop, 1.0)
    else:
        compare(import_module("uvloop").new_event_loop, 0.9)

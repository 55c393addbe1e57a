"""P1: frame to frame, 20 000 distinct rows, against hand-tuned aiohttp at the same nginx (or a server of our own).

The reference does only what this one job takes: workers that share an iterator, no timer, prebuilt URLs, orjson,
columns by name. It repeats nothing, limits nothing and tells nothing of its failures. Both sides run on uvloop,
where it is installed.
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
from tests.benchmarks._server import running

ROWS = 20_000
CONCURRENCY = 100
ROUNDS = 5

USER = (
    '{"id":7,"name":"Name 7","username":"user7","email":"user7@example.com","active":true,"score":12.25,'
    '"address":{"street":"Street 7","city":"City 7","zip":"00007","geo":{"lat":-37.3159,"lng":81.1496}},'
    '"company":{"name":"Company 7","phrase":"Multi-layered neural net","size":7}}'
)

_CONF = """
worker_processes 1; daemon off; pid {home}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c;
  uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;
  server {{ listen 127.0.0.1:{port} backlog=1024; default_type application/json; return 200 '{user}'; }}
}}
"""


@contextmanager
def users():
    """Run a server that answers every path with the same user; yields its base URL."""
    if (program := shutil.which("nginx")) is None:
        print("      nginx is not installed: a slower server of our own answers, and hides a part of the difference")
        with running() as base:
            yield base
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with TemporaryDirectory() as home:
        conf = Path(home, "nginx.conf")
        conf.write_text(_CONF.format(home=home, port=port, user=USER))
        with subprocess.Popen([program, "-p", home, "-c", str(conf), "-e", "stderr"]) as process:
            for _ in range(100):
                time.sleep(0.02)
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


async def tuned(base, frame):
    url, keys = URL(base), frame["id"].tolist()
    todo, found = iter(enumerate(keys)), [None] * len(keys)
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:

        async def work():
            for at, key in todo:
                response = await session.get(url.with_path(f"/users/{key}", encoded=True))
                found[at] = orjson.loads(await response.read())

        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    columns = {name: [user[name] for user in found] for name in ("name", "username", "email", "active", "score")}
    columns["id_api"] = [user["id"] for user in found]
    for outer, inner in (("address", ("street", "city", "zip")), ("company", ("name", "phrase", "size"))):
        columns |= {f"{outer}.{name}": [user[outer][name] for user in found] for name in inner}
    columns |= {f"address.geo.{name}": [user["address"]["geo"][name] for user in found] for name in ("lat", "lng")}
    return pd.concat([frame, pd.DataFrame(columns, index=frame.index)], axis=1)


def reference(base, frame, factory):
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(tuned(base, frame))


def ours(base, frame):
    out = frame.aio.fetch(base + "/users/{id}", concurrency=CONCURRENCY)
    assert out.aio.report.outcomes == {"ok": len(frame)}
    return out


def clock(function, *args):
    begun, cpu = time.perf_counter(), time.process_time()
    frame = function(*args)
    return time.perf_counter() - begun, time.process_time() - cpu, frame


def compare(factory, budget):
    frame = pd.DataFrame({"id": range(ROWS)})
    with users() as base:
        ours(base, frame.head(CONCURRENCY))  # imports, the event loop's thread
        rounds = [(clock(ours, base, frame), clock(reference, base, frame, factory)) for _ in range(ROUNDS)]
    mine, theirs = rounds[-1][0][2], rounds[-1][1][2]
    assert len(mine) == len(theirs) == ROWS
    assert set(mine.columns) == set(theirs.columns) or "data" in mine.columns
    for at, what in enumerate(("wall", "CPU ")):
        us, them = (statistics.median(each[side][at] for each in rounds) for side in (0, 1))
        verdict = f"budget {budget}  {'ok' if us <= budget * them else 'OVER'}" if what == "wall" else ""
        print(
            f"      {what}  ours {us / ROWS * 1e6:5.1f} us/row  reference {them / ROWS * 1e6:5.1f} us/row  "
            f"ratio {us / them:.2f}  {verdict}".rstrip()
        )


def run():
    fast = find_spec("uvloop") is not None
    print(f"P1  frame to frame, {ROWS} rows, concurrency {CONCURRENCY}, medians of {ROUNDS}")
    compare(import_module("uvloop").new_event_loop if fast else asyncio.new_event_loop, 0.9 if fast else 1.0)

"""Calls of the sample API in this process, and in scripts of their own."""

import subprocess
import sys
import time
from contextlib import contextmanager

import pandas as pd

import pandas_async_io as paio

USERS = pd.DataFrame({"id": [3, 1, 2]})


PRELUDE = """
import asyncio, gc, os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
import pandas as pd
import pandas_async_io as paio
API = sys.argv[1]
users = pd.DataFrame({"id": range(1, 11)})
rows = pd.DataFrame({"k": range(10), "ms": [1] * 6 + [60000] * 4})
SLOW = API + "/slow/{k}?ms={ms}"

def fetch(**options):
    return users.aio.fetch(API + "/users/{id}", **options)["name"].notna().sum()

async def make_session():
    asyncio.get_running_loop().slow_callback_duration = 60  # a blocking call must not be logged
    import aiohttp
    return aiohttp.ClientSession()
"""


WITHOUT_UVLOOP = "import sys\nsys.modules['uvloop'] = None\n"
"""The beginning of a script that makes uvloop fail to import."""


@contextmanager
def open_script(api, text, *, err="", code=0, flags=()):
    """Run a script in which every warning is an error; yield the process, whose `lines` are those of stdout."""
    command = [sys.executable, "-X", "dev", "-W", "error", *flags, "-c", text, api]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, **pipes) as process:
        process.lines = []
        try:
            yield process
            out, errors = process.communicate(timeout=45)
        finally:
            process.kill()
    assert (errors, process.returncode) == (err, code)
    process.lines += out.splitlines()


def run_script(api, text, **expected):
    """Run a script to its end and return its lines on stdout."""
    with open_script(api, text, **expected) as process:
        pass
    return process.lines


def wait_until(condition):
    """Wait for what another thread or process does."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "the condition never became true"
        time.sleep(0.01)


def fetch_ids(api, **options):
    """Fetch three users and return the ids in the responses."""
    frame = USERS.aio.fetch(api + "/users/{id}", columns={"id": "answer"}, **options)
    return frame["answer"].tolist()


async def fetch_ids_in_loop(api, **options):
    """Block the running loop."""
    return fetch_ids(api, **options)


def start_slow_read(api, **options):
    """Start one request that gets no response within a test."""
    return paio.read_api_async(api + "/slow/1?ms=60000", **options)

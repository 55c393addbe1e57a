"""Running the sample API: log, counters, TLS, and a shutdown that leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from urllib.parse import urlsplit

import aiohttp
import pytest

from pandas_async_io.demo import data, serve
from tests.demo.client import links, send


def test_the_log_has_every_request_in_order_of_arrival():
    """`clear` empties it; `connections` keeps counting."""
    with serve() as sample_api:
        send(sample_api, "/users/1?x=%41")
        send(sample_api, "/users", "POST", b"{}")
        send(sample_api, "/nowhere")
        assert [(request.method, request.path_qs, request.status) for request in sample_api.log] == [
            ("GET", "/users/1?x=%41", 200),
            ("POST", "/users", 201),
            ("GET", "/nowhere", 404),
        ]
        times = [request.time for request in sample_api.log]
        assert times == sorted(times)
        sample_api.clear()
        assert (sample_api.log, sample_api.peak, sample_api.connections) == ([], 0, 3)


def test_a_kept_connection_counts_once():
    """Two requests on one connection."""
    with serve() as sample_api:
        with closing(http.client.HTTPConnection(urlsplit(sample_api).netloc)) as connection:
            for _ in range(2):
                connection.request("GET", "/users/1")
                connection.getresponse().read()
        assert (sample_api.connections, len(sample_api.log), sample_api.peak) == (1, 2, 1)


def test_peak_is_the_largest_number_of_requests_in_flight():
    """Eight concurrent requests with the same latency give a peak of eight."""
    with serve(latency=0.5) as sample_api, ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda n: send(sample_api, f"/users/{n}"), range(1, 9)))
        assert {response.status for response in responses} == {200}
        assert (sample_api.peak, sample_api.in_flight, sample_api.connections) == (8, 0, 8)


def test_latency_delays_every_response():
    """Errors are delayed too, measured between the requests of one client."""
    with serve(latency=0.05) as sample_api:
        for _ in range(3):
            send(sample_api, "/nowhere")
        times = [request.time for request in sample_api.log]
    assert all(after - before > 0.04 for before, after in pairwise(times))


def test_two_servers_have_separate_counters():
    """Each has its own address, counters and log."""
    with serve() as one, serve() as two:
        assert one != two
        assert send(one, "/flaky/a").status == send(two, "/flaky/a").status == 503
        assert len(one.log) == len(two.log) == 1


def test_a_port_in_use_raises():
    """The second server on a port raises OSError."""
    with serve() as sample_api, pytest.raises(OSError, match="in use"), serve(port=urlsplit(sample_api).port):
        pytest.fail("two servers on one port")


def test_a_failing_start_leaves_no_thread():
    """The error is raised by `serve` itself."""
    before = threading.active_count()
    with pytest.raises(TypeError, match="SSLContext"), serve(ssl=True):
        pytest.fail("True is no context")
    assert threading.active_count() == before


def test_the_base_url_is_a_str_with_a_loopback_address():
    """It works wherever a str does."""
    with serve() as sample_api:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", sample_api)
        assert json.loads(json.dumps([sample_api])) == [sample_api]


def test_serve_works_inside_a_running_loop():
    """As in a notebook cell, with an await inside the block."""

    async def cell():
        with serve() as sample_api:
            async with aiohttp.ClientSession() as session, session.get(f"{sample_api}/users/2") as response:
                return await response.json()

    assert asyncio.run(cell()) == data.user(2)


def test_serve_speaks_tls():
    """With a context, the base URL and the links are https; an idle client does not delay the shutdown."""
    authority = pytest.importorskip("trustme").CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    before = threading.active_count()
    with serve(ssl=server) as sample_api:
        connection = http.client.HTTPSConnection(urlsplit(sample_api).netloc, context=client)
        connection.request("GET", "/posts")
        response = connection.getresponse()
        assert links(response)["next"] == f"{sample_api}/posts?_page=2"
        response.read()
        assert sample_api.startswith("https://")
        assert sample_api.connections == 1
    connection.close()
    assert threading.active_count() == before


@pytest.mark.slow
def test_a_client_that_does_not_read_does_not_delay_the_shutdown():
    """The server aborts a response that it cannot deliver, and closes its socket."""
    size = 32_000_000
    with socket.socket() as client:
        client.settimeout(20)
        with serve() as sample_api:
            client.connect(("127.0.0.1", urlsplit(sample_api).port))
            client.sendall(b"POST /echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
            client.sendall(b"x" * size)
            client.recv(1)
        assert sum(map(len, iter(lambda: client.recv(1_000_000), b""))) < size
    gc.collect()


@pytest.mark.slow
def test_a_closed_server_leaves_nothing_behind():
    """After idle, slow and disconnected clients no thread, socket, task, warning or log line remains."""
    program = """
import gc, http.client, logging, os, socket, threading
from urllib.parse import urlsplit
from pandas_async_io.demo import serve

logging.getLogger("asyncio").setLevel(logging.ERROR)  # a busy machine is no leak
descriptors = lambda: os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []

def client(sample_api, target):
    connection = http.client.HTTPConnection(urlsplit(sample_api).netloc)
    connection.request("GET", target)
    return connection

def run():
    with serve() as sample_api:
        targets = "/users/1", "/slow/1?ms=60000", "/slow/2?ms=60000"
        idle, slow, gone = (client(sample_api, target) for target in targets)
        idle.getresponse().read()
        compressed = client(sample_api, "/bytes/gzip")
        compressed.getresponse().read()
        while len(sample_api.log) < 4:
            pass
        gone.close()
    idle.close(), slow.close(), compressed.close()
    assert sorted(str(request.status) for request in sample_api.log) == ["200", "200", "None", "None"], sample_api.log
    try:
        socket.create_connection(("127.0.0.1", urlsplit(sample_api).port)).close()
    except ConnectionRefusedError:
        pass
    else:
        raise AssertionError("still listening")

run()
gc.collect()
before = len(descriptors())
run()
gc.collect()
assert threading.enumerate() == [threading.main_thread()], threading.enumerate()
assert len(descriptors()) == before, descriptors()
print("clean")
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("clean\n", "", 0)

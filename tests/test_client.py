"""The client: its options, its shared limit and its connections."""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from tests.io.bridge.scripts import USERS, wait_until


class CountingHandler(BaseHTTPRequestHandler):
    """Responds with one record and counts open connections."""

    protocol_version = "HTTP/1.1"
    open_now: ClassVar[set] = set()

    def setup(self):
        super().setup()
        self.open_now.add(self)

    def finish(self):
        super().finish()
        self.open_now.discard(self)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "12")
        self.end_headers()
        self.wfile.write(b'{"answer":1}')

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def clients():
    """Run a server that counts its open connections; yield a list with a client of it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), CountingHandler) as server, ThreadPoolExecutor(1) as pool:
        serving = pool.submit(server.serve_forever, 0.01)
        yield [paio.Client(f"http://127.0.0.1:{server.server_port}")]
        server.shutdown()
        serving.result()


def fetch_all(client):
    """Fetch three records."""
    return USERS.aio.fetch("/{id}", client=client)["answer"].tolist() == [1, 1, 1]


def test_fault_71_a_collected_client_closes_its_connections(clients):
    """A client need not be closed."""
    assert fetch_all(clients[0])
    assert CountingHandler.open_now
    clients.clear()
    gc.collect()
    wait_until(lambda: not CountingHandler.open_now)


def test_a_closed_client_opens_new_connections(clients):
    """It can be closed in four ways, from any thread and any loop, and used again."""
    (client,) = clients

    async def main():
        async with client:
            assert len(await USERS.aio.fetch_async("/{id}", client=client)) == 3

    def enter():
        with client:
            assert fetch_all(client)

    for close in (client.close, lambda: asyncio.run(client.close_async()), lambda: asyncio.run(main()), enter):
        assert fetch_all(client)
        assert CountingHandler.open_now
        close()
        wait_until(lambda: not CountingHandler.open_now)


def test_fault_68_sixteen_threads_share_one_client():
    """Each thread gets its own rows, and all together keep the client's limit."""
    with paio.demo.serve() as api, paio.Client(api, concurrency=4) as client, ThreadPoolExecutor(16) as pool:
        keys = [range(20 * n, 20 * n + 20) for n in range(16)]
        frames = pool.map(lambda k: pd.DataFrame({"k": k}).aio.fetch("/broken/a{k}", client=client), keys)
        assert [frame["key"].tolist() for frame in frames] == [[f"a{k}" for k in each] for each in keys]
        assert api.peak <= 4
        assert api.connections <= 4


def test_numbers_may_be_numpys_and_durations_pandas():
    """A client and a call keep them as Python's own numbers."""
    client = paio.Client(concurrency=np.int64(4), rate=np.float64(20), retry=np.int64(2), timeout=np.float64(1))
    limits = client.limits
    assert (limits.concurrency, limits.rates, limits.retry.attempts, limits.timeout) == (4, (paio.Rate(20.0),), 2, 1.0)
    policy = client.limits.build_policy(
        concurrency=np.int64(2), rate=np.int64(5), retry=np.int8(1), timeout=pd.Timedelta(500, "ms")
    )
    assert (policy.concurrency, policy.retry.attempts, policy.timeout) == (2, 1, 0.5)
    assert policy.rates == (paio.Rate(20), paio.Rate(5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": "auto"}, "is a ceiling: a number; pass concurrency='auto' to the call"),
        ({"concurrency": 0}, "concurrency=0 is not a number of requests: 1 or more$"),
        ({"concurrency": True}, "concurrency=True is not"),
        ({"timeout": float("inf")}, "timeout=inf is not a number of seconds above 0"),
        ({"timeout": "30"}, "timeout='30' is not"),
        ({"rate": b"20/s"}, "a number per second, a Rate, or a list of them"),
        ({"max_body": True}, "max_body=True is not a size"),
    ],
)
def test_an_unusable_option_of_a_client_raises_at_once(options, message):
    """The message names what a client's option may be, not a call's."""
    with pytest.raises(paio.PlanError, match=message):
        paio.Client(**options)


@pytest.mark.parametrize("value", [0, "fast", 2.0, True, np.array([1, 2])])
def test_the_message_about_a_calls_concurrency_offers_auto(value):
    """A call may pass "auto", a client may not."""
    with pytest.raises(paio.PlanError, match=r"is not a number of requests: 1 or more, or 'auto'$"):
        paio.Client().limits.build_policy(concurrency=value)
    assert paio.Client(concurrency=8).limits.build_policy(concurrency="auto").adaptive

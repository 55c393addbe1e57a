"""Connections that end after an answer without notice, and sessions that fail (faults 51, 82, 85)."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from contextlib import contextmanager

import aiohttp
import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io import FetchWarning
from tests.servers.scripted import Action, http_response, serve_script, serve_socket

_ANSWER = http_response(b'{"a": 1}')


class ClosingServer:
    """Answers the first request on a connection, reads the second one and closes: no FIN announces it."""

    def __init__(self, *, answers=1, resets=False):
        self.answers, self.resets = answers, resets
        self.requests = Counter()
        self.connections = 0

    def handle(self, peer):
        self.connections += 1
        for number in range(self.answers + 1):
            request = peer.recv(1 << 16)
            if not request:
                return
            self.requests[request.split(b" ", 2)[0].decode()] += 1
            if number < self.answers:
                peer.sendall(_ANSWER)
        if self.resets:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def serve_closing(**options):
    server = ClosingServer(**options)
    with serve_socket(server.handle) as address:
        yield server, f"http://{address}"


def fetch(url, rows, *, retry=None, **options):
    frame = pd.DataFrame({"i": range(rows)})
    with paio.Client(url, retry=retry) as client:
        return frame.aio.fetch("/{i}", client=client, concurrency=1, progress=False, **options)


@pytest.mark.parametrize("resets", [False, True], ids=["FIN", "RST"])
def test_fault_82_no_row_is_lost_to_a_connection_that_ends_after_its_answer(resets):
    """Each second request meets a connection that ends; it goes out again on a new one, free of attempt and budget."""
    with serve_closing(resets=resets) as (server, url):
        frame = fetch(url, 40, retry=paio.Retry(attempts=2, budget=0.0))
    report = frame.aio.report
    assert frame["a"].tolist() == [1] * 40
    assert (report.sent, report.retried) == (server.requests["GET"], server.requests["GET"] - 40)
    assert set(frame.aio.outcomes["attempts"]) == {1, 2}
    assert server.connections == 40
    (finding,) = report.findings
    assert finding.startswith(f"{url} closes kept connections without announcing it: 39 requests met a closed one.")


def test_fault_82_a_request_is_sent_again_at_once_only_once():
    """The new connection ends too: the failure of a connection that was not reused spends an attempt."""
    with serve_script(_ANSWER, [Action.CLOSE]) as server, pytest.warns(FetchWarning):
        frame = fetch(server.url, 2, retry=paio.Retry(attempts=2, base=0.0, patience=0))
    assert frame.aio.outcomes["outcome"].tolist() == ["ok", "transport_error"]
    assert [request.connection for request in server.requests] == [1, 1, 2, 3]


def test_fault_82_with_retry_1_nothing_is_sent_twice():
    """The user asked for one request per row; after two losses each takes a new connection."""
    with serve_closing() as (server, url), pytest.warns(FetchWarning):
        frame = fetch(url, 10, retry=1)
    assert frame.aio.outcomes["outcome"].value_counts().to_dict() == {"ok": 8, "transport_error": 2}
    assert server.requests["GET"] == 10


def test_fault_82_requests_that_must_not_be_repeated_get_new_connections_after_two_losses():
    """A POST is never sent twice; from the third row on, none is sent on a kept connection."""
    with serve_closing() as (server, url), pytest.warns(FetchWarning):
        frame = fetch(url, 30, method="POST", json={"i": "{i}"})
    assert frame.aio.outcomes["outcome"].value_counts().to_dict() == {"ok": 28, "transport_error": 2}
    assert server.requests["POST"] == 30
    assert "POST is not repeated" in frame.aio.failures["error"].iloc[0]


def test_fault_82_a_post_with_an_idempotency_key_is_sent_again():
    """The key makes it repeatable."""
    with serve_closing() as (_, url):
        retry = paio.Retry(idempotency_key="Idempotency-Key")
        frame = fetch(url, 10, method="POST", json={"i": "{i}"}, retry=retry)
    assert frame["a"].tolist() == [1] * 10


def test_fault_82_a_reconnection_counts_for_max_requests():
    """Four requests answer two rows and lose one connection between them."""
    with serve_closing() as (server, url), pytest.warns(FetchWarning):
        frame = fetch(url, 5, max_requests=4)
    assert server.requests["GET"] == 4
    assert frame.aio.outcomes["outcome"].tolist()[:2] == ["ok", "ok"]


async def fetch_with_session(url, rows, *, middlewares=(), connector=None, during=None, **options):
    """Fetch through a session of the caller's."""
    async with aiohttp.ClientSession(middlewares=middlewares, connector=connector) as session:
        client = paio.Client(url, session=session)
        frame = pd.DataFrame({"i": range(rows)})
        future = frame.aio.fetch_async("/{i}", client=client, concurrency=1, progress=False, **options)
        if during is not None:
            await during(session)
        return await future


def test_fault_82_a_session_loses_no_row_either():
    """The same server through a session of the caller's."""
    with serve_closing() as (server, url):
        frame = asyncio.run(fetch_with_session(url, 20))
    assert frame["a"].tolist() == [1] * 20
    assert server.connections == 20


def test_fault_82_a_session_gets_new_connections_for_requests_that_must_not_be_repeated():
    """Its kept connections are closed first."""
    with serve_closing() as (_, url), pytest.warns(FetchWarning):
        frame = asyncio.run(fetch_with_session(url, 10, method="POST", json={"i": "{i}"}))
    assert frame.aio.outcomes["outcome"].value_counts().to_dict() == {"ok": 8, "transport_error": 2}


def raise_for_row_1(error, *, after=False):
    """Return a middleware that raises for one row, before or after sending."""

    async def middleware(request, handler):
        if request.url.path != "/1":
            return await handler(request)
        if after:
            (await handler(request)).close()
        raise error

    return middleware


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "error",
    [RuntimeError("token=s3cret"), AssertionError(), ValueError("odd"), KeyError("k"), asyncio.CancelledError()],
    ids=lambda error: type(error).__name__,
)
def test_fault_85_an_exception_of_a_middleware_is_the_failure_of_its_row(error, after):
    """The other rows are ok, and the message has the type and no secret."""
    middleware = raise_for_row_1(error, after=after)
    with serve_script(_ANSWER) as server, pytest.warns(FetchWarning):
        frame = asyncio.run(fetch_with_session(server.url, 5, middlewares=(middleware,)))
    assert frame.aio.outcomes["outcome"].tolist() == ["ok", "transport_error", "ok", "ok", "ok"]
    message = frame.aio.failures["error"].iloc[0]
    assert type(error).__name__ in message
    assert "s3cret" not in message


def test_fault_85_a_middleware_that_fails_for_all_rows_opens_no_breaker():
    """Its exceptions say nothing about the server: each row fails by itself, at once."""

    async def middleware(request, handler):
        raise RuntimeError

    with serve_script(_ANSWER) as server, pytest.warns(FetchWarning):
        frame = asyncio.run(fetch_with_session(server.url, 50, middlewares=(middleware,)))
    assert frame.aio.outcomes["outcome"].tolist() == ["transport_error"] * 50
    assert server.requests == []


class ProxyError(Exception):
    """As the one of python-socks, which is no aiohttp.ClientError."""

    __module__ = "python_socks._errors"


def test_fault_51_a_socks_failure_is_an_error_of_the_proxy():
    """The library's exception is mapped by its module: it is not needed here."""

    class Connector(aiohttp.TCPConnector):
        async def connect(self, *args, **kwargs):
            raise ProxyError("Username and password authentication failure")

    async def run():
        return await fetch_with_session("http://api.example", 3, connector=Connector())

    with pytest.warns(FetchWarning):
        frame = asyncio.run(run())
    assert set(frame.aio.outcomes["outcome"]) <= {"transport_error", "not_attempted"}
    message = frame.aio.failures["error"].iloc[0]
    assert message.startswith("the proxy of the session failed: ProxyError: Username and password")


def test_fault_85_a_session_closed_in_mid_run_ends_the_unsent_rows_at_once():
    """The row under way fails, the finished one stays ok, and no other is sent."""

    async def close(session):
        await asyncio.to_thread(server.wait_for_requests, 2)
        await session.close()

    with serve_script(_ANSWER, [Action.HANG]) as server, pytest.warns(FetchWarning):
        frame = asyncio.run(fetch_with_session(server.url, 6, during=close))
    outcomes = frame.aio.outcomes
    assert outcomes["outcome"].tolist() == ["ok", "transport_error", *["not_attempted"] * 4]
    assert outcomes["attempts"].tolist() == [1, 1, 0, 0, 0, 0]
    assert "the session of the client is closed" in outcomes["error"].iloc[5]
    assert len(server.requests) == 2

"""Sending through the caller's own session."""

from __future__ import annotations

import asyncio
import gzip

import aiohttp
import pytest

from pandas_async_io._core.errors import (
    AttemptTimeoutError,
    PlanError,
    ProtocolError,
)
from pandas_async_io._core.models import Request
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.transport import Transport
from tests.io.transport.sending import (
    SHORT_TIMEOUT,
    open_transport,
    send_failing,
)
from tests.servers.scripted import (
    PATIENCE,
    PAUSE_SECONDS,
    Action,
    full_backlog,
    http_response,
    serve_script,
)


def test_fault_5_a_request_that_never_connects_over_a_session_was_not_received():
    """The session's connector waits; the timeout is ours."""
    with full_backlog() as url:
        assert isinstance(
            send_failing(url, timeout=SHORT_TIMEOUT, received=False, session=aiohttp.ClientSession), AttemptTimeoutError
        )


@pytest.mark.parametrize("late", [http_response(b'"not yours"'), http_response(b'"not', length=100)])
def test_fault_73_a_session_sends_nothing_over_an_unclean_connection(late):
    """We cannot choose the connection of a session, so the request is not sent: not received."""
    with serve_script([http_response(), Action.WAIT, late], http_response(b'"second"')) as server:
        with open_transport(TransportOptions(), aiohttp.ClientSession) as (runner, transport):
            runner.run(transport.send(Request(f"{server.url}/1"), PATIENCE))
            server.released.set()
            runner.run(asyncio.sleep(PAUSE_SECONDS))
            with pytest.raises(ProtocolError, match="sent data before the request") as caught:
                runner.run(transport.send(Request(f"{server.url}/2"), PATIENCE))
        assert (caught.value.transient, caught.value.received) == (True, False)
        assert len(server.requests) == 1


def test_a_session_keeps_its_headers_cookies_and_middlewares_and_stays_open():
    """Our options apply beside its own."""
    headers = []

    async def middleware(request, handler):
        headers.append(request.headers["X-Ours"])
        return await handler(request)

    async def run(server):
        async with aiohttp.ClientSession(
            headers={"X-Theirs": "1"},
            cookies={"c": "1"},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            middlewares=[middleware],
            raise_for_status=True,
        ) as session:
            transport = Transport(TransportOptions(), session)
            request = Request(server.url, headers={"X-Ours": "2"})
            responses = [await transport.send(request, PATIENCE) for _ in range(2)]
            await transport.close()
            assert not session.closed
            assert session.connector is not None
            async with session.get(server.url, headers={"X-Ours": "4"}) as response:
                await response.read()
        return responses

    coded = http_response(gzip.compress(b"[1]"), "Content-Encoding: gzip", "Set-Cookie: d=2", status="404 Not Found")
    with serve_script(coded, coded, http_response()) as server:
        responses = asyncio.run(run(server))
        assert server.connections == 1
    assert [(response.status, response.body) for response in responses] == [(404, b"[1]")] * 2
    assert headers == ["2", "2", "4"]
    assert [request.headers["x-theirs"] for request in server.requests] == ["1"] * 3
    assert [request.headers["cookie"] for request in server.requests] == ["c=1", "c=1; d=2", "c=1; d=2"]


def test_a_session_refuses_block_private():
    """Its connector opens the connections, so the option could not be kept."""

    async def run():
        async with aiohttp.ClientSession() as session:
            Transport(TransportOptions(block_private=True), session)

    with pytest.raises(PlanError, match="block_private"):
        asyncio.run(run())

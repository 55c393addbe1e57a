"""An attempt: its timeout, redirects, cancellation and connections."""

from __future__ import annotations

import asyncio
import sys

import pytest

from pandas_async_io._core.errors import (
    AttemptError,
    AttemptTimeoutError,
    FetchWarning,
    RedirectError,
    TransportError,
    UnsafeUrlError,
)
from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.transport import Transport
from tests.io.transport.sending import (
    SHORT_TIMEOUT,
    fetch_outcomes,
    open_transport,
    redirect_to,
    send,
    send_failing,
    send_to_script,
)
from tests.servers.scripted import (
    PATIENCE,
    PAUSE_SECONDS,
    Action,
    chunked_response,
    http_response,
    serve_script,
)


@pytest.mark.parametrize("end", [Action.CLOSE, Action.RESET])
def test_fault_2_a_reused_connection_that_ends_gets_exactly_one_request(make_any_sender, end):
    """aiohttp itself repeats a GET on a reused connection; here the server receives it once."""
    with (
        serve_script(http_response(), [end]) as server,
        open_transport(TransportOptions(), make_any_sender) as (runner, transport),
    ):
        runner.run(transport.send(Request(f"{server.url}/first"), PATIENCE))
        with pytest.raises(TransportError, match="lost before the answer") as caught:
            runner.run(transport.send(Request(f"{server.url}/second"), PATIENCE))
        assert caught.value.transient
        assert caught.value.received
        assert [request.connection for request in server.requests] == [1, 1]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([Action.HANG], id="fault_6 before the headers"),
        pytest.param([http_response(b"[1,2", length=100), Action.HANG], id="fault_7 in the body"),
        pytest.param([http_response(b"[1,2", length=10**6), Action.DRIP], id="fault_8 drip"),
        pytest.param([chunked_response(b"[1,2", end=b""), Action.HANG], id="fault_7 between chunks"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n", Action.HANG], id="fault_72 after 100"),
    ],
)
def test_fault_6_7_8_an_attempt_ends_at_its_timeout_and_closes_the_connection(make_any_sender, answer):
    """Silence and dripping end as timeout; the server sees the connection end."""
    error = send_to_script(answer, session=make_any_sender, timeout=SHORT_TIMEOUT)
    assert error.outcome is Outcome.TIMEOUT
    assert "within 0.3 s" in str(error)


def test_redirects_share_the_timeout_of_their_attempt():
    """Each hop is slow, but within the timeout by itself: the sum counts."""
    hop = [Action.PAUSE, http_response(b"", "Location: /next", status="302 Found")]
    with serve_script(hop) as server:
        error = send_failing(f"{server.url}/x", timeout=2.5 * PAUSE_SECONDS)
        assert isinstance(error, AttemptTimeoutError)
        assert len(server.requests) == 3


def test_a_timeout_above_five_seconds_is_not_rounded_up():
    """aiohttp rounds timeouts above 5 s up to whole seconds; ours are asyncio's."""
    loop_deadlines = []

    class Loop(asyncio.SelectorEventLoop):
        def call_at(self, when, callback, *args, context=None):
            loop_deadlines.append(when - self.time())
            return super().call_at(when, callback, *args, context=context)

    async def send(url):
        transport = Transport(TransportOptions())
        await transport.send(Request(url), 7.5)
        await transport.close()

    with serve_script(http_response()) as server, asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(send(server.url))
    assert max(each for each in loop_deadlines if each < 8) == pytest.approx(7.5, abs=0.2)


def test_fault_40_a_redirect_loop_ends_after_five_hops_and_is_not_repeated(make_any_sender):
    """http_error, six requests, one connection."""
    with serve_script(redirect_to("/x")) as server:
        error = send_failing(f"{server.url}/x", transient=False, session=make_any_sender)
        assert (len(server.requests), server.connections) == (6, 1)
    assert isinstance(error, RedirectError)
    assert error.outcome is Outcome.HTTP_ERROR
    assert "redirect loop" in str(error)


def test_fault_41_a_redirect_to_another_origin_is_not_followed(make_any_sender):
    """The other server receives no request."""
    with serve_script(http_response()) as other, serve_script(redirect_to(f"{other.url}/x")) as server:
        error = send_failing(server.url, transient=False, session=make_any_sender, headers={"X-API-Key": "k"})
        assert isinstance(error, UnsafeUrlError)
        assert other.requests == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://169.254.169.254/latest/meta-data", "javascript:x"]
)
def test_fault_42_a_redirect_to_another_scheme_or_a_metadata_address_is_unsafe(make_any_sender, location):
    """The row ends unsafe_url."""
    with serve_script(redirect_to(location)) as server:
        assert send_failing(server.url, transient=False, session=make_any_sender).outcome is Outcome.UNSAFE_URL


def test_fault_42_a_redirect_from_https_to_http_is_unsafe(serve_tls):
    """A request that was encrypted is not repeated in the clear."""
    with serve_script(http_response()) as clear, serve_tls(redirect_to(f"{clear.url}/x")) as (server, options):
        error = send_failing(server.url, transient=False, options=options)
        assert error.outcome is Outcome.UNSAFE_URL
        assert clear.requests == []


def test_fault_43_a_redirect_without_a_location_is_an_http_error():
    """The 302 is the response."""
    with serve_script(http_response(b"", status="302 Found")) as server, pytest.warns(FetchWarning):
        outcomes = fetch_outcomes(server)
    assert outcomes[["outcome", "status"]].to_numpy().tolist() == [["http_error", 302]]


def test_a_redirect_keeps_or_changes_the_method_as_its_status_says(make_any_sender):
    """307 repeats the POST, 303 continues with GET and without a body."""
    with serve_script(
        redirect_to("/b", "307 Temporary"), redirect_to("/c", "303 See Other"), http_response(b"[3]")
    ) as server:
        response = send(server.url, method="POST", body=b"{}", headers={"X-Key": "k"}, session=make_any_sender)
    assert [request.line.split()[0] for request in server.requests] == ["POST", "POST", "GET"]
    assert [request.body for request in server.requests] == [b"{}", b"{}", b""]
    assert [request.headers["x-key"] for request in server.requests] == ["k"] * 3
    assert response.url == f"{server.url}/c"


def test_a_cancelled_send_closes_its_connection(make_any_session):
    """Before the headers: the server sees the connection end, and the error is asyncio's."""
    _check_cancelled([Action.HANG], make_any_session)


def test_a_send_that_is_cancelled_in_the_body_ends_at_the_server(make_aiohttp_or_http2):
    """HTTP/2 ends the stream, and keeps the connection."""
    _check_cancelled([http_response(b"[1,2", length=100), Action.HANG], make_aiohttp_or_http2)


def _check_cancelled(answer, make_session):
    async def cancel(transport, server):
        sending = asyncio.create_task(transport.send(Request(server.url), PATIENCE))
        await asyncio.to_thread(server.wait_for_requests)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.to_thread(server.wait_for_disconnects)

    with serve_script(answer) as server, open_transport(TransportOptions(), make_session) as (runner, transport):
        runner.run(cancel(transport, server))


def test_a_programming_error_is_not_mapped():
    """Only failures of the network become our errors."""
    with serve_script(http_response()) as server, pytest.raises(TypeError):
        send(server.url, body=5)


def test_a_closed_transport_opens_new_connections():
    """A client may be used again after its with block."""
    with serve_script(http_response(b"[1]")) as server, open_transport(TransportOptions()) as (runner, transport):
        for _ in range(2):
            response = runner.run(transport.send(Request(server.url), PATIENCE))
            runner.run(transport.close())
        assert isinstance(response, Response)
        assert server.connections == 2


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for it")
def test_uvloop_gives_the_same_outcomes():
    """A response, a reset, a timeout and a cut body on the loop that the portal prefers."""
    uvloop = pytest.importorskip("uvloop")
    answers = [http_response(b"[1]"), [Action.RESET], [Action.HANG], [http_response(b"[1", length=9), Action.CLOSE]]

    async def run(server):
        transport = Transport(TransportOptions())
        found = []
        for _ in answers:
            try:
                found.append((await transport.send(Request(server.url), SHORT_TIMEOUT)).body)
            except AttemptError as error:
                found.append(error.outcome)
        await transport.close()
        return found

    with serve_script(*answers) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(run(server))
    assert found == [b"[1]", Outcome.TRANSPORT_ERROR, Outcome.TIMEOUT, Outcome.TRANSPORT_ERROR]

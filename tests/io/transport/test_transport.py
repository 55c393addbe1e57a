"""The transport against servers that misbehave: every fault ends as our own error, in time, once, without a leak."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import gzip
import socket
import ssl
import sys
from contextlib import contextmanager, suppress

import aiohttp
import pandas as pd
import pytest
import trustme

import pandas_async_io as paio
from pandas_async_io._core.errors import (
    AttemptError,
    AttemptTimeoutError,
    BodyTooLargeError,
    FetchWarning,
    ParseError,
    PlanError,
    ProtocolError,
    RedirectError,
    TransportError,
    UnsafeUrlError,
)
from pandas_async_io._core.models import Outcome, Request, Response
from pandas_async_io._core.policy.retry_options import Retry
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.exceptions import SendState, map_exception
from pandas_async_io._io.transport.transport import Transport
from tests.servers.scripted import (
    PATIENCE,
    PAUSE_SECONDS,
    Action,
    chunked_response,
    full_backlog,
    http_response,
    refused_url,
    serve_script,
    serve_socket,
)

SOON = 0.3
"""Seconds of an attempt that is meant to run out."""

MANY = b"[" + b"1," * 20_000 + b"1]"


@pytest.fixture(autouse=True)
def _nothing_left():
    """Collect after each test: an unclosed socket, session or transport warns, and a warning is an error."""
    gc.freeze()  # what was there before is none of its making, and takes long to look through
    yield
    gc.collect()
    gc.unfreeze()


@pytest.fixture(params=["own", "borrowed"])
def session_of(request):
    """Make what a transport is given: nothing, or a session of the caller's."""
    return aiohttp.ClientSession if request.param == "borrowed" else lambda: None


@contextmanager
def _transport(options, session=None):
    """Give a runner and a transport on its loop; in the end both are closed, and the session too."""
    with asyncio.Runner() as runner:

        async def make():
            made = None if session is None else session()
            return made, Transport(options, made)

        made, transport = runner.run(make())
        try:
            yield runner, transport
        finally:
            runner.run(transport.close())
            if made is not None:
                runner.run(made.close())


def ask(url, *, options=TransportOptions(), timeout=PATIENCE, session=None, **request):  # noqa: B008 - frozen
    """Send one request and return its response."""
    with _transport(options, session) as (runner, transport):
        return runner.run(transport.send(Request(url, **request), timeout))


def fail(url, *, received=True, transient=True, **options):
    """Send one request, and return the error that it ends with."""
    with pytest.raises(AttemptError) as caught:
        ask(url, **options)
    error = caught.value
    assert error.__context__ is None
    assert (error.transient, error.received) == (transient, received)
    return error


def meet(*answers, session=None, transient=True, **options):
    """Ask a server that answers so; return the error, once the server has seen the connection end."""
    with serve_script(*answers) as server:
        error = fail(f"{server.url}/x", session=session, transient=transient, **options)
        server.wait_for_disconnects(server.connections)
        assert len(server.requests) == 1
        return error


def fetch(server, template="/x", rows=1, **options):
    """Fetch rows end to end, without waits between attempts; return the outcomes."""
    with paio.Client(server.url, retry=Retry(base=0.0)) as client:
        frame = pd.DataFrame({"id": range(rows)}).aio.fetch(
            f"{template}{{?id}}", client=client, progress=False, **options
        )
        return frame.aio.outcomes


# --- Connecting


def test_fault_1_a_refused_connection_is_worth_another_attempt_and_was_not_received():
    """Nothing listens: transport_error, transient, and the server can't have received anything."""
    error = fail(refused_url(), received=False)
    assert isinstance(error, TransportError)
    assert "Connection refused" in str(error)


def test_fault_2_a_connection_closed_before_the_headers_is_asked_once(session_of):
    """The first request on a connection is answered by FIN: one request at the server, one error."""
    error = meet([Action.CLOSE], session=session_of)
    assert error.outcome is Outcome.TRANSPORT_ERROR


@pytest.mark.parametrize("end", [Action.CLOSE, Action.RESET])
def test_fault_2_a_reused_connection_that_dies_gets_exactly_one_request(session_of, end):
    """aiohttp would send a GET again by itself on a reused connection; here the server sees it once."""
    with (
        serve_script(http_response(), [end]) as server,
        _transport(TransportOptions(), session_of) as (runner, transport),
    ):
        runner.run(transport.send(Request(f"{server.url}/first"), PATIENCE))
        with pytest.raises(TransportError, match="lost before the answer") as caught:
            runner.run(transport.send(Request(f"{server.url}/second"), PATIENCE))
        assert caught.value.transient
        assert caught.value.received
        assert [request.connection for request in server.requests] == [1, 1]


def test_fault_2_a_post_that_is_lost_is_not_repeated_and_says_why():
    """The row ends transport_error after one request, and its error names the remedy."""
    with serve_script([Action.CLOSE]) as server, pytest.warns(FetchWarning):
        outcomes = fetch(server, method="POST", json={"a": 1})
    assert len(server.requests) == 1
    assert outcomes["outcome"].tolist() == ["transport_error"]
    assert "POST is not repeated" in outcomes["error"][0]


def test_fault_2_a_get_that_is_lost_is_repeated():
    """Two requests are answered by FIN, the third one by a record: the row is ok after three attempts."""
    with serve_script([Action.CLOSE], [Action.CLOSE], http_response(b'{"a": 1}')) as server:
        outcomes = fetch(server)
    assert outcomes[["outcome", "attempts"]].to_numpy().tolist() == [["ok", 3]]


def test_fault_3_a_reset_before_the_headers(session_of):
    """RST instead of an answer."""
    assert "Connection reset by peer" in str(meet([Action.RESET], session=session_of))


def test_fault_4_a_reset_in_the_body_discards_what_came(session_of):
    """RST after a part of the body: no part of it is taken for the answer."""
    assert "cut off" in str(meet([http_response(b"[1,2", length=100), Action.RESET], session=session_of))


def test_fault_4_the_row_of_a_body_that_was_cut_holds_the_second_answer_only():
    """The part that came first leaves no trace in the frame."""
    with serve_script([http_response(b'{"a": 1}', length=100), Action.RESET], http_response(b'{"b": 2}')) as server:
        outcomes = fetch(server)
    assert outcomes[["outcome", "attempts"]].to_numpy().tolist() == [["ok", 2]]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_fault_5_a_connection_that_is_never_made_was_not_received(method):
    """The SYN is lost: a timeout within the attempt's own, which even a POST may be repeated after."""
    with full_backlog() as url:
        error = fail(url, method=method, timeout=SOON, received=False)
    assert isinstance(error, AttemptTimeoutError)
    assert "no connection" in str(error)


def test_fault_5_a_connection_that_is_never_made_through_a_borrowed_session_was_not_received():
    """The session's own connector waits; the deadline is ours."""
    with full_backlog() as url:
        assert isinstance(fail(url, timeout=SOON, received=False, session=aiohttp.ClientSession), AttemptTimeoutError)


# --- Timeouts


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
def test_fault_6_7_8_an_attempt_ends_at_its_deadline_and_leaves_the_connection(session_of, answer):
    """Silence and drip end as timeout; the server sees the client leave."""
    error = meet(answer, session=session_of, timeout=SOON)
    assert error.outcome is Outcome.TIMEOUT
    assert "within 0.3 s" in str(error)


def test_a_redirect_shares_the_deadline_of_its_attempt():
    """Each hop is slow, but not too slow by itself: the sum is what counts."""
    hop = [Action.PAUSE, http_response(b"", "Location: /next", status="302 Found")]
    with serve_script(hop) as server:
        error = fail(f"{server.url}/x", timeout=2.5 * PAUSE_SECONDS)
        assert isinstance(error, AttemptTimeoutError)
        assert len(server.requests) == 3


def test_a_timeout_above_five_seconds_is_not_rounded_up():
    """aiohttp rounds such deadlines up to whole seconds of its clock; ours are asyncio's."""
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


# --- Framing


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([http_response(b"[1,2", length=100), Action.CLOSE], id="fault_9 short Content-Length"),
        pytest.param([chunked_response(b"[1,2", end=b""), Action.CLOSE], id="fault_10 chunks cut"),
        pytest.param([chunked_response(b"[1,2", end=b"5\r\nab"), Action.CLOSE], id="fault_10 cut within a chunk"),
    ],
)
def test_fault_9_10_a_body_that_ends_early_is_no_answer(session_of, answer):
    """Content-Length or chunks announce more than came."""
    assert "cut off" in str(meet(answer, session=session_of))


def test_fault_11_a_malformed_chunk_later_ends_at_the_deadline_at_the_latest(session_of):
    """After a good chunk comes none: whatever the parser makes of it, the attempt ends."""
    error = meet(
        [chunked_response(b"[1", end=b""), Action.PAUSE, b"zz\r\nabc", Action.HANG], session=session_of, timeout=1.0
    )
    assert error.outcome in {Outcome.TIMEOUT, Outcome.TRANSPORT_ERROR}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([b"SSH-2.0-OpenSSH_9.6\r\n", Action.HANG], id="fault_12 another protocol"),
        pytest.param([b'{"a": 1}\r\n\r\n', Action.CLOSE], id="fault_12 HTTP/0.9"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", Action.HANG],
            id="fault_13 two Content-Length",
        ),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", Action.HANG], id="fault_13 negative"),
        pytest.param([http_response(b"{}", "X-Long: " + "a" * 9000)], id="fault_14 header of 9,000 bytes"),
        pytest.param([http_response(b'{"a": 1}', length=2)], id="fault_73 body longer than announced"),
        pytest.param([http_response(status="99 Low")], id="fault_72 status of two digits"),
        pytest.param([http_response(status="1000 High")], id="fault_72 status of four digits"),
    ],
)
def test_fault_12_13_14_72_73_what_is_not_http_is_a_protocol_error_in_one_line(session_of, answer):
    """No status is made up for it, and what the server sent is not repeated in the message."""
    error = meet(answer, session=session_of)
    assert isinstance(error, ProtocolError)
    assert "did not answer in HTTP" in str(error)
    assert "\n" not in str(error)
    assert "aaa" not in str(error)


def test_fault_12_a_server_that_does_not_speak_http_is_asked_twice():
    """A protocol error is repeated once, and the row has no status."""
    with serve_script([b"SSH-2.0-OpenSSH_9.6\r\n", Action.CLOSE]) as server, pytest.warns(FetchWarning):
        outcomes = fetch(server)
    assert len(server.requests) == 2
    assert outcomes["outcome"].tolist() == ["transport_error"]
    assert outcomes["status"].isna().all()


def test_fault_14_max_field_size_lets_a_long_header_pass(session_of):
    """The option counts the bytes of one response header."""
    with serve_script(http_response(b"{}", "X-Long: " + "a" * 9000)) as server:
        response = ask(server.url, options=TransportOptions(max_field_size=10_000), session=session_of)
    assert len(response.headers["X-Long"]) == 9000


def test_fault_72_interim_responses_are_passed_over(session_of):
    """100 and 103 come before the answer and are not it."""
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with serve_script(early + http_response(b"[1]")) as server:
        assert ask(server.url, session=session_of).body == b"[1]"


def test_fault_72_an_upgrade_nobody_asked_for_is_a_status_and_the_connection_ends(session_of):
    """101 is handed on as it is, and nothing else goes over that connection."""
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    with serve_script([upgrade, Action.HANG]) as server:
        response = ask(server.url, session=session_of)
        server.wait_for_disconnects()
    assert (response.status, response.body) == (101, b"")


def test_fault_72_a_status_that_means_nothing_is_an_http_error():
    """999 passes the parser; the row says so and is not repeated."""
    with serve_script(http_response(status="999 Who Knows")) as server, pytest.warns(FetchWarning):
        outcomes = fetch(server)
    assert outcomes[["outcome", "status", "attempts"]].to_numpy().tolist() == [["http_error", 999, 1]]


def test_fault_72_http_1_0_ends_its_body_by_closing(session_of):
    """No length, no chunks: the body ends with the connection."""
    with serve_script([b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}', Action.CLOSE]) as server:
        assert ask(server.url, session=session_of).body == b'{"a": 1}'


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(http_response(b'"not yours"'), id="a whole response"),
        pytest.param(http_response(b'"not', length=100), id="a part of one"),
        pytest.param(b"garbage", id="garbage"),
    ],
)
def test_fault_73_what_comes_unasked_is_never_the_answer_to_the_next_request(late):
    """A server goes on talking on an idle connection: the next request takes another one."""
    with serve_script([http_response(b'"first"'), Action.WAIT, late], http_response(b'"second"')) as server:
        with _transport(TransportOptions()) as (runner, transport):
            first = runner.run(transport.send(Request(f"{server.url}/1"), PATIENCE))
            server.released.set()
            runner.run(asyncio.sleep(PAUSE_SECONDS))
            second = runner.run(transport.send(Request(f"{server.url}/2"), PATIENCE))
        assert [request.connection for request in server.requests] == [1, 2]
    assert (first.body, second.body) == (b'"first"', b'"second"')


@pytest.mark.parametrize("late", [http_response(b'"not yours"'), http_response(b'"not', length=100)])
def test_fault_73_what_comes_unasked_over_a_borrowed_session_is_no_answer_either(late):
    """We can't choose its connection, so that the request is not sent: nothing was received."""
    with serve_script([http_response(), Action.WAIT, late], http_response(b'"second"')) as server:
        with _transport(TransportOptions(), aiohttp.ClientSession) as (runner, transport):
            runner.run(transport.send(Request(f"{server.url}/1"), PATIENCE))
            server.released.set()
            runner.run(asyncio.sleep(PAUSE_SECONDS))
            with pytest.raises(ProtocolError, match="sent data before the request") as caught:
                runner.run(transport.send(Request(f"{server.url}/2"), PATIENCE))
        assert (caught.value.transient, caught.value.received) == (True, False)
        assert len(server.requests) == 1


def test_fault_73_two_responses_at_once_are_one_answer(session_of):
    """The second one arrives together with the first: it goes down with the connection."""
    with serve_script(http_response(b'"first"') + http_response(b'"not yours"'), http_response(b'"second"')) as server:
        with _transport(TransportOptions(), session_of) as (runner, transport):
            bodies = [runner.run(transport.send(Request(server.url), PATIENCE)).body for _ in range(2)]
        assert server.connections == 2
    assert bodies == [b'"first"', b'"second"']


def test_fault_74_a_body_that_only_the_close_ends_may_be_cut_unseen_and_json_tells():
    """Half a JSON object with a clean FIN: parse_error, and asked once more."""
    with serve_script([b'HTTP/1.1 200 OK\r\n\r\n{"a": ', Action.CLOSE]) as server, pytest.warns(FetchWarning):
        outcomes = fetch(server)
    assert len(server.requests) == 2
    assert outcomes["outcome"].tolist() == ["parse_error"]


def test_fault_75_a_connection_that_the_server_closed_while_idle_is_not_used(session_of):
    """Its FIN has arrived: the next request, a POST, opens another connection and loses nothing."""
    with serve_script([http_response(), Action.CLOSE], http_response(b"[2]")) as server:
        with _transport(TransportOptions(), session_of) as (runner, transport):
            runner.run(transport.send(Request(server.url), PATIENCE))
            server.wait_for_disconnects()
            runner.run(asyncio.sleep(0))
            response = runner.run(transport.send(Request(server.url, "POST", body=b"{}"), PATIENCE))
        assert [request.connection for request in server.requests] == [1, 2]
    assert response.body == b"[2]"


def test_a_connection_is_used_again(session_of):
    """Ten requests one after the other, of all kinds of body, need one connection."""
    answers = [
        http_response(b"[1]"),
        chunked_response(b"[", b"1]"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        http_response(MANY),
    ]
    with serve_script(*answers) as server:
        with _transport(TransportOptions(), session_of) as (runner, transport):
            for _ in range(10):
                runner.run(transport.send(Request(server.url), PATIENCE))
        assert (len(server.requests), server.connections) == (10, 1)


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified")])
def test_a_length_that_announces_no_body_is_not_measured(session_of, method, status):
    """HEAD and 304 tell the length of what they do not send; max_body has nothing to count."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: 5000\r\n\r\n".encode()
    with serve_script(head) as server:
        response = ask(server.url, method=method, options=TransportOptions(max_body=100), session=session_of)
        assert response.body == b""
        assert server.requests[0].line.startswith(method)


# --- Bodies


def test_fault_15_a_body_that_is_not_in_its_coding_is_a_parse_error(session_of):
    """gzip is announced, JSON comes: another attempt would bring the same."""
    error = meet(http_response(b'{"a": 1}', "Content-Encoding: gzip"), session=session_of, transient=False)
    assert isinstance(error, ParseError)


def test_fault_16_a_truncated_gzip_body_is_no_success(session_of):
    """The framing is good, the stream has no end: what other clients hand on as an answer is an error."""
    cut = gzip.compress(MANY)[:-10]
    error = meet(http_response(cut, "Content-Encoding: gzip"), session=session_of)
    assert isinstance(error, TransportError)
    assert "truncated" in str(error)


def test_fault_16_a_truncated_gzip_body_is_asked_for_again():
    """The second answer is whole: the row is ok after two attempts, and holds all of it."""
    whole = gzip.compress(b'[{"a": 1}, {"a": 2}]')
    coded = "Content-Encoding: gzip"
    with serve_script(http_response(whole[:-9], coded), http_response(whole, coded)) as server:
        outcomes = fetch(server)
    assert outcomes[["outcome", "attempts"]].drop_duplicates().to_numpy().tolist() == [["ok", 2]]


def test_fault_17_only_what_can_be_decoded_is_accepted(session_of):
    """Accept-Encoding names our own codings, also over a session whose library names others."""
    from pandas_async_io._core.body.content_coding import accept_encoding

    with serve_script(http_response()) as server:
        ask(server.url, session=session_of)
    assert server.requests[0].headers["accept-encoding"] == accept_encoding()


def test_fault_18_a_bomb_costs_no_more_than_max_body(session_of):
    """Some hundred bytes sent, 64 MiB decoded: body_too_large, in little memory."""
    import tracemalloc

    bomb = gzip.compress(gzip.compress(bytes(2**26)))
    answer = http_response(bomb, "Content-Encoding: gzip, gzip")
    tracemalloc.start()
    try:
        error = meet(answer, options=TransportOptions(max_body=2**20), transient=False, session=session_of)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(error, BodyTooLargeError)
    assert peak < 20 * 2**20


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([http_response(b"", length=10**9), Action.HANG], id="announced"),
        pytest.param([chunked_response(*[bytes(2**16)] * 40, end=b""), Action.HANG], id="chunked"),
        pytest.param([b"HTTP/1.1 200 OK\r\n\r\n" + bytes(3 * 2**20), Action.HANG], id="until close"),
    ],
)
def test_a_body_above_max_body_is_left_as_soon_as_that_is_known(session_of, answer):
    """However it is framed: nobody waits for the rest, which never comes here."""
    error = meet(answer, options=TransportOptions(max_body=2**20), transient=False, session=session_of)
    assert isinstance(error, BodyTooLargeError)


@pytest.mark.parametrize("size", [0, 10, 3 * 2**20])
def test_a_body_is_sent_whole_with_its_length(session_of, size):
    """Small and large bodies arrive as they are; none is announced as a length of zero."""
    with serve_script(http_response()) as server:
        ask(server.url, method="POST", body=bytes(size), session=session_of)
    assert len(server.requests[0].body) == size
    assert server.requests[0].headers["content-length"] == str(size)


def test_a_post_without_a_body_says_so(session_of):
    """A server need not wait for one (RFC 9110, 8.6)."""
    with serve_script(http_response()) as server:
        ask(server.url, method="POST", session=session_of)
    assert server.requests[0].headers["content-length"] == "0"


def test_an_answer_before_the_end_of_the_upload_is_the_answer_and_ends_the_connection():
    """413 comes while the body is still on its way; its rest must not stand before the next request."""
    refusal = http_response(b"{}", status="413 Content Too Large")
    with serve_script([Action.SKIP_BODY, refusal, Action.HANG]) as server:
        response = ask(server.url, method="POST", body=bytes(32 * 2**20))
        server.wait_for_disconnects()
    assert response.status == 413


# --- Redirects


def _to(location, status="302 Found"):
    return http_response(b"", f"Location: {location}", status=status)


def test_fault_40_a_redirect_loop_ends_after_five_hops_and_is_not_repeated(session_of):
    """http_error, six requests, one connection."""
    with serve_script(_to("/x")) as server:
        error = fail(f"{server.url}/x", transient=False, session=session_of)
        assert (len(server.requests), server.connections) == (6, 1)
    assert isinstance(error, RedirectError)
    assert error.outcome is Outcome.HTTP_ERROR
    assert "redirect loop" in str(error)


def test_fault_41_a_redirect_to_another_origin_is_not_followed(session_of):
    """The other server is never asked."""
    with serve_script(http_response()) as other, serve_script(_to(f"{other.url}/x")) as server:
        error = fail(server.url, transient=False, session=session_of, headers={"X-API-Key": "k"})
        assert isinstance(error, UnsafeUrlError)
        assert other.requests == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://169.254.169.254/latest/meta-data", "javascript:x"]
)
def test_fault_42_a_redirect_to_another_scheme_or_a_metadata_address_is_unsafe(session_of, location):
    """It ends the row as unsafe_url, by name."""
    with serve_script(_to(location)) as server:
        assert fail(server.url, transient=False, session=session_of).outcome is Outcome.UNSAFE_URL


def test_fault_42_a_redirect_from_https_to_http_is_unsafe(tls_server_of):
    """What was asked for in secret is not asked for in the clear."""
    with serve_script(http_response()) as clear, tls_server_of(_to(f"{clear.url}/x")) as (server, options):
        error = fail(server.url, transient=False, options=options)
        assert error.outcome is Outcome.UNSAFE_URL
        assert clear.requests == []


def test_fault_43_a_redirect_without_a_location_is_an_http_error():
    """The 302 is the answer."""
    with serve_script(http_response(b"", status="302 Found")) as server, pytest.warns(FetchWarning):
        outcomes = fetch(server)
    assert outcomes[["outcome", "status"]].to_numpy().tolist() == [["http_error", 302]]


def test_a_redirect_on_the_same_origin_keeps_method_body_and_headers_as_its_status_says(session_of):
    """307 repeats the POST, 303 asks with GET and without a body."""
    with serve_script(_to("/b", "307 Temporary"), _to("/c", "303 See Other"), http_response(b"[3]")) as server:
        response = ask(server.url, method="POST", body=b"{}", headers={"X-Key": "k"}, session=session_of)
    assert [request.line.split()[0] for request in server.requests] == ["POST", "POST", "GET"]
    assert [request.body for request in server.requests] == [b"{}", b"{}", b""]
    assert [request.headers["x-key"] for request in server.requests] == ["k"] * 3
    assert response.url == f"{server.url}/c"


# --- Names


def test_fault_47_a_name_that_does_not_exist_is_not_asked_for_again():
    """RFC 6761: nothing under .invalid exists."""
    error = fail("http://nobody.invalid/", transient=False, received=False)
    assert "nobody.invalid does not resolve: is the host spelt right?" in str(error)


def test_fault_47_a_name_server_that_is_silent_may_answer_later():
    """EAI_AGAIN is what the system says of SERVFAIL and of no answer; it can't be had from a server on loopback."""
    silence = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    key = aiohttp.client_reqrep.ConnectionKey("e.com", 80, False, True, None, None, None)
    raised = aiohttp.ClientConnectorDNSError(key, silence)
    error = map_exception(raised, "http://e.com/", SendState(), proxy=None, timeout=1.0)
    assert isinstance(error, TransportError)
    assert (error.transient, error.received) == (True, False)


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..b.invalid", "2130706433", "127.1", "0177.0.0.1"])
def test_a_host_that_can_not_be_is_unsafe_and_ends_no_more_than_its_row(session_of, host):
    """Labels that are too long or empty, and numbers that are addresses only to some."""
    error = fail(f"http://{host}/", transient=False, session=session_of)
    assert isinstance(error, UnsafeUrlError)


@pytest.mark.parametrize("url", ["http://e.com:99999/", "ftp://e.com/", "/relative", "http:///x", "http://[::1/"])
def test_what_is_no_http_url_is_unsafe(session_of, url):
    """The transport is the last door: it does not rely on the ones before."""
    with pytest.raises(UnsafeUrlError):
        ask(url, session=session_of)


# --- TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def _served_with(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
def tls_server_of(authority, trusting):
    """Serve over TLS with a good certificate; gives the server and options that trust it."""

    @contextmanager
    def start(*answers):
        with serve_script(*answers, ssl=_served_with(authority.issue_cert("127.0.0.1"))) as server:
            yield server, TransportOptions(ssl=trusting)

    return start


def test_a_trusted_certificate_is_accepted_and_its_connection_reused(tls_server_of, session_of):
    """TLS as it should be; without this the refusals below would prove nothing."""
    with tls_server_of(http_response(b"[1]")) as (server, options):
        with _transport(options, session_of) as (runner, transport):
            bodies = [runner.run(transport.send(Request(server.url), PATIENCE)).body for _ in range(3)]
        assert server.connections == 1
    assert bodies == [b"[1]"] * 3


@pytest.mark.parametrize(
    ("names", "validity", "trusted", "said"),
    [
        pytest.param(["127.0.0.1"], {}, False, "unable to get local issuer certificate", id="untrusted"),
        pytest.param(
            ["127.0.0.1"],
            {"not_after": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
            True,
            "certificate has expired",
            id="expired",
        ),
        pytest.param(["other.example"], {}, True, "127.0.0.1", id="wrong host"),
    ],
)
def test_fault_49_a_certificate_that_proves_nothing_ends_it_at_once(
    authority, trusting, session_of, names, validity, trusted, said
):
    """One attempt, no request, and OpenSSL's own words."""
    served = _served_with(authority.issue_cert(*names, **validity))
    options = TransportOptions(ssl=trusting) if trusted else TransportOptions()
    with serve_script(http_response(), ssl=served) as server:
        error = fail(server.url, transient=False, received=False, options=options, session=session_of)
        assert server.requests == []
    assert "no trusted TLS connection" in str(error)
    assert said in str(error)


def test_fault_49_a_server_that_speaks_no_tls_says_so(session_of):
    """https to a port that answers in the clear: OpenSSL's reason, not an errno that means something else."""
    with serve_socket(lambda peer: peer.sendall(peer.recv(4096) and b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        error = fail(f"https://{server}/", transient=False, received=False, session=session_of)
    assert "no trusted TLS connection" in str(error)
    assert "Operation not permitted" not in str(error)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_fault_49_a_client_certificate_that_is_missing_ends_it_at_once(authority, trusting, session_of, version):
    """TLS 1.2 says so in the handshake, 1.3 after it: not repeated either way."""
    served = _served_with(authority.issue_cert("127.0.0.1"))
    served.minimum_version = served.maximum_version = version
    served.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(served)

    def greet(peer):
        with served.wrap_socket(peer, server_side=True, do_handshake_on_connect=False) as shaken:
            with suppress(ssl.SSLError):
                shaken.do_handshake()
            shaken.shutdown(socket.SHUT_WR)  # the alert is out; a close with bytes unread would be a reset
            while shaken.recv(4096):
                pass

    with (
        serve_socket(greet) as server,
        pytest.raises(TransportError, match=r"certificate required|handshake") as caught,
    ):
        ask(f"https://{server}/", options=TransportOptions(ssl=trusting), session=session_of)
    assert not caught.value.transient


def test_fault_49_an_untrusted_certificate_costs_each_row_one_attempt(authority):
    """End to end: transport_error, attempts 1."""
    served = _served_with(authority.issue_cert("127.0.0.1"))
    with serve_script(http_response(), ssl=served) as server, pytest.warns(FetchWarning, match="TLS"):
        outcomes = fetch(server)
    assert outcomes[["outcome", "attempts"]].to_numpy().tolist() == [["transport_error", 1]]


# --- Proxies


def test_fault_50_a_proxy_carries_a_request_in_the_clear(session_of):
    """It is asked for the whole URL, with its own credentials."""
    with serve_script(http_response(b"[1]")) as proxy:
        options = TransportOptions(proxy=proxy.url.replace("//", "//user:pass@"))
        response = ask("http://api.example/a?b=1", options=options, session=session_of)
    assert response.body == b"[1]"
    assert proxy.requests[0].line == "GET http://api.example/a?b=1 HTTP/1.1"
    assert proxy.requests[0].headers["host"] == "api.example"
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"


def test_fault_50_a_proxy_that_asks_for_credentials_is_no_http_error_of_the_row(session_of):
    """407 names the proxy, and is not repeated."""
    with serve_script(http_response(status="407 Proxy Authentication Required")) as proxy:
        error = fail(
            "http://api.example/",
            options=TransportOptions(proxy=proxy.url),
            received=False,
            transient=False,
            session=session_of,
        )
        assert len(proxy.requests) == 1
    assert error.outcome is Outcome.TRANSPORT_ERROR
    assert f"the proxy {proxy.url} asks for other credentials (407)" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_fault_50_a_dead_proxy_is_named(session_of, scheme):
    """It may come back: worth another attempt, and nothing was received."""
    proxy = refused_url()
    error = fail(f"{scheme}://api.example/", options=TransportOptions(proxy=proxy), received=False, session=session_of)
    assert f"the proxy {proxy} failed: Connection refused" in str(error)


@pytest.mark.parametrize(
    ("answer", "transient", "said"),
    [
        ([http_response(status="407 Who Are You"), Action.CLOSE], False, "asks for other credentials (407)"),
        ([http_response(status="403 Forbidden"), Action.CLOSE], False, "refuses with status 403"),
        ([http_response(status="502 Bad Gateway"), Action.CLOSE], True, "refuses with status 502"),
        ([Action.CLOSE], True, "failed: closed without an answer"),
        ([Action.RESET], True, "failed: Connection reset by peer"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n", Action.CLOSE], True, "failed"),
    ],
)
def test_fault_50_a_proxy_that_refuses_to_connect_is_named(session_of, answer, transient, said):
    """CONNECT fails in some way: a transport_error of the proxy, and the server received nothing."""
    with serve_script(answer) as proxy:
        error = fail(
            "https://api.example/",
            options=TransportOptions(proxy=proxy.url),
            received=False,
            transient=transient,
            session=session_of,
        )
        assert proxy.requests[0].line == "CONNECT api.example:443 HTTP/1.1"
        proxy.wait_for_disconnects()
    assert f"the proxy {proxy.url} {said}" in str(error)


def test_fault_50_a_proxy_that_hangs_is_named(session_of):
    """CONNECT is never answered: a timeout, and the server received nothing."""
    with serve_script([Action.HANG]) as proxy:
        error = fail(
            "https://api.example/",
            options=TransportOptions(proxy=proxy.url),
            received=False,
            timeout=SOON,
            session=session_of,
        )
        proxy.wait_for_disconnects()
    assert error.outcome is Outcome.TIMEOUT
    assert f"through the proxy {proxy.url}" in str(error)


# --- Cancellation, sessions, closing


@pytest.mark.parametrize("answer", [[Action.HANG], [http_response(b"[1,2", length=100), Action.HANG]])
def test_a_cancelled_send_closes_its_connection(session_of, answer):
    """Before the headers and in the body: the server sees the client leave, and the error stays asyncio's."""

    async def cancel(transport, server):
        sending = asyncio.create_task(transport.send(Request(server.url), PATIENCE))
        await asyncio.to_thread(server.wait_for_requests)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.to_thread(server.wait_for_disconnects)

    with serve_script(answer) as server, _transport(TransportOptions(), session_of) as (runner, transport):
        runner.run(cancel(transport, server))


def test_a_programming_error_comes_out_as_it_is():
    """What is no fault of the network's is not made one."""
    with serve_script(http_response()) as server, pytest.raises(TypeError):
        ask(server.url, body=5)


def test_a_borrowed_session_keeps_what_is_its_own():
    """Its headers, cookies and middlewares hold; our options hold beside its own; it is not closed."""
    seen = []

    async def middleware(request, handler):
        seen.append(request.headers["X-Ours"])
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
    assert seen == ["2", "2", "4"]
    assert [request.headers["x-theirs"] for request in server.requests] == ["1"] * 3
    assert [request.headers["cookie"] for request in server.requests] == ["c=1", "c=1; d=2", "c=1; d=2"]


def test_a_borrowed_session_can_not_block_private_addresses():
    """Its connector opens the connections: better refused than promised in vain."""

    async def run():
        async with aiohttp.ClientSession() as session:
            Transport(TransportOptions(block_private=True), session)

    with pytest.raises(PlanError, match="block_private"):
        asyncio.run(run())


def test_a_closed_transport_opens_anew():
    """A client may be used again after its with block."""
    with serve_script(http_response(b"[1]")) as server, _transport(TransportOptions()) as (runner, transport):
        for _ in range(2):
            response = runner.run(transport.send(Request(server.url), PATIENCE))
            runner.run(transport.close())
        assert isinstance(response, Response)
        assert server.connections == 2


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for it")
def test_the_same_on_uvloop():
    """What the portal runs on where it is installed: an answer, a reset, a timeout, a cut body."""
    uvloop = pytest.importorskip("uvloop")
    answers = [http_response(b"[1]"), [Action.RESET], [Action.HANG], [http_response(b"[1", length=9), Action.CLOSE]]

    async def run(server):
        transport = Transport(TransportOptions())
        found = []
        for _ in answers:
            try:
                found.append((await transport.send(Request(server.url), SOON)).body)
            except AttemptError as error:
                found.append(error.outcome)
        await transport.close()
        return found

    with serve_script(*answers) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(run(server))
    assert found == [b"[1]", Outcome.TRANSPORT_ERROR, Outcome.TIMEOUT, Outcome.TRANSPORT_ERROR]

"""Reading responses: framing, bodies, sizes, and which connections are reused."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from pandas_async_io._core.errors import (
    BodyTooLargeError,
    FetchWarning,
    ParseError,
    StaleConnectionError,
    TransportError,
)
from pandas_async_io._core.models import Request
from pandas_async_io._io.transport.connection import TransportOptions
from tests.io.transport.sending import (
    LONG_BODY,
    fetch_outcomes,
    open_transport,
    send,
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


def test_fault_14_max_field_size_allows_a_longer_header(make_any_sender):
    """The option counts the bytes of one response header."""
    with serve_script(http_response(b"{}", "X-Long: " + "a" * 9000)) as server:
        response = send(server.url, options=TransportOptions(max_field_size=10_000), session=make_any_sender)
    assert len(response.headers["X-Long"]) == 9000


def test_fault_72_interim_responses_are_skipped(make_any_sender):
    """100 and 103 precede the response."""
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with serve_script(early + http_response(b"[1]")) as server:
        assert send(server.url, session=make_any_sender).body == b"[1]"


def test_fault_72_an_unrequested_upgrade_is_returned_and_closes_the_connection(make_session):
    """101 is returned as a status, and the connection is not reused."""
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    with serve_script([upgrade, Action.HANG]) as server:
        response = send(server.url, session=make_session)
        server.wait_for_disconnects()
    assert (response.status, response.body) == (101, b"")


def test_fault_72_an_undefined_status_is_an_http_error():
    """999 passes the parser; the row ends http_error and is not repeated."""
    with serve_script(http_response(status="999 Who Knows")) as server, pytest.warns(FetchWarning):
        outcomes = fetch_outcomes(server)
    assert outcomes[["outcome", "status", "attempts"]].to_numpy().tolist() == [["http_error", 999, 1]]


def test_fault_72_an_http_1_0_body_ends_with_the_connection(make_any_session):
    """It has neither a length nor chunks."""
    with serve_script([b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}', Action.CLOSE]) as server:
        assert send(server.url, session=make_any_session).body == b'{"a": 1}'


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(http_response(b'"not yours"'), id="a whole response"),
        pytest.param(http_response(b'"not', length=100), id="a part of one"),
        pytest.param(b"garbage", id="garbage"),
    ],
)
def test_fault_73_unrequested_data_is_never_the_response_to_the_next_request(late):
    """A server sends data on an idle connection: the next request takes another connection."""
    with serve_script([http_response(b'"first"'), Action.WAIT, late], http_response(b'"second"')) as server:
        with open_transport(TransportOptions()) as (runner, transport):
            first = runner.run(transport.send(Request(f"{server.url}/1"), PATIENCE))
            server.released.set()
            runner.run(asyncio.sleep(PAUSE_SECONDS))
            second = runner.run(transport.send(Request(f"{server.url}/2"), PATIENCE))
        assert [request.connection for request in server.requests] == [1, 2]
    assert (first.body, second.body) == (b'"first"', b'"second"')


def test_fault_73_a_second_response_in_one_packet_is_discarded(make_any_session):
    """Its connection is closed with it."""
    with serve_script(http_response(b'"first"') + http_response(b'"not yours"'), http_response(b'"second"')) as server:
        with open_transport(TransportOptions(), make_any_session) as (runner, transport):
            bodies = [runner.run(transport.send(Request(server.url), PATIENCE)).body for _ in range(2)]
        assert server.connections == 2
    assert bodies == [b'"first"', b'"second"']


def test_fault_74_a_cut_body_without_a_length_is_a_parse_error():
    """Half a JSON object and a clean FIN: parse_error, repeated once."""
    with serve_script([b'HTTP/1.1 200 OK\r\n\r\n{"a": ', Action.CLOSE]) as server, pytest.warns(FetchWarning):
        outcomes = fetch_outcomes(server)
    assert len(server.requests) == 2
    assert outcomes["outcome"].tolist() == ["parse_error"]


def test_fault_75_a_connection_closed_while_idle_is_not_reused(make_any_session):
    """Its FIN has arrived: the next request, a POST, opens another connection and is not lost."""
    with serve_script([http_response(), Action.CLOSE], http_response(b"[2]")) as server:
        with open_transport(TransportOptions(), make_any_session) as (runner, transport):
            runner.run(transport.send(Request(server.url), PATIENCE))
            server.wait_for_disconnects()
            runner.run(asyncio.sleep(0))
            response = runner.run(transport.send(Request(server.url, "POST", body=b"{}"), PATIENCE))
        assert [request.connection for request in server.requests] == [1, 2]
    assert response.body == b"[2]"


def test_a_connection_is_reused(make_any_sender):
    """Ten requests in turn, with all kinds of bodies, need one connection."""
    answers = [
        http_response(b"[1]"),
        chunked_response(b"[", b"1]"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        http_response(LONG_BODY),
    ]
    with serve_script(*answers) as server:
        with open_transport(TransportOptions(), make_any_sender) as (runner, transport):
            for _ in range(10):
                runner.run(transport.send(Request(server.url), PATIENCE))
        assert (len(server.requests), server.connections) == (10, 1)


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified")])
def test_a_length_without_a_body_is_not_counted(make_any_sender, method, status):
    """HEAD and 304 announce the length of a body that they do not send; max_body has nothing to count."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: 5000\r\n\r\n".encode()
    with serve_script(head) as server:
        response = send(server.url, method=method, options=TransportOptions(max_body=100), session=make_any_sender)
        assert response.body == b""
        assert server.requests[0].line.startswith(method)


def test_fault_15_a_body_that_is_not_in_its_coding_is_a_parse_error(make_any_sender):
    """gzip is announced, JSON arrives: permanent, another attempt would bring the same."""
    error = send_to_script(
        http_response(b'{"a": 1}', "Content-Encoding: gzip"), session=make_any_sender, transient=False
    )
    assert isinstance(error, ParseError)


def test_fault_16_a_truncated_gzip_body_is_an_error(make_any_sender):
    """The framing is complete, the gzip stream is not; other clients return it as a success."""
    cut = gzip.compress(LONG_BODY)[:-10]
    error = send_to_script(http_response(cut, "Content-Encoding: gzip"), session=make_any_sender)
    assert isinstance(error, TransportError)
    assert "truncated" in str(error)


def test_fault_16_a_truncated_gzip_body_is_requested_again():
    """The second response is complete: the row is ok after two attempts and holds all records."""
    whole = gzip.compress(b'[{"a": 1}, {"a": 2}]')
    coded = "Content-Encoding: gzip"
    with serve_script(http_response(whole[:-9], coded), http_response(whole, coded)) as server:
        outcomes = fetch_outcomes(server)
    assert outcomes[["outcome", "attempts"]].drop_duplicates().to_numpy().tolist() == [["ok", 2]]


def test_fault_17_only_decodable_codings_are_accepted(make_aiohttp_or_http2):
    """Accept-Encoding names our codings, also over a session, whose library names others."""
    from pandas_async_io._core.body.coding.content_coding import accept_encoding

    with serve_script(http_response()) as server:
        send(server.url, session=make_aiohttp_or_http2)
    assert server.requests[0].headers["accept-encoding"] == accept_encoding()


def test_fault_18_a_decompression_bomb_costs_no_more_memory_than_max_body(make_any_sender):
    """Some hundred bytes arrive, 64 MiB decoded: body_too_large, in little memory."""
    import tracemalloc

    bomb = gzip.compress(gzip.compress(bytes(2**26)))
    answer = http_response(bomb, "Content-Encoding: gzip, gzip")
    tracemalloc.start()
    try:
        error = send_to_script(
            answer, options=TransportOptions(max_body=2**20), transient=False, session=make_any_sender
        )
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
def test_a_body_above_max_body_ends_as_soon_as_that_is_known(make_any_sender, answer):
    """This holds in every framing; the rest of the body, which never arrives here, is not waited for."""
    error = send_to_script(answer, options=TransportOptions(max_body=2**20), transient=False, session=make_any_sender)
    assert isinstance(error, BodyTooLargeError)


@pytest.mark.parametrize("size", [0, 10, 3 * 2**20])
def test_a_request_body_is_sent_whole_with_its_length(make_any_sender, size):
    """Small and large bodies arrive complete."""
    with serve_script(http_response()) as server:
        send(server.url, method="POST", body=bytes(size), session=make_any_sender)
    assert len(server.requests[0].body) == size
    assert server.requests[0].headers["content-length"] == str(size)


def test_a_post_without_a_body_has_length_zero(make_any_sender):
    """A server need not wait for a body (RFC 9110, 8.6)."""
    with serve_script(http_response()) as server:
        send(server.url, method="POST", session=make_any_sender)
    assert server.requests[0].headers["content-length"] == "0"


def test_a_response_before_the_end_of_the_upload_closes_the_connection():
    """413 arrives during the upload; the rest of the body must not precede the next request."""
    refusal = http_response(b"{}", status="413 Content Too Large")
    with serve_script([Action.SKIP_BODY, refusal, Action.HANG]) as server:
        response = send(server.url, method="POST", body=bytes(32 * 2**20))
        server.wait_for_disconnects()
    assert response.status == 413


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_fault_75_a_connection_that_the_server_closed_while_idle_is_not_used(make_any_session, method):
    """Its FIN has arrived: the next request opens a new connection, and nobody sees an error."""
    with (
        serve_script([http_response(b"[1]"), Action.CLOSE]) as server,
        open_transport(TransportOptions(), make_any_session) as (runner, transport),
    ):

        async def send_after_close():
            await transport.send(Request(server.url, method), PATIENCE)
            await asyncio.to_thread(server.wait_for_disconnects)
            await asyncio.sleep(0)
            return await transport.send(Request(server.url, method), PATIENCE)

        assert runner.run(send_after_close()).body == b"[1]"
        assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ([Action.CLOSE], StaleConnectionError),
        ([Action.RESET], StaleConnectionError),
        ([http_response(b"[1]", length=9), Action.CLOSE], TransportError),
    ],
    ids=["FIN", "RST", "within the body"],
)
def test_fault_75_82_only_the_end_before_the_first_byte_is_a_stale_connection(make_aiohttp_or_http2, answer, kind):
    """Once an answer has begun, the server has the request."""
    assert type(_send_second(answer, make_aiohttp_or_http2)) is kind


def test_fault_75_82_the_end_within_the_head_is_no_stale_connection(make_session):
    """The first bytes of a head are an answer that has begun."""
    assert type(_send_second([b"HTTP/1.1 2", Action.CLOSE], make_session)) is TransportError


def _send_second(answer, make_session):
    """Return the error of the second request on a connection."""
    with (
        serve_script(http_response(), answer) as server,
        open_transport(TransportOptions(), make_session) as (runner, transport),
    ):
        runner.run(transport.send(Request(server.url), PATIENCE))
        with pytest.raises(TransportError) as caught:
            runner.run(transport.send(Request(server.url), PATIENCE))
    return caught.value


def test_fault_82_a_new_connection_is_used_when_it_is_asked_for(make_any_session):
    """A kept connection is closed instead, and the new one is kept for the next request."""
    with (
        serve_script(http_response(b"[1]")) as server,
        open_transport(TransportOptions(), make_any_session) as (runner, transport),
    ):
        for new_connection in (False, False, True, False):
            runner.run(transport.send(Request(server.url), PATIENCE, new_connection=new_connection))
        assert [request.connection for request in server.requests] == [1, 1, 2, 2]

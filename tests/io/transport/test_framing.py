"""Framing of responses: the same bytes have the same outcome, however the network cuts them into segments."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pandas_async_io._core.errors import AttemptError, ProtocolError, TransportError
from pandas_async_io._core.models import Outcome, Request
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.transport import Transport
from tests.io.transport.sending import open_transport, send, send_failing, send_to_script
from tests.servers.scripted import PATIENCE, Action, chunked_response, http_response, serve_script
from tests.servers.segments import serve_segments

_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_TEXT = b'{"a": [1, 2]}'
_GZIP = gzip.compress(_TEXT, mtime=0)


def transfer(codings, body=b""):
    """Return a response in transfer codings."""
    return _OK + b"Transfer-Encoding: " + codings + b"\r\n\r\n" + body


def chunk(body):
    """Return a body as one chunk and the last chunk."""
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


STAYING = {
    "Content-Length": http_response(_TEXT),
    "no body": http_response(b"", status="204 No Content"),
    "interim responses first": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
    + http_response(_TEXT),
    "line feeds only in the head": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "chunks": chunked_response(_TEXT[:5], _TEXT[5:]),
    "chunk extension and trailer": _CHUNKED + b"d;a=b\r\n" + _TEXT + b"\r\n0\r\nX-Sum: 1\r\n\r\n",
    "gzip": http_response(_GZIP, "Content-Encoding: gzip"),
    "gzip, cut": http_response(_GZIP[:-9], "Content-Encoding: gzip"),
    "gzip, other bytes": http_response(_TEXT, "Content-Encoding: gzip"),
    "transfer gzip, chunked": transfer(b"gzip, chunked", chunk(_GZIP)),
    "transfer gzip, chunked in two fields": transfer(b"x-gzip\r\nTransfer-Encoding: chunked", chunk(_GZIP)),
    "transfer deflate, chunked": transfer(b"deflate, chunked", chunk(zlib.compress(_TEXT))),
    "transfer gzip, chunked, other bytes": transfer(b"gzip, chunked", chunk(_TEXT)),
    "transfer chunked, gzip": transfer(b"chunked, gzip", chunk(_GZIP)),
    "transfer chunked, chunked, x": transfer(b"chunked, chunked, x", chunk(_TEXT)),
    "transfer x, chunked": transfer(b"x, chunked", chunk(_TEXT)),
    "Content-Length and chunks": _OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(_TEXT),
    "two Content-Length": _OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "negative Content-Length": _OK + b"Content-Length: -2\r\n\r\n{}",
    "chunk size zz": _CHUNKED + b"5\r\n[1,2,\r\nzz\r\nabc\r\n0\r\n\r\n",
    "chunk size zz, second": _CHUNKED + b"3\r\n[1,\r\nzz\r\nabc\r\n0\r\n\r\n",
    "chunk size then a line feed": _CHUNKED + b"3\r\n[1,\r\n3\nabc\r\n0\r\n\r\n",
    "chunk longer than its size": _CHUNKED + b"3\r\n[1,2]\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": _CHUNKED + b"3\r\n[1,\r\n" + b"f" * 17 + b"\r\nabc",
    "status 099": http_response(_TEXT, status="099 Low"),
    "status 000": http_response(b"", status="000 Zero"),
    "status of two digits": http_response(status="99 Low"),
    "status of four digits": http_response(status="1000 High"),
    "header of 70,000 bytes": http_response(_TEXT, "X-Long: " + "a" * 70_000),
    "zero byte in a header": http_response(_TEXT, "X-Zero: a\0b"),
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
}
"""Replies after which the connection stays open."""

CLOSING = {
    "until the connection ends": _OK + b"\r\n" + _TEXT,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + _TEXT,
    "transfer gzip until the connection ends": transfer(b"gzip", _GZIP),
    "transfer x until the connection ends": transfer(b"x", _TEXT),
    "transfer x without a body": transfer(b"x"),
    "nothing": b"",
    "half a head": _OK[:-2],
    "Content-Length, cut": http_response(_TEXT, length=100),
    "chunks, cut": chunked_response(_TEXT, end=b""),
    "chunk, cut": chunked_response(_TEXT, end=b"5\r\nab"),
    "chunk size zz, then closed": _CHUNKED + b"3\r\n[1,\r\nzz\r\nabc",
    "HTTP/0.9": b'{"a": 1}\r\n\r\n',
}
"""Replies after which the server closes the connection."""

REPLIES = {**STAYING, **CLOSING}


async def _outcome(transport, server, segments):
    """Return the response or the error of one request, and the seconds since the server's last byte."""
    server.segments = segments
    try:
        response = await transport.send(Request(server.url), 30.0)
        found = (response.status, response.body)
    except AttemptError as error:
        found = (type(error).__name__, error.transient, error.received, str(error))
    return found, asyncio.get_running_loop().time() - server.last_byte_at


_CUTS = st.sets(st.integers(1, 300), max_size=6)
"""Where a reply is cut into segments, counted in bytes from its start."""


async def _compare(name, cuts, make_session):
    """Compare the outcome of a reply that is cut with that of the whole."""
    reply, closes = REPLIES[name], name in CLOSING
    places = [0, *sorted(place for place in cuts if place < len(reply)), len(reply)]
    segments = [reply[start:end] for start, end in pairwise(places)]
    async with serve_segments() as server:
        server.closes = closes
        session = make_session()
        transport = Transport(TransportOptions(), session)
        try:
            whole, _ = await _outcome(transport, server, [reply])
            found, seconds = await _outcome(transport, server, segments)
        finally:
            await transport.close()
            if session is not None:
                await session.close()
    assert found == whole
    assert seconds < 1


def test_fault_11_79_replies_have_one_outcome_however_they_are_cut(make_session):
    """Any split of any reply gives the outcome of the whole reply, within a second of the last byte."""

    @settings(max_examples=40, deadline=None)
    @given(name=st.sampled_from(sorted(REPLIES)), cuts=_CUTS)
    def check(name, cuts):
        asyncio.run(_compare(name, cuts, make_session))

    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", REPLIES)
def test_fault_11_79_each_reply_has_one_outcome_however_it_is_cut(make_session, name):
    """The same for each reply, every byte in a segment of its own included."""

    @settings(max_examples=30, deadline=None)
    @example(cuts=set(range(300)))
    @given(cuts=_CUTS)
    def check(cuts):
        asyncio.run(_compare(name, cuts, make_session))

    check()


@pytest.mark.parametrize("name", [name for name in REPLIES if "chunk size" in name or "longer than its" in name])
def test_fault_11_79_a_malformed_chunk_is_a_protocol_error_at_once(make_session, name):
    """The malformed chunk comes in a segment of its own, and the server keeps the connection or closes it."""
    head, body = REPLIES[name].split(b"\r\n\r\n", 1)
    end = [Action.CLOSE] if name in CLOSING else [Action.HANG]
    answer = [head + b"\r\n\r\n", Action.PAUSE, body[:8], Action.PAUSE, body[8:], *end]
    error = send_to_script(answer, session=make_session)
    assert isinstance(error, ProtocolError)
    assert "did not answer in HTTP" in str(error)


def test_fault_79_a_malformed_chunk_over_tls_is_a_protocol_error_at_once(serve_tls):
    """Closing TLS waits for the server's answer, so the end of the connection comes too late to tell."""
    answer = [_CHUNKED + b"3\r\n[1,\r\n", Action.PAUSE, b"zz\r\nabc", Action.HANG]
    with serve_tls(answer) as (server, options):
        error = send_failing(server.url, options=options)
    assert isinstance(error, ProtocolError)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param([transfer(b"gzip, chunked", chunk(_GZIP))], id="gzip, chunked"),
        pytest.param([transfer(b"x-gzip , CHUNKED", chunk(_GZIP))], id="x-gzip, chunked"),
        pytest.param(
            [transfer(b"deflate\r\nTransfer-Encoding: chunked", chunk(zlib.compress(_TEXT)))], id="two fields"
        ),
        pytest.param([transfer(b"gzip", _GZIP), Action.CLOSE], id="gzip until the connection ends"),
        pytest.param([transfer(b"identity", _TEXT), Action.CLOSE], id="identity"),
        pytest.param([transfer(b"deflate, gzip, chunked", chunk(gzip.compress(zlib.compress(_TEXT))))], id="both"),
    ],
)
def test_fault_80_gzip_and_deflate_as_transfer_codings_are_undone(make_session, reply):
    """RFC 9112, 7.2: the payload arrives as if it had been sent in chunks alone."""
    with serve_script(reply) as server:
        assert send(server.url, session=make_session).body == _TEXT


@pytest.mark.parametrize(
    ("codings", "body"),
    [
        pytest.param(b"chunked, gzip", chunk(_GZIP), id="chunked, gzip"),
        pytest.param(b"chunked\r\nTransfer-Encoding: gzip", chunk(_GZIP), id="chunked, gzip in two fields"),
        pytest.param(b"chunked, chunked", chunk(_TEXT), id="chunked twice"),
        pytest.param(b"chunked, chunked, x", chunk(_TEXT), id="chunked, chunked, x"),
        pytest.param(b"x, chunked", chunk(_TEXT), id="x, chunked"),
        pytest.param(b"x", _TEXT, id="x"),
        pytest.param(b"gzip, chunked", chunk(_TEXT), id="not in gzip"),
    ],
)
def test_fault_80_other_transfer_codings_are_a_protocol_error_at_once(make_session, codings, body):
    """The server keeps the connection open; the error does not wait for its end."""
    error = send_to_script([transfer(codings, body), Action.HANG], session=make_session)
    assert isinstance(error, ProtocolError)


@pytest.mark.parametrize("status", ["099 Low", "000 Zero", "042 Answer"])
def test_fault_81_a_status_below_100_is_a_protocol_error_at_once(make_session, status):
    """It is neither interim nor final, and nothing follows it."""
    error = send_to_script([http_response(_TEXT, status=status), Action.HANG], session=make_session)
    assert isinstance(error, ProtocolError)
    assert f"status {status[:3]}" in str(error)


@pytest.mark.parametrize("size", [9_000, 60_000])
def test_fault_14_headers_of_up_to_64_kib_are_accepted(make_aiohttp_or_http2, size):
    """aiohttp's own limit is 8,190 bytes."""
    with serve_script(http_response(_TEXT, "X-Long: " + "a" * size)) as server:
        assert len(send(server.url, session=make_aiohttp_or_http2).headers["X-Long"]) == size


def test_fault_14_a_longer_header_is_a_protocol_error_that_names_the_option(make_aiohttp_or_http2):
    """The message quotes nothing of the header."""
    _check_too_long(http_response(_TEXT, "X-Long: " + "a" * 70_000), make_aiohttp_or_http2)


def test_fault_14_a_longer_status_line_is_a_protocol_error_that_names_the_option(make_session):
    """HTTP/2 has none."""
    _check_too_long(http_response(_TEXT, status="200 " + "a" * 70_000), make_session)


def _check_too_long(answer, make_session):
    error = send_to_script(answer, session=make_session)
    assert isinstance(error, ProtocolError)
    assert "more than 65536 bytes: raise Client(max_field_size=...)" in str(error)
    assert "aaa" not in str(error)


def test_fault_4_a_reset_is_not_the_end_of_a_body_without_a_length(make_session):
    """Only FIN ends a body that has neither a length nor chunks."""
    error = send_to_script([_OK + b"\r\n" + _TEXT, Action.PAUSE, Action.RESET], session=make_session)
    assert isinstance(error, TransportError)
    assert "cut off" in str(error)


def test_bodies_in_two_segments_follow_each_other_on_one_connection(make_aiohttp_or_http2):
    """What waits for an error of a body does not outlive it."""
    answer = [http_response(_TEXT)[:-3], Action.PAUSE, _TEXT[-3:]]
    with (
        serve_script(answer) as server,
        open_transport(TransportOptions(), make_aiohttp_or_http2) as (runner, transport),
    ):
        bodies = [runner.run(transport.send(Request(server.url), PATIENCE)).body for _ in range(3)]
        assert server.connections == 1
    assert bodies == [_TEXT] * 3


def test_fault_79_a_malformed_chunk_ends_one_row_within_the_run(make_session):
    """The outcome of a protocol error is transport_error."""
    assert (
        send_to_script(
            [_CHUNKED + b"3\r\n[1,\r\n", Action.PAUSE, b"zz\r\nabc", Action.HANG], session=make_session
        ).outcome
        is Outcome.TRANSPORT_ERROR
    )

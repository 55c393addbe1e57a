"""Failures of servers, name servers, TLS and proxies end as errors of this package."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from contextlib import suppress

import aiohttp
import pytest

from pandas_async_io._core.errors import (
    AttemptTimeoutError,
    FetchWarning,
    ProtocolError,
    TransportError,
    UnsafeUrlError,
)
from pandas_async_io._core.models import Outcome, Request
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.exceptions import SendState, map_exception
from tests.io.transport.sending import (
    SHORT_TIMEOUT,
    fetch_outcomes,
    open_transport,
    send,
    send_failing,
    send_to_script,
    tls_context,
)
from tests.servers.scripted import (
    PATIENCE,
    Action,
    chunked_response,
    full_backlog,
    http_response,
    refused_url,
    serve_script,
    serve_socket,
)


def test_fault_1_a_refused_connection_is_transient_and_not_received():
    """Nothing listens on the port: transport_error, transient, not received."""
    error = send_failing(refused_url(), received=False)
    assert isinstance(error, TransportError)
    assert "Connection refused" in str(error)


def test_fault_2_a_connection_closed_before_the_headers_gets_one_request(make_aiohttp_or_http2):
    """The server answers the first request on a connection with FIN: one request, one error."""
    error = send_to_script([Action.CLOSE], session=make_aiohttp_or_http2)
    assert error.outcome is Outcome.TRANSPORT_ERROR


def test_fault_2_a_lost_post_is_not_repeated_and_says_why():
    """The row ends transport_error after one request, and its error names the remedy."""
    with serve_script([Action.CLOSE]) as server, pytest.warns(FetchWarning):
        outcomes = fetch_outcomes(server, method="POST", json={"a": 1})
    assert len(server.requests) == 1
    assert outcomes["outcome"].tolist() == ["transport_error"]
    assert "POST is not repeated" in outcomes["error"][0]


def test_fault_2_a_lost_get_is_repeated():
    """FIN answers two requests, a record the third: the row is ok after three attempts."""
    with serve_script([Action.CLOSE], [Action.CLOSE], http_response(b'{"a": 1}')) as server:
        outcomes = fetch_outcomes(server)
    assert outcomes[["outcome", "attempts"]].to_numpy().tolist() == [["ok", 3]]


def test_fault_3_a_reset_before_the_headers_is_named(make_aiohttp_or_http2):
    """RST instead of a response."""
    assert "Connection reset by peer" in str(send_to_script([Action.RESET], session=make_aiohttp_or_http2))


def test_fault_4_a_reset_in_the_body_discards_the_received_part(make_aiohttp_or_http2):
    """RST after a part of the body: the part is not taken for the response."""
    assert "cut off" in str(
        send_to_script([http_response(b"[1,2", length=100), Action.PAUSE, Action.RESET], session=make_aiohttp_or_http2)
    )


def test_fault_4_a_row_whose_body_was_cut_holds_the_second_response_only():
    """The received part leaves no trace in the frame."""
    with serve_script([http_response(b'{"a": 1}', length=100), Action.RESET], http_response(b'{"b": 2}')) as server:
        outcomes = fetch_outcomes(server)
    assert outcomes[["outcome", "attempts"]].to_numpy().tolist() == [["ok", 2]]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_fault_5_a_request_that_never_connects_times_out_as_not_received(method):
    """The SYN is lost: a timeout after which even a POST may be repeated."""
    with full_backlog() as url:
        error = send_failing(url, method=method, timeout=SHORT_TIMEOUT, received=False)
    assert isinstance(error, AttemptTimeoutError)
    assert "no connection" in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([http_response(b"[1,2", length=100), Action.CLOSE], id="fault_9 short Content-Length"),
        pytest.param([chunked_response(b"[1,2", end=b""), Action.CLOSE], id="fault_10 chunks cut"),
        pytest.param([chunked_response(b"[1,2", end=b"5\r\nab"), Action.CLOSE], id="fault_10 cut within a chunk"),
    ],
)
def test_fault_9_10_a_body_that_ends_early_is_an_error(make_aiohttp_or_http2, answer):
    """Content-Length or chunks announce more than arrives."""
    assert "cut off" in str(send_to_script(answer, session=make_aiohttp_or_http2))


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
        pytest.param([http_response(b"{}", "X-Odd: a\0aaa")], id="fault_12 a zero byte in a header"),
        pytest.param([http_response(b'{"a": 1}', length=2)], id="fault_73 body longer than announced"),
        pytest.param([http_response(status="99 Low")], id="fault_72 status of two digits"),
        pytest.param([http_response(status="1000 High")], id="fault_72 status of four digits"),
    ],
)
def test_fault_12_13_72_73_a_response_that_is_not_http_is_a_protocol_error_in_one_line(make_session, answer):
    """The error has no status, and its message does not quote the server."""
    error = send_to_script(answer, session=make_session)
    assert isinstance(error, ProtocolError)
    assert "did not answer in HTTP" in str(error)
    assert "\n" not in str(error)
    assert "aaa" not in str(error)


def test_fault_13_the_message_of_a_protocol_error_is_not_cut_at_an_apostrophe(make_session):
    """Both framings in one head: the parser's sentence holds "can't", and then quotes the server."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
    error = send_to_script([head + b"0\r\n\r\n", Action.HANG], session=make_session)
    assert "Content-Length can't be present with" in str(error)
    assert "5" not in str(error).partition("did not answer")[2]


def test_fault_12_a_server_that_does_not_speak_http_gets_two_requests():
    """A protocol error is repeated once, and the row has no status."""
    with serve_script([b"SSH-2.0-OpenSSH_9.6\r\n", Action.CLOSE]) as server, pytest.warns(FetchWarning):
        outcomes = fetch_outcomes(server)
    assert len(server.requests) == 2
    assert outcomes["outcome"].tolist() == ["transport_error"]
    assert outcomes["status"].isna().all()


def test_fault_47_an_unknown_name_is_permanent():
    """RFC 6761: no name under .invalid exists."""
    error = send_failing("http://nobody.invalid/", transient=False, received=False)
    assert "nobody.invalid does not resolve: is the host spelt right?" in str(error)


def test_fault_47_a_silent_name_server_is_transient():
    """The system reports EAI_AGAIN for SERVFAIL and for silence; no loopback server can provoke it."""
    silence = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    key = aiohttp.client_reqrep.ConnectionKey("e.com", 80, False, True, None, None, None)
    raised = aiohttp.ClientConnectorDNSError(key, silence)
    error = map_exception(raised, "http://e.com/", SendState(), proxy=None, timeout=1.0)
    assert isinstance(error, TransportError)
    assert (error.transient, error.received) == (True, False)


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..b.invalid", "2130706433", "127.1", "0177.0.0.1"])
def test_an_invalid_host_is_unsafe(make_session, host):
    """Labels that are too long or empty, and numbers that only some parsers take for addresses."""
    error = send_failing(f"http://{host}/", transient=False, session=make_session)
    assert isinstance(error, UnsafeUrlError)


@pytest.mark.parametrize("url", ["http://e.com:99999/", "ftp://e.com/", "/relative", "http:///x", "http://[::1/"])
def test_a_url_that_is_not_http_is_unsafe(make_session, url):
    """The transport checks URLs itself; it does not rely on earlier checks."""
    with pytest.raises(UnsafeUrlError):
        send(url, session=make_session)


def test_a_trusted_certificate_is_accepted_and_its_connection_reused(serve_tls, make_session):
    """Without this test, the refusals below would prove nothing."""
    with serve_tls(http_response(b"[1]")) as (server, options):
        with open_transport(options, make_session) as (runner, transport):
            bodies = [runner.run(transport.send(Request(server.url), PATIENCE)).body for _ in range(3)]
        assert server.connections == 1
    assert bodies == [b"[1]"] * 3


@pytest.mark.parametrize(
    ("names", "validity", "trusted", "reason"),
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
def test_fault_49_an_invalid_certificate_is_permanent(
    authority, trusting, make_session, names, validity, trusted, reason
):
    """One attempt, no request, and OpenSSL's own words."""
    served = tls_context(authority.issue_cert(*names, **validity))
    options = TransportOptions(ssl=trusting) if trusted else TransportOptions()
    with serve_script(http_response(), ssl=served) as server:
        error = send_failing(server.url, transient=False, received=False, options=options, session=make_session)
        assert server.requests == []
    assert "no trusted TLS connection" in str(error)
    assert reason in str(error)


def test_fault_49_a_server_without_tls_is_named(make_session):
    """https to a port without TLS: the error gives OpenSSL's reason, not a misleading errno."""
    with serve_socket(lambda peer: peer.sendall(peer.recv(4096) and b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        error = send_failing(f"https://{server}/", transient=False, received=False, session=make_session)
    assert "no trusted TLS connection" in str(error)
    assert "Operation not permitted" not in str(error)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_fault_49_a_missing_client_certificate_is_permanent(authority, trusting, make_session, version):
    """TLS 1.2 refuses in the handshake, TLS 1.3 after it; neither is repeated."""
    served = tls_context(authority.issue_cert("127.0.0.1"))
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
        send(f"https://{server}/", options=TransportOptions(ssl=trusting), session=make_session)
    assert not caught.value.transient


def test_fault_49_an_untrusted_certificate_costs_each_row_one_attempt(authority):
    """End to end: transport_error, attempts 1."""
    served = tls_context(authority.issue_cert("127.0.0.1"))
    with serve_script(http_response(), ssl=served) as server, pytest.warns(FetchWarning, match="TLS"):
        outcomes = fetch_outcomes(server)
    assert outcomes[["outcome", "attempts"]].to_numpy().tolist() == [["transport_error", 1]]


def test_fault_50_a_proxy_gets_the_whole_url_and_its_own_credentials(make_session):
    """A request in the clear needs no tunnel."""
    with serve_script(http_response(b"[1]")) as proxy:
        options = TransportOptions(proxy=proxy.url.replace("//", "//user:pass@"))
        response = send("http://api.example/a?b=1", options=options, session=make_session)
    assert response.body == b"[1]"
    assert proxy.requests[0].line == "GET http://api.example/a?b=1 HTTP/1.1"
    assert proxy.requests[0].headers["host"] == "api.example"
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"


def test_fault_50_a_407_is_an_error_of_the_proxy(make_session):
    """The error names the proxy and is permanent; the row gets no http_error."""
    with serve_script(http_response(status="407 Proxy Authentication Required")) as proxy:
        error = send_failing(
            "http://api.example/",
            options=TransportOptions(proxy=proxy.url),
            received=False,
            transient=False,
            session=make_session,
        )
        assert len(proxy.requests) == 1
    assert error.outcome is Outcome.TRANSPORT_ERROR
    assert f"the proxy {proxy.url} asks for other credentials (407)" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_fault_50_a_dead_proxy_is_named(make_session, scheme):
    """It may come back: transient, and nothing was received."""
    proxy = refused_url()
    error = send_failing(
        f"{scheme}://api.example/", options=TransportOptions(proxy=proxy), received=False, session=make_session
    )
    assert f"the proxy {proxy} failed: Connection refused" in str(error)


@pytest.mark.parametrize(
    ("answer", "transient", "reason"),
    [
        ([http_response(status="407 Who Are You"), Action.CLOSE], False, "asks for other credentials (407)"),
        ([http_response(status="403 Forbidden"), Action.CLOSE], False, "refuses with status 403"),
        ([http_response(status="502 Bad Gateway"), Action.CLOSE], True, "refuses with status 502"),
        ([Action.CLOSE], True, "failed: closed without an answer"),
        ([Action.RESET], True, "failed: Connection reset by peer"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n", Action.CLOSE], True, "failed"),
    ],
)
def test_fault_50_a_proxy_that_refuses_to_connect_is_named(make_session, answer, transient, reason):
    """CONNECT fails: a transport_error of the proxy, and the server received nothing."""
    with serve_script(answer) as proxy:
        error = send_failing(
            "https://api.example/",
            options=TransportOptions(proxy=proxy.url),
            received=False,
            transient=transient,
            session=make_session,
        )
        assert proxy.requests[0].line == "CONNECT api.example:443 HTTP/1.1"
        proxy.wait_for_disconnects()
    assert f"the proxy {proxy.url} {reason}" in str(error)


def test_fault_50_a_proxy_that_hangs_is_named(make_session):
    """CONNECT is never answered: a timeout, and the server received nothing."""
    with serve_script([Action.HANG]) as proxy:
        error = send_failing(
            "https://api.example/",
            options=TransportOptions(proxy=proxy.url),
            received=False,
            timeout=SHORT_TIMEOUT,
            session=make_session,
        )
        proxy.wait_for_disconnects()
    assert error.outcome is Outcome.TIMEOUT
    assert f"through the proxy {proxy.url}" in str(error)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("url", [refused_url(), "http://no-such-host.invalid"], ids=["refused", "unknown"])
def test_a_connect_failure_names_the_proxy_of_the_environment(monkeypatch, name, url):
    """It is not read; the message says which option takes it, and shows no credentials of it."""
    for each in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "http://user:s3cret@proxy.example:3128")
    with pytest.raises(TransportError) as caught:
        send(url)
    hint = f" ({name.upper()} is set, and is not read: pass Client(proxy=...) to use it)"
    assert str(caught.value).endswith(hint)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.invalid")
    with pytest.raises(TransportError) as caught:
        send(url)
    assert "PROXY" not in str(caught.value)


def test_an_unknown_authority_names_the_option_for_its_bundle(authority):
    """A certificate that is wrong for another reason does not."""
    for names, named in ((["127.0.0.1"], True), (["other.example"], False)):
        served = tls_context(authority.issue_cert(*names))
        trust = ssl.create_default_context()
        if not named:
            authority.configure_trust(trust)
        with (
            serve_script(http_response(), ssl=served) as server,
            pytest.raises(TransportError, match="no trusted TLS connection") as caught,
        ):
            send(server.url, options=TransportOptions(ssl=trust))
        assert ("pass the path of its bundle: Client(ssl='ca.pem')" in str(caught.value)) == named

"""HTTP/2: one connection to an origin, its streams, and what goes over HTTP/1.1 instead."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import ssl

import pandas as pd
import pytest
from h2.errors import ErrorCodes

import pandas_async_io as paio
from pandas_async_io._core.errors import AttemptError, ProtocolError, TransportError, UnsafeUrlError
from pandas_async_io._core.models import Request
from pandas_async_io._io.transport import connection
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.http2 import probe
from tests.io.transport.sending import open_transport, redirect_to, send, send_failing, tls_context
from tests.servers.http2 import goaway, reset_stream, send_frame, serve_http2
from tests.servers.scripted import PATIENCE, Action, http_response, serve_script

USER = http_response(b'{"a": 1}')
SETTINGS_ON_A_STREAM = bytes([0, 0, 0, 4, 0, 0, 0, 0, 1])
"""A frame that RFC 9113, 6.5 forbids."""


@pytest.fixture
def serve(authority):
    """Return what serves a script over HTTP/2."""
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    return lambda *answers, **options: serve_http2(*answers, context=tls_context(certificate), **options)


@pytest.fixture
def options(trusting_bundle):
    """Return options that use HTTP/2."""
    return TransportOptions(http2=True, ssl=trusting_bundle)


@pytest.fixture
def fetch(authority, tmp_path):
    """Return what fetches rows end to end."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)

    def run(server, rows, template="/x{?id}", **call):
        with paio.Client(server.url, http2=True, ssl=bundle, retry=paio.Retry(base=0.0)) as client:
            return pd.DataFrame({"id": range(rows)}).aio.fetch(template, client=client, progress=False, **call)

    return run


def test_all_rows_share_one_connection(serve, fetch):
    """A hundred requests are in flight on it at once."""
    with serve([Action.WAIT, USER]) as server:
        asyncio.run(_release_after(server, 100, fetch))
        assert server.connections == 1
        assert len(server.requests) == 100


async def _release_after(server, count, fetch):
    fetching = asyncio.create_task(asyncio.to_thread(fetch, server, count, concurrency=count))
    await asyncio.to_thread(server.wait_for_requests, count)
    server.released.set()
    frame = await fetching
    assert frame.aio.report.outcomes == {"ok": count}


def test_the_servers_limit_of_streams_caps_the_concurrency(serve, fetch):
    """The requests beyond it wait at the gate, where no timeout runs."""
    with serve(USER, max_streams=7) as server:
        frame = fetch(server, 60, concurrency=50)
    assert frame.aio.report.outcomes == {"ok": 60}
    assert max(server.in_flight) <= 7


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        pytest.param([goaway(), USER], None, id="GOAWAY, then the answer"),
        pytest.param([goaway(last=0), Action.CLOSE], None, id="GOAWAY without the answer"),
        pytest.param([reset_stream(ErrorCodes.INTERNAL_ERROR)], 41, id="a stream reset"),
        pytest.param([reset_stream(ErrorCodes.REFUSED_STREAM)], 41, id="a refused stream"),
        pytest.param([send_frame(SETTINGS_ON_A_STREAM)], None, id="a malformed frame"),
        pytest.param([Action.RESET], None, id="a lost connection"),
    ],
)
def test_fault_75_all_rows_are_ok_after_one_that_ends(serve, fetch, answer, requests):
    """The others on the connection, and those after them, are not lost."""
    with serve(USER, USER, answer, USER) as server:
        frame = fetch(server, 40, concurrency=4)
    assert frame.aio.report.outcomes == {"ok": 40}
    assert requests is None or len(server.requests) == requests


def test_fault_12_a_malformed_frame_is_a_protocol_error(serve, options):
    """Its message does not quote the server, and the next request opens another connection."""
    with serve([send_frame(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Action.HANG], USER) as server:
        with open_transport(options) as (runner, transport):
            with pytest.raises(ProtocolError, match="did not answer in HTTP/2") as caught:
                runner.run(transport.send(Request(server.url), PATIENCE))
            assert runner.run(transport.send(Request(server.url), PATIENCE)).status == 200
        assert server.connections == 2
    assert "Bad Request" not in str(caught.value)
    assert caught.value.transient


@pytest.mark.parametrize("length", [2, 100])
def test_fault_9_73_a_body_of_another_length_is_a_protocol_error(serve, options, length):
    """Longer or shorter than announced: the stream ends with an error (RFC 9113, 8.1.1)."""
    answer = [http_response(b'{"a": 1}', length=length), reset_stream(None)]
    with serve(answer) as server:
        assert isinstance(send_failing(server.url, options=options), ProtocolError)


def test_a_server_that_requires_http_1_1_gets_it(serve, options):
    """The request was not processed, and the next attempt goes over HTTP/1.1."""
    with serve([reset_stream(ErrorCodes.HTTP_1_1_REQUIRED)]) as server, open_transport(options) as (runner, transport):
        with pytest.raises(TransportError, match=r"requires HTTP/1\.1") as caught:
            runner.run(transport.send(Request(server.url), PATIENCE))
        with pytest.raises(ProtocolError, match="did not answer in HTTP: "):  # the test server knows HTTP/2 only
            runner.run(transport.send(Request(server.url), PATIENCE))
    assert (caught.value.transient, caught.value.received) == (True, False)


def test_header_values_outside_ascii_are_left_out(serve, options):
    """The library cannot show them; the rest of the header is there."""
    with serve(http_response(b"{}", "X-Name: é", "X-Other: 1", "Set-Cookie: a", "Set-Cookie: b")) as server:
        headers = send(server.url, options=options).headers
    assert headers.getall("set-cookie") == ["a", "b"]
    assert headers["X-OTHER"] == "1"
    assert "X-Name" not in headers


@pytest.mark.parametrize("name", ["Location", "Link"])
def test_a_header_that_leads_on_must_be_readable(serve, options, name):
    """Otherwise a page would pass for the last."""
    with serve(http_response(b"{}", f"{name}: /é")) as server:
        error = send_failing(server.url, options=options, transient=False)
    assert "use Client(http2=False)" in str(error)


# --- What goes over HTTP/1.1


def test_a_server_without_http2_gets_http_1_1(serve_tls, options):
    """ALPN decides; the connections are reused."""
    with serve_tls(http_response(b"[1]")) as (server, _), open_transport(options) as (runner, transport):
        bodies = [runner.run(transport.send(Request(server.url), PATIENCE)).body for _ in range(3)]
    assert bodies == [b"[1]"] * 3
    assert [request.line for request in server.requests] == ["GET / HTTP/1.1"] * 3
    assert server.connections == 2  # the first one only asked for the protocol


def test_a_request_without_tls_goes_over_http_1_1(options):
    """There is no ALPN."""
    with serve_script(http_response(b"[1]")) as server:
        assert send(server.url, options=options).body == b"[1]"


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/x?name='a'", {}), ("/a/../b", {}), ("/a/%2e%2e/b", {}), ("/x", {"Host": "other.example"})],
)
def test_what_pyreqwest_would_change_goes_over_http_1_1_unchanged(authority, options, path, headers):
    """A signature covers the target and the host as they are."""
    context = tls_context(authority.issue_cert("127.0.0.1"))
    context.set_alpn_protocols(["h2"])
    with serve_script(http_response(b"[1]"), ssl=context) as server:
        assert send(server.url + path, options=options, headers=headers).body == b"[1]"
    sent = server.requests[-1]  # the server takes the preface of the first connection for a request
    assert sent.line == f"GET {path} HTTP/1.1"
    assert sent.headers["host"] == headers.get("Host", server.url.removeprefix("https://"))


def test_fault_67_a_forked_child_uses_http_1_1(serve, serve_tls, options):
    """The library's thread stays in the parent process."""
    context = multiprocessing.get_context("fork")
    with serve(USER) as server, serve_tls(http_response(b"[1]")) as (other, _):
        send(server.url, options=options)
        results = context.Queue()
        child = context.Process(target=lambda: results.put(send(other.url, options=options).body))
        child.start()
        assert results.get(timeout=PATIENCE) == b"[1]"
        child.join(PATIENCE)


# --- Security


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_security_s8_a_private_address_is_not_connected_to(serve, options, host):
    """The connection that asks for the protocol is refused before it is made."""
    blocking = TransportOptions(http2=True, ssl=options.ssl, block_private=True)
    with serve(USER) as server:
        with pytest.raises(UnsafeUrlError, match="private address"):
            send(f"https://{host}:{server.port}/", options=blocking)
        assert server.requests == []


def test_fault_48_a_host_is_tied_to_the_address_that_was_checked(serve, options, monkeypatch):
    """The name leads elsewhere after the check: the request still goes to the checked address."""
    blocking = TransportOptions(http2=True, ssl=options.ssl, block_private=True)
    resolve = socket.getaddrinfo

    def resolve_once(host, *args, **kwargs):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("resolved again"))
        return resolve("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_once)
    monkeypatch.setattr(connection, "is_public_address", lambda _: True)
    with serve(http_response(b"[1]")) as server, monkeypatch.context() as patched:
        patched.setattr(probe, "open_alpn_context", _without_host_check)
        blocking = TransportOptions(http2=True, ssl=False, block_private=True)
        assert send(f"https://api.example.com:{server.port}/", options=blocking).body == b"[1]"


def _without_host_check(_):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def test_fault_49_an_untrusted_certificate_is_permanent(serve):
    """One attempt, no request, and OpenSSL's own words."""
    with serve(USER) as server:
        error = send_failing(server.url, options=TransportOptions(http2=True), transient=False, received=False)
        assert server.requests == []
    assert "no trusted TLS connection" in str(error)
    assert "unable to get local issuer certificate" in str(error)


def test_security_s6_no_header_follows_a_redirect_to_another_origin(serve, options):
    """Userinfo in the URL becomes a header of its own origin only."""
    with serve(http_response(b"[1]")) as other, serve(redirect_to(f"{other.url}/b")) as server:
        follow = TransportOptions(http2=True, ssl=options.ssl, follow="any")
        url = server.url.replace("//", "//user:s3cret@")
        assert send(url, options=follow, headers={"X-API-Key": "s3cret"}).body == b"[1]"
    assert server.requests[0].headers["authorization"] == "Basic dXNlcjpzM2NyZXQ="
    assert server.requests[0].headers["x-api-key"] == "s3cret"
    assert "s3cret" not in str(other.requests)
    assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([Action.CLOSE], id="closed"),
        pytest.param([Action.HANG], id="hang"),
        pytest.param([goaway(ErrorCodes.ENHANCE_YOUR_CALM, b"s3cret", last=0), Action.CLOSE], id="goaway"),
        pytest.param([send_frame(b"s3cret" * 10)], id="malformed"),
        pytest.param([http_response(b"[1", length=9), Action.CLOSE], id="cut"),
    ],
)
def test_security_s11_no_error_repeats_a_secret(serve, options, answer, caplog):
    """Of the URL, the headers, the body or the server."""
    with serve(answer) as server:
        url = server.url.replace("//", "//user:s3cret@") + "/x?api_key=s3cret"
        with pytest.raises(AttemptError) as caught:
            send(url, options=options, timeout=0.5, method="POST", headers={"X-Key": "s3cret"}, body=b"s3cret")
    error = caught.value
    assert error.__context__ is None
    assert error.__cause__ is None
    assert "s3cret" not in f"{error!r} {vars(error)} {caplog.text}"


@pytest.mark.parametrize("value", ["1\r\nX-B: 2", "1\n", "1\0"])
def test_security_s4_line_breaks_in_headers_are_refused(serve, options, value):
    """As in HTTP/1.1, where they would begin another header."""
    with serve(USER) as server:
        with pytest.raises(UnsafeUrlError, match="line break"):
            send(server.url, options=options, headers={"X-A": value})
        assert server.requests == []


# --- Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"http2": "yes"}, "http2='yes': pass True or False"),
        (
            {"http2": True, "ssl": ssl.create_default_context()},
            "http2=True can't use an SSLContext: pass ssl= the path",
        ),
    ],
    ids=["flag", "SSLContext"],
)
def test_what_http2_cannot_keep_raises_when_the_client_is_made(options, message):
    """The message names the option."""
    with pytest.raises(paio.PlanError, match=message):
        paio.Client("https://e.com", **options)


def test_without_pyreqwest_the_message_names_the_extra(monkeypatch):
    """Nothing else of the package needs it."""
    monkeypatch.setattr("pandas_async_io._io.transport.options.find_spec", lambda _: None)
    with pytest.raises(paio.PlanError, match=r"pandas-async-io\[http2\]"):
        paio.Client("https://e.com", http2=True)


def test_fault_50_a_proxy_carries_http2_through_its_tunnel(serve, options):
    """With its own credentials, and without the request's headers."""
    with serve(http_response(b"[1]")) as server, serve_script([Action.TUNNEL]) as proxy:
        through = TransportOptions(http2=True, ssl=options.ssl, proxy=proxy.url.replace("//", "//user:pass@"))
        assert send(f"{server.url}/x", options=through, headers={"X-Key": "k"}).body == b"[1]"
    assert server.requests[0].line == "GET /x HTTP/2"
    assert "proxy-authorization" not in server.requests[0].headers
    assert [each.headers["proxy-authorization"] for each in proxy.requests] == ["Basic dXNlcjpwYXNz"] * 2
    assert all("x-key" not in each.headers for each in proxy.requests)


def test_fault_50_a_407_is_an_error_of_the_proxy(options):
    """It is permanent, and the server received nothing."""
    with serve_script([http_response(status="407 Who"), Action.CLOSE]) as proxy:
        through = TransportOptions(http2=True, ssl=options.ssl, proxy=proxy.url)
        error = send_failing("https://api.example/", options=through, transient=False, received=False)
    assert f"the proxy {proxy.url} asks for other credentials (407)" in str(error)

"""Security: values of rows, redirects, addresses and proxies neither redirect requests nor reveal secrets."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import traceback
import warnings
from contextlib import contextmanager

import aiohttp
import httpx
import httpx2
import pandas as pd
import pytest
import trustme

import pandas_async_io as paio
from pandas_async_io._core.errors import AttemptError, FetchWarning, UnsafeUrlError
from pandas_async_io._core.models import Request
from pandas_async_io._io.transport import connection
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.transport import Transport
from tests.io.transport.sending import redirect_to, send
from tests.servers.scripted import PATIENCE, Action, chunked_response, http_response, refused_url, serve_script

CANARY = "c4n4ry-s3cret"

SESSIONS = [
    pytest.param(None, id="own connections"),
    pytest.param(aiohttp.ClientSession, id="session"),
    pytest.param(httpx.AsyncClient, id="httpx"),
    pytest.param(httpx2.AsyncClient, id="httpx2"),
]
"""What creates the caller's session, if there is one."""


def fetch(server, template, values, **options):
    """Fetch a row per value of the column ``v``; return the outcomes and the request lines at the server."""
    with paio.Client(server.url, **options) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", FetchWarning)
        frame = pd.DataFrame({"v": values}).aio.fetch(template, client=client, progress=False)
    return frame.aio.outcomes["outcome"].tolist(), sorted(request.line.split()[1] for request in server.requests)


# --- Values of rows in the URL


@pytest.mark.parametrize("value", [".", "..", "%2e", "%2E%2E", "../admin", "a/../../b"])
def test_security_s1_a_path_value_with_dot_segments_is_never_sent(value):
    """A dot segment, plain, encoded or within the value, ends the row as unsafe_url."""
    with serve_script(http_response(b'{"a": 1}')) as server:
        assert fetch(server, "/files/{v}", [value]) == (["unsafe_url"], [])


@pytest.mark.parametrize("value", ["..;/admin", "a/..;x=1/b", ".;", "..%3b/x"])
def test_security_s1_a_dot_segment_with_a_parameter_is_never_sent(value):
    """A Java server would take ``..;`` for ``..``."""
    with serve_script(http_response(b'{"a": 1}')) as server:
        assert fetch(server, "/files/{+v}", [value, "a;x=1/b..;"]) == (["unsafe_url", "ok"], ["/files/a;x=1/b..;"])


def test_security_s1_a_value_with_slashes_stays_one_segment():
    """Its slashes are encoded."""
    with serve_script(http_response(b'{"a": 1}')) as server:
        assert fetch(server, "/files/{v}", ["a/b", "...", "a..b"])[1] == [
            "/files/...",
            "/files/a%2Fb",
            "/files/a..b",
        ]


@pytest.mark.parametrize("value", ["@evil.example", "//evil.example", "\\evil.example", "http://evil.example/"])
def test_security_s2_a_value_never_names_the_host(value):
    """The request goes to the template's server, with the value as one encoded segment."""
    with serve_script(http_response(b'{"a": 1}')) as server:
        outcomes, lines = fetch(server, "/{v}", [value])
    assert outcomes == ["ok"]
    assert lines[0].count("/") == 1
    assert server.requests[0].headers["host"] == server.url.removeprefix("http://")


def test_security_s2_a_host_from_a_column_needs_allow_hosts():
    """Without allow_hosts, a template with a host from rows raises before anything is sent."""
    with serve_script(http_response()) as server, pytest.raises(paio.PlanError, match="allow_hosts"):
        pd.DataFrame({"host": [server.url.removeprefix("http://")]}).aio.fetch("http://{host}/", progress=False)
    assert server.requests == []


def test_security_s3_a_value_adds_no_parameter_and_no_fragment():
    """``?``, ``#``, ``&``, ``;`` and ``=`` are encoded."""
    with serve_script(http_response(b'{"a": 1}')) as server:
        _, lines = fetch(server, "/x{?v}", ["1&admin=1", "1#top", "1;b=2", "1?c=3"])
    assert lines == ["/x?v=1%23top", "/x?v=1%26admin%3D1", "/x?v=1%3Bb%3D2", "/x?v=1%3Fc%3D3"]


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "a\nb", "a\0b", "a\x7f"])
def test_security_s4_control_characters_are_not_sent(value):
    """They are neither encoded nor dropped: the row ends unsafe_url."""
    with serve_script(http_response()) as server:
        assert fetch(server, "/{v}", [value]) == (["unsafe_url"], [])


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize(
    "request_",
    [
        {"headers": {"X-A": "1\r\nX-B: 2"}},
        {"headers": {"X-A\r\nX-B": "2"}},
        {"headers": {"X-A": "1\0"}},
        {"headers": {"X-A": "1\n"}},
    ],
)
def test_security_s4_the_transport_refuses_line_breaks_in_headers(session, request_):
    """It does not rely on earlier checks: no second header line is sent."""
    with serve_script(http_response()) as server:
        with pytest.raises((AttemptError, ValueError)):
            send(server.url, session=session, **request_)
        assert server.requests == []


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: 1", "/ä", "/a\tb"])
def test_security_s4_the_transport_refuses_a_target_that_is_not_encoded(target):
    """A space would end the target in the request line."""
    with serve_script(http_response()) as server:
        with pytest.raises(UnsafeUrlError):
            send(server.url + target)
        assert server.requests == []


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "0x7f.1", "0x7f000001"])
def test_security_s5_a_disguised_address_is_refused(host):
    """Decimal, short, octal and hexadecimal forms of 127.0.0.1 are not connected to."""
    with serve_script(http_response()) as server:
        with pytest.raises(AttemptError):
            send(f"http://{host}:{server.port}/")
        assert server.requests == []


# --- Redirects


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("follow", ["same_origin", "none"])
def test_security_s6_a_redirect_to_another_origin_is_not_followed_by_default(session, follow):
    """Another port is another origin."""
    with serve_script(http_response()) as other, serve_script(redirect_to(f"{other.url}/x")) as server:
        options = TransportOptions(follow=follow)
        if follow == "none":
            assert send(server.url, options=options, session=session).status == 302
        else:
            with pytest.raises(UnsafeUrlError, match="allow_hosts"):
                send(server.url, options=options, session=session)
        assert other.requests == []


SECRETS = {"Authorization": f"Bearer {CANARY}", "X-API-Key": CANARY, "Cookie": f"s={CANARY}"}


@pytest.mark.parametrize("options", [TransportOptions(follow="any"), TransportOptions(allow_hosts=("127.0.0.1",))])
def test_security_s6_no_header_follows_a_redirect_to_another_origin(options):
    """Keys and cookies too, not only Authorization; a redirect back does not restore them."""
    with (
        serve_script(http_response(b"[1]")) as third,
        serve_script(redirect_to(f"{third.url}/c")) as other,
        serve_script(redirect_to(f"{other.url}/b")) as server,
    ):
        response = send(server.url.replace("//", f"//u:{CANARY}@"), options=options, headers={"X-API-Key": CANARY})
    assert response.body == b"[1]"
    assert CANARY in str(server.requests)
    assert CANARY not in str(other.requests) + str(third.requests)
    assert "authorization" not in other.requests[0].headers


def test_security_s6_a_session_sends_no_credentials_to_another_origin():
    """Its headers, auth and cookies are for the origin that the caller named."""

    def session():
        return aiohttp.ClientSession(headers=SECRETS, cookies={"c": CANARY}, cookie_jar=aiohttp.CookieJar(unsafe=True))

    with serve_script(http_response(b"[1]")) as other, serve_script(redirect_to(f"{other.url}/b")) as server:
        response = send(server.url, options=TransportOptions(follow="any"), session=session)
    assert response.body == b"[1]"
    assert server.requests[0].headers["x-api-key"] == CANARY
    assert CANARY not in str(other.requests)


def test_security_s6_a_body_does_not_follow_a_redirect_to_another_origin():
    """307 and 308 would repeat it there."""
    with serve_script(http_response()) as other, serve_script(redirect_to(f"{other.url}/b", "307 Temporary")) as server:
        with pytest.raises(UnsafeUrlError, match="body"):
            send(server.url, options=TransportOptions(follow="any"), method="POST", body=CANARY.encode())
        assert other.requests == []


# --- Private addresses


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_security_s8_a_private_address_is_not_connected_to(host):
    """The resolved address decides, not the name."""
    with serve_script(http_response()) as server:
        with pytest.raises(UnsafeUrlError, match="private address") as caught:
            send(f"http://{host}:{server.port}/", options=TransportOptions(block_private=True))
        assert server.connections == 0
    assert not caught.value.transient


@pytest.mark.parametrize("address", ["127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fec0::1", "192.88.99.1"])
def test_fault_48_a_public_name_that_resolves_to_a_private_address_is_not_connected_to(monkeypatch, address):
    """The name server's answer is checked when connecting, in whatever form it writes the address."""

    def resolve(*_, **__):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        rest = (0, 0) if ":" in address else ()
        return [(family, socket.SOCK_STREAM, 6, "", (address, server.port, *rest))]

    with serve_script(http_response()) as server:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(UnsafeUrlError, match="private address") as caught:
            send(f"http://api.example.com:{server.port}/", options=TransportOptions(block_private=True))
        assert server.connections == 0
    assert address in str(caught.value)


def test_security_s8_block_private_with_a_proxy_raises():
    """The proxy would connect for us, and does not know the option."""
    with pytest.raises(paio.PlanError, match="block_private"):
        paio.Client(block_private=True, proxy="http://127.0.0.1:3128")


def test_security_s8_a_redirect_to_a_private_address_is_refused(monkeypatch):
    """The first hop counts as public here; the second is refused when connecting."""
    with serve_script(http_response()) as inner, serve_script(redirect_to(f"http://localhost:{inner.port}/")) as server:
        outer = connection.is_public_address
        monkeypatch.setattr(connection, "is_public_address", _public_first(outer))
        with pytest.raises(UnsafeUrlError, match="private address"):
            send(server.url, options=TransportOptions(block_private=True, follow="any"))
        assert (server.connections, inner.connections) == (1, 0)


def _public_first(otherwise):
    """Return a check that takes the first address for public: a test has loopback only."""
    addresses = []

    def is_public(address):
        addresses.append(address)
        return len(addresses) == 1 or otherwise(address)

    return is_public


# --- Secrets in messages


def _printed(error):
    """Return every text that an exception may print: its own and those of its contexts."""
    found = []
    while error is not None:
        found += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception_only(error))]
        assert error.__cause__ is None
        error = error.__context__
    return "\n".join(found)


FAILURES = {
    "closed": [Action.CLOSE],
    "reset": [Action.RESET],
    "hang": [Action.HANG],
    "short": [http_response(b"[1", length=9), Action.CLOSE],
    "chunks": [chunked_response(b"[1", end=b""), Action.CLOSE],
    "protocol": [f"SSH {CANARY}\r\n\r\n".encode(), Action.CLOSE],
    "echoed header": [http_response(b"", f"Set-Cookie: {CANARY * 10_000}")],
    "coding": http_response(CANARY.encode(), "Content-Encoding: gzip"),
    "too large": http_response(CANARY.encode() * 1000),
    "redirect": redirect_to(f"http://u:{CANARY}@127.0.0.1:1/?token={CANARY}"),
    "redirect scheme": redirect_to(f"ftp://u:{CANARY}@127.0.0.1:1/?token={CANARY}"),
}


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("answer", FAILURES.values(), ids=FAILURES)
def test_security_s11_no_error_repeats_a_secret(answer, session, caplog):
    """A secret in a header, the query, the userinfo, the body or the response is in no message and no log."""
    caplog.set_level(logging.DEBUG)
    with serve_script(answer) as server:
        url = server.url.replace("//", f"//user:{CANARY}@") + f"/x?api_key={CANARY}&a=1"
        with pytest.raises(AttemptError) as caught:
            send(
                url,
                options=TransportOptions(max_body=1000),
                session=session,
                method="POST",
                headers={"X-API-Key": CANARY, "Cookie": f"s={CANARY}"},
                body=CANARY.encode(),
                timeout=0.3,
            )
        assert CANARY in str(server.requests)
    assert CANARY not in _printed(caught.value)
    records = [record for record in caplog.records if not record.name.startswith("http")]  # httpx logs what it sends
    assert CANARY not in "".join(record.getMessage() for record in records)


@pytest.mark.parametrize("session", [None, aiohttp.ClientSession])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "answer",
    [None, http_response(status="407 Who"), [Action.CLOSE], [Action.RESET], [Action.HANG]],
    ids=["dead", "407", "closed", "reset", "hang"],
)
def test_security_s11_no_error_repeats_the_secret_of_a_proxy(answer, scheme, session, caplog):
    """The error names the proxy without its password."""
    caplog.set_level(logging.DEBUG)
    with serve_script(answer or http_response()) as proxy:
        where = (refused_url() if answer is None else proxy.url).replace("//", f"//user:{CANARY}@")
        options = TransportOptions(proxy=where)
        url = f"{scheme}://api.example/?token={CANARY}"
        with pytest.raises(AttemptError, match="proxy") as caught:
            send(url, options=options, session=session, timeout=0.3)
    assert CANARY not in _printed(caught.value)
    assert CANARY not in caplog.text


def test_security_s11_no_frame_and_no_warning_repeats_a_secret(caplog):
    """End to end: outcomes, failures, the warning, the frame's attrs and the client's repr."""
    caplog.set_level(logging.DEBUG)
    with serve_script([Action.CLOSE]) as server:
        client = paio.Client(server.url, auth=CANARY, headers={"X-API-Key": CANARY}, retry=1)
        with client, pytest.warns(FetchWarning) as caught:
            frame = pd.DataFrame({"id": [1]}).aio.fetch(f"/x?token={CANARY}&id={{id}}", client=client, progress=False)
        assert CANARY in str(server.requests)
    texts = [frame.aio.outcomes.to_string(), frame.aio.failures.to_string(), repr(frame.attrs), repr(client)]
    texts += [str(each.message) for each in caught]
    assert CANARY not in "\n".join([*texts, caplog.text, repr(vars(client)["_transport_options"])])


# --- TLS


@contextmanager
def serve_self_signed():
    """Serve over TLS with a certificate that no client trusts."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serve_script(http_response(b'{"a": 1}'), ssl=context) as server:
        yield server


def test_security_s13_verification_is_on_and_switched_off_for_one_client_only():
    """A client that does not verify does not affect the next one on the same server."""
    with serve_self_signed() as server:
        assert send(server.url, options=TransportOptions(ssl=False)).body == b'{"a": 1}'
        with pytest.raises(AttemptError, match="no trusted TLS"):
            send(server.url)
        assert len(server.requests) == 1


def test_security_s13_an_unverified_connection_of_a_session_is_not_shared():
    """One connector, two transports: the verifying one opens its own connection."""

    async def run(url):
        async with aiohttp.ClientSession() as session:
            careless, careful = Transport(TransportOptions(ssl=False), session), Transport(TransportOptions(), session)
            await careless.send(Request(url), PATIENCE)
            with pytest.raises(AttemptError, match="no trusted TLS"):
                await careful.send(Request(url), PATIENCE)

    with serve_self_signed() as server:
        asyncio.run(run(server.url))


def test_security_s13_a_client_that_does_not_verify_warns_in_each_call():
    """Two calls, two warnings."""
    with serve_self_signed() as server, paio.Client(server.url, ssl=False) as client:
        for _ in range(2):
            with pytest.warns(UserWarning, match="verif"):
                pd.DataFrame({"id": [1]}).aio.fetch("/x{?id}", client=client, progress=False)


# --- Environment, cookies


def test_security_s14_the_environment_gives_no_proxy_and_no_password(monkeypatch, tmp_path):
    """HTTP_PROXY and .netrc are not read."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login u password {CANARY}")
    netrc.chmod(0o600)
    with serve_script(http_response()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, refused_url())
        monkeypatch.setenv("NETRC", str(netrc))
        assert send(server.url).status == 200
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("session", [None, aiohttp.ClientSession])
def test_security_s14_a_proxys_credentials_stop_at_the_proxy(session):
    """Through a tunnel the server receives its own request only."""
    authority = trustme.CA()
    served, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(served)
    authority.configure_trust(trusting)
    with serve_script(http_response(b"[1]"), ssl=served) as server, serve_script([Action.TUNNEL]) as proxy:
        options = TransportOptions(ssl=trusting, proxy=proxy.url.replace("//", f"//user:{CANARY}@"))
        assert send(f"{server.url}/x", options=options, session=session, headers={"X-Key": "k"}).body == b"[1]"
    assert "proxy-authorization" in proxy.requests[0].headers
    assert "proxy-authorization" not in server.requests[0].headers
    assert "x-key" not in proxy.requests[0].headers
    assert server.requests[0].line == "GET /x HTTP/1.1"


def test_security_s16_cookies_are_not_stored():
    """The next row does not send the cookie that a row received."""
    with serve_script(http_response(b'{"a": 1}', f"Set-Cookie: session={CANARY}")) as server:
        fetch(server, "/{v}", [1, 2, 3], concurrency=1)
    assert len(server.requests) == 3
    assert all("cookie" not in request.headers for request in server.requests)

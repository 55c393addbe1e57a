"""Fixtures of the transport's tests."""

from __future__ import annotations

import gc
import ssl
from contextlib import contextmanager

import aiohttp
import httpx
import httpx2
import pytest
import trustme

from pandas_async_io._io.transport.connection import TransportOptions
from tests.io.transport import sending
from tests.io.transport.sending import tls_context
from tests.servers import scripted
from tests.servers.http2 import serve_http2
from tests.servers.scripted import serve_script

SESSION_TYPES = {"session": aiohttp.ClientSession, "httpx": httpx.AsyncClient, "httpx2": httpx2.AsyncClient}


@pytest.fixture(autouse=True)
def _collect_garbage():
    """Collect after each test: an unclosed socket, session or transport warns, and a warning is an error."""
    gc.freeze()  # older objects are not this test's, and take long to search
    yield
    gc.collect()
    gc.unfreeze()


@pytest.fixture(params=["own connections", "session"])
def make_session(request):
    """Return what creates the caller's session, if the transport is to use one; the framing is aiohttp's."""
    return SESSION_TYPES.get(request.param, lambda: None)


@pytest.fixture(params=["own connections", *SESSION_TYPES])
def make_any_session(request):
    """Return what creates the caller's session, if the transport is to use one."""
    return SESSION_TYPES.get(request.param, lambda: None)


@pytest.fixture(params=["own connections", *SESSION_TYPES, "http2"])
def make_any_sender(request):
    """Return what creates the caller's session, if there is one; or let servers and transports speak HTTP/2."""
    if request.param == "http2":
        request.getfixturevalue("_over_http2")
    return SESSION_TYPES.get(request.param, lambda: None)


@pytest.fixture(params=["own connections", "session", "http2"])
def make_aiohttp_or_http2(request):
    """Return the same without httpx, whose framing is its own."""
    if request.param == "http2":
        request.getfixturevalue("_over_http2")
    return SESSION_TYPES.get(request.param, lambda: None)


@pytest.fixture
def _over_http2(monkeypatch, authority, trusting_bundle):
    certificate = authority.issue_cert("127.0.0.1")
    serve = [lambda *answers: serve_http2(*answers, context=tls_context(certificate))]
    monkeypatch.setattr(sending, "http2_trust", [trusting_bundle])
    monkeypatch.setattr(scripted, "serve_instead", serve)


@pytest.fixture(scope="module")
def trusting_bundle(authority):
    """Return what the path of a CA bundle becomes: a context that trusts the authority only."""
    return ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())


@pytest.fixture(scope="module")
def authority():
    """Return a certificate authority."""
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority):
    """Return a client's TLS context that trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def serve_tls(authority, trusting):
    """Return what serves a script over TLS; it yields the server and options that trust it."""

    @contextmanager
    def start(*answers):
        with serve_script(*answers, ssl=tls_context(authority.issue_cert("127.0.0.1"))) as server:
            yield server, TransportOptions(ssl=trusting)

    return start

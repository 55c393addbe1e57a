"""The option ``ssl``: whatever is passed, certificates are verified unless it is False."""

import ssl
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import trustme

import pandas_async_io as paio
from pandas_async_io._io.transport.tls import load_ssl
from tests.io.transport.sending import tls_context
from tests.servers.scripted import http_response, serve_script


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory):
    """Return the path of a CA bundle with the authority's certificate."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="module")
def other_bundle(tmp_path_factory):
    """Return the path of a CA bundle with another authority's certificate."""
    path = tmp_path_factory.mktemp("other") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


@contextmanager
def serve_certified(authority):
    """Serve one record over TLS, with a certificate of the authority."""
    with serve_script(http_response(b'{"a": 1}'), ssl=tls_context(authority.issue_cert("127.0.0.1"))) as server:
        yield server


def fetch(server, value):
    """Fetch one row with a bearer token; return the outcome."""
    with paio.Client(server.url, ssl=value, auth="s3cret") as client:
        return pd.DataFrame({"id": [1]}).aio.fetch("/{id}", client=client).aio.outcomes["outcome"].item()


@pytest.mark.parametrize("kind", [str, Path], ids=["str", "Path"])
def test_security_s13_the_path_of_a_ca_bundle_is_loaded(authority, bundle, kind):
    """Its authorities are trusted."""
    with serve_certified(authority) as server:
        assert fetch(server, kind(bundle)) == "ok"
        assert server.requests[0].headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("value", [None, True, np.True_, "other bundle"], ids=str)
def test_fault_49_an_untrusted_certificate_gets_no_token(authority, other_bundle, value):
    """The handshake ends the attempt before a request is sent."""
    with serve_certified(authority) as server:
        with pytest.warns(paio.FetchWarning, match="no trusted TLS connection"):
            assert fetch(server, other_bundle if value == "other bundle" else value) == "transport_error"
        assert server.requests == []


@pytest.mark.parametrize("value", [False, np.False_], ids=["bool", "np.bool_"])
def test_security_s13_only_false_switches_verification_off(authority, value):
    """Each call warns."""
    with serve_certified(authority) as server, pytest.warns(paio.FetchWarning, match="certificates are not verified"):
        assert fetch(server, value) == "ok"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("missing.pem", "ssl='missing.pem' is not a CA bundle: No such file"),
        (Path("missing.pem"), "is not a CA bundle: No such file"),
        ("", "ssl='' is not a CA bundle"),
        ("\ud800", "is not a CA bundle"),
        (Path(__file__), "is not a CA bundle: .*certificate"),
        (0, "ssl=0: pass True, False"),
        (b"ca.pem", "pass True, False, an ssl.SSLContext or the path of a CA bundle"),
        (float("nan"), "ssl=nan: pass True"),
        ([], r"ssl=\[\]: pass True"),
        (ssl.SSLContext, "pass True"),
        (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "a server's SSLContext"),
    ],
    ids=["file", "path", "empty", "surrogate", "no pem", "0", "bytes", "nan", "list", "class", "server"],
)
def test_security_s13_any_other_value_raises_when_the_client_is_made(value, message):
    """It does not switch verification off."""
    with pytest.raises(paio.PlanError, match=message):
        paio.Client("https://e.com", ssl=value)


def test_security_s13_a_callers_context_is_used_as_it_is(trusting):
    """No copy: a certificate that is loaded into it later counts."""
    assert load_ssl(trusting) is trusting

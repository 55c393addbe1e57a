"""The same calls over HTTP/2 and over HTTP/1.1 give the same frames."""

from __future__ import annotations

import warnings

import pytest
import trustme

import pandas_async_io as paio
from tests.e2e.test_sessions import CALLS, compare
from tests.io.transport.sending import tls_context
from tests.servers.http2 import forward_to, serve_http2

_OTHER_SCHEME = {"a redirect to another origin", "pages"}
"""Calls that follow a link: the links name the server behind, without TLS, where no link from https may lead."""


@pytest.fixture(scope="module")
def authority():
    """Return a certificate authority."""
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory):
    """Return the path of its CA bundle."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def fetch(name, url, **options):
    """Make a call of the table."""
    frame, template, call = CALLS[name]
    retry = paio.Retry(base=0.0, throttle_base=0.0, patience=0.0)
    with paio.Client(url, retry=retry, max_body="20kB", **options) as client:
        return frame.aio.fetch(template, client=client, concurrency=1, progress=False, **call)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CALLS if name not in _OTHER_SCHEME])
def test_a_call_gives_the_same_over_http2(name, authority, bundle):
    """Frames, outcomes with their messages, and reports are equal but for the scheme."""
    warnings.simplefilter("ignore", paio.FetchWarning)
    warnings.simplefilter("ignore", paio.HintWarning)
    with paio.demo.serve() as url:
        expected = fetch(name, url)
    with paio.demo.serve() as url, serve_http2([forward_to(url)], context=_context(authority)) as server:
        found = fetch(name, server.url, http2=True, ssl=bundle)
        assert {request.line.split()[-1] for request in server.requests} == {"HTTP/2"}
    compare(found, expected)


def test_a_link_from_https_to_http_is_an_outcome_of_its_row(authority, bundle):
    """Each row keeps the records of its first page and is told as failed: no record is lost in silence."""
    with (
        paio.demo.serve() as url,
        serve_http2([forward_to(url)], context=_context(authority)) as server,
        pytest.warns(paio.FetchWarning, match=rf"the next page leads from https to {url}, which is not encrypted"),
    ):
        found = fetch("pages", server.url, http2=True, ssl=bundle)
    assert found.aio.report.outcomes == {"unsafe_url": 2}
    assert list(found["id_api"]) == [1, 2, 3, 11, 12, 13]
    assert len(found.aio.failures) == 2


def _context(authority):
    return tls_context(authority.issue_cert("127.0.0.1"))

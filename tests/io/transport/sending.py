"""Send requests through a transport, and return the response, the error or the outcomes."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import contextmanager
from dataclasses import replace

import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._core.errors import AttemptError
from pandas_async_io._core.models import Request
from pandas_async_io._io.transport.connection import TransportOptions
from pandas_async_io._io.transport.transport import Transport
from tests.servers.scripted import PATIENCE, http_response, serve_script

SHORT_TIMEOUT = 0.3
"""Seconds of an attempt that is meant to time out."""

LONG_BODY = b"[" + b"1," * 20_000 + b"1]"
"""A body that arrives in several pieces."""


http2_trust: list[ssl.SSLContext] = []
"""What clients trust while a fixture chooses HTTP/2; empty for HTTP/1.1."""


@contextmanager
def open_transport(options, make_session=None):
    """Yield a runner and a transport on its loop; close both at the end, and the session."""
    if http2_trust:
        options = replace(options, http2=True, ssl=http2_trust[-1])
    with asyncio.Runner() as runner:

        async def make():
            session = None if make_session is None else make_session()
            return session, Transport(options, session)

        session, transport = runner.run(make())
        try:
            yield runner, transport
        finally:
            runner.run(transport.close())
            if session is not None:
                runner.run(session.aclose() if hasattr(session, "aclose") else session.close())


def send(url, *, options=TransportOptions(), timeout=PATIENCE, session=None, **request):  # noqa: B008 - frozen
    """Send one request and return its response; `session` creates the session to use."""
    with open_transport(options, session) as (runner, transport):
        return runner.run(transport.send(Request(url, **request), timeout))


def send_failing(url, *, received=True, transient=True, **options):
    """Send one request and return the error that it ends with."""
    with pytest.raises(AttemptError) as caught:
        send(url, **options)
    error = caught.value
    assert error.__context__ is None
    assert (error.transient, error.received) == (transient, received)
    return error


def send_to_script(*answers, session=None, transient=True, **options):
    """Send one request to a scripted server; return the error, after the server has registered its end."""
    with serve_script(*answers) as server:
        error = send_failing(f"{server.url}/x", session=session, transient=transient, **options)
        server.wait_for_disconnects(server.connections)
        assert len(server.requests) == 1
        return error


def fetch_outcomes(server, **options):
    """Fetch one row end to end, without delays between attempts; return the outcomes."""
    with paio.Client(server.url, retry=paio.Retry(base=0.0)) as client:
        frame = pd.DataFrame({"id": [0]}).aio.fetch("/x{?id}", client=client, progress=False, **options)
        return frame.aio.outcomes


def redirect_to(location, status="302 Found"):
    """Return the bytes of a redirect."""
    return http_response(b"", f"Location: {location}", status=status)


def tls_context(certificate):
    """Return a server's TLS context with a certificate of trustme."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
